//! Our helper processes: what they are called, how they are started.
use std::ffi::{CStr, OsStr, OsString};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::SigSet;

use super::error::Doing as _;
use super::{AttemptDir, Error, StopReason, keeper, launch, monitor_log, shim, standby, stop};
use crate::fs::{AppendFile, PathError};
use crate::world::Clock;

/// The word that all helper command lines begin with.
pub(super) const WORD: &str = "helper";

/// The word that asks for a monitor.
pub(super) const MONITOR: &str = "monitor";

/// The folder of the run that a command line asks to be looked after.
pub fn monitor_asked_for(args: &[OsString]) -> Option<PathBuf> {
    match args {
        [word, dir, role] if word == WORD && role == MONITOR => Some(dir.into()),
        _ => None,
    }
}

/// Makes this process one of its own: without a terminal, and with no signal kept from it.
pub fn stand_alone() -> Result<(), Error> {
    // Fails only for the leader of a session, which is what we want to be.
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_name(c"bk-monitor");
    SigSet::empty().thread_set_mask().doing("unblock signals")
}

/// What a helper process is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Helper {
    /// Start the attempt, and keep its log.
    Keeper,
    /// Take charge of an attempt that nobody is in charge of.
    Adopt,
    /// Start the script and wait for it, as a child of the keeper with this number.
    Shim(i32),
    /// Become the script.
    Launch,
    /// Stop the script.
    Stop(StopReason),
    /// Stand by for the monitor with this number; of a run, not of an attempt.
    Standby(i32),
}

impl Helper {
    /// The helper that a command line asks for, and the folder of its attempt.
    pub fn asked_for(args: &[OsString]) -> Option<(Self, PathBuf)> {
        let [word, dir, role @ ..] = args else {
            return None;
        };
        let role: Vec<&str> = role.iter().filter_map(|word| word.to_str()).collect();
        let helper = match role.as_slice() {
            _ if word != WORD => return None,
            ["keeper"] => Self::Keeper,
            ["adopt"] => Self::Adopt,
            ["shim", keeper] => Self::Shim(keeper.parse().ok()?),
            ["launch"] => Self::Launch,
            ["standby", monitor] => Self::Standby(monitor.parse().ok()?),
            ["stop", reason] => Self::Stop(StopReason::of_word(reason)?),
            _ => return None,
        };
        Some((helper, dir.into()))
    }

    /// Does it, for the attempt in `dir`; returns the code to end with.
    ///
    /// Nobody reads what a helper prints, so an error goes to `helper.log`.
    pub fn run(&self, dir: &Path, clock: &Clock) -> u8 {
        let attempt = AttemptDir::new(dir);
        match self.work(attempt, clock) {
            Ok(code) => code,
            Err(error) => {
                // There is no other place left to complain.
                let _ = complain(dir, &format!("{} {self:?}: {error}\n", clock.stamp()));
                70
            }
        }
    }

    fn work(&self, dir: AttemptDir, clock: &Clock) -> Result<u8, Error> {
        self.take_name();
        match self {
            Self::Keeper => keeper::keep(dir, clock)?,
            Self::Adopt => keeper::adopt(dir, clock)?,
            Self::Shim(keeper) => shim::run(dir, clock, *keeper)?,
            Self::Launch => return launch::launch(&dir, clock),
            Self::Stop(reason) => stop(&dir, *reason, clock, || false)?,
            Self::Standby(monitor) => standby::stand_by(dir.path(), *monitor)?,
        }
        Ok(0)
    }

    /// What `ps` shows, in place of the `exe` of `/proc/self/exe`.
    fn take_name(&self) {
        let name: &CStr = match self {
            Self::Keeper | Self::Adopt => c"bk-keeper",
            Self::Shim(_) => c"bk-shim",
            Self::Standby(_) => c"bk-standby",
            Self::Launch | Self::Stop(_) => c"bk-helper",
        };
        // Only for people who look.
        let _ = rustix::thread::set_name(name);
    }

    fn words(&self) -> Vec<String> {
        match self {
            Self::Keeper => vec!["keeper".into()],
            Self::Adopt => vec!["adopt".into()],
            Self::Shim(keeper) => vec!["shim".into(), keeper.to_string()],
            Self::Launch => vec!["launch".into()],
            Self::Stop(reason) => vec!["stop".into(), reason.word().into()],
            Self::Standby(monitor) => vec!["standby".into(), monitor.to_string()],
        }
    }
}

/// Our own program, as helper processes are started from it.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// The program that this process runs, even if its file was replaced meanwhile.
    pub fn of_self() -> Self {
        Self("/proc/self/exe".into())
    }

    /// A program at `path`, for tests of this library.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// A helper for the attempt in `dir`, to be spawned; it says and reads nothing.
    pub(super) fn helper(&self, helper: &Helper, dir: &AttemptDir) -> Command {
        self.helper_in(helper, dir.path())
    }

    /// A helper for what is in `dir`.
    pub(super) fn helper_in(&self, helper: &Helper, dir: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command
            .arg(WORD)
            .arg(dir)
            .args(helper.words())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// A monitor in the background, to be spawned, which goes on with the run in `dir` as if it had
    /// been typed in `cwd`; it has our environment.
    pub fn monitor(&self, dir: &Path, cwd: &Path) -> Command {
        let log = || {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(monitor_log(dir));
            // A monitor that nobody hears is better than none.
            file.map_or_else(|_| Stdio::null(), Stdio::from)
        };
        let cwd = if cwd.is_dir() { cwd } else { Path::new("/") };
        let mut command = Command::new(&self.0);
        command
            .args([OsStr::new(WORD), dir.as_os_str(), OsStr::new(MONITOR)])
            .current_dir(cwd)
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log());
        command
    }

    pub(super) fn spawn(&self, helper: &Helper, dir: &AttemptDir) -> io::Result<Child> {
        self.helper(helper, dir).spawn()
    }
}

fn complain(dir: &Path, text: &str) -> Result<(), PathError> {
    AppendFile::open(&dir.join("helper.log"))?.append(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_helper_is_recognised_by_the_command_line_that_starts_it() {
        let helpers = [
            Helper::Keeper,
            Helper::Adopt,
            Helper::Shim(42),
            Helper::Launch,
            Helper::Stop(StopReason::Asked),
            Helper::Stop(StopReason::Timeout),
            Helper::Standby(42),
        ];
        for helper in helpers {
            let command = Program::of_self().helper(&helper, &AttemptDir::new("/a b"));
            let args: Vec<OsString> = command.get_args().map(OsString::from).collect();
            assert_eq!(Helper::asked_for(&args), Some((helper, "/a b".into())));
        }
    }

    #[test]
    fn a_monitor_is_recognised() {
        let args = |line: &str| -> Vec<OsString> { line.split(' ').map(Into::into).collect() };
        let asked = monitor_asked_for(&args("helper /a/b monitor"));
        assert_eq!(asked, Some("/a/b".into()));
        assert_eq!(monitor_asked_for(&args("run /a/b monitor")), None);
        assert_eq!(monitor_asked_for(&args("helper /a/b keeper")), None);
    }

    #[test]
    fn what_a_person_types_is_no_helper() {
        for line in [
            "helper",
            "helper x",
            "helper x keeper y",
            "helper x shim y",
            "run x keeper",
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(Helper::asked_for(&args), None, "{line}");
        }
    }
}
