//! Objects, read wherever Git says they are: what is being pushed lies in a quarantine first.
//!
//! `gix` does not know `GIT_OBJECT_DIRECTORY`. Reading here is small and forgiving: a commit is
//! only its place in the history, and one that a shallow clone lacks is none.
use std::collections::{BTreeSet, BinaryHeap};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice as _};
use gix::objs::{Find, Kind};

use super::error::During as _;
use super::patience::patiently;
use super::{Error, Message, Mode, Repo, TreeFile};
use crate::fs::AtPath as _;

/// The object stores of a repository, the first one first.
pub struct Objects(Vec<gix::odb::Handle>);

/// A commit as a link of its chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name.
    pub id: ObjectId,
    /// What it holds.
    pub tree_id: ObjectId,
    /// What it came from.
    pub parents: Vec<ObjectId>,
    /// The first line of its message.
    pub subject: String,
    /// Whether it says that we made it; anybody could.
    pub is_ours: bool,
    /// When it was made, in seconds since 1970.
    pub time: i64,
}

/// The commits of a line of first parents, and the one that they are based on.
#[derive(Debug, Default)]
pub struct Line {
    /// The commits, the newest first.
    pub commits: Vec<Link>,
    /// The first one that was known; none if the line was followed to its beginning.
    pub base: Option<Link>,
}

impl Repo {
    /// The objects of this repository.
    pub fn objects(&self) -> Objects {
        Objects(vec![gix::odb::Handle::clone(&self.gix().objects)])
    }
}

impl Objects {
    pub(super) fn open(folders: &[PathBuf]) -> Result<Self, Error> {
        let open =
            |folder: &PathBuf| gix::odb::at(folder, gix::hash::Kind::Sha1).at("open", folder);
        let stores = folders.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self(stores))
    }

    /// Reads a commit; none if it is not there.
    pub fn link(&self, commit_id: ObjectId) -> Result<Option<Link>, Error> {
        let Some(bytes) = self.bytes(commit_id, Kind::Commit)? else {
            return Ok(None);
        };
        let commit = gix::objs::CommitRef::from_bytes(&bytes, commit_id.kind());
        let commit = commit.during("read a commit")?;
        let time = commit.committer().ok().and_then(|who| who.time().ok());
        let message = Message::parse(&commit.message.to_str_lossy());
        Ok(Some(Link {
            id: commit_id,
            tree_id: commit.tree(),
            parents: commit.parents().collect(),
            is_ours: message.trailers.get("Kind").is_some(),
            subject: message.subject,
            time: time.map_or(0, |time| time.seconds),
        }))
    }

    /// Follows first parents from `tip` until a commit that `stop` names, or that is reachable
    /// from one of `known`.
    pub fn line(
        &self,
        tip: ObjectId,
        known: &[ObjectId],
        stop: Option<ObjectId>,
    ) -> Result<Line, Error> {
        let mut line = Line::default();
        let mut known = Reachable::new(self, known)?;
        let mut next = Some(tip);
        while let Some(id) = next.take() {
            let Some(link) = self.link(id)? else { break };
            if stop == Some(id) || known.has(&link)? {
                line.base = Some(link);
                break;
            }
            next = link.parents.first().copied();
            line.commits.push(link);
        }
        Ok(line)
    }

    /// The files that lie directly in these folders of a tree; the root is "".
    pub fn files_in(&self, tree_id: ObjectId, folders: &[&str]) -> Result<Vec<TreeFile>, Error> {
        let mut files = Vec::new();
        self.collect_in(tree_id, &BString::default(), folders, &mut files)?;
        Ok(files)
    }

    fn collect_in(
        &self,
        tree_id: ObjectId,
        here: &BString,
        folders: &[&str],
        files: &mut Vec<TreeFile>,
    ) -> Result<(), Error> {
        let is_wanted = folders.iter().any(|folder| here == folder);
        for (name, kind, id) in self.entries(tree_id)? {
            let mut path = here.clone();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let leads_on = |folder: &&str| {
                let rest = folder.as_bytes().strip_prefix(path.as_slice());
                rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
            };
            if kind == gix::objs::tree::EntryKind::Tree {
                if folders.iter().any(leads_on) {
                    self.collect_in(id, &path, folders, files)?;
                }
            } else if is_wanted && let Some(mode) = Mode::from_kind(kind) {
                let blob_id = id;
                files.push(TreeFile {
                    path,
                    mode,
                    blob_id,
                });
            }
        }
        Ok(())
    }

    /// The files that a commit brought in: new ones, and those with another content than the
    /// commit before it has at the same place.
    pub fn brought_in(&self, link: &Link) -> Result<Vec<TreeFile>, Error> {
        let before = match link.parents.first() {
            Some(parent) => self.link(*parent)?.map(|parent| parent.tree_id),
            None => None,
        };
        let mut files = Vec::new();
        self.compare(before, link.tree_id, &BString::default(), &mut files)?;
        Ok(files)
    }

    fn compare(
        &self,
        before: Option<ObjectId>,
        after: ObjectId,
        folder: &BString,
        files: &mut Vec<TreeFile>,
    ) -> Result<(), Error> {
        let old = before.map_or_else(|| Ok(Vec::new()), |before| self.entries(before))?;
        for (name, kind, id) in self.entries(after)? {
            let there = old.iter().find(|(old, ..)| *old == name);
            if there.is_some_and(|(.., old)| *old == id) {
                continue;
            }
            let mut path = folder.clone();
            path.extend_from_slice(&name);
            if kind == gix::objs::tree::EntryKind::Tree {
                path.push(b'/');
                let is_tree = |(_, kind, _): &&Entry| *kind == gix::objs::tree::EntryKind::Tree;
                let old = there.filter(is_tree).map(|(.., id)| *id);
                self.compare(old, id, &path, files)?;
            } else if let Some(mode) = Mode::from_kind(kind) {
                files.push(TreeFile {
                    path,
                    mode,
                    blob_id: id,
                });
            }
        }
        Ok(())
    }

    /// What a tree says of some of its entries: their kinds and ids, as a text to compare.
    pub fn marks(&self, tree_id: ObjectId, names: &[&str]) -> Result<String, Error> {
        let entries = self.entries(tree_id)?;
        let named = entries
            .iter()
            .filter(|(name, ..)| names.iter().any(|wanted| name == wanted));
        let lines = named.map(|(name, kind, id)| format!("{:o} {id} {name}\n", *kind as u16));
        Ok(lines.collect())
    }

    /// The content of a blob.
    pub fn blob(&self, blob_id: ObjectId) -> Result<Vec<u8>, Error> {
        self.there(blob_id, Kind::Blob)
    }

    fn entries(&self, tree_id: ObjectId) -> Result<Vec<Entry>, Error> {
        if tree_id.is_empty_tree() {
            return Ok(Vec::new());
        }
        let bytes = self.there(tree_id, Kind::Tree)?;
        let entries = gix::objs::TreeRefIter::from_bytes(&bytes, tree_id.kind());
        let entry = |entry: Result<gix::objs::tree::EntryRef<'_>, _>| {
            let entry = entry.during("read a tree")?;
            Ok((
                entry.filename.to_owned(),
                entry.mode.kind(),
                entry.oid.to_owned(),
            ))
        };
        entries.map(entry).collect()
    }

    fn there(&self, id: ObjectId, kind: Kind) -> Result<Vec<u8>, Error> {
        patiently(|| {
            let found = self.bytes(id, kind)?;
            found.ok_or_else(|| Error::Git {
                action: "read an object",
                source: format!("{kind} {id} is missing").into(),
            })
        })
    }

    fn bytes(&self, id: ObjectId, kind: Kind) -> Result<Option<Vec<u8>>, Error> {
        if kind == Kind::Blob && id.is_empty_blob() {
            return Ok(Some(Vec::new()));
        }
        for store in &self.0 {
            let mut buffer = Vec::new();
            let found = store.try_find(&id, &mut buffer).during("read an object")?;
            if let Some(found) = found {
                return if found.kind == kind {
                    Ok(Some(buffer))
                } else {
                    Err(Error::Git {
                        action: "read an object",
                        source: format!("{id} is no {kind}").into(),
                    })
                };
            }
        }
        Ok(None)
    }
}

