//! What differs between two snapshots, as people and scripts read it.
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::Context;
use crate::failure::Failure;
use crate::report::diff::{FileDiff, Side};
use crate::ui::{clean, counted, size, style};
use crate::vault::compare::{Aspect, Difference, Facts, Fate, compare};
use crate::vault::{Snapshot, Vault, content, shortest};

/// The largest file whose lines are compared.
const LARGEST_TEXT: u64 = 1 << 20;

/// What of the differences is wanted.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Wanted {
    /// Show how the content of text files changed
    #[arg(short = 'p', long)]
    text: bool,
    /// Show also what differs in its time only
    #[arg(long)]
    times: bool,
}

/// What differs between two snapshots.
#[derive(Debug, Serialize)]
pub(super) struct TreeDiff {
    /// The step that made the difference, if it is asked for by step.
    pub(super) step: Option<String>,
    before: Option<String>,
    after: String,
    added: usize,
    changed: usize,
    removed: usize,
    /// By how much the files grew together; negative if they shrank.
    bytes: i64,
    entries: Vec<Difference>,
    #[serde(skip)]
    names: (Option<String>, String),
    #[serde(skip)]
    texts: Vec<(usize, FileDiff)>,
}

impl TreeDiff {
    /// Compares two snapshots, or nothing with one; `all` are those of the vault.
    pub(super) fn of(
        cx: &mut Context,
        (vault, all): (&Vault, &[Snapshot]),
        (before, after): (Option<&Snapshot>, &Snapshot),
        (paths, wanted): (&[PathBuf], &Wanted),
    ) -> Result<Self, Failure> {
        cx.ui.live("comparing");
        let entries = compare(vault, (before, after), paths);
        cx.ui.live_end();
        let mut entries = entries?;
        entries.retain(|entry| !is_noise(entry, wanted));
        let count = |fate| entries.iter().filter(|entry| entry.change == fate).count();
        let name = |snapshot: &Snapshot| shortest(&snapshot.tag, all).to_owned();
        Ok(Self {
            step: None,
            before: before.map(|before| before.tag.clone()),
            after: after.tag.clone(),
            added: count(Fate::Added),
            changed: count(Fate::Changed),
            removed: count(Fate::Removed),
            bytes: entries.iter().map(growth).sum(),
            texts: if wanted.text {
                texts(vault, &entries)?
            } else {
                Vec::new()
            },
            entries,
            names: (before.map(name), name(after)),
        })
    }
}

/// Folders change their time with each entry, and other times rarely matter.
fn is_noise(entry: &Difference, wanted: &Wanted) -> bool {
    entry.path.is_empty() && entry.change != Fate::Changed
        || !wanted.times && !entry.is_more_than_time()
}

fn growth(entry: &Difference) -> i64 {
    let bytes = |side: &Option<Facts>| side.as_ref().and_then(|side| side.size).unwrap_or(0) as i64;
    bytes(&entry.after) - bytes(&entry.before)
}

/// How the content of changed text files differs.
fn texts(vault: &Vault, entries: &[Difference]) -> Result<Vec<(usize, FileDiff)>, Failure> {
    let mut texts = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        let (Some(before), Some(after)) = (&entry.before, &entry.after) else {
            continue;
        };
        if !entry.what.contains(&Aspect::Content) {
            continue;
        }
        let read = |side| content::small(vault, side, LARGEST_TEXT);
        if let (Some(before), Some(after)) = (read(before)?, read(after)?) {
            let (before, after) = (Side::open(before), Side::open(after));
            let diff = FileDiff::new(entry.path.clone(), Some(&before), Some(&after));
            texts.push((number, diff));
        }
    }
    Ok(texts)
}

impl fmt::Display for TreeDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.entries.iter().enumerate() {
            line(f, entry)?;
            let text = self.texts.iter().find(|(of, _)| *of == number);
            if let Some((_, text)) = text {
                write!(f, "{text}")?;
            }
        }
        let (before, after) = &self.names;
        let after = clean(after);
        let between = match before {
            Some(before) => format!("from {} to {after}", clean(before)),
            None => format!("in {after}, before which there is none"),
        };
        if self.entries.is_empty() {
            return writeln!(f, "nothing differs {between}");
        }
        let (grown, word) = match u64::try_from(self.bytes) {
            Ok(bytes) => (bytes, "more"),
            Err(_) => (self.bytes.unsigned_abs(), "less"),
        };
        let (added, changed, removed) = (self.added, self.changed, self.removed);
        let counts = format!("{added} added, {changed} changed, {removed} removed");
        writeln!(
            f,
            "{}",
            style::strong(format!("{counts}; {} {word}", size(grown)))
        )?;
        writeln!(f, "{}", style::faint(between))
    }
}

