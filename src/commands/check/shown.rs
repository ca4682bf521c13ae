//! A report for people: quiet about what is fine.
use std::fmt;

use serde::Serialize;

use crate::check::{Outcome, Report, Status, View};
use crate::ui::{clean, style};

/// A report, quiet about what is fine.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    report: Report,
    #[serde(skip)]
    verbose: bool,
    #[serde(skip)]
    told: Vec<String>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quiet: &[Status] = if self.verbose {
            &[Status::Ok, Status::Waived]
        } else {
            &[Status::Ok, Status::Waived, Status::Skipped, Status::Note]
        };
        let mut findings: Vec<&Outcome> = self.report.results.iter().collect();
        findings
            .retain(|outcome| !quiet.contains(&outcome.status) && !self.told.contains(&outcome.id));
        findings.sort_by_key(|outcome| outcome.status);
        for outcome in findings {
            finding(outcome, f)?;
        }
        for outcome in &self.report.results {
            waived(outcome, f)?;
        }
        writeln!(f, "{}", self.summary())?;
        let is_ours = |view: &&View| view.user.is_none() && view.root.is_none();
        let views = self.report.views.iter();
        for view in views.filter(|view| self.verbose || !is_ours(view)) {
            seen_from(view, f)?;
        }
        if let Some(command) = &self.report.install {
            writeln!(f, "all packages at once: {}", clean(command))?;
        }
        match self.report.summary.note {
            0 => Ok(()),
            _ if self.verbose => Ok(()),
            1 => writeln!(f, "1 note: {}", style::name("buildkeep check -v")),
            notes => writeln!(f, "{notes} notes: {}", style::name("buildkeep check -v")),
        }
    }
}

impl Shown {
    /// A report to be shown; with all of it that is not fine, if `verbose`.
    pub(super) fn new(report: Report, verbose: bool) -> Self {
        let told = Vec::new();
        Self {
            report,
            verbose,
            told,
        }
    }

    /// Without what was told before by these names.
    pub(super) fn without(self, told: Vec<String>) -> Self {
        Self { told, ..self }
    }

    fn summary(&self) -> String {
        let summary = self.report.summary;
        let sets = self.report.sets.join(" and ");
        let total = self.report.results.len() - summary.note;
        if self.report.results.is_empty() {
            return format!(
                "{}: no check of {sets} is to be looked at",
                style::notable("nothing")
            );
        }
        if summary.ok == total {
            return format!("{} all {total} checks of {sets} passed", style::good("ok"));
        }
        let counts = [
            (summary.fail, "failed"),
            (summary.warn, "with a warning"),
            (summary.unknown, "unknown"),
            (summary.waived, "waived"),
            (summary.skipped, "skipped"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let mark = if summary.fail > 0 {
            style::bad("not ready")
        } else {
            style::good("ready")
        };
        let passed = summary.ok;
        format!(
            "{mark}: {passed} of {total} checks of {sets} passed, {}",
            counts.join(", ")
        )
    }
}

fn finding(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mark = match outcome.status {
        Status::Fail => style::bad("fail"),
        Status::Warn => style::notable("warn"),
        Status::Note => style::faint("note"),
        Status::Skipped => style::faint("skipped"),
        _ => style::faint("unknown"),
    };
    writeln!(
        f,
        "{mark} {} {}",
        style::strong(&outcome.id),
        clean(&outcome.what)
    )?;
    let mut line = |name: &str, text: &str| writeln!(f, "    {name:9}{}", clean(text));
    line("found", outcome.found.as_deref().unwrap_or("nothing"))?;
    if outcome.required != outcome.what {
        line("required", &outcome.required)?;
    }
    line("why", &outcome.why)?;
    if let Some(until) = &outcome.waived_until {
        line("waiver", &format!("it ended on {until}"))?;
    }
    if let Some(fix) = &outcome.fix {
        line("fix", fix)?;
    }
    if let Some(undo) = &outcome.undo {
        line("undo", undo)?;
    }
    writeln!(f)
}

/// One line about whose eyes were used.
fn seen_from(view: &View, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut told = vec![format!("with the variables of {}", clean(&view.step))];
    told.extend(
        view.user
            .as_ref()
            .map(|user| format!("as the user {}", clean(user))),
    );
    let root = view.root.as_ref().map(|root| root.display().to_string());
    told.extend(root.map(|root| format!("in the root {}", clean(&root))));
    writeln!(f, "looked at {}", told.join(", "))
}

/// One line about what is accepted: it is easily forgotten.
fn waived(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Some(reason) = &outcome.waived else {
        return Ok(());
    };
    let (mark, id) = (style::faint("waived"), style::strong(&outcome.id));
    let reason = clean(reason);
    match &outcome.waived_until {
        Some(until) => writeln!(f, "{mark} {id} until {until}: {reason}"),
        None => writeln!(f, "{mark} {id} {reason}"),
    }
}
