//! The runs of a keep: `.buildkeep/runs/<run>/`, with `run.json`, `events.jsonl`, and a folder for
//! each attempt.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{load, save};
use super::{Attempt, AttemptDir, Error, Monitor, inspect};
use crate::fs::{
    AtPath as _, Holder, Lock, LockError, PathError, create_dirs_durable, is_absent, is_locked,
    remove_file_durable, sweep_temporaries,
};
use crate::store::journal::{self, Check, Event};
use crate::world::Clock;

/// The content of `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The version of this file's format.
    pub format: u32,
    /// The id of the run.
    pub run: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// What was typed.
    pub argv: Vec<String>,
    /// Whether all that came of it is published; nothing more is to be done for it then.
    pub is_closed: bool,
}

/// All runs of a keep.
#[derive(Clone, Debug)]
pub struct Runs(PathBuf);

impl Runs {
    /// The runs in `.buildkeep/runs`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// Makes this process the only one that runs steps, for as long as the lock is held.
    pub fn claim(&self, me: &Holder) -> Result<Lock, Error> {
        create_dirs_durable(&self.0)?;
        let path = self.lock();
        match Lock::try_acquire(&path, me)? {
            Some(lock) => Ok(lock),
            None => Err(Error::Active {
                holder: crate::fs::holder_of(&path),
            }),
        }
    }

    /// The same, but waits for `patience`: for one who hands a run on.
    pub fn claim_within(&self, patience: Duration, me: &Holder) -> Result<Lock, Error> {
        create_dirs_durable(&self.0)?;
        match Lock::acquire(&self.lock(), me, patience) {
            Ok(lock) => Ok(lock),
            Err(LockError::Busy { holder, .. }) => Err(Error::Active { holder }),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a command runs steps at this moment.
    pub fn is_active(&self) -> Result<bool, Error> {
        Ok(is_locked(&self.lock())?)
    }

    fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Begins a run.
    pub fn begin(&self, record: RunRecord, clock: &Clock) -> Result<Run, Error> {
        let dir = self.0.join(&record.run);
        create_dirs_durable(&dir)?;
        let run = Run {
            dir,
            record,
            clock: clock.clone(),
            is_sound: Arc::default(),
        };
        save(&run.file(), &run.record)?;
        Ok(run)
    }

    /// Runs of which not all is published, oldest first: one that goes on, or that was killed.
    pub fn open(&self, clock: &Clock) -> Result<Vec<Run>, Error> {
        let mut open = self.all(clock)?;
        open.retain(|run| !run.record.is_closed);
        Ok(open)
    }

    /// All runs, oldest first.
    pub fn all(&self, clock: &Clock) -> Result<Vec<Run>, Error> {
        let mut runs = Vec::new();
        for dir in folders(&self.0)? {
            if let Some(record) = load(&dir.join("run.json"))? {
                runs.push(Run {
                    dir,
                    record,
                    clock: clock.clone(),
                    is_sound: Arc::default(),
                });
            }
        }
        Ok(runs)
    }

    /// The attempts of all runs of which not all is published: what manifests do not tell yet.
    pub fn unpublished(&self, clock: &Clock) -> Result<Vec<Attempt>, Error> {
        let mut attempts = Vec::new();
        for run in self.open(clock)? {
            attempts.extend(run.attempts()?);
        }
        Ok(attempts)
    }

    /// The id of the newest run, whether or not it is whole.
    pub fn newest(&self) -> Result<Option<String>, Error> {
        Ok(folders(&self.0)?.last().and_then(|dir| name_of(dir)))
    }

    /// All attempts at a step, oldest first.
    pub fn attempts_at(&self, step: &str, clock: &Clock) -> Result<Vec<Attempt>, Error> {
        let mut attempts = Vec::new();
        for run in self.all(clock)? {
            attempts.extend(run.attempts()?);
        }
        attempts.retain(|attempt| attempt.spec.step == step);
        Ok(attempts)
    }
}

/// Whether a run is halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    dir: PathBuf,
    record: RunRecord,
    clock: Clock,
    /// Whether this process has read its journal to the end.
    is_sound: Arc<AtomicBool>,
}

impl Run {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.record.run
    }

