//! Commits of a keep: work tree, index and branch, in an order that a crash cannot upset.
//!
//! Objects, then files, then the index, then the branch. Wherever that is cut off, nothing is
//! half a commit: there are changes of the work tree, perhaps staged, and whoever repeats the
//! command commits them.
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::BString;

use super::clean::mode_of;
use super::git_lock::GitLock;
use super::operations::Note;
use super::worktree::{self, Change};
use super::{
    Error, Expect, FileChange, Keep, Message, Mode, Signature, Transaction, WriteGuard, index,
};
use crate::fs::{
    AtPath as _, Batch, Staged, create_dirs, is_absent, remove_file, sweep_temporaries,
};

/// The marks of work that plain Git has not finished.
const UNFINISHED: &[(&str, &str)] = &[
    ("MERGE_HEAD", "merge"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
];

/// Which files have to be written before the changes are committed.
#[derive(Clone, Copy)]
enum Files<'a> {
    /// None: they come from the work tree.
    AreThere,
    /// All of them.
    Write,
    /// These, which have other changes beside those that are committed.
    Beside(&'a [FileChange]),
}

/// A commit to be.
struct Draft<'a> {
    changes: &'a [FileChange],
    files: Files<'a>,
    message: &'a Message,
    signature: &'a Signature,
}

/// How often plain Git may be faster.
const TRIES: usize = 20;

impl Keep {
    /// Commits the changed files of the work tree; none if nothing changed.
    pub fn commit_work_tree(
        &self,
        guard: &WriteGuard,
        changes: &[Change],
        message: &Message,
        signature: &Signature,
    ) -> Result<Option<ObjectId>, Error> {
        if changes.is_empty() {
            return Ok(None);
        }
        let files = self.file_changes(changes)?;
        let draft = Draft {
            changes: &files,
            files: Files::AreThere,
            message,
            signature,
        };
        self.record(guard, &draft).map(Some)
    }

    /// Writes files into the work tree and commits exactly them.
    ///
    /// Other changes of the work tree stay uncommitted.
    pub fn commit_files(
        &self,
        guard: &WriteGuard,
        changes: &[FileChange],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        let draft = Draft {
            changes,
            files: Files::Write,
            message,
            signature,
        };
        self.record(guard, &draft)
    }

    /// The same, but only the content of files that are there changes: a run bit stays.
    pub fn commit_contents(
        &self,
        guard: &WriteGuard,
        changes: &[FileChange],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        self.commit_beside(guard, (changes, changes), message, signature)
    }

    /// Commits the content of `changes`, and writes `files` into the work tree: the same files, with
    /// changes of others, which stay uncommitted. A run bit stays as it is there and here.
    pub fn commit_beside(
        &self,
        guard: &WriteGuard,
        (changes, files): (&[FileChange], &[FileChange]),
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        let head = self.repo().head()?;
        let changes = changes.iter().map(|change| self.as_committed(head, change));
        let changes = changes.collect::<Result<Vec<_>, _>>()?;
        let files: Vec<_> = files.iter().map(|file| self.as_it_is(file)).collect();
        let draft = Draft {
            changes: &changes,
            files: Files::Beside(&files),
            message,
            signature,
        };
        self.record(guard, &draft)
    }

    /// Writes files into the work tree, and commits nothing, since the last commit has what they
    /// are about; so does the index afterwards, whatever a command that failed left there.
    pub fn write_files(&self, _guard: &WriteGuard, files: &[FileChange]) -> Result<(), Error> {
        let files: Vec<_> = files.iter().map(|file| self.as_it_is(file)).collect();
        let lock = index::lock(self.repo())?;
        let head = self.repo().head()?;
        let mut batch = self.repo().batch();
        let staged = self.stage_work_files(&files, &mut batch)?;
        batch.order()?;
        place_all(staged, &mut batch)?;
        let index = match head {
            Some(head) => Some(self.refresh_to(lock, head, &files, &mut batch)?),
            None => None,
        };
        batch.order()?;
        if let Some(index) = index {
            index.commit_with(&mut batch)?;
        }
        Ok(batch.settle()?)
    }

