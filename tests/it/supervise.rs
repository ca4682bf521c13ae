//! What a script gets, and what is recorded of it.
use std::time::Duration;

use buildkeep::run::{Attempt, AttemptState, LeftRunning, StopReason, Unknown, excerpt, stop};
use buildkeep::world::Clock;

use super::run::keep;
use super::site::{Site, is_alive, lines, pids, until};

fn clock() -> Clock {
    Clock::new(chrono::Utc::now)
}

fn ending(body: &str) -> (Option<i32>, Option<i32>, AttemptState) {
    let attempt = Site::new(body).run();
    let exit = attempt.exit.unwrap();
    (exit.code, exit.signal, attempt.state)
}

#[test]
fn exit_codes_are_exact() {
    assert_eq!(ending("true"), (Some(0), None, AttemptState::Succeeded));
    for code in [1, 2, 126, 127, 128, 137, 255] {
        let expected = (Some(code), None, AttemptState::Failed);
        assert_eq!(ending(&format!("exit {code}")), expected);
    }
}

#[test]
fn signals_are_exact() {
    for (name, number) in [("KILL", 9), ("SEGV", 11), ("TERM", 15), ("RTMIN+1", 35)] {
        let (code, signal, state) = ending(&format!("ulimit -c 0; kill -{name} $$; sleep 60"));
        assert_eq!((code, signal), (None, Some(number)), "{name}");
        assert_eq!(state, AttemptState::Failed);
    }
}

#[test]
fn a_script_that_cannot_be_started_says_why() {
    let mut site = Site::new("true");
    site.spec.argv = vec!["/does/not/exist".into()];
    let exit = site.run().exit.unwrap();
    assert_eq!(exit.code, Some(127));
    assert!(exit.launch_error.unwrap().contains("No such file"));

    let mut site = Site::new("true");
    let data = site.env.write("data.txt", "no script\n");
    site.spec.argv = vec![data.to_str().unwrap().into()];
    let exit = site.run().exit.unwrap();
    assert_eq!(exit.code, Some(126));
    assert!(exit.launch_error.unwrap().contains("Permission denied"));

    let mut site = Site::new("true");
    site.spec.workdir = "/does/not/exist".into();
    let exit = site.run().exit.unwrap();
    assert_eq!(exit.code, Some(126));
    assert!(exit.launch_error.unwrap().contains("cannot enter"));
}

#[test]
fn output_is_byte_exact() {
    let site = Site::new(
        "printf 'no\\0text \\377\\376 \\303('; printf 'err\\r\\n\\033[31m' >&2; printf end",
    );
    site.run();
    assert_eq!(site.log(), b"no\0text \xff\xfe \xc3(err\r\n\x1b[31mend");
}

#[test]
fn ten_megabytes_of_noise_are_complete() {
    let site = Site::new("head -c 10485760 /dev/urandom | tee copy");
    site.run();
    let copy = std::fs::read(site.file("copy")).unwrap();
    assert_eq!(copy.len(), 10 << 20);
    assert!(site.log() == copy, "{} of {}", site.log().len(), copy.len());
}

#[test]
fn the_script_runs_unchanged() {
    let site = Site::new(
        "echo $0; echo $#; pwd; readlink /proc/$$/fd/0; test -p /dev/stdout && echo fifo
         ps -o sid= -p $$ | tr -d ' ' > sid; echo $$ > pid
         ls -l /proc/$$/fd | grep -c attempt",
    );
    site.run();
    let text = site.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), site.spec.argv.first().map(String::as_str));
    assert_eq!(lines.next(), Some("0"));
    assert_eq!(lines.next(), site.spec.workdir.to_str());
    assert_eq!(lines.next(), Some("/dev/null"));
    assert_eq!(lines.next(), Some("fifo"));
    assert_eq!(
        lines.next(),
        Some("2"),
        "no descriptor of ours but the output"
    );
    let read = |name: &str| std::fs::read_to_string(site.file(name)).unwrap();
    assert_eq!(read("sid"), read("pid"), "a session of its own");
}

/// Whatever whoever started us blocks and ignores: `nohup`, `make`, a program with a mask of its own.
#[test]
fn no_signal_is_blocked_or_ignored_in_a_script() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\ncat /proc/self/status\n")]);
    let mut command = env.command("env");
    command.args(["--ignore-signal", "--block-signal"]);
    command.args([env!("CARGO_BIN_EXE_buildkeep"), "-C", "k", "run"]);
    let shown = env.shown(&command.output().unwrap());
    assert!(shown.contains("1 step done"), "{shown}");
    let log = super::run::run(&env, &["logs", "one"]);
    for set in ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"] {
        let expected = format!("{set}:\t0000000000000000");
        assert!(log.lines().any(|line| line == expected), "{log}");
    }
}

