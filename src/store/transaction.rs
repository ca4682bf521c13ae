//! Changes to a repository, invisible until they are finished.
use std::sync::atomic::Ordering;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::prelude::Write as _;

use super::bulk::{self, Held, MANY};
use super::error::During as _;
use super::gc_lock::GcLock;
use super::git_lock::GitLock;
use super::loose::Object;
use super::operations::{KEPT, LOG, Note, RefMove};
use super::patience::patiently;
use super::refs::{self, RefEdit, full_name};
use super::settle::settle;
use super::{Error, Message, Mode, Repo, Signature, loose};
use crate::fs::Batch;

/// What a ref must be for a change to it to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It must not exist.
    Absent,
    /// It must point here.
    At(ObjectId),
    /// Whatever it is.
    Any,
}

impl Expect {
    /// What was read before: nothing, or an id.
    pub fn seen(id: Option<ObjectId>) -> Self {
        id.map_or(Self::Absent, Self::At)
    }
}

/// A file put into a tree, or taken out of it.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// Its path from the root, as bytes.
    pub path: BString,
    /// Mode and content; nothing to take it out.
    pub content: Option<(Mode, Vec<u8>)>,
}

impl FileChange {
    /// Puts a plain file.
    pub fn put(path: impl Into<BString>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            content: Some((Mode::File, content.into())),
        }
    }

    /// Takes a file out.
    pub fn remove(path: impl Into<BString>) -> Self {
        Self {
            path: path.into(),
            content: None,
        }
    }
}

/// New objects and moved refs, in memory until [`Transaction::finish`].
#[must_use = "a transaction that is dropped changes nothing"]
pub struct Transaction<'repo> {
    repo: &'repo Repo,
    memory: gix::Repository,
    refs: Vec<RefEdit>,
    signature: Option<Signature>,
    note: Option<Note>,
    /// The commits that the operation log will name.
    roots: Vec<ObjectId>,
}

impl<'repo> Transaction<'repo> {
    pub(super) fn new(repo: &'repo Repo) -> Self {
        Self {
            repo,
            memory: repo.gix().clone().with_object_memory(),
            refs: Vec::new(),
            signature: None,
            note: None,
            roots: Vec::new(),
        }
    }

    /// The operation log tells of this change.
    pub(super) fn noted(mut self, note: Note) -> Self {
        self.signature = Some(note.signature.clone());
        self.note = Some(note);
        self
    }

    /// Adds a blob.
    pub fn blob(&self, content: &[u8]) -> Result<ObjectId, Error> {
        let objects = &self.memory.objects;
        objects
            .write_buf(gix::objs::Kind::Blob, content)
            .during("make a blob")
    }

    /// Adds an object, also if the repository has it: gix would take its word for that, and for all
    /// we know plain Git never synced it, or a power cut emptied it.
    fn put(&self, object: &dyn gix::objs::WriteTo) -> Result<ObjectId, Error> {
        self.memory.objects.write(object).during("make an object")
    }

    /// Makes a tree from `base` (or from nothing) with these files changed.
    pub fn edit_tree(
        &mut self,
        base: Option<ObjectId>,
        changes: &[FileChange],
    ) -> Result<ObjectId, Error> {
        let empty = ObjectId::empty_tree(gix::hash::Kind::Sha1);
        let mut editor = self
            .memory
            .edit_tree(base.unwrap_or(empty))
            .during("edit a tree")?
            .detach();
        for change in changes {
            let path = change.path.split_str("/");
            match &change.content {
                Some((mode, content)) => {
                    let blob_id = self.blob(content)?;
                    editor
                        .upsert(path, mode.kind(), blob_id)
                        .during("add a file to a tree")?;
                }
                None => drop(editor.remove(path).during("remove a file from a tree")?),
            }
        }
        editor.write(|tree| {
            refuse_bad_names(tree)?;
            self.put(tree)
        })
    }

