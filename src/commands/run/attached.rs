//! Watching a run that another process carries out.
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::checkpoint::Taken;
use super::lines::{Place, Started, Summary, ran};
use super::session::told_of;
use super::{active, conclude, runs_of, say};
use crate::commands::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::fs::{AtPath as _, is_absent};
use crate::run::{AttemptState, Interrupts, Run, Runs, inspect, log_size};
use crate::store::Keep;
use crate::store::journal::{self, Event};
use crate::ui::{clean, size};

/// How often to look for news.
const POLL: Duration = Duration::from_millis(200);
/// How many looks may find nobody in charge of the run before it is said.
const PATIENCE: u32 = 50;

/// Watches the run that goes on until it ends, or the person has seen enough.
pub(in crate::commands) fn attach(cx: &mut Context) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let runs = runs_of(&keep);
    let interrupts = Interrupts::watch_terminal()?;
    let Some(run) = active(cx, &keep)? else {
        return Err(
            Failure::user("no run goes on").hint("`buildkeep status` shows how far the build is")
        );
    };
    let mut watcher = Watcher {
        seen: 0,
        length: 0,
        running: Vec::new(),
        keep,
        runs,
        run,
        unattended: 0,
    };
    let events = journal::read(&watcher.run.events())?;
    let before = events.iter().take_while(|event| event.kind != "run-ended");
    before.for_each(|event| watcher.note(event));
    let id = watcher.run.id();
    cx.ui
        .status(format!("watching run {id}; Ctrl-C leaves it alone again"));
    watcher.watch(cx, &interrupts)
}

struct Watcher {
    keep: Keep,
    runs: Runs,
    run: Run,
    /// So many events of the run were shown, or were there before us.
    seen: usize,
    /// The journal was so long then.
    length: u64,
    /// What began and has not ended.
    running: Vec<Started>,
    /// So many looks in a row found nobody in charge.
    unattended: u32,
}

impl Watcher {
    fn watch(mut self, cx: &mut Context, interrupts: &Interrupts) -> Result<Answer, Failure> {
        loop {
            // First: who is in charge has written all by the time it leaves.
            let is_active = self.runs.is_active()?;
            if let Some(summary) = self.show_news(cx)? {
                cx.ui.live_end();
                return conclude(cx, &summary);
            }
            self.unattended = if is_active { 0 } else { self.unattended + 1 };
            if self.unattended > PATIENCE {
                let message = "nobody looks after the run any more";
                return Err(
                    Failure::text(Kind::Conflict, message).hint("`buildkeep run` goes on with it")
                );
            }
            self.show_running(cx)?;
            interrupts.wait(POLL);
            if interrupts.next().is_some() {
                cx.ui.live_end();
                cx.ui.status("detached; the run goes on");
                cx.ui
                    .hint("`buildkeep attach` watches it, `buildkeep stop` ends it");
                return Ok(Answer::Yes);
            }
        }
    }

    /// Shows what happened since the last look; returns how the run ended, if it has.
    fn show_news(&mut self, cx: &mut Context) -> Result<Option<Summary>, Failure> {
        let path = self.run.events();
        let length = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if is_absent(&error) => {
                return Err(Failure::user("the run was deleted while it went on"));
            }
            Err(error) => return Err(error).at("look at", &path)?,
        };
        if length == self.length {
            return Ok(None);
        }
        self.length = length;
        let events = journal::read(&path)?;
        for event in events.iter().skip(self.seen) {
            if event.kind == "run-ended" {
                return Ok(parsed(event).or_else(|| Some(Summary::default())));
            }
            self.show(cx, event)?;
            self.note(event);
        }
        Ok(None)
    }

    /// Counts an event, and remembers what runs.
    fn note(&mut self, event: &Event) {
        self.seen += 1;
        match event.kind.as_str() {
            "step-started" => self.running.extend(parsed::<Started>(event)),
            "step-ended" => {
                let ended = &event.data["attempt"];
                self.running.retain(|running| *ended != running.attempt);
            }
            _ => {}
        }
    }

    fn show(&self, cx: &mut Context, event: &Event) -> Result<(), Failure> {
        match event.kind.as_str() {
            "step-started" => {
                if let Some(mut started) = parsed::<Started>(event) {
                    event.kind.clone_into(&mut started.event);
                    say(cx, &started);
                }
            }
            "step-ended" => self.show_end(cx, &event.data)?,
            "checkpoint" => {
                if let Some(taken) = parsed::<Taken>(event) {
                    say(cx, &taken);
                }
            }
            "paused" | "resumed" => Self::show_pause(cx, event),
            "run-failed" => {
                let message = event.data["message"].as_str().unwrap_or_default();
                cx.ui
                    .warn(format!("the run cannot go on: {}", clean(message)));
            }
            "monitor-restarted" => cx.ui.status(
                "the process that looked after the run died; another one has gone on with it",
            ),
            _ => {}
        }
        Ok(())
    }

    fn show_pause(cx: &mut Context, event: &Event) {
        let step = event.data["step"].as_str().map(clean);
        cx.ui.status(match (event.kind.as_str(), step) {
            ("paused", None) => "the run is paused: `buildkeep resume`".to_owned(),
            ("paused", Some(step)) => format!("{step} is paused"),
            (_, None) => "the run goes on".to_owned(),
            (_, Some(step)) => format!("{step} goes on"),
        });
    }

    fn show_end(&self, cx: &mut Context, data: &Value) -> Result<(), Failure> {
        let Some(id) = data["attempt"].as_str() else {
            return Ok(());
        };
        let attempt = inspect(&self.run.attempt_dir(id))?;
        let started = self.running.iter().find(|running| running.attempt == id);
        let place = started.map_or(Place { at: 1, of: 1 }, |started| started.place);
        let (ended, mut failed) = told_of(&attempt, place, self.keep.root())?;
        say(cx, &ended);
        if attempt.state == AttemptState::Failed {
            failed.next.push("buildkeep run".into());
            say(cx, &failed);
        }
        Ok(())
    }

    fn show_running(&self, cx: &mut Context) -> Result<(), Failure> {
        let now = cx.world.clock.since_boot();
        let mut parts = Vec::new();
        for running in &self.running {
            // One that could not be started for want of room is tried again as another.
            let Ok(attempt) = inspect(&self.run.attempt_dir(&running.attempt)) else {
                continue;
            };
            if attempt.state.is_live() {
                let began = attempt.started_boot_s.unwrap_or(now.as_secs_f64());
                let began = Duration::try_from_secs_f64(began).unwrap_or(now);
                parts.push(format!(
                    "{} {} {}  {} of output",
                    running.place,
                    clean(&running.step),
                    ran(&attempt.dir, began, now),
                    size(log_size(&attempt.dir.log())?)
                ));
            }
        }
        if !parts.is_empty() {
            cx.ui.live(parts.join("  "));
        }
        Ok(())
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(event: &Event) -> Option<T> {
    serde_json::from_value(event.data.clone()).ok()
}