    /// Its journal.
    pub fn events(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is on record of it.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Where the attempt with this id belongs.
    pub fn attempt_dir(&self, attempt: &str) -> AttemptDir {
        AttemptDir::new(self.dir.join(attempt))
    }

    /// Its attempts, oldest first; one whose spec was never written did not begin.
    pub fn attempts(&self) -> Result<Vec<Attempt>, Error> {
        let dirs = folders(&self.dir)?.into_iter().map(AttemptDir::new);
        dirs.filter(|dir| dir.spec().exists())
            .map(|dir| inspect(&dir))
            .collect()
    }

    /// The id of its newest attempt, whether or not that is whole.
    pub fn newest_attempt(&self) -> Result<Option<String>, Error> {
        Ok(folders(&self.dir)?.last().and_then(|dir| name_of(dir)))
    }

    /// Writes an event of the run; other processes may do so, too.
    pub fn event(&self, kind: &str, data: Value) -> Result<(), Error> {
        let event = Event {
            seq: 0,
            time: self.clock.stamp(),
            boot_s: self.clock.since_boot().as_secs_f64(),
            kind: kind.to_owned(),
            data,
        };
        let path = self.events();
        let is_sound = self.is_sound.load(Ordering::Relaxed);
        let check = if is_sound { Check::Tail } else { Check::Whole };
        journal::append_shared(&path, event, check)?;
        self.is_sound.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Writes an event of the run, unless the last one of its kind is the same: whoever was killed
    /// after that had not published it.
    pub fn event_once(&self, kind: &str, data: Value) -> Result<(), Error> {
        let events = journal::read(&self.events())?;
        let last = events.iter().rev().find(|event| event.kind == kind);
        match last {
            Some(event) if event.data == data => Ok(()),
            _ => self.event(kind, data),
        }
    }

    /// Who looks after it, if another could.
    pub fn monitor(&self) -> Result<Option<Monitor>, Error> {
        Monitor::load(&self.dir)
    }

    /// Whether somebody wants nothing more to be started.
    pub fn is_paused(&self) -> bool {
        self.pause_file().exists()
    }

    /// Has nothing more be started from now on, or things go on again.
    pub fn set_paused(&self, paused: Paused) -> Result<(), Error> {
        match paused {
            Paused::Yes => save(&self.pause_file(), &self.clock.stamp()),
            Paused::No if self.is_paused() => Ok(remove_file_durable(&self.pause_file())?),
            Paused::No => Ok(()),
        }
    }

    fn pause_file(&self) -> PathBuf {
        self.dir.join("paused.json")
    }

    /// Says that nobody has to look after it any more.
    pub fn give_up_monitor(&self) -> Result<(), Error> {
        match Monitor::load(&self.dir)? {
            Some(monitor) if !monitor.is_over => Monitor {
                is_over: true,
                ..monitor
            }
            .save(&self.dir),
            _ => Ok(()),
        }
    }

    /// Says that all that came of it is published.
    pub fn close(&mut self) -> Result<(), Error> {
        self.give_up_monitor()?;
        for dir in folders(&self.dir)?.iter().chain([&self.dir]) {
            sweep_temporaries(dir)?;
        }
        self.record.is_closed = true;
        save(&self.file(), &self.record)
    }

    fn file(&self) -> PathBuf {
        self.dir.join("run.json")
    }
}

fn name_of(dir: &Path) -> Option<String> {
    Some(dir.file_name()?.to_str()?.to_owned())
}

/// The folders in a folder, by name; ids sort by time.
fn folders(dir: &Path) -> Result<Vec<PathBuf>, PathError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).at("list", dir),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.at("list", dir)?;
        if entry.file_type().at("look at", dir)?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(run: &str) -> RunRecord {
        RunRecord {
            run: run.into(),
            ..RunRecord::default()
        }
    }

    #[test]
    fn runs_are_open_until_they_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let (runs, clock) = (Runs::new(dir.path()), Clock::new(chrono::Utc::now));
        assert_eq!(runs.open(&clock).unwrap().len(), 0);
        let mut first = runs.begin(record("1"), &clock).unwrap();
        runs.begin(record("2"), &clock).unwrap();
        assert_eq!(runs.open(&clock).unwrap().len(), 2);
        first.close().unwrap();
        let open = runs.open(&clock).unwrap();
        assert_eq!(open.iter().map(Run::id).collect::<Vec<_>>(), ["2"]);
        assert_eq!(runs.all(&clock).unwrap().len(), 2);
    }

    #[test]
    fn a_second_run_is_told_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let runs = Runs::new(dir.path());
        let me = Holder {
            pid: 42,
            command: "buildkeep run".into(),
            since: "now".into(),
        };
        let lock = runs.claim(&me).unwrap();
        assert!(runs.is_active().unwrap());
        let error = runs.claim(&me).unwrap_err().to_string();
        assert_eq!(
            error,
            "a run is going on: `buildkeep run`, process 42, since now"
        );
        drop(lock);
        assert!(!runs.is_active().unwrap());
    }
}
