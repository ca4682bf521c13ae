//! What the cgroup of an attempt is for: exact totals, a pause of everything, an end of everything.
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use buildkeep::run::{
    AttemptDir, AttemptState, StopReason, UsageSource, inspect, pause, resume, stop,
};
use buildkeep::world::Clock;

use super::env::Env;
use super::run::keep;
use super::site::{Site, is_alive, kill, pids, until};

fn clock() -> Clock {
    Clock::new(chrono::Utc::now)
}

/// Whether this machine lets us have cgroups; elsewhere the same must hold without.
fn has_cgroups() -> bool {
    let site = Site::new("until [ -e go ]; do sleep 0.01; done");
    let keeper = site.start();
    until("start", || site.dir.process().exists());
    let found = site.dir.cgroup().unwrap().is_some();
    site.touch("go");
    site.follow(Some(keeper));
    found
}

/// Computes for a while, and says when it is done.
const BURN: &str = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; touch burnt";

#[test]
fn totals_have_what_nobody_waited_for() {
    let site = Site::new(&format!(
        "setsid bash -c '{BURN}' > /dev/null 2>&1 < /dev/null &\n disown; until [ -e burnt ]; do sleep 0.01; done"
    ));
    let attempt = site.run();
    let usage = attempt.exit.unwrap().usage.unwrap();
    if !has_cgroups() {
        assert_eq!(usage.source, UsageSource::Wait4);
        return;
    }
    assert_eq!(usage.source, UsageSource::Cgroup);
    let one = Site::new(BURN).run().exit.unwrap().usage.unwrap();
    assert!(
        usage.cpu_s() > one.cpu_s() / 2.0,
        "{usage:?} against {one:?}"
    );
}

#[test]
fn the_cgroup_is_recorded_while_it_is_there_and_gone_afterwards() {
    if !has_cgroups() {
        return;
    }
    let site =
        Site::new("cat /proc/self/cgroup; touch running; until [ -e go ]; do sleep 0.01; done");
    let mut keeper = site.start();
    site.until_file("running");
    let dir: PathBuf = site.dir.cgroup().unwrap().unwrap();
    let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
    until("its output", || site.text().contains(&name));
    site.touch("go");
    keeper.wait().unwrap();
    assert!(!dir.exists());
    assert_eq!(site.dir.cgroup().unwrap(), None);
}

/// Counts until it may end.
const COUNT: &str = "touch running; until [ -e go ]; do echo x >> count; sleep 0.01; done";

fn count(site: &Site) -> usize {
    super::site::lines(&site.file("count"))
}

#[test]
fn a_paused_attempt_stands_still_and_goes_on_where_it_was() {
    let site = Site::new(COUNT);
    let keeper = site.start();
    site.until_file("running");
    pause(&site.dir, &clock()).unwrap();
    until("pause", || site.inspect().state == AttemptState::Paused);
    until("standstill", || {
        let before = count(&site);
        std::thread::sleep(Duration::from_millis(60));
        before == count(&site)
    });
    let before = count(&site);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(count(&site), before);
    resume(&site.dir, &clock()).unwrap();
    until("going on", || count(&site) > before);
    site.touch("go");
    assert_eq!(site.follow(Some(keeper)).state, AttemptState::Succeeded);
}

#[test]
fn a_pause_counts_for_no_timeout() {
    let mut site = Site::new(COUNT);
    site.spec.timeout_s = Some(3);
    let keeper = site.start();
    site.until_file("running");
    pause(&site.dir, &clock()).unwrap();
    let since = clock().since_boot();
    until("the timeout", || {
        clock().since_boot() > since + Duration::from_secs(4)
    });
    assert_eq!(site.inspect().state, AttemptState::Paused);
    site.touch("go");
    resume(&site.dir, &clock()).unwrap();
    assert_eq!(site.follow(Some(keeper)).state, AttemptState::Succeeded);
}

#[test]
fn a_paused_attempt_can_be_stopped() {
    let site =
        Site::new("trap 'touch cleaned; exit 3' TERM; touch running; while :; do sleep 0.01; done");
    let keeper = site.start();
    site.until_file("running");
    pause(&site.dir, &clock()).unwrap();
    until("pause", || site.inspect().state == AttemptState::Paused);
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    let attempt = site.follow(Some(keeper));
    assert_eq!(attempt.state, AttemptState::Cancelled);
    assert!(site.file("cleaned").exists(), "it had its grace");
}

