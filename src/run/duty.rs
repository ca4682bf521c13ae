//! What whoever is in charge of an attempt writes down.
use serde_json::{Value, json};

use super::exit::{Ending, Unknown};
use super::files::{load, load_filled, save_first};
use super::pause::paused_for;
use super::process::{ProcFile, oom_kills};
use super::{AttemptDir, Cgroup, Error, Exit, Spec, Totals, Usage, fallback, log};
use crate::fs::PathError;
use crate::store::journal::{self, Event, Journal};
use crate::world::Clock;

/// One process in charge of an attempt: keeper, shim, or one that adopted it.
pub(super) struct Duty {
    pub(super) dir: AttemptDir,
    pub(super) spec: Spec,
    pub(super) clock: Clock,
    role: &'static str,
    /// Opened with the first event: until then it may be somebody else's.
    journal: Option<Journal>,
}

impl Duty {
    pub(super) fn new(dir: AttemptDir, clock: Clock, role: &'static str) -> Result<Self, Error> {
        let spec = Spec::load(&dir)?;
        Ok(Self {
            dir,
            spec,
            clock,
            role,
            journal: None,
        })
    }

    /// Writes an event; only while no other process does.
    pub(super) fn event(&mut self, kind: &str, data: Value) -> Result<(), PathError> {
        let event = Event {
            seq: 0,
            time: self.clock.stamp(),
            boot_s: self.clock.since_boot().as_secs_f64(),
            kind: kind.to_owned(),
            data,
        };
        let mut journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::open(&self.dir.events())?,
        };
        // A journal that failed is opened anew, which cuts what was torn.
        journal.append(event)?;
        self.journal = Some(journal);
        Ok(())
    }

    /// Writes that somebody else's work is ours now.
    pub(super) fn taken_over(&mut self) -> Result<(), PathError> {
        self.event("taken-over", json!({ "by": self.role }))
    }

    /// Writes how the script ended, before its status is taken from the system.
    pub(super) fn exited(&mut self, ending: Ending) -> Result<(), PathError> {
        let data = match ending {
            Ending::Code(code) => json!({ "code": code }),
            Ending::Signal(signal) => json!({ "signal": signal }),
            Ending::Unknown(unknown) => json!({ "unknown": unknown }),
        };
        let noted = self.event("exited", data);
        if noted.is_err() {
            fallback::note(&self.dir, ending, &self.clock);
        }
        noted
    }

    /// Writes `exit.json`, unless somebody did.
    pub(super) fn record(&self, ending: Ending, usage: Option<Usage>) -> Result<(), Error> {
        let recorded = self.try_record(ending, usage);
        match &recorded {
            Ok(()) => fallback::forget(&self.dir),
            Err(_) => fallback::note(&self.dir, ending, &self.clock),
        }
        recorded
    }

    fn try_record(&self, ending: Ending, usage: Option<Usage>) -> Result<(), Error> {
        let (code, signal, unknown) = match ending {
            Ending::Code(code) => (Some(code), None, None),
            Ending::Signal(signal) => (None, Some(signal), None),
            Ending::Unknown(unknown) => (None, None, Some(unknown)),
        };
        let totals = Cgroup::of(&self.dir)?.and_then(|cgroup| cgroup.totals());
        let exit = Exit {
            oom: self.ran_out_of_memory(ending, totals)?,
            format: Spec::FORMAT,
            code,
            signal,
            unknown,
            launch_error: load_filled(&self.dir.launch_error())?,
            by: self.role.to_owned(),
            time: self.clock.stamp(),
            duration_s: self.duration(unknown)?,
            usage: Usage::counted(usage, totals),
            dropped_bytes: log::dropped(&self.dir.log())?,
        };
        save_first(&self.dir.exit(), &exit)?;
        Ok(())
    }

    /// Whether memory ran out for the script: its cgroup knows, or it was killed, not by us, while
    /// the machine killed something for want of memory.
    fn ran_out_of_memory(&self, ending: Ending, totals: Option<Totals>) -> Result<bool, Error> {
        if let Some(kills) = totals.and_then(|totals| totals.oom_kills) {
            return Ok(kills > 0);
        }
        let is_killed = matches!(ending, Ending::Signal(9) | Ending::Code(137));
        if !is_killed || self.dir.stop().exists() {
            return Ok(false);
        }
        let before = self.process()?.and_then(|file| file.oom_kills);
        Ok(before
            .zip(oom_kills())
            .is_some_and(|(before, now)| now > before))
    }

    /// Writes that nothing more is to be expected.
    pub(super) fn ended(&mut self, log_bytes: u64) -> Result<(), PathError> {
        let dropped = log::dropped(&self.dir.log())?;
        self.event(
            "ended",
            json!({ "log_bytes": log_bytes, "dropped_bytes": dropped }),
        )
    }

    /// Who became the script, if anybody did by now.
    pub(super) fn process(&self) -> Result<Option<ProcFile>, Error> {
        load(&self.dir.process())
    }

    /// Makes sure that the script is never started, unless it was.
    pub(super) fn give_up(&self) -> Result<bool, Error> {
        save_first(&self.dir.process(), &ProcFile::nobody())
    }

    /// Whether somebody deleted the attempt: there is nothing to keep a record in.
    pub(super) fn is_gone(&self) -> bool {
        !self.dir.path().exists()
    }

    fn duration(&self, unknown: Option<Unknown>) -> Result<Option<f64>, Error> {
        if matches!(unknown, Some(Unknown::Reboot | Unknown::Lost)) {
            return Ok(None);
        }
        let started = self.process()?.and_then(|file| file.started_boot_s);
        let paused = paused_for(&self.dir, &self.clock).as_secs_f64();
        let now = self.clock.since_boot().as_secs_f64();
        Ok(started.map(|started| (now - started - paused).max(0.0)))
    }
}

/// How the script ended, if a process of ours noted that and then went away.
pub(super) fn noted_ending(dir: &AttemptDir) -> Result<Option<Ending>, Error> {
    let events = journal::read(&dir.events())?;
    let noted = events.iter().rev().find_map(noted);
    Ok(noted.or_else(|| fallback::noted(dir)))
}

fn noted(event: &Event) -> Option<Ending> {
    if event.kind != "exited" {
        return None;
    }
    let number = |name: &str| event.data.get(name).and_then(Value::as_i64);
    match (number("code"), number("signal")) {
        (Some(code), _) => Some(Ending::Code(code as i32)),
        (None, Some(signal)) => Some(Ending::Signal(signal as i32)),
        (None, None) => None,
    }
}