#[test]
fn output_of_a_child_that_outlives_the_script_a_little_is_kept() {
    let site = Site::new("exec > >(sleep 0.3; cat); echo through a late child");
    site.run();
    assert_eq!(site.text(), "through a late child\n");
}

#[test]
fn a_daemon_left_behind_does_not_hold_the_step_up_and_stays_alive() {
    let site = Site::new(
        "(until [ -e go ] || [ $((i += 1)) -gt 1200 ]; do sleep 0.05; done; echo late; touch gone) & exit 0",
    );
    let keeper = site.start();
    let attempt = site.follow(Some(keeper));
    assert_eq!(attempt.state, AttemptState::Succeeded);
    assert!(attempt.is_guarded, "the keeper still drains");
    // It may be seen with a `sleep` of its own.
    let left = &attempt.left_running;
    let is_daemon = |left: &LeftRunning| left.command.contains("script.sh");
    assert!(left.iter().any(is_daemon), "{left:?}");
    site.touch("go");
    site.until_file("gone");
    until("the keeper to leave", || site.helper("keeper").is_none());
    assert_eq!(site.text(), "late\n");
}

#[test]
fn usage_is_recorded() {
    let attempt = Site::new("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; head -c 30000000 /dev/zero | tail -c 30000000 > /dev/null").run();
    let exit = attempt.exit.unwrap();
    let usage = exit.usage.unwrap();
    assert!(
        usage.user_s > 0.0 && usage.max_rss_bytes > 30_000_000,
        "{usage:?}"
    );
    assert!(exit.duration_s.unwrap() > 0.0);
}

/// Every process that carries the mark of this site.
fn marked(site: &Site) -> Vec<i32> {
    let mark = site.file("mark").to_str().unwrap().to_owned();
    let has_mark = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&mark) && is_alive(*pid)
    };
    pids().into_iter().filter(has_mark).collect()
}

