//! The whole of a run stands still for a while, as on a machine that sleeps; and the number of a script
//! that is gone is given to another process.
use std::path::Path;
use std::process::Command;

use buildkeep::run::{AttemptState, Sample, StopReason, Unknown, samples, stop};
use buildkeep::world::Clock;
use rustix::process::{Pid, Signal, kill_process};

use super::background::{has, until_over};
use super::env::Env;
use super::run::{in_role, patient, run};
use super::site::{Site, is_alive, kill, pids, until};

/// All processes of a run: ours, and what the script led to.
fn all_of(env: &Env) -> Vec<i32> {
    let runs = env.path("k/.buildkeep/runs").to_str().unwrap().to_owned();
    let has = |pid: i32, file: &str, what: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(what)
    };
    let cookie = format!("BUILDKEEP_ATTEMPT={runs}");
    let mut found = pids();
    found.retain(|pid| {
        (has(*pid, "cmdline", &format!("helper\0{runs}")) || has(*pid, "environ", &cookie))
            && is_alive(*pid)
    });
    found
}

fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['T', 'Z']))
}

fn signal_all(env: &Env, signal: Signal) -> usize {
    let all = all_of(env);
    for pid in &all {
        let _ = kill_process(Pid::from_raw(*pid).unwrap(), signal);
    }
    all.len()
}

/// The folder of the only attempt.
fn attempt(env: &Env) -> std::path::PathBuf {
    let inner = |dir: &Path| {
        let entries = std::fs::read_dir(dir).unwrap();
        let dirs = entries.map(|entry| entry.unwrap().path());
        dirs.filter(|path| path.is_dir()).max().unwrap()
    };
    inner(&inner(&env.path("k/.buildkeep/runs")))
}

/// For longer than the step may take, and than samples may be apart.
const HALT_S: u64 = 20;

#[test]
fn a_run_that_was_halted_as_a_whole_goes_on_as_if_nothing_was() {
    let env = patient();
    let plan = std::fs::read_to_string(env.path("k/plan.toml")).unwrap();
    let step = "[[step]]\nid = \"slow\"\ntimeout = \"15s\"\n";
    env.write("k/plan.toml", &format!("{plan}{step}"));
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    let file = attempt(&env).join("samples");
    let noted = || samples(&file, 1000).unwrap();
    until("a sample", || !noted().is_empty());
    let ours = ["monitor", "standby", "keeper", "shim"].map(|role| in_role(&env, &[role]));
    assert!(ours.iter().all(|pids| pids.len() == 1), "{ours:?}");

    until("all to be halted", || {
        signal_all(&env, Signal::STOP) > ours.len() && all_of(&env).into_iter().all(is_stopped)
    });
    let before = noted().len();
    let clock = Clock::new(chrono::Utc::now);
    let since = clock.since_boot();
    until("time to pass", || {
        clock.since_boot().saturating_sub(since).as_secs() > HALT_S
    });
    // Whoever looks meanwhile is told, and is not held up.
    let status = run(&env, &["status"]);
    assert!(status.contains("paused slow#1"), "{status}");
    signal_all(&env, Signal::CONT);

    let is_gap = |sample: &Sample| sample.flags & Sample::GAP != 0;
    until("samples behind a gap", || noted().len() > before);
    let gaps: Vec<usize> = (0..noted().len())
        .filter(|at| is_gap(&noted()[*at]))
        .collect();
    assert!(gaps.contains(&before), "{before} {gaps:?}");
    let now = ["monitor", "standby", "keeper", "shim"].map(|role| in_role(&env, &[role]));
    assert_eq!(now, ours, "nobody took over");
    env.write("go", "");
    until_over(&env);
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 2, "{status}");
    assert!(!has(&env, "monitor-restarted") && !has(&env, "run-failed"));
    assert_eq!(run(&env, &["logs", "slow"]), "before\nafter\n");
}

#[test]
fn a_number_that_another_process_has_now_is_not_the_script() {
    let site = Site::new("echo $$ > pid; touch running; sleep 60");
    let mut keeper = site.start();
    site.until_file("running");
    let script = std::fs::read_to_string(site.file("pid")).unwrap();
    let script = script.trim().to_owned();
    site.kill_helper("shim");
    site.kill_helper("keeper");
    kill(script.parse().unwrap());
    keeper.wait().unwrap();
    let mut stranger = Command::new("sleep").arg("1000").spawn().unwrap();
    let text = std::fs::read_to_string(site.dir.process()).unwrap();
    let given = format!("\"pid\": {}", stranger.id());
    let text = text.replace(&format!("\"pid\": {script}"), &given);
    assert!(text.contains(&given), "{text}");
    std::fs::write(site.dir.process(), text).unwrap();

    assert_eq!(site.inspect().state, AttemptState::Lost);
    let clock = Clock::new(chrono::Utc::now);
    stop(&site.dir, StopReason::Timeout, &clock, || true).unwrap();
    let attempt = site.follow(None);
    assert_eq!(attempt.exit.unwrap().unknown, Some(Unknown::Lost));
    assert!(is_alive(stranger.id() as i32), "strangers are left alone");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// All die, then the number is given away: in a world of few processes, where that can be arranged.
const REUSE: &str = r#"
"$BK" -C k run --detach > /dev/null
until [ -e running ]; do sleep 0.05; done
pid=$(cat pid)
for process in /proc/[0-9]*; do
    number=${process#/proc/}
    [ "$number" = 1 ] || kill -9 "$number" 2> /dev/null
done
while [ -e /proc/$pid ]; do sleep 0.05; done
for try in {1..200}; do
    echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
    sleep 1000 &
    [ $! = "$pid" ] && break
    kill $!
done
[ $! = "$pid" ] || { echo "skipped: the number was not to be had"; exit; }
echo "--- status"; "$BK" -C k status
echo "--- stop"; "$BK" -C k stop
touch go
echo "--- run"; "$BK" -C k run
[ "$(cat /proc/$pid/comm)" = sleep ] && echo "the stranger lives"
exit 0
"#;

#[test]
fn a_number_that_the_kernel_gave_away_again_is_not_the_script() {
    let env = patient();
    let script = std::fs::read_to_string(env.path("k/scripts/01-slow.sh")).unwrap();
    let script = script.replace("echo before", "echo $$ > ../pid; echo before");
    env.script("k/scripts/01-slow.sh", &script);
    let mut world = env.command("unshare");
    world.args(["--pid", "--fork", "--mount-proc", "bash", "-c", REUSE]);
    world.env("BK", env!("CARGO_BIN_EXE_buildkeep"));
    let output = world.output().unwrap();
    let shown = env.shown(&output);
    if !rustix::process::geteuid().is_root() || shown.contains("unshare failed") {
        eprintln!("skipped: only root may have a world of its own");
        return;
    }
    if shown.contains("skipped: ") {
        eprintln!("{shown}");
        return;
    }
    assert!(shown.contains("the stranger lives"), "{shown}");
    let (status, rest) = shown.split_once("--- stop\n").unwrap();
    assert!(!status.contains("running slow#1"), "{shown}");
    let (_, built) = rest.split_once("--- run\n").unwrap();
    assert!(built.contains("2 steps done"), "{shown}");
    assert_eq!(super::site::lines(&env.path("starts")), 2);
}
