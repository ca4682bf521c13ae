//! Carrying out what a finding proposes.
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::Kind;
use gix::objs::Find as _;

use super::refs::Target;
use super::{Lost, Patient, Remedy};
use crate::fs::{
    Holder, Lock, create_dirs_durable, read_optional, remove_file_durable, remove_tree,
    rename_durable, set_mode, set_owner, write_durable,
};
use crate::store::git_lock::GitLock;
use crate::store::index::rebuild;
use crate::store::keep::{PATIENCE, SETTINGS};
use crate::store::operations::redacted;
use crate::store::{Error, Expect, GitProgram, Repo, gc, loose, skeleton};
use crate::world::World;

/// What is fetched from another copy; snapshots of vaults, which can be huge, are not.
const REFS: &[&str] = &[
    "+refs/heads/*:refs/heads/*",
    "+refs/tags/*:refs/tags/*",
    "+refs/buildkeep/*:refs/buildkeep/*",
];

/// Proof that no command of ours writes while something is mended.
#[must_use = "the keep is unlocked when this is dropped"]
pub struct Mending(Lock);

impl Drop for Mending {
    fn drop(&mut self) {
        // What a dead command left there before us is for the next command to settle.
        if !self.0.was_left() {
            self.0.settle();
        }
    }
}

impl Patient {
    /// Takes the lock of the keep; nothing is mended without it.
    pub fn lock(&self, world: &World) -> Result<Mending, Error> {
        let me = Holder {
            pid: std::process::id(),
            command: format!("buildkeep {}", redacted(&world.argv)),
            since: world.clock.stamp(),
        };
        let private = self.root.join(".buildkeep");
        create_dirs_durable(&private)?;
        Ok(Mending(Lock::acquire(
            &private.join("lock"),
            &me,
            PATIENCE,
        )?))
    }

    /// Does one thing; what is right already stays as it is.
    pub fn mend(&self, _guard: &Mending, remedy: &Remedy) -> Result<(), Error> {
        match remedy {
            Remedy::Own(paths, user, group) => {
                for path in paths {
                    set_owner(path, *user, *group)?;
                }
            }
            Remedy::Modes(paths) => {
                for (path, mode) in paths {
                    set_mode(path, *mode)?;
                }
            }
            Remedy::Remove(paths) => {
                for path in paths {
                    remove_file_durable(path)?;
                }
            }
            Remedy::Settings => self.write_settings()?,
            Remedy::Aside(paths) => paths.iter().try_for_each(|path| self.move_aside(path))?,
            Remedy::Salvage(pack) => self.salvage(pack)?,
            Remedy::IndexPack(pack) => self.index_pack(pack)?,
            Remedy::Restore(lost) => self.restore(lost)?,
            Remedy::Fetch(source) => self.fetch(source)?,
            Remedy::Head(branch) => {
                let text = format!("ref: {branch}\n");
                write_durable(&self.git_dir.join("HEAD"), text.as_bytes())?;
            }
            Remedy::Ref(name, id) => self.set_ref(name, *id)?,
            Remedy::Packed(path) => self.move_aside(path)?,
            Remedy::Reflog(path) => self.clean_log(path)?,
            Remedy::Index => self.rebuild_index()?,
            Remedy::Exclude => skeleton::write_exclude(&self.git_dir)?,
            Remedy::Host(name) => {
                let path = self.root.join(".buildkeep/host");
                write_durable(&path, format!("{name}\n").as_bytes())?;
            }
            Remedy::Collect => drop(gc::pack(&self.git_dir, self.git()?)?),
        }
        Ok(())
    }

    fn git(&self) -> Result<&GitProgram, Error> {
        self.git.as_ref().ok_or(Error::NoGitProgram)
    }

    /// Where damaged files go.
    pub fn aside(&self) -> PathBuf {
        let stamp = self.now.format("%Y%m%dT%H%M%SZ").to_string();
        self.root.join(".buildkeep/trash/doctor").join(stamp)
    }

    pub(super) fn move_aside(&self, path: &Path) -> Result<(), Error> {
        if std::fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
        Ok(rename_durable(path, &self.aside_of(path)?)?)
    }

    /// Where a file goes that is put aside.
    fn aside_of(&self, path: &Path) -> Result<PathBuf, Error> {
        let inside = path.strip_prefix(&self.root).unwrap_or(path);
        let target = self.aside().join(inside);
        create_dirs_durable(target.parent().unwrap_or(&target))?;
        Ok(target)
    }