/// Deaf to polite requests, in sessions of their own, orphaned, without environment.
const FAMILY: &str = "
trap '' TERM
mark=$PWD/mark
bash -c \"trap '' TERM; : $mark; touch a; for i in {1..60}; do sleep 1; done\" &
setsid bash -c \": $mark; touch b; for i in {1..60}; do sleep 1; done\" &
(setsid env -i /bin/bash -c \": $mark; cd $PWD; : > c; for i in {1..60}; do /bin/sleep 1; done\" & )
touch running
for i in {1..60}; do sleep 1; done
";

fn all_started(site: &Site) {
    for file in ["a", "b", "c", "running"] {
        site.until_file(file);
    }
    until("the family", || marked(site).len() == 3);
}

#[test]
fn stop_ends_all_descendants() {
    let mut site = Site::new(FAMILY);
    site.spec.grace_s = 1;
    let keeper = site.start();
    all_started(&site);
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    let attempt = site.follow(Some(keeper));
    assert_eq!(attempt.state, AttemptState::Cancelled);
    assert_eq!(attempt.exit.unwrap().signal, Some(9));
    assert_eq!(marked(&site), Vec::<i32>::new());
}

#[test]
fn stop_ends_all_descendants_when_no_helper_lives() {
    let mut site = Site::new(FAMILY);
    site.spec.grace_s = 0;
    let mut keeper = site.start();
    all_started(&site);
    site.kill_helper("keeper");
    site.kill_helper("shim");
    keeper.wait().unwrap();
    let has_cgroup = site.dir.cgroup().unwrap().is_some();
    // Orphaned, in a session of its own and without environment: only a cgroup leads to the third.
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    let attempt = site.follow(None);
    assert_eq!(attempt.state, AttemptState::Cancelled);
    let left = marked(&site);
    assert!(left.len() <= usize::from(!has_cgroup), "{left:?}");
    left.into_iter().for_each(super::site::kill);
}

#[test]
fn a_polite_script_has_its_grace() {
    let site = Site::new(
        "trap 'echo cleaning; touch cleaned; exit 3' TERM; touch running; for i in {1..1200}; do sleep 0.05; done",
    );
    let keeper = site.start();
    site.until_file("running");
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    let attempt = site.follow(Some(keeper));
    assert_eq!(attempt.state, AttemptState::Cancelled);
    assert_eq!(attempt.exit.unwrap().code, Some(3));
    assert!(site.file("cleaned").exists());
    assert!(site.text().ends_with("cleaning\n"));
}

#[test]
fn what_was_stopped_before_it_began_never_begins() {
    let site = Site::new("echo started >> starts");
    std::fs::create_dir_all(site.dir.path()).unwrap();
    let mut keeper = site.start();
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    let attempt: Attempt = {
        keeper.wait().unwrap();
        site.follow(None)
    };
    match attempt.exit.unwrap().unknown {
        Some(unknown) => {
            assert_eq!(unknown, Unknown::NeverStarted);
            assert_eq!(attempt.state, AttemptState::Cancelled);
            assert_eq!(lines(&site.file("starts")), 0);
        }
        None => assert!(lines(&site.file("starts")) <= 1),
    }
}

#[test]
fn a_script_that_takes_too_long_is_stopped_and_failed() {
    let mut site = Site::new("echo began; sleep 60");
    site.spec.timeout_s = Some(1);
    let attempt = site.run();
    assert_eq!(attempt.state, AttemptState::Failed);
    assert_eq!(attempt.stop.as_ref().unwrap().reason, StopReason::Timeout);
    assert_eq!(excerpt(&attempt).unwrap().cause, "took longer than 1 s");
}

#[test]
fn a_halted_script_is_paused() {
    let site = Site::new(
        "echo $$ > pid; touch running; until [ -e go ] || [ $((i += 1)) -gt 6000 ]; do sleep 0.01; done",
    );
    let keeper = site.start();
    site.until_file("running");
    let pid = std::fs::read_to_string(site.file("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    until("pause", || site.inspect().state == AttemptState::Paused);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    site.touch("go");
    assert_eq!(site.follow(Some(keeper)).state, AttemptState::Succeeded);
}

/// A log on a disk without room never reaches the script; what is missing is counted.
#[test]
fn a_full_disk_does_not_stop_the_script() {
    let site = Site::new(
        "head -c 3000000 /dev/zero | tr '\\0' x; touch written; until [ -e go ] || [ $((i += 1)) -gt 6000 ]; do sleep 0.01; done; echo end; exit 5",
    );
    std::fs::create_dir_all(site.dir.path()).unwrap();
    let mount = |args: &[&str]| std::process::Command::new("mount").args(args).status();
    let dir = site.dir.path().to_str().unwrap();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "none", dir]);
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root may mount");
        return;
    }
    let keeper = site.start();
    site.until_file("written");
    std::thread::sleep(Duration::from_millis(300));
    mount(&["-o", "remount,size=16m", dir]).unwrap();
    site.touch("go");
    let attempt = site.follow(Some(keeper));
    let log = site.log();
    let ended = std::fs::read_to_string(site.dir.events()).unwrap();
    std::process::Command::new("umount")
        .arg("-l")
        .arg(dir)
        .status()
        .unwrap();
    assert_eq!(attempt.exit.unwrap().code, Some(5));
    assert!(log.ends_with(b"xxxend\n"));
    let dropped = ended.rsplit_once("\"dropped_bytes\":").unwrap().1;
    let dropped: usize = dropped[..dropped.find(',').or(dropped.find('}')).unwrap()]
        .trim_end_matches('}')
        .parse()
        .unwrap();
    assert!(dropped > 0);
    assert_eq!(log.len() + dropped, 3_000_000 + 4);
}

/// What cannot be written into the attempt is noted elsewhere, and outlives all of ours.
#[test]
fn an_end_that_no_disk_takes_is_not_forgotten() {
    let site =
        Site::new("touch running; until [ -e go ]; do sleep 0.01; done; touch ended; exit 5");
    std::fs::create_dir_all(site.dir.path()).unwrap();
    let mount = |args: &[&str]| std::process::Command::new("mount").args(args).status();
    let dir = site.dir.path().to_str().unwrap();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "none", dir]);
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root may mount");
        return;
    }
    let mut keeper = site.start();
    site.until_file("running");
    let filler = site.dir.path().join("filler");
    let _ = std::fs::write(&filler, vec![0; 2 << 20]);
    site.touch("go");
    site.until_file("ended");
    let note = || {
        let me = rustix::process::geteuid().as_raw();
        let folder = std::fs::read_dir(format!("/var/tmp/buildkeep-{me}")).ok()?;
        let mut notes = folder.map(|entry| entry.unwrap().path().join("end.json"));
        notes.find(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(dir)))
    };
    until("the note", || note().is_some());
    site.kill_helper("shim");
    site.kill_helper("keeper");
    keeper.wait().unwrap();
    std::fs::remove_file(&filler).unwrap();
    let attempt = site.follow(None);
    let left = note();
    std::process::Command::new("umount")
        .arg("-l")
        .arg(dir)
        .status()
        .unwrap();
    assert_eq!(attempt.exit.unwrap().code, Some(5));
    assert_eq!(left, None, "what is on record is taken from there");
}
