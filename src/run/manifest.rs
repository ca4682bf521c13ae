//! What is known of a step: its newest attempt, and its last success.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Attempt, AttemptState, Error, StopReason, Substep, Taken, Trouble, Unknown};

/// The content of `steps/<step>.toml` on the state branch.
///
/// Fields that are not known here are ignored, so that an older buildkeep reads newer manifests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub schema: u32,
    /// The step.
    pub step: String,
    /// The state of its newest attempt.
    pub state: AttemptState,
    /// The run that attempt belongs to.
    pub run: String,
    /// Its id.
    pub attempt: String,
    /// Which attempt at the step it was, from 1.
    pub number: u32,
    /// The script, as people name it.
    #[serde(default)]
    pub script: String,
    /// What the script returned.
    #[serde(default)]
    pub code: Option<i32>,
    /// What killed it.
    #[serde(default)]
    pub signal: Option<i32>,
    /// Why neither is known.
    #[serde(default)]
    pub unknown: Option<Unknown>,
    /// What the system said if the script could not be started.
    #[serde(default)]
    pub launch_error: Option<String>,
    /// Why it was stopped, if it was.
    #[serde(default)]
    pub stopped: Option<StopReason>,
    /// When the script was started, RFC 3339.
    #[serde(default)]
    pub started: Option<String>,
    /// When its end was seen, RFC 3339.
    #[serde(default)]
    pub ended: Option<String>,
    /// How long it took.
    #[serde(default)]
    pub duration_s: Option<f64>,
    /// How long processors worked for it.
    #[serde(default)]
    pub cpu_s: Option<f64>,
    /// The most memory that one of its processes had.
    #[serde(default)]
    pub max_rss_bytes: Option<u64>,
    /// The most memory that all its processes had at once, where it is counted.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// Whether memory ran out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oom: bool,
    /// Output that no disk had room for.
    #[serde(default)]
    pub dropped_bytes: u64,
    /// The commit of the configuration.
    #[serde(default)]
    pub config_commit: Option<String>,
    /// What it was built from, part by part.
    #[serde(default)]
    pub fingerprint: BTreeMap<String, String>,
    /// What somebody said of it since.
    #[serde(default)]
    pub mark: Option<Mark>,
    /// The versions of the tools it was built with.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// What its log tells, if it failed.
    #[serde(default)]
    pub failure: Option<FailureNote>,
    /// The parts that its script told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substeps: Vec<Substep>,
    /// What it took of the machine, as far as it was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// The last attempt that succeeded, kept over failures.
    #[serde(default)]
    pub last_success: Option<LastSuccess>,
}

/// What a person said of a step by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// That it is done, or that it is not.
    pub done: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub time: String,
}

impl Mark {
    /// What it says.
    pub fn word(&self) -> &'static str {
        if self.done { "done" } else { "not done" }
    }
}

/// The last attempt at a step that succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastSuccess {
    /// Its id.
    pub attempt: String,
    /// Which attempt at the step it was.
    pub number: u32,
    /// When it ended, RFC 3339.
    pub ended: String,
    /// How long it took.
    #[serde(default)]
    pub duration_s: Option<f64>,
    /// What it was built from, part by part.
    #[serde(default)]
    pub fingerprint: BTreeMap<String, String>,
    /// The versions of the tools it was built with.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// The parts that its script told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substeps: Vec<Substep>,
    /// What it took of the machine, as far as it was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
}

/// What the log of an attempt that failed tells, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureNote {
    /// How it ended, in words.
    pub cause: String,
    /// The line of the script that failed.
    pub line: Option<usize>,
    /// What stands there.
    pub command: Option<String>,
    /// The line of the log that most likely tells why.
    pub error: Option<String>,
    /// What sort of trouble that is.
    pub trouble: Option<Trouble>,
    /// What to type to see the error again, or more about it.
    pub by_hand: Option<String>,
}

impl FailureNote {
    /// What the log of `attempt` tells, if that failed.
    pub fn of(attempt: &Attempt) -> Result<Option<Self>, Error> {
        if attempt.state != AttemptState::Failed {
            return Ok(None);
        }
        let excerpt = super::excerpt(attempt)?;
        let (line, command) = excerpt.line.map(|line| (line.number, line.text)).unzip();
        Ok(Some(Self {
            cause: excerpt.cause,
            line,
            command,
            error: excerpt.error,
            trouble: excerpt.trouble,
            by_hand: excerpt.by_hand,
        }))
    }
}

/// Whether a step has to be built.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is done, from exactly this.
    Done,
    /// It was never built.
    New,
    /// It was built from something else.
    Stale(BTreeMap<String, String>),
    /// Its newest attempt did not succeed.
    Again(AttemptState),
    /// Somebody says that it is not done.
    Unmarked(String),
}

impl Manifest {
    /// The version of the format that we write.
    pub const SCHEMA: u32 = 1;