    fn write_settings(&self) -> Result<(), Error> {
        let path = self.git_dir.join("config");
        self.move_aside(&path)?;
        let text = skeleton::config(skeleton::Kind::WorkTree, SETTINGS);
        Ok(write_durable(&path, text.as_bytes())?)
    }

    /// Whatever `git` can still read of a damaged pack becomes loose objects.
    fn salvage(&self, pack: &Path) -> Result<(), Error> {
        let git = self.git()?;
        for kind in ["idx", "rev", "pack"] {
            self.move_aside(&pack.with_extension(kind))?;
        }
        let inside = pack.strip_prefix(&self.root).unwrap_or(pack);
        let moved = self.aside().join(inside);
        git.feed(&self.git_dir, &["unpack-objects", "-r", "-q"], &moved)
    }

    fn index_pack(&self, pack: &Path) -> Result<(), Error> {
        self.move_aside(&pack.with_extension("idx"))?;
        let path = pack.to_string_lossy();
        self.git()?
            .run(&self.git_dir, &["index-pack", &path])
            .map(drop)
    }

    fn restore(&self, lost: &[Lost]) -> Result<(), Error> {
        let objects = lost
            .iter()
            .map(|one| (one.id, one.kind, one.content.as_slice()));
        loose::write_all(&self.objects_dir(), &objects.collect::<Vec<_>>())
    }

    /// Brings another copy here, takes from it what is missing, and throws the rest away.
    fn fetch(&self, source: &str) -> Result<(), Error> {
        let private = self.root.join(".buildkeep");
        let copy = private.join(format!("cache/doctor-{}.git", std::process::id()));
        create_dirs_durable(&private.join("cache"))?;
        let repo = Repo::init_bare(&copy, &[])?;
        let mut args = vec!["fetch", "--quiet", source];
        args.extend(REFS);
        let fetched = self.git()?.run(&copy, &args);
        let taken = fetched.and_then(|_| self.take(&repo.objects_dir()));
        remove_tree(&private, &copy)?;
        taken
    }

    /// Copies what is missing here, and what that needs, until nothing more is found.
    fn take(&self, objects: &Path) -> Result<(), Error> {
        let Ok(odb) = gix::odb::at(objects, Kind::Sha1) else {
            return Ok(());
        };
        let mut buffer = Vec::new();
        loop {
            let mut found = Vec::new();
            for id in self.missing_ids() {
                if let Ok(Some(data)) = odb.try_find(&id, &mut buffer) {
                    found.push(Lost {
                        id,
                        kind: data.kind,
                        content: data.data.to_vec(),
                    });
                }
            }
            if found.is_empty() {
                return Ok(());
            }
            for one in &found {
                self.move_aside(&loose::path_of(&self.objects_dir(), one.id))?;
            }
            self.restore(&found)?;
        }
    }

    fn set_ref(&self, name: &str, id: ObjectId) -> Result<(), Error> {
        let path = self.git_dir.join(name);
        match self.standing().get(name) {
            // Lost objects may have been found since.
            Some(Target::Object(now)) if self.is_fit(name, *now) => return Ok(()),
            Some(_) => self.copy_aside(&path)?,
            None => {}
        }
        let repo = Repo::open(&self.git_dir)?;
        let mut transaction = repo.begin();
        let why = "doctor: the newest commit that is whole";
        transaction.set_ref(name, Expect::At(id), id, why)?;
        // In one step: of a branch that is gone for a moment nobody would know if we died then.
        create_dirs_durable(path.parent().unwrap_or(&path))?;
        let mut lock = GitLock::acquire(&path)?;
        lock.write(format!("{id}\n").as_bytes())?;
        lock.commit()?;
        if self.is_packed_damaged() {
            return Ok(());
        }
        transaction.finish()
    }

    /// Keeps what a file holds; the file stays.
    fn copy_aside(&self, path: &Path) -> Result<(), Error> {
        let Some(content) = read_optional(path)? else {
            return Ok(());
        };
        let target = self.aside_of(path)?;
        Ok(write_durable(&target, &content)?)
    }

    fn rebuild_index(&self) -> Result<(), Error> {
        self.move_aside(&self.git_dir.join("index"))?;
        let repo = Repo::open(&self.git_dir)?;
        let Some(head) = repo.head()? else {
            return Ok(());
        };
        let tree_id = repo.commit(head)?.tree_id;
        let lock = GitLock::acquire(&self.git_dir.join("index"))?;
        let mut batch = repo.batch();
        let lock = rebuild(lock, (&repo, &self.root), tree_id, &mut batch)?;
        batch.order()?;
        lock.commit_with(&mut batch)?;
        Ok(batch.settle()?)
    }
}