#[test]
fn a_pause_survives_all_helpers_and_so_does_its_end() {
    let site = Site::new(COUNT);
    let mut keeper = site.start();
    site.until_file("running");
    pause(&site.dir, &clock()).unwrap();
    site.kill_helper("keeper");
    site.kill_helper("shim");
    keeper.wait().unwrap();
    assert_eq!(site.inspect().state, AttemptState::Paused);
    site.touch("go");
    resume(&site.dir, &clock()).unwrap();
    assert_eq!(site.follow(None).state, AttemptState::Succeeded);
}

/// Orphans without environment in sessions of their own, which start others of the kind when told
/// to end.
const HYDRA: &str = "
hydra() { trap 'hydra & ' TERM; : $1; while :; do sleep 0.05; done; }
export -f hydra
for i in 1 2 3; do (setsid env -i PATH=$PATH bash -c \"$(declare -f hydra); : > h$i; hydra $PWD/mark\" & ); done
touch running; while :; do sleep 0.05; done
";

#[test]
fn nothing_escapes_its_end() {
    let mut site = Site::new(HYDRA);
    site.spec.grace_s = 1;
    let keeper = site.start();
    for file in ["h1", "h2", "h3", "running"] {
        site.until_file(file);
    }
    stop(&site.dir, StopReason::Asked, &clock(), || false).unwrap();
    assert_eq!(site.follow(Some(keeper)).state, AttemptState::Cancelled);
    let mark = site.file("mark").to_str().unwrap().to_owned();
    let is_left = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&mark) && is_alive(*pid)
    };
    let left: Vec<i32> = pids().into_iter().filter(is_left).collect();
    for pid in &left {
        kill(*pid);
    }
    assert_eq!(left, Vec::<i32>::new());
}

/// A command of ours in a world where no cgroup can be made; nothing if that cannot be had.
fn without_cgroups(env: &Env, args: &[&str]) -> Option<Command> {
    let script = "mount -t tmpfs none /sys/fs/cgroup && exec \"$@\"";
    let wrapped = |program: &str, args: &[&str]| {
        let mut command = env.command("unshare");
        command
            .args(["-m", "sh", "-c", script, "sh", program])
            .args(args);
        command
    };
    let is_possible = wrapped("true", &[])
        .output()
        .is_ok_and(|done| done.status.success());
    is_possible.then(|| wrapped(env!("CARGO_BIN_EXE_buildkeep"), args))
}

#[test]
fn all_of_it_works_without_cgroups() {
    let env = keep(&[(
        "01-one.sh",
        "#!/bin/bash\nsetsid sleep 600 > /dev/null 2>&1 &\necho $! > ../left\ncd ..\ntouch running; until [ -e go ]; do echo x >> count; sleep 0.01; done\n",
    )]);
    let Some(mut command) = without_cgroups(&env, &["-C", "k", "run"]) else {
        return;
    };
    let runs = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the script", || env.path("running").exists());
    let runs_dir = env.path("k/.buildkeep/runs");
    let inner = |path: PathBuf| {
        let mut entries = std::fs::read_dir(path)
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        entries.find(|path| path.is_dir()).unwrap()
    };
    let dir = AttemptDir::new(inner(inner(runs_dir)));
    assert_eq!(dir.cgroup().unwrap(), None);
    pause(&dir, &clock()).unwrap();
    until("pause", || {
        inspect(&dir).unwrap().state == AttemptState::Paused
    });
    let count = || super::site::lines(&env.path("count"));
    let before = count();
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(count(), before);
    resume(&dir, &clock()).unwrap();
    until("going on", || count() > before);
    std::fs::write(env.path("go"), "").unwrap();
    let shown = env.shown(&runs.wait_with_output().unwrap());
    let left = std::fs::read_to_string(env.path("left")).unwrap();
    let expected = format!("left running: sleep 600 (process {})", left.trim());
    let attempt = inspect(&dir).unwrap();
    kill(left.trim().parse().unwrap());
    assert!(shown.contains(&expected), "{shown}");
    let usage = attempt.exit.unwrap().usage.unwrap();
    assert_eq!(usage.source, UsageSource::Wait4);
}