    /// Makes a commit.
    pub fn commit(
        &mut self,
        tree_id: ObjectId,
        parents: &[ObjectId],
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        let person = signature.to_gix();
        let commit = gix::objs::Commit {
            tree: tree_id,
            parents: parents.iter().copied().collect(),
            author: person.clone(),
            committer: person,
            encoding: None,
            message: message.to_string().into(),
            extra_headers: Vec::new(),
        };
        self.signature = Some(signature.clone());
        self.put(&commit)
    }

    /// Makes an annotated tag object for a commit; `name` without `refs/tags/`.
    pub fn tag(
        &mut self,
        name: &str,
        target: ObjectId,
        message: &Message,
        signature: &Signature,
    ) -> Result<ObjectId, Error> {
        full_name(&format!("refs/tags/{name}"))?;
        let tag = gix::objs::Tag {
            target,
            target_kind: gix::objs::Kind::Commit,
            name: name.into(),
            tagger: Some(signature.to_gix()),
            message: message.to_string().into(),
            signature: None,
        };
        self.signature = Some(signature.clone());
        self.put(&tag)
    }

    /// Points a ref at an object; `why` goes into its log.
    pub fn set_ref(
        &mut self,
        name: &str,
        expect: Expect,
        target: ObjectId,
        why: &str,
    ) -> Result<(), Error> {
        full_name(name)?;
        self.refs.push(RefEdit {
            name: name.to_owned(),
            expect,
            target: Some(target),
            why: why.to_owned(),
        });
        Ok(())
    }

    /// Deletes a ref.
    pub fn delete_ref(&mut self, name: &str, was: ObjectId) -> Result<(), Error> {
        full_name(name)?;
        self.refs.push(RefEdit {
            name: name.to_owned(),
            expect: Expect::At(was),
            target: None,
            why: String::new(),
        });
        Ok(())
    }

    /// Writes the objects, then moves the refs; when it returns, a power cut loses nothing of it.
    pub fn finish(self) -> Result<(), Error> {
        let batch = self.repo.batch();
        self.finish_with(batch, |_| Ok(None))
    }

    /// The same together with what the batch holds already. Once nothing can refuse the refs any
    /// more, `place` gives that its names, and returns a lock to be moved with the first ref.
    pub(super) fn finish_with(
        mut self,
        mut batch: Batch,
        place: impl FnOnce(&mut Batch) -> Result<Option<GitLock>, Error>,
    ) -> Result<(), Error> {
        self.log_operation()?;
        let _no_gc = GcLock::acquire(self.repo.git_dir())?;
        let objects = self
            .memory
            .objects
            .reset_object_memory()
            .unwrap_or_default();
        self.settle_roots(|id| objects.contains_key(id))?;
        let list: Vec<_> = objects
            .iter()
            .map(|(id, (kind, content))| (*id, *kind, content.as_slice()))
            .collect();
        let (held, list) = self.pack_many(list)?;
        let dir = self.repo.objects_dir();
        let unnamed = loose::stage(&dir, &list, &mut batch)?;
        batch.order()?;
        let prepared = refs::prepare(self.repo, &self.refs, &mut batch)?;
        unnamed.place(&mut batch)?;
        self.repo.is_moving().store(true, Ordering::Relaxed);
        let index = place(&mut batch)?;
        batch.order()?;
        loose::keep_all(&dir, &list)?;
        if let Some(index) = index {
            index.commit_with(&mut batch)?;
        }
        prepared.commit(self.signature.as_ref(), batch)?;
        self.repo.is_moving().store(false, Ordering::Relaxed);
        held.release()
    }

    /// Makes durable what plain Git wrote and the operation log will name.
    fn settle_roots(&self, is_ours: impl Fn(&ObjectId) -> bool) -> Result<(), Error> {
        let roots: Vec<_> = self
            .roots
            .iter()
            .copied()
            .filter(|id| !is_ours(id))
            .collect();
        settle(self.repo, &roots)
    }

