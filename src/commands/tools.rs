//! Which tools steps are built with: their versions, asked for once and then known by their files.
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::Context;
use crate::check::{ToolFact, find_tool, version_line};
use crate::fs::{read_optional, together, write_cache};
use crate::store::Keep;

/// The tools that are noted of every step.
pub(super) const USUAL: [&str; 5] = ["as", "bash", "cc", "ld", "make"];

/// What tells a file from what it was: device, inode, size, times of content and of all else.
type Stat = (u64, u64, u64, (i64, i64), (i64, i64));

/// What is known of a program file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    stat: Stat,
    version: String,
}

/// The versions of the usual tools, and of `more`, by name: `gcc (Debian 12.2.0-14) 12.2.0`.
///
/// A tool that is not there has none. A program is started only if its file is another than before.
pub(super) fn look(cx: &Context, keep: &Keep, more: &[String]) -> BTreeMap<String, String> {
    let more = more.iter().map(String::as_str);
    let names: Vec<&str> = USUAL.iter().copied().chain(more).collect();
    let tools = find(cx, keep, &names).into_iter();
    tools.map(|(name, tool)| (name, tool.version)).collect()
}

/// Where these tools are, and their versions.
pub(super) fn find(cx: &Context, keep: &Keep, names: &[&str]) -> BTreeMap<String, ToolFact> {
    let cache = keep.private("cache/tools");
    let cached = read_optional(&cache).ok().flatten();
    let mut known: BTreeMap<String, Known> = cached
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let env = &cx.world.env;
    let there = names.iter().filter_map(|name| {
        let path = find_tool(name, env)?;
        Some(((*name).to_owned(), stat_of(&path)?, path))
    });
    let there: Vec<(String, Stat, PathBuf)> = there.collect();
    let mut new: Vec<(&PathBuf, Stat)> = there
        .iter()
        .filter(|(_, stat, path)| {
            known
                .get(&key(path))
                .is_none_or(|known| known.stat != *stat)
        })
        .map(|(_, stat, path)| (path, *stat))
        .collect();
    new.sort_unstable();
    new.dedup();
    if !new.is_empty() {
        known.extend(ask(cx, &new));
        if let Ok(text) = serde_json::to_vec(&known) {
            write_cache(&cache, &text);
        }
    }
    let tool = |(name, _, path): (String, Stat, PathBuf)| {
        let version = known.get(&key(&path))?.version.clone();
        Some((name, ToolFact { path, version }))
    };
    there.into_iter().filter_map(tool).collect()
}

fn key(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Asks programs for their versions, all at once: most of them only have to be read from the disk.
fn ask(cx: &Context, new: &[(&PathBuf, Stat)]) -> Vec<(String, Known)> {
    let (env, clock) = (&cx.world.env, &cx.world.clock);
    let one = |path: &Path, stat: Stat| {
        let said = version_line(path, env, clock).filter(|line| !line.is_empty());
        let version = said.unwrap_or_else(|| key(path));
        (key(path), Known { stat, version })
    };
    let next = AtomicUsize::new(0);
    let heard = together(new.len().saturating_sub(1), || {
        let mut heard = Vec::new();
        while let Some((path, stat)) = new.get(next.fetch_add(1, Ordering::Relaxed)) {
            heard.push(one(path, *stat));
        }
        heard
    });
    heard.concat()
}

fn stat_of(path: &Path) -> Option<Stat> {
    let meta = path.metadata().ok()?;
    Some((
        meta.dev(),
        meta.ino(),
        meta.size(),
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    ))
}

/// A tool that is another than it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ToolChange {
    /// Its name.
    pub(super) name: String,
    /// As it was; nothing if it was not there.
    pub(super) before: Option<String>,
    /// As it is; nothing if it is gone.
    pub(super) after: Option<String>,
}

/// Which tools are different; nothing is different from what was never noted.
pub(super) fn changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<ToolChange> {
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| ToolChange {
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    let changes = names.into_iter().map(change);
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

impl std::fmt::Display for ToolChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "tool {}: {before} -> {after}", self.name),
            (None, Some(after)) => write!(f, "tool {} is there now: {after}", self.name),
            (Some(before), None) => write!(f, "tool {} is gone (was {before})", self.name),
            (None, None) => write!(f, "tool {}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_compared_by_name() {
        let tools = |list: &[(&str, &str)]| -> BTreeMap<String, String> {
            list.iter()
                .map(|(name, version)| ((*name).into(), (*version).into()))
                .collect()
        };
        let before = tools(&[("cc", "gcc 12"), ("ld", "ld 2.40"), ("as", "as 2.40")]);
        let after = tools(&[("cc", "gcc 13"), ("ld", "ld 2.40"), ("make", "make 4")]);
        let told: Vec<String> = changes(&before, &after)
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "tool as is gone (was as 2.40)",
            "tool cc: gcc 12 -> gcc 13",
            "tool make is there now: make 4",
        ];
        assert_eq!(told, expected);
        assert_eq!(changes(&BTreeMap::new(), &after), []);
    }
}