    /// An index that has of `files` what the commit `head` has.
    fn refresh_to(
        &self,
        lock: GitLock,
        head: ObjectId,
        files: &[FileChange],
        batch: &mut Batch,
    ) -> Result<GitLock, Error> {
        let of_commit = |file: &FileChange| {
            let path = file.path.to_string();
            let mode = self.repo().mode_at(head, &path)?;
            let content = self.repo().file_at(head, &path)?;
            Ok::<_, Error>(FileChange {
                path: file.path.clone(),
                content: mode.zip(content),
            })
        };
        let committed = files.iter().map(of_commit).collect::<Result<Vec<_>, _>>()?;
        let tree_id = self.repo().commit(head)?.tree_id;
        let place = (self.repo(), self.root());
        index::refresh(lock, place, (tree_id, &committed), batch)
    }

    /// Starts a change of refs that `undo` can take back; `message` says what it is.
    pub fn begin(
        &self,
        guard: &WriteGuard,
        message: &Message,
        signature: &Signature,
    ) -> Transaction<'_> {
        let note = Note::new(&guard.command, message, signature);
        self.repo().begin().noted(note)
    }

    /// The branch that commits go to: not into the middle of a merge, and not nowhere.
    pub fn branch(&self) -> Result<String, Error> {
        let there = |(mark, _): &&(&str, &str)| self.repo().git_dir().join(mark).exists();
        match UNFINISHED.iter().find(there) {
            Some((_, what)) => Err(Error::Unfinished {
                what,
                path: self.root().to_owned(),
            }),
            None => self.repo().head_branch(),
        }
    }

    /// Records on top of what is the newest commit by then: plain Git may commit at the same time.
    fn record(&self, guard: &WriteGuard, draft: &Draft<'_>) -> Result<ObjectId, Error> {
        let branch = self.branch()?;
        let mut head = self.repo().head()?;
        for _ in 0..TRIES {
            match self.record_on(head, &branch, guard, draft) {
                Err(Error::Moved { name }) if name == branch => {
                    let now = self.repo().head()?;
                    if self.is_meant_otherwise(head, now, draft.changes)? {
                        return Err(Error::Moved { name });
                    }
                    head = now;
                }
                done => return done,
            }
        }
        Err(Error::Moved { name: branch })
    }

    fn record_on(
        &self,
        head: Option<ObjectId>,
        branch: &str,
        guard: &WriteGuard,
        draft: &Draft<'_>,
    ) -> Result<ObjectId, Error> {
        let (message, signature) = (draft.message, draft.signature);
        let index = index::lock(self.repo())?;
        let base = head.map(|head| self.repo().commit(head)).transpose()?;
        let mut transaction = self.begin(guard, message, signature);
        let tree_id = transaction.edit_tree(base.map(|base| base.tree_id), draft.changes)?;
        let parents: Vec<_> = head.into_iter().collect();
        let commit_id = transaction.commit(tree_id, &parents, message, signature)?;
        let why = format!("commit: {}", message.subject);
        transaction.set_ref(branch, Expect::seen(head), commit_id, &why)?;
        let mut batch = self.repo().batch();
        let staged = self.stage_files(draft, &mut batch)?;
        transaction.finish_with(batch, |batch| {
            place_all(staged, batch)?;
            // Before the branch: an index that does not know the commit would take it back in the
            // next commit of plain Git.
            let place = (self.repo(), self.root());
            index::refresh(index, place, (tree_id, draft.changes), batch).map(Some)
        })?;
        Ok(commit_id)
    }

    /// The change, with the mode that the commit has of its file.
    fn as_committed(
        &self,
        head: Option<ObjectId>,
        change: &FileChange,
    ) -> Result<FileChange, Error> {
        let mode = match head {
            Some(head) => self.repo().mode_at(head, &change.path.to_string())?,
            None => None,
        };
        let mode = mode.filter(|mode| *mode != Mode::Link);
        Ok(mode.map_or_else(|| self.as_it_is(change), |mode| with_mode(change, mode)))
    }

    /// The change, with the mode that the work tree has of its file.
    fn as_it_is(&self, change: &FileChange) -> FileChange {
        let path = worktree::on_disk(self.root(), &change.path);
        let mode = path.ok().and_then(|path| mode_of(&path));
        let mode = mode.filter(|mode| *mode != Mode::Link);
        mode.map_or_else(|| change.clone(), |mode| with_mode(change, mode))
    }

    /// Whether one commit has another content than the other where something is to be changed.
    fn is_meant_otherwise(
        &self,
        before: Option<ObjectId>,
        now: Option<ObjectId>,
        changes: &[FileChange],
    ) -> Result<bool, Error> {
        let between = self.changes_between(before, now)?;
        let touched: BTreeSet<&BString> = between.iter().map(|change| &change.path).collect();
        Ok(changes.iter().any(|change| touched.contains(&change.path)))
    }

    /// Writes what the work tree needs, under temporary names.
    fn stage_files(&self, draft: &Draft<'_>, batch: &mut Batch) -> Result<Vec<Placing>, Error> {
        match draft.files {
            Files::Write => self.stage_work_files(draft.changes, batch),
            Files::Beside(files) => self.stage_work_files(files, batch),
            Files::AreThere => self.note_work_files(draft.changes, batch),
        }
    }

    /// What people wrote was never synced: after a power cut, an older or an empty file would look
    /// like a change to be committed.
    fn note_work_files(
        &self,
        changes: &[FileChange],
        batch: &mut Batch,
    ) -> Result<Vec<Placing>, Error> {
        let mut folders = BTreeSet::new();
        for change in changes {
            let path = worktree::on_disk(self.root(), &change.path)?;
            let inside = |folder: &&Path| folder.starts_with(self.root());
            let above = path.ancestors().skip(1).take_while(inside);
            folders.extend(above.filter(|folder| folder.is_dir()).map(Path::to_owned));
            if let Some((Mode::File | Mode::Executable, _)) = change.content {
                note_file(&path, batch)?;
            }
        }
        for folder in folders {
            batch.named(&folder)?;
        }
        Ok(Vec::new())
    }

    /// Writes files under temporary names.
    fn stage_work_files(
        &self,
        changes: &[FileChange],
        batch: &mut Batch,
    ) -> Result<Vec<Placing>, Error> {
        let mut swept = BTreeSet::new();
        let mut staged = Vec::new();
        for FileChange { path, content } in changes {
            let path = worktree::on_disk(self.root(), path)?;
            let folder = path.parent().unwrap_or(self.root()).to_owned();
            if content.is_some() && !swept.contains(&folder) {
                create_dirs(&folder, batch)?;
                sweep_temporaries(&folder)?;
                swept.insert(folder);
            }
            staged.push(match content {
                None => Placing::Delete(path),
                Some((mode @ (Mode::Executable | Mode::File), content)) => {
                    let mode = permissions(*mode, &path);
                    Placing::Write(Staged::file(&path, content, mode, batch)?)
                }
                Some((Mode::Link, content)) => Placing::Write(Staged::link(&path, content)?),
            });
        }
        Ok(staged)
    }
}