    /// Where the manifest of a step stands on the state branch.
    pub fn path(step: &str) -> String {
        format!("steps/{step}.toml")
    }

    /// The manifest of an attempt that is over; `previous` is the step's manifest before.
    pub fn of(attempt: &Attempt, previous: Option<&Self>) -> Self {
        let (spec, exit) = (&attempt.spec, attempt.exit.as_ref());
        let usage = exit.and_then(|exit| exit.usage);
        let mut manifest = Self {
            schema: Self::SCHEMA,
            step: spec.step.clone(),
            state: attempt.state,
            run: spec.run.clone(),
            attempt: spec.attempt.clone(),
            number: spec.number,
            script: spec.file.clone(),
            code: exit.and_then(|exit| exit.code),
            signal: exit.and_then(|exit| exit.signal),
            unknown: exit.and_then(|exit| exit.unknown),
            launch_error: exit.and_then(|exit| exit.launch_error.clone()),
            stopped: attempt.stop.as_ref().map(|stop| stop.reason),
            started: attempt.started.clone(),
            ended: exit.map(|exit| exit.time.clone()),
            duration_s: exit.and_then(|exit| exit.duration_s).map(rounded),
            cpu_s: usage.map(|usage| rounded(usage.cpu_s())),
            max_rss_bytes: usage.map(|usage| usage.max_rss_bytes),
            peak_memory_bytes: usage.and_then(|usage| usage.peak_memory_bytes),
            oom: exit.is_some_and(|exit| exit.oom),
            dropped_bytes: exit.map_or(0, |exit| exit.dropped_bytes),
            config_commit: spec.config_commit.clone(),
            fingerprint: spec.fingerprint.clone(),
            mark: None,
            tools: spec.tools.clone(),
            failure: None,
            substeps: attempt.substeps.parts.clone(),
            taken: None,
            last_success: None,
        };
        manifest.last_success = manifest
            .as_success()
            .or_else(|| previous.and_then(|previous| previous.last_success.clone()));
        manifest
    }

    /// The manifest with what the attempt took of the machine.
    #[must_use]
    pub fn with_taken(mut self, taken: Option<Taken>) -> Self {
        if let Some(success) = &mut self.last_success
            && success.attempt == self.attempt
        {
            success.taken.clone_from(&taken);
        }
        self.taken = taken;
        self
    }

    /// The manifest of a step that no attempt was made at.
    pub fn unbuilt(step: &str, script: &str) -> Self {
        Self {
            schema: Self::SCHEMA,
            step: step.to_owned(),
            state: AttemptState::Succeeded,
            run: String::new(),
            attempt: String::new(),
            number: 0,
            script: script.to_owned(),
            code: None,
            signal: None,
            unknown: None,
            launch_error: None,
            stopped: None,
            started: None,
            ended: None,
            duration_s: None,
            cpu_s: None,
            max_rss_bytes: None,
            peak_memory_bytes: None,
            oom: false,
            dropped_bytes: 0,
            config_commit: None,
            fingerprint: BTreeMap::new(),
            mark: None,
            tools: BTreeMap::new(),
            failure: None,
            substeps: Vec::new(),
            taken: None,
            last_success: None,
        }
    }

    /// The manifest with what somebody says of the step; `parts` are what it would be built from now.
    #[must_use]
    pub fn marked(mut self, mark: Mark, parts: &BTreeMap<String, String>) -> Self {
        if mark.done {
            self.state = AttemptState::Succeeded;
            self.fingerprint.clone_from(parts);
            (self.code, self.signal, self.unknown) = (None, None, None);
            (self.launch_error, self.stopped, self.failure) = (None, None, None);
        }
        self.mark = Some(mark);
        self
    }

    /// Its newest attempt, if that succeeded.
    pub fn as_success(&self) -> Option<LastSuccess> {
        (self.state == AttemptState::Succeeded).then(|| LastSuccess {
            attempt: self.attempt.clone(),
            number: self.number,
            ended: self.ended.clone().unwrap_or_default(),
            duration_s: self.duration_s,
            fingerprint: self.fingerprint.clone(),
            tools: self.tools.clone(),
            substeps: self.substeps.clone(),
            taken: self.taken.clone(),
        })
    }

