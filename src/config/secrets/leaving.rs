//! Secrets in what plain Git is about to commit, or to send away.
use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{Allowed, check_with};
use crate::config::edit::bad_schema;
use crate::config::{Error, Files, Role, Sources};
use crate::document::Problem;
use crate::store::{Called, Link, Mode, ObjectId, Objects, TreeFile};

/// What looks like a secret in the files that are staged and differ from the last commit.
pub fn staged(called: &Called, today: NaiveDate) -> Result<Vec<Problem>, Error> {
    let committed = match called.head()? {
        Some(head) => called.repo().files_at(head, "")?,
        None => Vec::new(),
    };
    let known: BTreeSet<_> = committed
        .iter()
        .map(|file| (&file.path, file.blob_id))
        .collect();
    let mut changed = called.staged_files()?;
    changed.retain(|file| !known.contains(&(&file.path, file.blob_id)));
    let sources = Sources::read(&Files::staged(called)?).map_err(bad_schema)?;
    let allowed = Allowed::of(sources.document(&Role::Settings));
    look(called.objects(), (&changed, &sources), &allowed, today)
}

/// What looks like a secret in the commits from `tip` back to what is reachable from `known`, the
/// oldest first. What a later commit takes out again is in the history all the same.
///
/// What is allowed is said at the tip.
pub fn leaving(
    objects: &Objects,
    tip: ObjectId,
    known: &[ObjectId],
    today: NaiveDate,
) -> Result<Option<(Link, Vec<Problem>)>, Error> {
    let line = objects.line(tip, known, None)?;
    let Some(newest) = line.commits.first() else {
        return Ok(None);
    };
    let settings = Sources::read(&Files::of_tree(objects, newest.tree_id, None)?).ok();
    let settings = settings
        .as_ref()
        .and_then(|sources| sources.document(&Role::Settings));
    let allowed = Allowed::of(settings);
    let mut looked_at = BTreeSet::new();
    for link in line.commits.iter().rev() {
        let mut brought = objects.brought_in(link)?;
        brought.retain(|file| looked_at.insert((file.path.clone(), file.blob_id)));
        let is_ours = |file: &TreeFile| Role::of(&file.path.to_string()).is_some();
        let files = if brought.iter().any(is_ours) {
            Files::of_tree(objects, link.tree_id, None)?
        } else {
            Files::default()
        };
        // Schemas that cannot be used are told of by others.
        let Ok(sources) = Sources::read(&files) else {
            continue;
        };
        let found = look(objects, (&brought, &sources), &allowed, today)?;
        if !found.is_empty() {
            return Ok(Some((link.clone(), found)));
        }
    }
    Ok(None)
}

fn look(
    objects: &Objects,
    (files, sources): (&[TreeFile], &Sources),
    allowed: &Allowed,
    today: NaiveDate,
) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.mode != Mode::Link) {
        let content = objects.blob(file.blob_id)?;
        let path = file.path.to_string();
        let one = [(path.as_str(), content.as_slice())];
        problems.extend(check_with(sources, one, allowed, today));
    }
    Ok(problems)
}
