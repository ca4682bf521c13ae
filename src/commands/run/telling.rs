//! Putting on record what scripts tell of how far they are.
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::run::{Attempt, AttemptDir, Run, inspect, note_substeps};
use crate::store::journal;

/// So many parts of a step become events within one look; the others follow in the next ones.
const AT_ONCE: usize = 20;
/// The kind of the event.
const KIND: &str = "substep";

/// What was told so far of the attempts that run.
#[derive(Default)]
pub(super) struct Telling(HashMap<PathBuf, Heard>);

/// What was told of one attempt.
struct Heard {
    /// How long the script's file was.
    length: u64,
    /// How many parts are on record.
    told: usize,
    /// Whether some are not.
    is_behind: bool,
    newest: Option<String>,
}

impl Telling {
    /// Looks at what the script of the attempt in `dir` told since the last look.
    ///
    /// Nothing about this may fail a run: what cannot be put on record now is tried again.
    pub(super) fn look(&mut self, run: &Run, dir: &AttemptDir, now: Duration) {
        let heard = self.0.entry(dir.path().to_owned()).or_insert(Heard {
            length: 0,
            told: usize::MAX,
            is_behind: false,
            newest: None,
        });
        let is_news = note_substeps(dir, &mut heard.length, now);
        if !is_news && !heard.is_behind {
            return;
        }
        if let Ok(attempt) = inspect(dir) {
            heard.put_on_record(run, &attempt);
        }
    }

    /// What the script of the attempt in `dir` says that it does.
    pub(super) fn newest(&self, dir: &AttemptDir) -> Option<String> {
        self.0.get(dir.path())?.newest.clone()
    }

    /// The same once it is over.
    pub(super) fn last_look(&mut self, run: &Run, dir: &AttemptDir, now: Duration) {
        self.look(run, dir, now);
        self.0.remove(dir.path());
    }
}

impl Heard {
    fn put_on_record(&mut self, run: &Run, attempt: &Attempt) {
        let (spec, told) = (&attempt.spec, &attempt.substeps);
        self.newest = told.newest().map(|(_, part)| part.name.clone());
        if self.told == usize::MAX {
            // Another process may have looked after the run before.
            self.told = on_record(run, &spec.attempt);
        }
        let all = told.parts.iter().enumerate().skip(self.told);
        for (at, part) in all.take(AT_ONCE) {
            let data = json!({
                "step": spec.step,
                "attempt": spec.attempt,
                "number": spec.number,
                "name": part.name,
                "at": at + 1,
                "of": told.of,
                "began_s": part.began_s,
            });
            if run.event(KIND, data).is_err() {
                break;
            }
            self.told += 1;
        }
        self.is_behind = self.told < told.parts.len();
    }
}

fn on_record(run: &Run, attempt: &str) -> usize {
    let events = journal::read(&run.events()).unwrap_or_default();
    let is_it = |event: &&journal::Event| event.kind == KIND && event.data["attempt"] == attempt;
    events.iter().filter(is_it).count()
}
