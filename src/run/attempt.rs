//! What is known of an attempt.
use std::time::Duration;

use super::duty::noted_ending;
use super::exit::{Ending, Unknown};
use super::files::load;
use super::left::left_running;
use super::pause::paused_by;
use super::process::ProcFile;
use super::{
    AttemptDir, AttemptState, Cgroup, Error, Exit, Identity, LeftRunning, Spec, Stop, Substeps,
    boot_id,
};
use crate::fs::is_locked;
use crate::store::journal;

/// An attempt, as its folder and the running processes show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Its folder.
    pub dir: AttemptDir,
    /// What was to be run.
    pub spec: Spec,
    /// How it stands.
    pub state: AttemptState,
    /// How it ended: on record once it is closed, before that as far as it can be told by now.
    pub exit: Option<Exit>,
    /// Who wanted it to end.
    pub stop: Option<Stop>,
    /// Which process became the script.
    pub process: Option<Identity>,
    /// When the script was started, RFC 3339.
    pub started: Option<String>,
    /// When the script was started, in seconds since that boot.
    pub started_boot_s: Option<f64>,
    /// What still ran when it was over.
    pub left_running: Vec<LeftRunning>,
    /// How far its script says that it is, or came.
    pub substeps: Substeps,
    /// Whether one of our processes is in charge of it.
    pub is_guarded: bool,
    /// Whether its log and its journal are complete.
    pub is_closed: bool,
}

/// Reads the attempt in `dir`; changes nothing.
pub fn inspect(dir: &AttemptDir) -> Result<Attempt, Error> {
    let spec = Spec::load(dir)?;
    // Before the rest: what those in charge write before they leave is seen then.
    let is_guarded = is_locked(&dir.lock())?;
    let file: Option<ProcFile> = load(&dir.process())?;
    let exit: Option<Exit> = load(&dir.exit())?;
    let stop: Option<Stop> = load(&dir.stop())?;
    let started = file.as_ref().and_then(|file| file.started.clone());
    let started_boot_s = file.as_ref().and_then(|file| file.started_boot_s);
    let process = file.and_then(|file| file.process);
    let mut attempt = Attempt {
        dir: dir.clone(),
        left_running: left_running(dir)?,
        is_closed: exit.is_some() && (!is_guarded || has_ended(dir)?),
        spec,
        state: AttemptState::Lost,
        exit,
        stop,
        process,
        started,
        started_boot_s,
        substeps: Substeps::default(),
        is_guarded,
    };
    attempt.fold()?;
    let took_s = attempt.exit.as_ref().and_then(|exit| exit.duration_s);
    attempt.substeps = Substeps::read(dir, started_boot_s, took_s);
    Ok(attempt)
}

fn has_ended(dir: &AttemptDir) -> Result<bool, Error> {
    let events = journal::read(&dir.events())?;
    Ok(events.iter().any(|event| event.kind == "ended"))
}

impl Attempt {
    /// For how many seconds its script has run by `now`, since boot, without the time in which it was
    /// paused.
    pub fn elapsed_s(&self, now: Duration) -> Option<f64> {
        let paused = paused_by(&self.dir, now).as_secs_f64();
        let began = self.started_boot_s?;
        Some((now.as_secs_f64() - began - paused).max(0.0))
    }

    /// Finds the state; and how it ended, if that is not on record yet.
    fn fold(&mut self) -> Result<(), Error> {
        let stat = self.process.as_ref().and_then(Identity::stat);
        let lives = self.is_guarded || stat.as_ref().is_some_and(|stat| !stat.is_zombie());
        if self.exit.is_none() && lives {
            let is_stopped = stat.is_some_and(|stat| stat.is_stopped())
                || Cgroup::of(&self.dir)?.is_some_and(|cgroup| cgroup.is_frozen());
            self.state = if is_stopped {
                AttemptState::Paused
            } else {
                AttemptState::Running
            };
            return Ok(());
        }
        let exit = if let Some(exit) = self.exit.take() {
            exit
        } else {
            let zombie = stat.and_then(|stat| stat.exit_status);
            let ending = noted_ending(&self.dir)?.or(zombie.map(Ending::from_wait_status));
            self.unrecorded(ending)?
        };
        self.state = AttemptState::of_exit(&exit, self.stop.as_ref());
        self.exit = Some(exit);
        Ok(())
    }

    /// The end that an adopter is going to put on record.
    fn unrecorded(&self, ending: Option<Ending>) -> Result<Exit, Error> {
        let unknown = match (&ending, &self.process) {
            (Some(_), _) => None,
            _ if self.spec.boot_id != boot_id()? => Some(Unknown::Reboot),
            (None, None) => Some(Unknown::NeverStarted),
            (None, Some(_)) => Some(Unknown::Lost),
        };
        let (code, signal) = match ending {
            Some(Ending::Code(code)) => (Some(code), None),
            Some(Ending::Signal(signal)) => (None, Some(signal)),
            Some(Ending::Unknown(_)) | None => (None, None),
        };
        Ok(Exit {
            code,
            signal,
            unknown,
            ..Exit::default()
        })
    }
}
