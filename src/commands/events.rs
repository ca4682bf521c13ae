//! `events`
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::run::runs_of;
use super::when::{self, End};
use super::{Answer, Context};
use crate::failure::Failure;
use crate::report::event::RunEvent;
use crate::run::{Interrupts, Runs};
use crate::store::journal;

/// Show what happened in runs: steps that began and ended, snapshots, what went wrong
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,
    /// Only what happened since then: a time, or how long ago as in 2h
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<String>,
    /// Only what is about this step
    #[arg(value_name = "STEP")]
    step: Option<String>,
}

/// How often to look for news.
const POLL: Duration = Duration::from_millis(250);

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let mut teller = Teller {
        since: since(cx, args.since.as_deref())?,
        step: args.step.clone(),
        runs: runs_of(&keep),
        told: BTreeMap::new(),
    };
    if !args.follow {
        teller.tell(cx)?;
        return Ok(Answer::Yes);
    }
    let interrupts = Interrupts::watch_terminal()?;
    loop {
        teller.tell(cx)?;
        interrupts.wait(POLL);
        if interrupts.next().is_some() {
            return Ok(Answer::Yes);
        }
    }
}

/// A time that a person typed as the beginning.
pub(super) fn since(cx: &Context, typed: Option<&str>) -> Result<Option<DateTime<Utc>>, Failure> {
    let Some(typed) = typed else {
        return Ok(None);
    };
    match when::parse(typed, cx.world.clock.now(), End::Begin) {
        Some(time) => Ok(Some(time)),
        None => Err(Failure::user(format!("`{typed}` is no time")).hint(
            "as in `2h`, `\"30 min\"`, `yesterday`, `2026-01-31`, `\"2026-01-31 12:00\"`; times are in UTC",
        )),
    }
}

/// Tells each event once.
struct Teller {
    runs: Runs,
    since: Option<DateTime<Utc>>,
    step: Option<String>,
    /// Of each run, how long its journal was, and the number of the last event that was told.
    told: BTreeMap<String, (u64, u64)>,
}

impl Teller {
    /// Tells what is new, in the order in which it happened.
    fn tell(&mut self, cx: &mut Context) -> Result<(), Failure> {
        let mut news = Vec::new();
        for run in self.runs.all(&cx.world.clock)? {
            let path = run.events();
            let length = std::fs::metadata(&path).map_or(0, |meta| meta.len());
            let (known, last) = self.told.get(run.id()).copied().unwrap_or((0, 0));
            if length == known {
                continue;
            }
            let events = journal::read(&path)?;
            let newest = events.last().map_or(last, |event| event.seq);
            let new = events.into_iter().filter(|event| event.seq > last);
            news.extend(new.map(|event| RunEvent::new(run.id(), event)));
            self.told.insert(run.id().to_owned(), (length, newest));
        }
        for event in news.iter().filter(|event| self.is_wanted(event)) {
            cx.ui.stream(event)?;
        }
        Ok(())
    }

    fn is_wanted(&self, event: &RunEvent) -> bool {
        let is_late = self
            .since
            .is_none_or(|since| event.at().is_some_and(|at| at >= since));
        let is_of_step = self
            .step
            .as_deref()
            .is_none_or(|step| event.step.as_deref() == Some(step));
        is_late && is_of_step
    }
}
