//! Attempts under the real helper processes, without a keep around them.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use buildkeep::run::{
    Attempt, AttemptDir, Follower, Interrupts, Program, Redactor, Spec, Tick, boot_id, inspect,
    start,
};
use buildkeep::world::Clock;
use rustix::process::{Pid, Signal, kill_process};

use super::env::Env;

/// One attempt at one script.
pub(crate) struct Site {
    pub(crate) env: Env,
    pub(crate) dir: AttemptDir,
    pub(crate) spec: Spec,
}

impl Site {
    /// A script with this body, not started yet.
    pub(crate) fn new(body: &str) -> Self {
        let env = Env::new();
        let script = env.script("script.sh", &format!("#!/bin/bash\n{body}"));
        let spec = Spec {
            format: Spec::FORMAT,
            attempt: "A".into(),
            step: "step".into(),
            number: 1,
            argv: vec![script.to_str().unwrap().into()],
            workdir: env.work(),
            grace_s: 30,
            boot_id: boot_id().unwrap(),
            ..Spec::default()
        };
        Self {
            dir: AttemptDir::new(env.path("attempt")),
            env,
            spec,
        }
    }

    pub(crate) fn program() -> Program {
        Program::at(env!("CARGO_BIN_EXE_buildkeep"))
    }

    /// Starts it; the keeper is returned as our child.
    pub(crate) fn start(&self) -> Child {
        let mut environment = BTreeMap::<OsString, OsString>::new();
        environment.insert("PATH".into(), std::env::var_os("PATH").unwrap());
        start(&Self::program(), &self.dir, &self.spec, &environment).unwrap()
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(&self) -> Attempt {
        let keeper = self.start();
        self.follow(Some(keeper))
    }

    /// Waits for its end as a command in the foreground does, adopting it if need be.
    pub(crate) fn follow(&self, keeper: Option<Child>) -> Attempt {
        self.finish(self.follower(keeper))
    }

    pub(crate) fn follower(&self, keeper: Option<Child>) -> Follower {
        Follower::new(&Self::program(), &self.dir, keeper)
    }

    pub(crate) fn finish(&self, mut follower: Follower) -> Attempt {
        let interrupts = Interrupts::watch().unwrap();
        for _ in 0..3000 {
            match follower
                .wait(Duration::from_millis(100), &interrupts)
                .unwrap()
            {
                Tick::Over(attempt) => return *attempt,
                Tick::Running => {}
                Tick::Interrupted => panic!("nobody interrupted"),
            }
        }
        panic!("not over: {:?}", self.inspect());
    }

    pub(crate) fn inspect(&self) -> Attempt {
        inspect(&self.dir).unwrap()
    }

    /// The whole log.
    pub(crate) fn log(&self) -> Vec<u8> {
        Redactor::tail(&self.dir, 1 << 40).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.log()).unwrap()
    }

    /// The file by which the test and the script talk.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.env.path(name)
    }

    pub(crate) fn touch(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }

    pub(crate) fn until_file(&self, name: &str) {
        let file = self.file(name);
        until(name, || file.exists());
    }

    /// The helper of this attempt with this role, if it runs.
    pub(crate) fn helper(&self, role: &str) -> Option<i32> {
        let dir = self.dir.path().to_str().unwrap().to_owned();
        pids().into_iter().find(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let text = String::from_utf8_lossy(&words).into_owned();
            let words: Vec<&str> = text.split('\0').collect();
            words.get(1..4) == Some(&["helper", dir.as_str(), role]) && is_alive(*pid)
        })
    }

    /// Kills the helper with this role once it is there, and waits until it is gone.
    pub(crate) fn kill_helper(&self, role: &str) {
        until(role, || self.helper(role).is_some());
        if let Some(pid) = self.helper(role) {
            kill(pid);
        }
    }
}

/// Waits for something to become true; the limit only ends a hopeless test.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = Clock::new(chrono::Utc::now);
    let start = clock.since_boot();
    while !is_so() {
        let waited = clock.since_boot().saturating_sub(start);
        assert!(waited < Duration::from_mins(1), "waited for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn pids() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .collect()
}

/// Whether a process exists and is not a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
    !matches!(state, Some(b'Z' | b'X') | None)
}

/// Kills a process for good, and waits until it is gone.
pub(crate) fn kill(pid: i32) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    until("death", || !is_alive(pid));
}

/// How many lines a file has.
pub(crate) fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}
