//! What plain Git wrote, made durable before something of ours stands on it.
//!
//! Plain `git commit` syncs neither objects nor refs. A commit of ours upon it would be the one to
//! make the names of its files durable, but not their content, and a power cut would leave a branch
//! of empty objects. What the operation log reaches is ours, or was made durable by us before.
use std::collections::BTreeSet;
use std::path::PathBuf;

use gix::ObjectId;

use super::error::During as _;
use super::loose;
use super::operations::LOG;
use super::patience::patiently;
use super::{Error, Repo};
use crate::fs::{sync_dir, sync_file, sync_file_system};

/// Makes these commits durable, with all that is in them, and what is checked out.
pub(super) fn settle(repo: &Repo, tips: &[ObjectId]) -> Result<(), Error> {
    let head = repo.head().ok().flatten();
    let tips: BTreeSet<ObjectId> = tips.iter().copied().chain(head).collect();
    if tips.is_empty() {
        return Ok(());
    }
    let Some(log) = repo.find_ref(LOG)? else {
        return Ok(sync_file_system(repo.git_dir())?);
    };
    let known = repo.commit(log)?.parents;
    let tips: Vec<ObjectId> = tips.into_iter().filter(|id| !known.contains(id)).collect();
    if tips.is_empty() {
        return Ok(());
    }
    match foreign_objects(repo, &tips, log) {
        Ok(objects) if objects.is_empty() => Ok(()),
        Ok(objects) => sync(repo, &objects),
        // Damaged, or not like anything that we know: all of it, then.
        Err(_) => Ok(sync_file_system(repo.git_dir())?),
    }
}

/// Syncs these objects, as far as they are loose, and what Git keeps beside them.
fn sync(repo: &Repo, objects: &BTreeSet<ObjectId>) -> Result<(), Error> {
    let mut folders = BTreeSet::from([
        repo.objects_dir(),
        repo.objects_dir().join("pack"),
        repo.git_dir().to_owned(),
    ]);
    for id in objects {
        let path = loose::path_of(&repo.objects_dir(), *id);
        sync_file(&path)?;
        folders.extend(path.parent().map(PathBuf::from));
    }
    if let Ok(branch) = repo.head_branch() {
        let path = repo.git_dir().join(branch);
        sync_file(&path)?;
        folders.extend(path.parent().map(PathBuf::from));
    }
    sync_file(&repo.git_dir().join("packed-refs"))?;
    sync_file(&repo.git_dir().join("index"))?;
    folders.retain(|folder| folder.is_dir());
    folders.iter().try_for_each(|folder| sync_dir(folder))?;
    Ok(())
}

/// The objects of the history of `tips` that are not in that of `known`.
fn foreign_objects(
    repo: &Repo,
    tips: &[ObjectId],
    known: ObjectId,
) -> Result<BTreeSet<ObjectId>, Error> {
    let walk = repo.gix().rev_walk(tips.iter().copied());
    let commits = walk.with_hidden([known]).all().during("walk the history")?;
    let mut objects = BTreeSet::new();
    for info in commits {
        let commit = repo.commit(info.during("walk the history")?.id)?;
        let parent = commit.parents.first().map(|id| repo.commit(*id));
        let base = parent.transpose()?.map(|parent| parent.tree_id);
        objects.insert(commit.id);
        collect_tree(repo, commit.tree_id, base, &mut objects)?;
    }
    Ok(objects)
}

/// Adds a tree and all in it, without what its counterpart has too.
fn collect_tree(
    repo: &Repo,
    tree_id: ObjectId,
    base: Option<ObjectId>,
    objects: &mut BTreeSet<ObjectId>,
) -> Result<(), Error> {
    if Some(tree_id) == base || !objects.insert(tree_id) {
        return Ok(());
    }
    let known = base.map(|id| repo.entries(id)).transpose()?;
    let known = known.unwrap_or_default();
    for entry in repo.entries(tree_id)? {
        let counterpart = known.iter().find(|one| one.filename == entry.filename);
        let before = counterpart.map(|one| one.oid);
        if before == Some(entry.oid) || entry.mode.is_commit() {
            continue;
        }
        if entry.mode.is_tree() {
            let before = counterpart.filter(|one| one.mode.is_tree());
            collect_tree(repo, entry.oid, before.map(|one| one.oid), objects)?;
        } else {
            objects.insert(entry.oid);
        }
    }
    Ok(())
}

impl Repo {
    fn entries(&self, tree_id: ObjectId) -> Result<Vec<gix::objs::tree::Entry>, Error> {
        let tree = patiently(|| self.gix().find_tree(tree_id)).during("read a tree")?;
        let decoded = tree.decode().during("read a tree")?;
        Ok(decoded.entries.into_iter().map(Into::into).collect())
    }
}
