//! `backup list`
use std::fmt;

use serde::Serialize;

use crate::commands::there::ReadArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};
use crate::vault::{Snapshot, shortest};

/// List snapshots, oldest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those filed under this name
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    #[command(flatten)]
    vault: ReadArg,
}

/// A snapshot.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Listed {
    /// The shortest that can be typed for it.
    #[serde(skip)]
    name: String,
    snapshot: String,
    commit: String,
    time: String,
    host: String,
    set: String,
    step: Option<String>,
    run: Option<String>,
    attempt: Option<String>,
    /// Steps that ran together with it and have no other checkpoint.
    with: Vec<String>,
    reason: Option<String>,
    files: u64,
    dirs: u64,
    bytes: u64,
    /// How many entries could not be read: then it is partial.
    missing: u64,
    /// Some of them.
    missing_paths: Vec<String>,
}

impl Listed {
    /// A snapshot, one of `all`.
    pub(in crate::commands) fn new(snapshot: &Snapshot, all: &[Snapshot]) -> Self {
        let step = snapshot.step.as_ref();
        Self {
            name: shortest(&snapshot.tag, all).to_owned(),
            snapshot: snapshot.tag.clone(),
            commit: snapshot.commit_id.to_string(),
            time: snapshot
                .time
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            host: snapshot.host.clone(),
            set: snapshot.set.clone(),
            step: step.map(|step| step.id.clone()),
            run: step.map(|step| step.run.clone()),
            attempt: step.map(|step| step.attempt.clone()),
            with: snapshot.with.iter().map(|step| step.id.clone()).collect(),
            reason: snapshot.reason.clone(),
            files: snapshot.files,
            dirs: snapshot.dirs,
            bytes: snapshot.bytes,
            missing: snapshot.missing.count,
            missing_paths: snapshot.missing.paths.clone(),
        }
    }

    /// What it is for, in a few words.
    fn purpose(&self) -> String {
        let set = clean(&self.set);
        let purpose = match (&self.step, &self.reason) {
            (Some(step), _) if self.with.is_empty() => {
                format!("{set} after {}", style::strong(clean(step)))
            }
            (Some(step), _) => format!(
                "{set} after {}, {}",
                clean(&self.with.join(", ")),
                style::strong(clean(step))
            ),
            (None, Some(reason)) => format!("{set} {}", clean(reason)),
            (None, None) => set.into_owned(),
        };
        match self.missing {
            0 => purpose,
            missing => {
                let partial = format!("partial: {} missing", counted(missing, "file"));
                format!("{purpose}, {}", style::notable(partial))
            }
        }
    }

    /// What it lacks, a line each, for those who look into it.
    pub(in crate::commands) fn lacks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for path in &self.missing_paths {
            writeln!(f, "  missing: {}", clean(path))?;
        }
        let named = self.missing_paths.len() as u64;
        match self.missing.saturating_sub(named) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }

    /// One line, its first columns as wide as they are in others.
    fn line(&self, f: &mut fmt::Formatter<'_>, widths: [usize; 2]) -> fmt::Result {
        let [name, files] = widths;
        let padding = " ".repeat(name.saturating_sub(self.name.len()));
        writeln!(
            f,
            "{}{padding}  {:>files$}  {:>6}  {}",
            style::name(clean(&self.name)),
            counted(self.files, "file"),
            size(self.bytes),
            self.purpose()
        )
    }

    fn widths(&self) -> [usize; 2] {
        [self.name.len(), counted(self.files, "file").len()]
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, [0, 0])
    }
}

/// Several of them.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Snapshots {
    snapshots: Vec<Listed>,
    /// What to do if there are none.
    #[serde(skip)]
    advice: &'static str,
}

impl Snapshots {
    /// Those of a vault that are wanted, oldest first.
    pub(in crate::commands) fn of(
        cx: &mut Context,
        vault: &ReadArg,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Result<Self, Failure> {
        let all = match vault.open_if_any(cx)? {
            Some(vault) => vault.snapshots()?,
            None => Vec::new(),
        };
        let found = all.iter().filter(|snapshot| wanted(snapshot));
        Ok(Self {
            snapshots: found.map(|snapshot| Listed::new(snapshot, &all)).collect(),
            advice: if all.is_empty() {
                "no snapshots yet; take one: buildkeep backup create"
            } else {
                "none of the snapshots fits; see all: buildkeep backup list"
            },
        })
    }
}

impl fmt::Display for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.snapshots.is_empty() {
            return writeln!(f, "{}", self.advice);
        }
        let widest = |[a, b]: [usize; 2], [c, d]: [usize; 2]| [a.max(c), b.max(d)];
        let widths = self.snapshots.iter().map(Listed::widths);
        let widths = widths.fold([0, 0], widest);
        self.snapshots
            .iter()
            .try_for_each(|snapshot| snapshot.line(f, widths))
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let wanted = |snapshot: &Snapshot| args.set.as_ref().is_none_or(|set| *set == snapshot.set);
    let snapshots = Snapshots::of(cx, &args.vault, wanted)?;
    cx.ui.show(&snapshots)?;
    Ok(Answer::Yes)
}
