//! Why a step failed, and what to do about it.
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::plan::{Change, Fingerprint};
use crate::run::{Attempt, Error, Excerpt, Manifest, Trouble, excerpt};
use crate::ui::{clean, style};

/// So many differences are told; `why` tells all.
const CHANGES: usize = 3;

/// Why a step failed, and what to do.
#[derive(Debug, Serialize)]
pub struct Failed {
    event: &'static str,
    /// The step.
    pub step: String,
    /// What its log tells.
    pub excerpt: Excerpt,
    /// The script, as people name it.
    pub script: String,
    /// Its log, from the keep.
    pub log: PathBuf,
    /// What is different since it last worked.
    pub changed: Vec<Change>,
    /// What to do about it, where that is nearly always the same.
    pub advice: Option<&'static str>,
    /// What may be typed next.
    pub next: Vec<String>,
}

impl Failed {
    /// What can be said of an attempt that failed in the keep at `keep`.
    pub fn of(attempt: &Attempt, keep: &Path) -> Result<Self, Error> {
        let (spec, excerpt) = (&attempt.spec, excerpt(attempt)?);
        let log = attempt.dir.log().join("0001.log");
        Ok(Self {
            event: "step-failed",
            step: spec.step.clone(),
            advice: excerpt.trouble.and_then(Trouble::advice),
            excerpt,
            script: spec.file.clone(),
            log: log.strip_prefix(keep).map(Into::into).unwrap_or(log),
            changed: Vec::new(),
            next: vec![format!("buildkeep logs {}", spec.step)],
        })
    }

    /// Adds what is different since the step last worked, if it ever did.
    pub fn since(&mut self, manifest: Option<&Manifest>) {
        let Some((now, success)) = manifest.and_then(|now| Some((now, now.last_success.as_ref()?)))
        else {
            return;
        };
        let parts = |parts: &std::collections::BTreeMap<String, String>| Fingerprint {
            parts: parts.clone(),
        };
        self.changed = parts(&now.fingerprint).changes(&parts(&success.fingerprint));
        self.next.push(format!("buildkeep why {}", self.step));
    }

    fn because(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let excerpt = &self.excerpt;
        if excerpt.line.is_some() || excerpt.error.is_some() {
            writeln!(f)?;
        }
        if let Some(line) = &excerpt.line {
            let place = format!("{}:{}", self.script, line.number);
            let place = style::strong(clean(&place));
            let probably = if line.guessed {
                " (by what it said)"
            } else {
                ""
            };
            let probably = style::faint(probably);
            writeln!(f, "  {place}  {}{probably}", clean(&line.text))?;
        }
        if let Some(error) = &excerpt.error {
            writeln!(f, "  {}", style::bad(clean(error)))?;
            for line in &excerpt.more {
                writeln!(f, "  {}", clean(line))?;
            }
        }
        if let Some(advice) = self.advice {
            writeln!(f, "  {}", style::notable(advice))?;
        }
        Ok(())
    }

    fn changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changed.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n  since it last worked:")?;
        for change in self.changed.iter().take(CHANGES) {
            writeln!(f, "  {} {}", style::faint("·"), clean(&change.to_string()))?;
        }
        match self.changed.len().saturating_sub(CHANGES) {
            0 => Ok(()),
            more => writeln!(f, "  {} and {more} more", style::faint("·")),
        }
    }

    fn places(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log.display().to_string();
        let log = match self.excerpt.error_at {
            Some(line) => format!("{log}:{line}"),
            None => log,
        };
        writeln!(f, "\n  {:13}  {}", "script", clean(&self.script))?;
        writeln!(f, "  {:13}  {}", "log", clean(&log))?;
        if let Some(by_hand) = &self.excerpt.by_hand {
            let is_more = by_hand.starts_with("less ");
            let label = if is_more { "more of it" } else { "by hand" };
            writeln!(f, "  {label:13}  {}", clean(by_hand))?;
        }
        for next in &self.next {
            let label = match next.split(' ').nth(1) {
                Some("logs") => "all of it",
                Some("why") => "what changed",
                _ => "then go on",
            };
            writeln!(f, "  {label:13}  {}", clean(next))?;
        }
        Ok(())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let excerpt = &self.excerpt;
        self.because(f)?;
        writeln!(f, "\n  the end of its output:")?;
        for line in &excerpt.tail {
            writeln!(f, "  {} {}", style::faint("│"), clean(line))?;
        }
        if excerpt.tail.is_empty() {
            writeln!(f, "  {} (it said nothing)", style::faint("│"))?;
        }
        if excerpt.dropped_bytes > 0 {
            let dropped = excerpt.dropped_bytes;
            writeln!(
                f,
                "  {dropped} bytes of output are missing: no disk had room"
            )?;
        }
        self.changes(f)?;
        self.places(f)
    }
}
