//! What a run stands on is pulled away while a step runs: its records, its disks, the clock. The script
//! goes on, what happened is told, nothing is lost in silence, and the run goes on as soon as it can.
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::rc::Rc;

use serde_json::Value;

use crate::disk::{alone, skip};
use crate::env::Env;

/// Says how often it was started, speaks, waits for the test, speaks again.
const PATIENT: &str = "#!/bin/sh\necho x >> ../starts\necho before\ntouch ../running\n\
    until [ -e ../go ]; do sleep 0.02; done\necho after\ntouch ../ended\n";

/// A keep in `k` with these scripts as steps, and all that is run on it.
struct Build<'a> {
    env: &'a Env,
    preloaded: Option<PathBuf>,
}

impl<'a> Build<'a> {
    fn of(env: &'a Env, scripts: &[(&str, &str)]) -> Self {
        for (name, body) in scripts {
            env.script(&format!("s/{name}"), body);
        }
        let init = "init k --template generic --scripts s --yes";
        env.stdout(&init.split(' ').collect::<Vec<_>>());
        env.write("k/plan.toml", "schema = 1\nscripts = \"scripts\"\n");
        env.stdout(&["-C", "k", "commit", "-m", "plan"]);
        Self {
            env,
            preloaded: None,
        }
    }

    fn patient(env: &'a Env) -> Self {
        let first = ("00-first.sh", "#!/bin/sh\necho x >> ../first\n");
        let last = ("02-last.sh", "#!/bin/sh\necho x >> ../last\n");
        Self::of(env, &[first, ("01-slow.sh", PATIENT), last])
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.env.buildkeep(&["-C", "k"]);
        command.args(args).env_remove("BUILDKEEP_TEST_CLOCK");
        if let Some(library) = &self.preloaded {
            command.env("LD_PRELOAD", library);
            command.env("BUILDKEEP_CLOCK", self.env.path("clock"));
        }
        command
    }

    fn run(&self, args: &[&str]) -> String {
        self.env.shown(&self.command(args).output().unwrap())
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let output = self.command(args).arg("--json").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |line: &str| serde_json::from_str(line).unwrap();
        text.lines().map(line).collect()
    }

    /// Starts a run in the foreground, and waits until its second step runs; all that it says goes to
    /// `said`.
    fn start(&self) -> Child {
        self.start_by(self.command(&["run"]))
    }

    fn start_by(&self, mut command: Command) -> Child {
        let said = File::create(self.env.path("said")).unwrap();
        command.stdout(said.try_clone().unwrap()).stderr(said);
        let child = command.spawn().unwrap();
        until("running", || self.env.path("running").exists());
        child
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.env.path("said")).unwrap()
    }

    fn lines(&self, file: &str) -> usize {
        std::fs::read_to_string(self.env.path(file)).map_or(0, |text| text.lines().count())
    }

    /// Each script ran once, and all of them are done.
    fn is_whole(&self) {
        for file in ["first", "starts", "last"] {
            assert_eq!(self.lines(file), 1, "{file}\n{}", self.said());
        }
        let status = self.run(&["status"]);
        assert!(status.contains("3 of 3 steps done"), "{status}");
        let idle = self.run(&["run"]);
        assert!(idle.contains("nothing to run"), "{idle}");
        let fsck = self.env.command("git").args(["-C", "k", "fsck"]).output();
        assert!(fsck.unwrap().status.success());
    }
}

/// Waits for something to become true; the limit only ends a hopeless test.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("waited for: {what}");
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn mount(args: &[&str], at: &Path) {
    succeeds(Command::new("mount").args(args).arg(at));
}

/// Moves a folder onto a small disk in memory that is mounted in its place.
fn onto_disk_of(size: &str, folder: &Path) {
    let aside = folder.with_extension("aside");
    std::fs::rename(folder, &aside).unwrap();
    std::fs::create_dir(folder).unwrap();
    let options = format!("size={size},mode=755");
    mount(&["-t", "tmpfs", "-o", &options, "disk"], folder);
    let mut copy = Command::new("cp");
    succeeds(copy.arg("-a").arg(aside.join(".")).arg(folder));
    std::fs::remove_dir_all(aside).unwrap();
}

/// Fills a disk to its last block.
fn fill(folder: &Path) -> PathBuf {
    use std::io::Write as _;
    let filler = folder.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    filler
}