    /// Reads a manifest; `path` is where it stands.
    pub fn parse(path: &str, text: &[u8]) -> Result<Self, Error> {
        toml_edit::de::from_slice(text).map_err(|source| Error::Manifest {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// The manifest as text.
    pub fn print(&self) -> String {
        toml_edit::ser::to_string_pretty(self).expect("a manifest has only what TOML can hold")
    }

    /// Whether the step has to be built, if it was built from `built` and would be from `parts` now.
    pub fn verdict(
        manifest: Option<(&Self, &BTreeMap<String, String>)>,
        parts: &BTreeMap<String, String>,
    ) -> Verdict {
        let Some((manifest, built)) = manifest else {
            return Verdict::New;
        };
        match manifest {
            manifest if manifest.state != AttemptState::Succeeded => Verdict::Again(manifest.state),
            Self {
                mark: Some(mark), ..
            } if !mark.done => Verdict::Unmarked(mark.reason.clone()),
            _ if built == parts => Verdict::Done,
            _ => Verdict::Stale(built.clone()),
        }
    }

    /// The attempt as people call it: `gcc-pass1#3`.
    pub fn name(&self) -> String {
        format!("{}#{}", self.step, self.number)
    }
}

/// Milliseconds are all that anybody reads.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{AttemptDir, Exit, Spec, Usage};

    fn attempt(code: i32) -> Attempt {
        let spec = Spec {
            run: "R".into(),
            attempt: format!("A{code}"),
            step: "chapter05/gcc-pass1".into(),
            number: 3,
            fingerprint: [("key:build.cflags".to_owned(), "-O2 \"x\"".to_owned())].into(),
            ..Spec::default()
        };
        let exit = Exit {
            code: Some(code),
            time: "2026-01-02T03:04:05.000Z".into(),
            duration_s: Some(1.23456),
            usage: Some(Usage {
                user_s: 1.0,
                sys_s: 0.5,
                max_rss_bytes: 4096,
                ..Usage::default()
            }),
            ..Exit::default()
        };
        Attempt {
            dir: AttemptDir::new("/a"),
            spec,
            state: AttemptState::of_exit(&exit, None),
            exit: Some(exit),
            stop: None,
            process: None,
            started: None,
            started_boot_s: None,
            left_running: Vec::new(),
            substeps: crate::run::Substeps::default(),
            is_guarded: false,
            is_closed: true,
        }
    }

    #[test]
    fn a_manifest_is_read_back_and_strangers_in_it_are_ignored() {
        let manifest = Manifest::of(&attempt(0), None);
        let text = manifest.print();
        assert_eq!(Manifest::parse("m", text.as_bytes()).unwrap(), manifest);
        let newer = format!("colour = \"blue\"\n{text}\n[weather]\nsun = true\n");
        assert_eq!(Manifest::parse("m", newer.as_bytes()).unwrap(), manifest);
        assert_eq!(manifest.duration_s, Some(1.235));
    }

    #[test]
    fn the_last_success_outlives_failures() {
        let good = Manifest::of(&attempt(0), None);
        let bad = Manifest::of(&attempt(2), Some(&good));
        let worse = Manifest::of(&attempt(3), Some(&bad));
        assert_eq!(worse.state, AttemptState::Failed);
        assert_eq!(worse.last_success.unwrap().attempt, "A0");
    }

    #[test]
    fn a_mark_counts_until_the_next_attempt() {
        let mark = |done| Mark {
            done,
            reason: "by hand".into(),
            by: "Ada".into(),
            time: String::new(),
        };
        let parts = BTreeMap::from([("script".to_owned(), "1".to_owned())]);
        let done = Manifest::unbuilt("glibc", "glibc.sh").marked(mark(true), &parts);
        assert_eq!(
            Manifest::verdict(Some((&done, &done.fingerprint)), &parts),
            Verdict::Done
        );
        assert_eq!(Manifest::parse("m", done.print().as_bytes()).unwrap(), done);
        let failed = Manifest::of(&attempt(2), Some(&done));
        let mended = failed.clone().marked(mark(true), &parts);
        assert_eq!(
            Manifest::verdict(Some((&mended, &mended.fingerprint)), &parts),
            Verdict::Done
        );
        assert_eq!((mended.code, mended.last_success), (None, None));
        let good = Manifest::of(&attempt(0), None);
        let undone = good.clone().marked(mark(false), &parts);
        let verdict = Manifest::verdict(Some((&undone, &undone.fingerprint)), &good.fingerprint);
        assert_eq!(verdict, Verdict::Unmarked("by hand".into()));
        let again = Manifest::of(&attempt(0), Some(&undone));
        assert_eq!(
            Manifest::verdict(Some((&again, &again.fingerprint)), &again.fingerprint),
            Verdict::Done
        );
    }

    #[test]
    fn only_the_same_origin_is_done() {
        let good = Manifest::of(&attempt(0), None);
        let same = good.fingerprint.clone();
        assert_eq!(
            Manifest::verdict(Some((&good, &good.fingerprint)), &same),
            Verdict::Done
        );
        assert_eq!(Manifest::verdict(None, &same), Verdict::New);
        let other = BTreeMap::from([("script".to_owned(), "1".to_owned())]);
        assert_eq!(
            Manifest::verdict(Some((&good, &good.fingerprint)), &other),
            Verdict::Stale(same.clone())
        );
        let bad = Manifest::of(&attempt(2), Some(&good));
        let again = Verdict::Again(AttemptState::Failed);
        assert_eq!(
            Manifest::verdict(Some((&bad, &bad.fingerprint)), &same),
            again
        );
    }
}