    /// Writes many objects as a pack; returns those that are still to be written.
    fn pack_many<'a>(&self, list: Vec<Object<'a>>) -> Result<(Held, Vec<Object<'a>>), Error> {
        if list.len() <= MANY {
            return Ok((Held::default(), list));
        }
        Ok((bulk::write(&self.repo.objects_dir(), &list)?, Vec::new()))
    }
}

/// The operation log.
impl Transaction<'_> {
    /// Adds what this change does to the refs to the log, in front of all other refs: an operation
    /// without effect is passed over, an effect without operation could not be undone.
    fn log_operation(&mut self) -> Result<(), Error> {
        let is_told = |note: &Note| !self.refs.is_empty() || note.is_beyond();
        let Some(mut note) = self.note.take().filter(is_told) else {
            return Ok(());
        };
        let moves: Vec<RefMove> = self.refs.iter().map(|edit| self.told(edit)).collect();
        note.tell(&moves);
        let newest = self.repo.find_ref(LOG)?;
        let mut parents: Vec<ObjectId> = newest.into_iter().collect();
        let ids = moves.iter().flat_map(|one| [one.before, one.after]);
        for commit_id in ids.flatten().filter_map(|id| self.commit_of(id)) {
            if !parents.contains(&commit_id) {
                parents.push(commit_id);
            }
        }
        self.roots = parents
            .iter()
            .copied()
            .filter(|id| Some(*id) != newest)
            .collect();
        let branch = moves.iter().find(|one| one.name.starts_with("refs/heads/"));
        let tip = match branch {
            Some(branch) => branch.after,
            None => self.repo.head()?,
        };
        let tree_id = match tip {
            Some(tip) => patiently(|| self.memory.find_commit(tip))
                .during("read a commit")?
                .tree_id(),
            None => return Ok(()),
        };
        let tree_id = tree_id.during("read a commit")?.detach();
        let id = self.commit(tree_id, &parents, &note.message, &note.signature)?;
        self.set_ref(LOG, Expect::seen(newest), id, &note.message.subject)?;
        self.keep_tags(&moves)?;
        self.refs.rotate_left(moves.len());
        Ok(())
    }

    /// A commit cannot have a tag for a parent: tags that are taken away are held by refs.
    fn keep_tags(&mut self, moves: &[RefMove]) -> Result<(), Error> {
        let is_tag = |id: &ObjectId| {
            let header = patiently(|| self.memory.find_header(*id));
            header.is_ok_and(|header| header.kind() == gix::objs::Kind::Tag)
        };
        let taken = moves.iter().filter_map(|one| one.before);
        let tags: Vec<ObjectId> = taken.filter(is_tag).collect();
        for id in tags {
            let name = format!("{KEPT}{id}");
            if self.repo.find_ref(&name)?.is_none() {
                self.set_ref(&name, Expect::Absent, id, "kept for undo")?;
            }
        }
        Ok(())
    }

    /// What the change of a ref will have been.
    fn told(&self, edit: &RefEdit) -> RefMove {
        let before = match edit.expect {
            Expect::At(id) => Some(id),
            Expect::Absent => None,
            Expect::Any => self.repo.find_ref(&edit.name).ok().flatten(),
        };
        RefMove {
            name: edit.name.clone(),
            before,
            after: edit.target,
        }
    }

    /// The commit that a ref points at, through an annotated tag, if it is there.
    fn commit_of(&self, id: ObjectId) -> Option<ObjectId> {
        let object = patiently(|| self.memory.find_object(id)).ok()?;
        Some(object.peel_to_commit().ok()?.id)
    }
}

/// Names that would lead Git, on any system, out of the work tree or into its own folder.
fn refuse_bad_names(tree: &gix::objs::Tree) -> Result<(), Error> {
    use gix::validate::path::component;
    let protections = component::Options {
        protect_windows: false,
        protect_hfs: false,
        protect_ntfs: true,
    };
    for entry in &tree.entries {
        let leaf = entry.mode.is_link().then_some(component::Mode::Symlink);
        component(entry.filename.as_ref(), leaf, protections).during("add a file to a tree")?;
    }
    Ok(())
}