/// One entry: a sign, the path, and what is worth saying of it.
fn line(f: &mut fmt::Formatter<'_>, entry: &Difference) -> fmt::Result {
    let side = entry.after.as_ref().or(entry.before.as_ref());
    let slash = side.is_some_and(|side| side.kind == "folder");
    let path = if entry.path.is_empty() {
        "."
    } else {
        &entry.path
    };
    let path = format!("{}{}", clean(path), if slash { "/" } else { "" });
    let line = match entry.change {
        Fate::Added => style::good(format!("+ {path}")),
        Fate::Removed => style::bad(format!("- {path}")),
        Fate::Changed => style::notable(format!("~ {path}")),
    };
    let about = match entry.change {
        Fate::Changed => changed(entry),
        _ => side.map(described).unwrap_or_default(),
    };
    writeln!(f, "{line}{}", style::faint(about))
}

fn described(side: &Facts) -> String {
    match (&side.target, side.size) {
        (Some(target), _) => format!(" -> {}", clean(target)),
        (None, Some(bytes)) => format!("  {}", size(bytes)),
        (None, None) if side.kind == "folder" => String::new(),
        (None, None) => format!("  {}", side.kind.replace('_', " ")),
    }
}

/// What of it changed, with the old and the new where that is short.
fn changed(entry: &Difference) -> String {
    let (Some(before), Some(after)) = (&entry.before, &entry.after) else {
        return String::new();
    };
    let told = |what: &Aspect| match what {
        Aspect::Mode => format!("mode {} to {}", before.mode, after.mode),
        Aspect::Owner => format!(
            "owner {}:{} to {}:{}",
            before.uid, before.gid, after.uid, after.gid
        ),
        Aspect::Kind => format!("{} to {}", before.kind, after.kind).replace('_', " "),
        Aspect::Target => {
            let target = |side: &Facts| clean(side.target.as_deref().unwrap_or("")).into_owned();
            format!("{} to {}", target(before), target(after))
        }
        other => other.word().to_owned(),
    };
    let matters = |what: &&Aspect| entry.what.len() == 1 || **what != Aspect::Time;
    let all: Vec<_> = entry.what.iter().filter(matters).map(told).collect();
    format!("  {}", all.join(", "))
}

/// The paths that a step brought: a package file list.
#[derive(Debug, Serialize)]
pub(super) struct FileList {
    step: String,
    snapshot: String,
    entries: Vec<Installed>,
}

/// What a step installed.
#[derive(Debug, Serialize)]
struct Installed {
    path: String,
    #[serde(flatten)]
    facts: Facts,
}

impl FileList {
    /// What the checkpoint `after` has that `before` had not, or had otherwise.
    pub(super) fn of(
        vault: &Vault,
        (before, after): (Option<&Snapshot>, &Snapshot),
    ) -> Result<Self, Failure> {
        let differences = compare(vault, (before, after), &[])?;
        let installed = differences
            .into_iter()
            .filter(|entry| entry.is_installed() && !entry.path.is_empty())
            .filter_map(|entry| {
                Some(Installed {
                    path: entry.path,
                    facts: entry.after?,
                })
            });
        Ok(Self {
            step: after
                .steps()
                .map(|step| &*step.id)
                .collect::<Vec<_>>()
                .join(", "),
            snapshot: after.tag.clone(),
            entries: installed.collect(),
        })
    }

    /// How many there are, in words.
    pub(super) fn summary(&self) -> String {
        let files = self
            .entries
            .iter()
            .filter(|entry| entry.facts.kind != "folder");
        let bytes: u64 = self
            .entries
            .iter()
            .filter_map(|entry| entry.facts.size)
            .sum();
        format!("{}, {}", counted(files.count() as u64, "file"), size(bytes))
    }
}

impl fmt::Display for FileList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let slash = if entry.facts.kind == "folder" {
                "/"
            } else {
                ""
            };
            writeln!(f, "/{}{slash}", clean(&entry.path))?;
        }
        Ok(())
    }
}
