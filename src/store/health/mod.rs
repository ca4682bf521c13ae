//! What can be wrong with a keep below its files, found and mended.
//!
//! # Model
//!
//! A [`Patient`] is the folder of a keep, however broken: nothing here needs a repository that
//! opens. [`Patient::examine`] only reads, and returns [`Finding`]s; each says what is wrong, why
//! that matters, and what puts it right: a [`Remedy`] that [`Patient::mend`] carries out, or a
//! command to type. Some things can only be found once others are mended, so whoever mends examines
//! again afterwards.
//!
//! # Guarantees
//!
//! Nothing is deleted that could hold data: damaged files are moved to `.buildkeep/trash/doctor`.
//! Objects are written back only if their content has the name that is missing.

mod format;
mod index;
mod leftovers;
mod mend;
mod objects;
mod owners;
mod packs;
mod place;
mod reach;
mod reflog;
mod refs;
mod rescue;
mod unnamed;

pub use format::{FROM_REFTABLE, FROM_SHA256};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use gix::ObjectId;
use gix::objs::Kind;

use super::{Error, GitProgram, Keep};
use crate::world::World;

/// The folder of a keep, to be looked at.
#[derive(Clone, Debug)]
pub struct Patient {
    root: PathBuf,
    git_dir: PathBuf,
    now: DateTime<Utc>,
    git: Option<GitProgram>,
    source: Option<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What sort of trouble, as `damaged-object`.
    pub id: &'static str,
    /// What was found, and where.
    pub found: String,
    /// Why it matters.
    pub why: String,
    /// What puts it right: in words if we do it, else the command to type in the keep.
    pub mend: String,
    /// What we can do about it ourselves.
    pub remedies: Vec<Remedy>,
}

/// Something that we can do, in the order in which it is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Give entries to a user and a group.
    Own(BTreeSet<PathBuf>, u32, u32),
    /// Give entries these modes.
    Modes(BTreeSet<(PathBuf, u32)>),
    /// Delete what a killed process left.
    Remove(BTreeSet<PathBuf>),
    /// Write Git's own settings anew.
    Settings,
    /// Move damaged files out of the way.
    Aside(BTreeSet<PathBuf>),
    /// Save what can be read from a damaged pack.
    Salvage(PathBuf),
    /// Make the index of a pack.
    IndexPack(PathBuf),
    /// Write objects back.
    Restore(Vec<Lost>),
    /// Look for lost objects in another copy.
    Fetch(String),
    /// Check out a branch again.
    Head(String),
    /// Set a ref back to a commit that is whole.
    Ref(String, ObjectId),
    /// Move damaged packed refs out of the way, once those that were in them are back.
    Packed(PathBuf),
    /// Drop entries of a reflog that name lost objects.
    Reflog(PathBuf),
    /// Read the index from the last commit.
    Index,
    /// Keep private files out of commits.
    Exclude,
    /// Give this machine its old id.
    Host(String),
    /// Pack loose objects.
    Collect,
}

/// An object that was lost, and found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
    pub(super) content: Vec<u8>,
}

impl Remedy {
    /// Whether objects are there afterwards that were not before.
    fn brings_objects(&self) -> bool {
        matches!(
            self,
            Self::Salvage(_) | Self::IndexPack(_) | Self::Restore(_) | Self::Fetch(_)
        )
    }
}

impl Finding {
    fn new(id: &'static str, found: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            id,
            found: found.into(),
            why: why.into(),
            mend: String::new(),
            remedies: Vec::new(),
        }
    }

    /// A finding of another part of the program, with the command that puts it right.
    pub fn of(id: &'static str, found: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(id, found, why)
    }

    /// What to type, as we cannot do it.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.mend = command.into();
        self
    }

    fn remedy(mut self, words: impl Into<String>, remedy: Remedy) -> Self {
        self.mend = words.into();
        self.remedies.push(remedy);
        self
    }
}

impl Patient {
    /// The keep around `dir`, however broken; `source` is another copy of it, if one was named.
    pub fn find(dir: &Path, world: &World, source: Option<String>) -> Result<Self, Error> {
        let dir = std::fs::canonicalize(dir).map_err(|_| Error::NoKeep {
            from: dir.to_owned(),
        })?;
        let looks_like = |dir: &&Path| dir.join(".buildkeep").is_dir() && dir.join(".git").exists();
        let root = Keep::find_root(&dir)
            .or_else(|| dir.ancestors().find(looks_like).map(Path::to_owned))
            .ok_or(Error::NoKeep { from: dir })?;
        Ok(Self {
            git_dir: root.join(".git"),
            root,
            now: world.clock.now(),
            git: GitProgram::find(&world.env).ok(),
            source,
        })
    }

    /// The work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at everything, and changes nothing.
    ///
    /// What makes all that follows meaningless is told alone.
    pub fn examine(&self) -> Vec<Finding> {
        let mut findings = self.look_at_owners();
        findings.extend(self.look_at_place());
        let formats = self.look_at_format();
        let is_foreign = formats.iter().any(format::is_unsupported);
        findings.extend(formats);
        if is_foreign {
            return findings;
        }
        findings.extend(self.look_for_leftovers());
        let objects = self.look_at_objects();
        let remedies = objects.iter().flat_map(|finding| &finding.remedies);
        let back: Vec<&Remedy> = remedies.filter(|one| one.brings_objects()).collect();
        let objects_stay = back.is_empty();
        // `git fetch` is content only with refs that it can read.
        let comes_from_here = back.iter().any(|one| !matches!(one, Remedy::Fetch(_)));
        findings.extend(objects);
        findings.extend(self.look_at_head());
        // Where a ref is to go back to is clear only once no lost object can come back.
        if !comes_from_here {
            findings.extend(self.look_at_packed());
            findings.extend(self.look_at_empty_refs());
        }
        if objects_stay {
            findings.extend(self.look_at_broken_refs());
            findings.extend(self.look_at_logs());
            if findings.iter().any(|finding| finding.id == objects::LOST) {
                findings.extend(self.look_at_operations());
            }
        }
        if !comes_from_here {
            findings.extend(self.look_at_index());
        }
        findings.extend(self.look_at_files());
        findings
    }

    fn objects_dir(&self) -> PathBuf {
        self.git_dir.join("objects")
    }

    /// A path as people know it: from the root of the keep.
    fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.root).unwrap_or(path).display() {
            inside if path == self.root => format!(".{inside}"),
            inside => inside.to_string(),
        }
    }

    /// A few paths of many.
    fn some<'a>(&self, paths: impl Iterator<Item = &'a PathBuf>) -> String {
        some(paths.map(|path| self.shown(path)))
    }
}

/// How many examples a finding shows.
const SHOWN: usize = 3;

/// A few of many, in words.
fn some(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A number of things, in words.
fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
