//! What the doctor says.
use std::fmt;

use serde::Serialize;

use super::is_mendable;
use crate::store::health::{Finding, Patient};
use crate::ui::{clean, counted, style};

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It is so.
    Found,
    /// It was so.
    Mended,
    /// It is so, and nothing needs it any more.
    GivenUp,
}

/// A finding, as it is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    id: &'static str,
    pub(super) state: State,
    found: String,
    why: String,
    mend: String,
    fixable: bool,
}

impl Row {
    pub(super) fn found(finding: &Finding) -> Self {
        Self {
            id: finding.id,
            state: State::Found,
            found: finding.found.clone(),
            why: finding.why.clone(),
            mend: finding.mend.clone(),
            fixable: is_mendable(finding),
        }
    }

    /// It is not found any more. What was lost is lost, though, unless we could bring it back.
    pub(super) fn end(&mut self) {
        self.state = if self.fixable {
            State::Mended
        } else {
            State::GivenUp
        };
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.id, &self.found) == (other.id, &other.found)
    }
}

/// All that was found, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) keep: String,
    findings: Vec<Row>,
    failed: Vec<String>,
    kept_in: Option<String>,
}

impl Report {
    pub(super) fn found(patient: &Patient, findings: &[Finding]) -> Self {
        Self {
            keep: patient.root().display().to_string(),
            findings: findings.iter().map(Row::found).collect(),
            failed: Vec::new(),
            kept_in: None,
        }
    }

    pub(super) fn mended(patient: &Patient, mut rows: Vec<Row>, failed: Vec<String>) -> Self {
        let aside = patient.aside();
        let mut told: Vec<Row> = Vec::new();
        rows.retain(|row| {
            let is_new = !told.iter().any(|known| known.is_same(row));
            told.push(row.clone());
            is_new
        });
        Self {
            keep: patient.root().display().to_string(),
            findings: rows,
            failed,
            kept_in: aside.is_dir().then(|| aside.display().to_string()),
        }
    }

    pub(super) fn is_fine(&self) -> bool {
        self.left().next().is_none() && self.failed.is_empty()
    }

    pub(super) fn is_mendable(&self) -> bool {
        self.left().any(|row| row.fixable) && self.failed.is_empty()
    }

    /// Whether something was tried in vain.
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    pub(super) fn has_commands(&self) -> bool {
        self.left().any(|row| !row.fixable)
    }

    fn left(&self) -> impl Iterator<Item = &Row> {
        let rows = self.findings.iter();
        rows.filter(|row| row.state == State::Found)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.findings {
            write!(f, "{row}")?;
        }
        for failed in &self.failed {
            writeln!(f, "{} {}", style::bad("not mended:"), clean(failed))?;
        }
        if let Some(folder) = &self.kept_in {
            writeln!(f, "damaged files are kept in {}", clean(folder))?;
        }
        let left = self.left().count();
        if left == 0 && !self.failed.is_empty() {
            let what = counted(self.findings.len() as u64, "thing");
            return writeln!(f, "{what} mended, not all of it for good");
        }
        match (self.findings.len(), left) {
            (0, _) => writeln!(f, "{}", style::good("nothing is wrong")),
            (all, 0) => writeln!(f, "{}", style::good(format!("all mended: {all}"))),
            (all, left) if all == left => writeln!(f, "{}", things(left, "is", "are")),
            (all, left) => {
                let left = things(left, "is", "are");
                writeln!(f, "{} mended, {left}", all - self.left().count())
            }
        }
    }
}

fn things(count: usize, one: &str, many: &str) -> String {
    let verb = if count == 1 { one } else { many };
    let what = counted(count as u64, "thing");
    format!("{what} {verb} wrong")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = clean(&self.found);
        match self.state {
            State::Mended => return writeln!(f, "{}  {}: {found}", style::good("mended"), self.id),
            State::GivenUp => {
                return writeln!(f, "{} {}: {found}", style::notable("given up"), self.id);
            }
            State::Found => {}
        }
        writeln!(f, "{}: {}", style::bad(self.id), clean(&self.found))?;
        writeln!(f, "  why   {}", clean(&self.why))?;
        let mark = if self.fixable { "fix" } else { "type" };
        writeln!(f, "  {mark:4}  {}", clean(&self.mend))
    }
}