/// A file of the work tree that is about to change.
enum Placing {
    Write(Staged),
    Delete(PathBuf),
}

fn place_all(files: Vec<Placing>, batch: &mut Batch) -> Result<(), Error> {
    for file in files {
        match file {
            Placing::Write(staged) => staged.place(batch)?,
            Placing::Delete(path) => remove_file(&path, batch)?,
        }
    }
    Ok(())
}

/// Notes a file that somebody wrote, if it is there.
fn note_file(path: &Path, batch: &mut Batch) -> Result<(), Error> {
    match File::open(path) {
        Err(error) if is_absent(&error) => Ok(()),
        opened => Ok(batch.wrote(opened.at("sync", path)?, path)?),
    }
}

fn with_mode(change: &FileChange, mode: Mode) -> FileChange {
    let content = change.content.as_ref();
    FileChange {
        path: change.path.clone(),
        content: content.map(|(_, content)| (mode, content.clone())),
    }
}

/// The permissions of a file to be written: those it has, but for the run bit.
fn permissions(mode: Mode, path: &Path) -> u32 {
    let now = fs::symlink_metadata(path)
        .ok()
        .filter(fs::Metadata::is_file);
    let now = now.map_or(0o644, |meta| meta.permissions().mode() & 0o7777);
    match mode {
        Mode::Executable => now | (now & 0o444) >> 2,
        _ => now & !0o111,
    }
}
