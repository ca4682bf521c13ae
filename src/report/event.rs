//! What happened in runs, one line each.
use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::store::journal::Event;
use crate::ui::{clean_line, seconds, size, style};

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunEvent {
    /// What happened.
    pub event: String,
    /// When, RFC 3339.
    pub time: String,
    /// The run.
    pub run: String,
    /// Its number within the run, from 1.
    pub seq: u64,
    /// The step it is about, if it is about one.
    pub step: Option<String>,
    /// The facts.
    pub data: Value,
}

impl RunEvent {
    /// An event of `run`.
    pub fn new(run: &str, event: Event) -> Self {
        Self {
            step: event.data["step"].as_str().map(str::to_owned),
            event: event.kind,
            time: event.time,
            run: run.to_owned(),
            seq: event.seq,
            data: event.data,
        }
    }

    /// When it happened.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.time.parse().ok()
    }

    /// Whether it tells of something that went wrong.
    pub fn is_bad(&self) -> bool {
        match self.event.as_str() {
            "run-failed" => true,
            "step-ended" => self.data["state"] != "succeeded",
            _ => false,
        }
    }

    /// What happened, in words.
    pub fn words(&self) -> String {
        let data = &self.data;
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        let number = |name: &str| data[name].as_u64().unwrap_or(0);
        let step = self.step.as_deref().unwrap_or_default();
        let words = match self.event.as_str() {
            "run-started" => {
                let words: Vec<_> = list(&data["argv"]).collect();
                format!("run begins: buildkeep {}", words.join(" "))
            }
            "step-started" => format!("{step} begins: {}", text("reason")),
            "step-ended" => self.end_of_step(step),
            "substep" => format!("{step}: {}{}", text("name"), of(data)),
            "paused" if step.is_empty() => "the run is paused: nothing more is started".to_owned(),
            "resumed" if step.is_empty() => "the run goes on".to_owned(),
            "resumed" => format!("{step} goes on"),
            "marked" => {
                let word = if data["done"] == true {
                    "done"
                } else {
                    "not done"
                };
                format!("{step} marked as {word}: {}", text("reason"))
            }
            "waiting" => format!("{step} waits: too little {}", text("for")),
            "checkpoint" => format!(
                "snapshot {} after {step}, {} added",
                text("snapshot"),
                size(number("bytes_added"))
            ),
            "monitor-restarted" => "whoever looked after the run died; another goes on".to_owned(),
            "run-failed" => format!("the run cannot go on: {}", text("message")),
            "run-ended" => end_of_run(data),
            other => format!("{other} {step}"),
        };
        clean_line(words.trim_end()).into_owned()
    }

    fn end_of_step(&self, step: &str) -> String {
        let data = &self.data;
        let took = data["duration_s"].as_f64().map(seconds);
        let state = data["state"].as_str().unwrap_or("ended");
        let how = match (data["code"].as_i64(), data["signal"].as_i64()) {
            (Some(code), _) if code != 0 => format!(", exit code {code}"),
            (_, Some(signal)) => format!(", signal {signal}"),
            _ => String::new(),
        };
        match (state, took) {
            ("succeeded", Some(took)) => format!("{step} done in {took}"),
            (state, Some(took)) => format!("{step} {state} after {took}{how}"),
            (state, None) => format!("{step} {state}{how}"),
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// ` (2 of 5)`
fn of(data: &Value) -> String {
    match (data["at"].as_u64(), data["of"].as_u64()) {
        (Some(at), Some(of)) if at <= of => format!(" ({at} of {of})"),
        _ => String::new(),
    }
}

fn end_of_run(data: &Value) -> String {
    let count = |name: &str, what: &str| match data[name].as_u64() {
        Some(count @ 1..) => Some(format!("{count} {what}")),
        _ => None,
    };
    let parts = [
        count("succeeded", "done"),
        count("failed", "failed"),
        count("stopped", "stopped"),
        count("left", "not run"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "run ended".to_owned();
    }
    format!("run ended: {}", parts.join(", "))
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.get(..19).unwrap_or(&self.time).replace('T', " ");
        write!(f, "{} ", style::faint(clean_line(&time)))?;
        if self.is_bad() {
            writeln!(f, "{}", style::bad(self.words()))
        } else {
            writeln!(f, "{}", self.words())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(kind: &str, data: Value) -> (String, bool) {
        let event = Event {
            seq: 1,
            time: "2026-01-02T03:04:05.000Z".into(),
            boot_s: 1.0,
            kind: kind.into(),
            data,
        };
        let event = RunEvent::new("R", event);
        (event.words(), event.is_bad())
    }

    #[test]
    fn events_are_told_in_words() {
        let ended = |state: &str, code: Value| {
            words(
                "step-ended",
                json!({"step": "gcc", "state": state, "code": code, "signal": null, "duration_s": 90.0}),
            )
        };
        assert_eq!(
            ended("succeeded", 0.into()),
            ("gcc done in 1 min 30 s".into(), false)
        );
        assert_eq!(
            ended("failed", 2.into()),
            ("gcc failed after 1 min 30 s, exit code 2".into(), true)
        );
        assert_eq!(
            words("run-ended", json!({"succeeded": 3, "failed": 1, "left": 0})).0,
            "run ended: 3 done, 1 failed"
        );
        assert_eq!(words("run-ended", json!({})).0, "run ended");
        assert_eq!(
            words("waiting", json!({"for": "memory", "step": "gcc"})).0,
            "gcc waits: too little memory"
        );
    }

    #[test]
    fn an_event_of_tomorrow_and_one_with_escapes_do_no_harm() {
        assert_eq!(words("paused", json!({"step": "gcc"})).0, "paused gcc");
        assert_eq!(words("new-thing", json!(null)).0, "new-thing");
        let (shown, _) = words("run-failed", json!({"message": "a\u{1b}[31m\nb"}));
        assert_eq!(shown, "the run cannot go on: a␛[31m␊b");
    }
}
