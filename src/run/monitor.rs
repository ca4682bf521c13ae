//! Who looks after a run, and how another goes on with it.
use std::path::{Path, PathBuf};

use rustix::process::{Signal, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::files::{load, save};
use super::{Error, Identity};

/// So many deaths in a row are no accident any more.
const DEATHS: u32 = 5;

/// The content of `monitor.json`: all that it takes to go on with a run, but for the environment,
/// which is handed from process to process and never written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Monitor {
    /// The version of this file's format.
    pub format: u32,
    /// The process; none until one in the background has taken the run.
    pub process: Option<Identity>,
    /// Whether it has no terminal: what it says goes to `monitor.log`.
    pub is_background: bool,
    /// Since when it looks after the run, RFC 3339.
    pub since: String,
    /// When the run began, in seconds since boot.
    pub began_boot_s: f64,
    /// The keep.
    pub keep: PathBuf,
    /// The folder that the command was typed in.
    pub cwd: PathBuf,
    /// What was asked for.
    pub asked: Asked,
    /// How many monitors died one after the other, none of which got anywhere: no step ended under
    /// it, and it did not live long.
    pub deaths: u32,
    /// Whether nothing more is to be done for the run.
    pub is_over: bool,
}

/// The steps and options of a run, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// These, and what they need; all if none is named.
    pub steps: Vec<String>,
    /// None before this.
    pub from: Option<String>,
    /// None after this.
    pub until: Option<String>,
    /// Not what the named ones need.
    pub only: bool,
    /// Also what is done.
    pub force: bool,
    /// Not only until the first failure.
    pub keep_going: bool,
    /// How many at once.
    pub jobs: Option<u32>,
    /// In which order of chance.
    pub shuffle: Option<u64>,
    /// Whatever was found before.
    pub unchecked: bool,
    /// What scripts inherit otherwise than the command did.
    pub mended: Mended,
}

/// What was put right of what scripts inherit, for one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mended {
    /// Variables that they do not get.
    pub unset: Vec<String>,
    /// Whether `LFS` is the root of the plan.
    pub lfs: bool,
    /// Whether others may read what is installed.
    pub umask: bool,
}

/// The variable in which `-c` options are handed on.
pub const OVERRIDES: &str = "BUILDKEEP_HANDED_OVERRIDES";

impl Monitor {
    /// The version of the format that we write.
    pub const FORMAT: u32 = 1;

    /// Reads it from the folder of a run; none if the run has no monitor that others could replace.
    pub fn load(run: &Path) -> Result<Option<Self>, Error> {
        load(&file(run))
    }

    /// Writes it durably.
    pub fn save(&self, run: &Path) -> Result<(), Error> {
        save(&file(run), self)
    }

    /// Whether the process lives that looks after the run.
    pub fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(Identity::is_running)
    }

    /// Asks the process to stop the run; false if there is none.
    pub fn ask_to_stop(&self) -> bool {
        let fd = self.process.as_ref().and_then(Identity::open);
        fd.is_some_and(|fd| pidfd_send_signal(fd, Signal::TERM).is_ok())
    }

    /// Whether so many died that another would die too.
    pub fn dies_often(&self) -> bool {
        self.deaths >= DEATHS
    }
}

fn file(run: &Path) -> PathBuf {
    run.join("monitor.json")
}

/// Where a monitor without a terminal says what it does.
pub fn monitor_log(run: &Path) -> PathBuf {
    run.join("monitor.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back_and_a_run_may_have_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Monitor::load(dir.path()).unwrap(), None);
        let monitor = Monitor {
            process: Some(Identity::of_self().unwrap()),
            asked: Asked {
                steps: vec!["gcc".into()],
                ..Asked::default()
            },
            ..Monitor::default()
        };
        monitor.save(dir.path()).unwrap();
        let read = Monitor::load(dir.path()).unwrap().unwrap();
        assert!(read == monitor && read.is_alive());
    }
}