type Entry = (BString, gix::objs::tree::EntryKind, ObjectId);

/// What can be reached from some commits, followed no further back than is asked for.
struct Reachable<'a> {
    objects: &'a Objects,
    found: BTreeSet<ObjectId>,
    frontier: BinaryHeap<(i64, ObjectId)>,
}

impl<'a> Reachable<'a> {
    fn new(objects: &'a Objects, tips: &[ObjectId]) -> Result<Self, Error> {
        let mut reachable = Self {
            objects,
            found: BTreeSet::new(),
            frontier: BinaryHeap::new(),
        };
        for tip in tips {
            reachable.add(*tip)?;
        }
        Ok(reachable)
    }

    /// Whether this commit is among them; by the clocks of those who made them.
    fn has(&mut self, link: &Link) -> Result<bool, Error> {
        while !self.found.contains(&link.id)
            && self
                .frontier
                .peek()
                .is_some_and(|(time, _)| *time >= link.time)
        {
            let Some((_, id)) = self.frontier.pop() else {
                break;
            };
            let parents = self.objects.link(id)?.map(|link| link.parents);
            for parent in parents.unwrap_or_default() {
                self.add(parent)?;
            }
        }
        Ok(self.found.contains(&link.id))
    }

    fn add(&mut self, id: ObjectId) -> Result<(), Error> {
        if let Some(link) = self.objects.link(id)?
            && self.found.insert(id)
        {
            self.frontier.push((link.time, id));
        }
        Ok(())
    }
}

/// Where Git says that objects are, if it says so: a push's quarantine, then what it adds to.
pub(super) fn named_folders(
    first: Option<PathBuf>,
    more: Option<&str>,
    cwd: &Path,
) -> Vec<PathBuf> {
    let more = more.unwrap_or_default().split(':').map(PathBuf::from);
    let more = more.filter(|folder| !folder.as_os_str().is_empty());
    first
        .into_iter()
        .chain(more)
        .map(|folder| cwd.join(folder))
        .collect()
}
