//! Whoever of ours dies, at any moment of a run: no script notices, none is started twice, every exit
//! code is the true one, and no byte of output is missing.
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::env::Env;
use crate::is_long;

/// The steps of each trial: two at once, then one that needs both.
const STEPS: [&str; 3] = ["a", "b", "c"];
/// How long a trial without deaths takes, about, in milliseconds.
const SPAN: u64 = 900;
/// How much each step says.
const LINES: u32 = 6000;

/// Who dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Monitor,
    Standby,
    Keeper,
    Shim,
    /// Both at once: of the orphaned script the kernel may not tell how it ended.
    KeeperAndShim,
    MonitorAndKeeper,
    MonitorAndStandby,
    Foreground,
    /// All that a terminal could kill.
    Group,
    Terminal,
    /// All that is ours.
    All,
}

impl Victim {
    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Monitor => &["monitor"],
            Self::Standby => &["standby"],
            Self::Keeper => &["keeper"],
            Self::Shim => &["shim"],
            Self::KeeperAndShim => &["keeper", "shim", "adopt"],
            Self::MonitorAndKeeper => &["monitor", "keeper"],
            Self::MonitorAndStandby => &["monitor", "standby"],
            Self::All => &["standby", "monitor", "keeper", "shim", "adopt"],
            Self::Foreground | Self::Group | Self::Terminal => &[],
        }
    }

    /// Whether the truth about a step may get lost with them: `lost`, and built again.
    fn may_lose(self) -> bool {
        matches!(self, Self::KeeperAndShim | Self::All)
    }

    fn is_background(self) -> bool {
        !matches!(self, Self::Foreground | Self::Group | Self::Terminal)
    }
}

