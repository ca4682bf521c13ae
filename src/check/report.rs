//! What the checks found.
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::definition::{Fix, Severity, Tier};

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does not hold, and the build needs it.
    Fail,
    /// It does not hold, or nobody has tried it.
    Warn,
    /// It could not be found out.
    Unknown,
    /// It does not hold, and nothing is wrong with that.
    Note,
    /// It has no meaning here.
    Skipped,
    /// It does not hold, and that is accepted.
    Waived,
    /// It holds.
    Ok,
}

/// How many checks said what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// They hold.
    pub ok: usize,
    /// They do not.
    pub fail: usize,
    /// They do not, or nobody has tried, and a build may work all the same.
    pub warn: usize,
    /// They could not be found out.
    pub unknown: usize,
    /// They have no meaning here.
    pub skipped: usize,
    /// They do not hold, and that is accepted.
    pub waived: usize,
    /// They do not hold, and nothing is wrong with that.
    pub note: usize,
}

/// What one check found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The check.
    pub id: String,
    /// The set that it comes from.
    pub set: String,
    /// What it says.
    pub status: Status,
    /// What it is if it does not hold.
    pub severity: Severity,
    /// When it is looked at.
    pub tier: Tier,
    /// What is required, for people.
    pub what: String,
    /// What is there; nothing if nothing is.
    pub found: Option<String>,
    /// What is required, exactly.
    pub required: String,
    /// Why it matters.
    pub why: String,
    /// What mends it, if it is to be mended.
    pub fix: Option<String>,
    /// What takes the fix back.
    pub undo: Option<String>,
    /// Why it is accepted, if it is.
    pub waived: Option<String>,
    /// The last day of the waiver; one that is over is no waiver any more.
    pub waived_until: Option<String>,
    /// How long it took.
    pub duration_s: f64,
    /// Whether it is known from before, and nothing it depends on has changed.
    pub cached: bool,
    /// What mends it, for programs.
    pub mend: Option<Fix>,
}

/// What all checks found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The sets that were asked for.
    pub sets: Vec<String>,
    /// How many said what.
    pub summary: Summary,
    /// Each of them, in the order of the sets.
    pub results: Vec<Outcome>,
    /// One command that installs all packages that are missing, if it takes several.
    pub install: Option<String>,
    /// As whom and from where sets were looked at, if not as whoever asks.
    pub views: Vec<View>,
    /// How long it took.
    pub duration_s: f64,
}

/// As whom and from where sets were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The sets.
    pub sets: Vec<String>,
    /// The step whose surroundings these are.
    pub step: String,
    /// The user, if it is another than who asks.
    pub user: Option<String>,
    /// The folder that is `/` for the step, if it is not `/`.
    pub root: Option<PathBuf>,
}

impl Report {
    /// Puts results together.
    pub(super) fn new(
        sets: Vec<String>,
        results: Vec<Outcome>,
        install: Option<String>,
        took: Duration,
    ) -> Self {
        Self {
            sets,
            summary: Summary::of(&results),
            results,
            install,
            views: Vec::new(),
            duration_s: took.as_secs_f64(),
        }
    }

    /// One report of all that others say.
    pub fn joined(reports: Vec<Self>, took: Duration) -> Self {
        let mut all = Self::new(Vec::new(), Vec::new(), None, took);
        for report in reports {
            all.sets.extend(report.sets);
            all.results.extend(report.results);
            all.views.extend(report.views);
            all.install = all.install.or(report.install);
        }
        all.summary = Summary::of(&all.results);
        all
    }

    /// Whether nothing failed.
    pub fn is_good(&self) -> bool {
        self.summary.fail == 0
    }
}

impl Summary {
    fn of(results: &[Outcome]) -> Self {
        let mut summary = Self::default();
        for outcome in results {
            let count = match outcome.status {
                Status::Ok => &mut summary.ok,
                Status::Fail => &mut summary.fail,
                Status::Warn => &mut summary.warn,
                Status::Unknown => &mut summary.unknown,
                Status::Skipped => &mut summary.skipped,
                Status::Waived => &mut summary.waived,
                Status::Note => &mut summary.note,
            };
            *count += 1;
        }
        summary
    }
}