#[test]
fn its_records_are_deleted_under_a_run() {
    let env = Env::new();
    let build = Build::patient(&env);
    let mut run = build.start();
    std::fs::remove_dir_all(env.path("k/.buildkeep")).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(2));
    let said = build.said();
    for expected in ["was deleted while its script ran", "the script goes on"] {
        assert!(said.contains(expected), "{said}");
    }
    assert!(!env.path("ended").exists());
    env.write("go", "");
    until("the script to end", || env.path("ended").exists());
    // What was done before still is: the machine knows who it is.
    let status = build.run(&["status"]);
    assert!(
        status.contains("1 of 3 steps done") && !status.contains("another machine"),
        "{status}"
    );
    // Nobody saw how it ended, so it is built again; nothing else is.
    let again = build.run(&["run"]);
    assert!(again.contains("2 steps done"), "{again}");
    let counts = ["first", "starts", "last"].map(|file| build.lines(file));
    assert_eq!(counts, [1, 2, 1]);
}

#[test]
fn the_keep_becomes_read_only_under_a_run() {
    alone("plugs::the_keep_becomes_read_only_under_a_run", |env| {
        let build = Build::patient(env);
        let keep = env.path("k");
        let mut run = build.start();
        // What is open stays open, as on a disk that the system takes back after an error.
        mount(&["--bind", keep.to_str().unwrap()], &keep);
        mount(&["-o", "remount,bind,ro"], &keep);
        env.write("go", "");
        until("the script to end", || env.path("ended").exists());
        until("it is told", || {
            build.said().contains("the run waits until")
        });
        let status = build.run(&["status"]);
        assert!(status.contains("1 of 3 steps done"), "{status}");
        let said = build.said();
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(said.contains("findmnt --target"), "{said}");
        succeeds(Command::new("umount").arg(&keep));
        assert_eq!(run.wait().unwrap().code(), Some(0), "{}", build.said());
        assert_eq!(build.run(&["logs", "slow"]), "before\nafter\n");
        build.is_whole();
    });
}

/// The records of attempts are on a disk that is full, the history is not.
#[test]
fn the_disk_of_the_logs_is_full() {
    alone("plugs::the_disk_of_the_logs_is_full", |env| {
        let talks = "#!/bin/sh\necho x >> ../starts\necho before\ntouch ../running\n\
            until [ -e ../full ]; do sleep 0.02; done\nhead -c 3000000 /dev/zero | tr '\\0' x\n\
            touch ../spoken; until [ -e ../go ]; do sleep 0.02; done\necho after\ntouch ../ended\n";
        let first = ("00-first.sh", "#!/bin/sh\necho x >> ../first\n");
        let last = ("02-last.sh", "#!/bin/sh\necho x >> ../last\n");
        let build = Build::of(env, &[first, ("01-slow.sh", talks), last]);
        let records = env.path("k/.buildkeep");
        onto_disk_of("8m", &records);
        let mut run = build.start();
        until("the log to begin", || {
            build.run(&["logs", "slow"]) == "before\n"
        });
        let filler = fill(&records);
        env.write("full", "");
        until("the script is not held up", || env.path("spoken").exists());
        until("it is told", || build.said().contains("no space left"));
        env.write("go", "");
        until("the script to end", || env.path("ended").exists());
        std::fs::remove_file(filler).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(0), "{}", build.said());
        // What is missing is counted to the byte, and told wherever the step is.
        let shown = env.shown(&build.command(&["logs", "slow"]).output().unwrap());
        let (log, told) = shown.split_once("--- stderr\n").unwrap();
        let log = log.strip_prefix("before\n").unwrap();
        let log = log.strip_suffix("after\n").unwrap();
        assert!(log.bytes().all(|byte| byte == b'x'));
        let missing = 3_000_000 - log.len();
        assert!(missing > 0);
        let words = format!("{missing} bytes of output are missing");
        assert!(build.said().contains(&words), "{}", build.said());
        let number = |line: &str| line.split(' ').find_map(|word| word.parse::<usize>().ok());
        let counted: usize = told.lines().filter_map(number).sum();
        assert_eq!(counted, missing, "{told}");
        build.is_whole();
    });
}

/// The history is on a disk that is full, the records of attempts are not.
#[test]
fn the_disk_of_the_history_is_full() {
    alone("plugs::the_disk_of_the_history_is_full", |env| {
        let build = Build::patient(env);
        let history = env.path("k/.git");
        onto_disk_of("16m", &history);
        let mut run = build.start();
        let filler = fill(&history);
        env.write("go", "");
        until("it is told", || {
            build.said().contains("the run waits until")
        });
        // How it ended is on record, where there is room.
        let status = build.run(&["status"]);
        assert!(status.contains("2 of 3 steps done"), "{status}");
        assert_eq!(build.run(&["logs", "slow"]), "before\nafter\n");
        assert_eq!(build.lines("last"), 0);
        std::fs::remove_file(filler).unwrap();
        assert_eq!(run.wait().unwrap().code(), Some(0), "{}", build.said());
        build.is_whole();
    });
}