fn place() -> Env {
    let env = Env::new();
    for (number, step) in STEPS.iter().enumerate() {
        let half = LINES / 2;
        let script = format!(
            "#!/bin/sh\necho x >> ../starts-{step}\nseq 1 {half}\nsleep 0.2\nseq {} {LINES}\n",
            half + 1
        );
        env.script(&format!("s/0{number}-{step}.sh"), &script);
    }
    env.stdout(&[
        "init",
        "k",
        "--template",
        "generic",
        "--scripts",
        "s",
        "--yes",
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\njobs = 2\nthrottle = false\n\
        [[step]]\nid = \"a\"\nneeds = []\n[[step]]\nid = \"b\"\nneeds = []\n\
        [[step]]\nid = \"c\"\nneeds = [\"a\", \"b\"]\n";
    env.write("k/plan.toml", plan);
    env.stdout(&["-C", "k", "commit"]);
    env
}

/// Our processes in the background of this place that have one of these roles.
fn in_role(env: &Env, roles: &[&str]) -> Vec<Pid> {
    helpers_of(&env.path("k"), roles)
}

/// The same of any keep.
pub(crate) fn helpers_of(keep: &Path, roles: &[&str]) -> Vec<Pid> {
    let mark = keep.join(".buildkeep/runs").to_str().unwrap().to_owned();
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
    let is_ours = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let words: Vec<&str> = words.split('\0').collect();
        matches!(words.as_slice(), [_, "helper", dir, role, ..]
            if dir.starts_with(&mark) && roles.contains(role))
    };
    pids.filter(is_ours).filter_map(Pid::from_raw).collect()
}

/// How the run was started.
struct Started {
    child: Child,
    terminal: Option<OwnedFd>,
}

fn start(env: &Env, victim: Victim) -> Started {
    let args: &[&str] = if victim.is_background() {
        &["-C", "k", "run", "--detach"]
    } else {
        &["-C", "k", "run"]
    };
    let mut command = env.buildkeep(args);
    let mut terminal = None;
    if victim == Victim::Terminal {
        let (ours, mut on_terminal) = terminal_for(env, &command);
        terminal = Some(ours);
        let child = on_terminal.spawn().unwrap();
        return Started { child, terminal };
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.stderr(Stdio::null()).process_group(0).spawn();
    Started {
        child: child.unwrap(),
        terminal,
    }
}

/// The same command as the leader of a session on a terminal of its own.
fn terminal_for(env: &Env, command: &Command) -> (OwnedFd, Command) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = || {
        let mut options = std::fs::OpenOptions::new();
        options
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap()
    };
    let mut on_terminal = env.command("setsid");
    on_terminal
        .arg("--ctty")
        .arg(command.get_program())
        .args(command.get_args());
    on_terminal
        .stdin(theirs())
        .stdout(theirs())
        .stderr(theirs());
    (ours, on_terminal)
}

fn die(env: &Env, victim: Victim, started: &mut Started) {
    let foreground = Pid::from_child(&started.child);
    match victim {
        Victim::Foreground => drop(kill_process(foreground, Signal::KILL)),
        Victim::Group => drop(kill_process_group(foreground, Signal::KILL)),
        // The kernel hangs up on whoever has the terminal.
        Victim::Terminal => drop(started.terminal.take()),
        _ => {
            for pid in in_role(env, victim.roles()) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Waits until the run is over, as far as it gets without us; what is left, the next command does.
fn finish(env: &Env) -> Result<(), String> {
    let everybody = Victim::All.roles();
    for _ in 0..6000 {
        if in_role(env, everybody).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    for _ in 0..4 {
        let status = env.json(&["-C", "k", "status"]);
        if status["steps"]["done"] == STEPS.len() {
            return Ok(());
        }
        env.run(&["-C", "k", "run"]);
    }
    Err(format!(
        "it never ends:\n{}",
        env.run(&["-C", "k", "status"])
    ))
}

fn was_lost(env: &Env, step: &str) -> bool {
    let log = env.run(&["-C", "k", "log", "--kind", "run"]);
    log.contains(&format!("{step}#1 lost"))
}

fn look(env: &Env, victim: Victim) -> Result<(), String> {
    let numbers: Vec<String> = (1..=LINES).map(|number| number.to_string()).collect();
    let numbers = numbers.join("\n") + "\n";
    for step in STEPS {
        let starts = std::fs::read_to_string(env.path(format!("starts-{step}"))).unwrap();
        let starts = starts.lines().count();
        if starts != 1 && !(victim.may_lose() && was_lost(env, step)) {
            return Err(format!("{step} was started {starts} times"));
        }
        let log = env.stdout(&["-C", "k", "logs", step]);
        // With the last of us the pipe goes, and what is in it once the script ends, too.
        let is_whole = log == numbers || victim == Victim::All && numbers.starts_with(&log);
        if !is_whole {
            return Err(format!("the log of {step} is not what it said"));
        }
    }
    Ok(())
}

fn trial(victim: Victim, moment: u64) -> Result<(), String> {
    let env = place();
    let mut started = start(&env, victim);
    std::thread::sleep(Duration::from_millis(moment));
    die(&env, victim, &mut started);
    started.child.wait().unwrap();
    finish(&env)?;
    look(&env, victim)
}

/// Tries moments all over the run, each trial with its own.
fn trials(victim: Victim) {
    let count = if is_long() { 100 } else { 3 };
    let mut failures = Vec::new();
    for number in 0..count {
        // Spread evenly, so that a few trials see the beginning, the middle and the end.
        let moment = SPAN * (2 * number + 1) / (2 * count);
        if let Err(error) = trial(victim, moment) {
            failures.push(format!("{victim:?} after {moment} ms: {error}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

macro_rules! deaths {
    ($($name:ident: $victim:ident,)*) => {
        $(#[test]
        fn $name() {
            trials(Victim::$victim);
        })*
    };
}

deaths! {
    death_of_the_monitor: Monitor,
    death_of_the_standby: Standby,
    death_of_a_keeper: Keeper,
    death_of_a_shim: Shim,
    death_of_keeper_and_shim: KeeperAndShim,
    death_of_monitor_and_keeper: MonitorAndKeeper,
    death_of_monitor_and_standby: MonitorAndStandby,
    death_of_the_foreground: Foreground,
    death_of_its_process_group: Group,
    death_of_the_terminal: Terminal,
    death_of_all: All,
}
