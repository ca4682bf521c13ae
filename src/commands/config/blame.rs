//! `config blame`
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::configuration::{effective_now, key};
use super::super::{Answer, Context, versions};
use super::by::By;
use crate::config::diff::open;
use crate::config::history::{History, LayerKey, layer_of};
use crate::config::versions::Index;
use crate::config::{Effective, Files, Role, Sources};
use crate::document::{Document, KeyPath};
use crate::failure::Failure;
use crate::store::{Keep, ObjectId};
use crate::ui::{clean_line, style};

/// Show who last set each key, and in which version
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the keys of this file, or only this key or table; without it all that hold on this host
    #[arg(value_name = "FILE|KEY")]
    what: Option<String>,
}

/// A key with its value, and who set it.
#[derive(Debug, Serialize)]
struct Line {
    key: String,
    value: Json,
    file: String,
    #[serde(flatten)]
    by: By,
}

/// All keys that were asked for.
#[derive(Debug, Serialize)]
struct Blame {
    keys: Vec<Line>,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |length: &dyn Fn(&Line) -> usize| self.keys.iter().map(length).max().unwrap_or(0);
        let version = width(&|line| line.by.number().len());
        let author = width(&|line| line.by.author.chars().count()).min(16);
        let pair = |line: &Line| format!("{} = {}", line.key, line.value);
        let widest = width(&|line| pair(line).chars().count()).min(40);
        for line in &self.keys {
            let by = &line.by;
            let commit = style::notable(format!("{:10}", by.short()));
            let who: String = by.author.chars().take(author).collect();
            let when = style::faint(format!("{:16}", by.when()));
            let pair = format!("{:widest$}", clean_line(&pair(line)));
            write!(
                f,
                "{commit} {:version$} {when} {:author$} ",
                by.number(),
                clean_line(&who)
            )?;
            writeln!(f, "{pair}  {}", style::faint(clean_line(&by.subject)))?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let (sources, now) = effective_now(&keep)?;
    let files = Files::of_work_tree(&keep)?;
    let file = args
        .what
        .as_deref()
        .and_then(|what| file(cx, &keep, &files, what));
    let wanted = match (&file, &args.what) {
        (Some(file), _) => of_file(&files, file)?,
        (None, Some(typed)) => in_force(&now, &key(typed)?),
        (None, None) => in_force(&now, &KeyPath::root()),
    };
    if let (true, Some(typed)) = (wanted.is_empty(), &args.what) {
        return Err(Failure::user(format!("no file sets `{typed}`"))
            .hint("list what holds: `buildkeep config list`"));
    }
    let index = versions::index(&keep)?;
    let keys = lines(&keep, &index, (&sources, &now), wanted)?;
    let oldest = index.cut.map(|cut| cut.at.to_string());
    let is_older = |line: &Line| oldest.is_some() && line.by.commit == oldest;
    let is_cut = keys.iter().any(is_older);
    cx.ui.show(&Blame { keys })?;
    if is_cut {
        versions::tell_cut(cx, &index);
    }
    Ok(Answer::Yes)
}

/// A key as a file has it.
struct Set {
    file: String,
    key: KeyPath,
    value: Json,
}

/// A file that was named from here or from the root of the keep.
fn file(cx: &Context, keep: &Keep, files: &Files, what: &str) -> Option<String> {
    let inside = cx.in_keep(keep, Path::new(what));
    let inside = inside.and_then(|path| path.to_str().map(str::to_owned));
    let typed = [inside, Some(what.to_owned())];
    typed
        .into_iter()
        .flatten()
        .find(|path| files.get(path).is_some())
}

fn of_file(files: &Files, file: &str) -> Result<Vec<Set>, Failure> {
    let text = files
        .text(file)
        .map_err(|problem| Failure::problems(&[problem]))?;
    let document = Document::parse(file, text).map_err(|problem| Failure::problems(&[problem]))?;
    let set = |(key, value)| Set {
        file: file.to_owned(),
        key,
        value,
    };
    Ok(document.values().into_iter().map(set).collect())
}

/// The keys below `table` that a file sets.
fn in_force(now: &Effective, table: &KeyPath) -> Vec<Set> {
    let entries = now.entries_in(table).into_iter();
    let set = entries.filter_map(|entry| {
        entry.origin.line?;
        Some(Set {
            file: entry.origin.file?,
            key: KeyPath::parse(&entry.key).ok()?,
            value: entry.value,
        })
    });
    set.collect()
}

fn lines(
    keep: &Keep,
    index: &Index,
    (sources, now): (&Sources, &Effective),
    wanted: Vec<Set>,
) -> Result<Vec<Line>, Failure> {
    let layer = |set: &Set| -> Option<LayerKey> {
        Some((layer_of(&Role::of(&set.file)?), set.key.clone()))
    };
    let dirty = uncommitted(keep, sources)?;
    let committed: BTreeSet<LayerKey> = wanted.iter().filter_map(layer).collect();
    let committed = committed.difference(&dirty).cloned().collect();
    let origins = History::new(keep.repo(), index, &keep.host(), sources).origins(committed)?;
    let mut known: BTreeMap<ObjectId, By> = BTreeMap::new();
    let mut lines = Vec::new();
    for set in wanted {
        let by = match layer(&set).and_then(|layer| origins.get(&layer)) {
            Some((number, id)) => {
                if !known.contains_key(id) {
                    known.insert(*id, By::of(&keep.repo().commit(*id)?, *number));
                }
                known[id].clone()
            }
            None => By::nobody(),
        };
        lines.push(Line {
            key: set.key.to_string(),
            value: open(now, &set.key, set.value),
            file: set.file,
            by,
        });
    }
    Ok(lines)
}

/// The keys that the work tree has otherwise than the last commit.
fn uncommitted(keep: &Keep, sources: &Sources) -> Result<BTreeSet<LayerKey>, Failure> {
    let head = keep.repo().head()?;
    let before = head
        .map(|head| Files::of_commit(keep.repo(), head))
        .transpose()?;
    let after = Files::of_work_tree(keep)?;
    Ok(crate::config::history::differing(
        sources,
        &before.unwrap_or_default(),
        &after,
    ))
}