/// The disk under the records of a step fails: each write and each sync of whoever keeps them.
#[test]
fn the_disk_fails_under_a_run() {
    let has_strace = Command::new("strace").arg("-V").output();
    if !has_strace.is_ok_and(|output| output.status.success()) {
        return skip("a failing disk under a run", "`strace` is not installed");
    }
    for calls in [
        "fsync,fdatasync,syncfs",
        "write,pwrite64,splice",
        "rename,renameat,renameat2,linkat",
    ] {
        let env = Env::new();
        let build = Build::patient(&env);
        let records = env.path("k/.buildkeep/runs");
        let mut run = build.start();
        let pids = helpers_in(&records, &["keeper", "shim"]);
        assert_eq!(pids.len(), 2);
        let mut strace = Command::new("strace");
        for pid in &pids {
            strace.args(["-p", &pid.to_string()]);
        }
        strace.arg("-f").arg("-o").arg(env.path("trace"));
        strace.args(["-e", &format!("trace={calls}")]);
        strace.args(["-e", &format!("inject={calls}:error=EIO")]);
        let said = File::create(env.path("strace-said")).unwrap();
        let mut strace = strace.stderr(said).spawn().unwrap();
        let attached = || {
            let said = std::fs::read_to_string(env.path("strace-said")).unwrap();
            said.matches("attached").count() >= 2
        };
        until("strace to watch", attached);
        env.write("go", "");
        until("the script to end", || env.path("ended").exists());
        let trace = || std::fs::read_to_string(env.path("trace")).unwrap_or_default();
        until("a failure", || trace().contains("INJECTED"));
        // The disk works again.
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&strace),
            rustix::process::Signal::INT,
        )
        .unwrap();
        strace.wait().unwrap();
        let ended = run.wait().unwrap().code();
        assert_eq!(ended, Some(0), "{calls}: {}\n{}", build.said(), trace());
        assert_eq!(build.run(&["logs", "slow"]), "before\nafter\n", "{calls}");
        build.is_whole();
    }
}

fn helpers_in(runs: &Path, roles: &[&str]) -> Vec<i32> {
    let keep = runs.parent().unwrap().parent().unwrap();
    let pids = crate::deaths::helpers_of(keep, roles);
    pids.iter().map(|pid| pid.as_raw_nonzero().get()).collect()
}

/// The wall clock of everything, set by the scripts themselves: durations are what they were, the order
/// of things is theirs, and the newest is the newest.
#[test]
fn the_clock_jumps_back_a_day_and_forward_a_year() {
    let env = Rc::new(Env::new());
    let library = env.path("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/clock.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source);
    if !cc.output().is_ok_and(|output| output.status.success()) {
        return skip("a clock that jumps", "`cc` is not installed");
    }
    let day = "#!/bin/sh\necho before\nsleep 1.2\necho -86400 > ../clock\nsleep 1.2\necho after\n";
    let year = "#!/bin/sh\necho 31536000 > ../clock\necho b\n";
    let right = "#!/bin/sh\necho 0 > ../clock\necho c\nexit $(cat ../code)\n";
    let mut build = Build::of(
        &env,
        &[("01-a.sh", day), ("02-b.sh", year), ("03-c.sh", right)],
    );
    build.preloaded = Some(library);
    env.write("clock", "0");
    env.write("code", "3");
    let said = build.json(&["run"]);
    let ended: Vec<_> = said
        .iter()
        .filter(|line| line["event"] == "step-ended")
        .collect();
    assert_eq!(ended.len(), 3, "{said:?}");
    for line in &ended {
        let took = line["duration_s"].as_f64().unwrap();
        assert!((0.0..120.0).contains(&took), "{line}");
    }
    assert!(ended[0]["duration_s"].as_f64().unwrap() >= 2.4);
    let whole = said.last().unwrap()["duration_s"].as_f64().unwrap();
    assert!((2.4..120.0).contains(&whole), "{said:?}");
    // Its log has times from both sides of the jump, at the right places.
    let lines = build.json(&["logs", "a"]);
    let time = |line: &Value| line["time"].as_str().unwrap().to_owned();
    assert_eq!(lines.len(), 2);
    assert!(time(&lines[0]) > time(&lines[1]), "{lines:?}");
    // The attempt that comes after one of next year is the newest all the same.
    env.write("code", "0");
    assert!(build.run(&["why", "c"]).contains("exit code 3"));
    let again = build.run(&["run"]);
    assert!(again.contains("1 step done"), "{again}");
    let status = build.run(&["status"]);
    assert!(status.contains("3 of 3 steps done"), "{status}");
    let shown = build.json(&["logs", "c"]);
    assert_eq!(shown.last().unwrap()["number"], 2, "{shown:?}");
    let events = build.json(&["events"]);
    let at = |kind: &str| {
        events
            .iter()
            .rposition(|event| event["event"] == kind)
            .unwrap()
    };
    assert!(at("run-ended") + 1 == events.len(), "{events:?}");
    assert!(build.run(&["run"]).contains("nothing to run"));
}
