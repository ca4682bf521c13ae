//! What the refs need: every object is followed until one is not there.
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use super::refs::short;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::hash::Kind as Hash;
use gix::objs::{CommitRefIter, Exists as _, Find as _, Kind, TagRefIter, TreeRefIter};

/// An object that is needed and not there.
#[derive(Clone, Debug)]
pub(super) struct Missing {
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
    needed: Rc<Need>,
    path: String,
}

/// Who needs an object.
#[derive(Debug)]
struct Need {
    tip: String,
    commit: Option<ObjectId>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.to_hex_with_len(10);
        let what = match self.kind {
            Kind::Blob => "file",
            Kind::Tree => "folder",
            Kind::Commit => "commit",
            Kind::Tag => "tag",
        };
        match (&self.needed.commit, self.kind) {
            (Some(commit), Kind::Blob | Kind::Tree) => {
                let path = if self.path.is_empty() {
                    "/"
                } else {
                    &self.path
                };
                let (commit, tip) = (commit.to_hex_with_len(10), &self.needed.tip);
                write!(f, "{id} ({what} {path} of commit {commit}, {tip})")
            }
            _ => write!(f, "{id} ({what}, {})", self.needed.tip),
        }
    }
}

/// All that the tips need and that is not there; `gone` counts as not there.
pub(super) fn missing(
    objects_dir: &Path,
    tips: &[(String, ObjectId)],
    gone: &BTreeSet<ObjectId>,
) -> Vec<Missing> {
    let Some(mut walk) = Walk::open(objects_dir, gone) else {
        return Vec::new();
    };
    for (name, tip) in tips {
        let need = Rc::new(Need {
            tip: short(name),
            commit: None,
        });
        walk.open.push((*tip, Kind::Commit, need, String::new()));
        walk.run();
    }
    walk.missing
}

/// Whether a commit and all files of it are there; its history is not looked at.
pub(super) fn is_whole(objects_dir: &Path, commit_id: ObjectId, gone: &BTreeSet<ObjectId>) -> bool {
    let Some(mut walk) = Walk::open(objects_dir, gone) else {
        return false;
    };
    let mut buffer = Vec::new();
    let tree = match walk.odb.try_find(&commit_id, &mut buffer) {
        Ok(Some(data)) if data.kind == Kind::Commit && !gone.contains(&commit_id) => {
            CommitRefIter::from_bytes(data.data, Hash::Sha1).tree_id()
        }
        _ => return false,
    };
    let Ok(tree) = tree else { return false };
    let need = Rc::new(Need {
        tip: String::new(),
        commit: Some(commit_id),
    });
    walk.open.push((tree, Kind::Tree, need, String::new()));
    walk.run();
    walk.missing.is_empty()
}

struct Walk<'a> {
    odb: gix::odb::Handle,
    gone: &'a BTreeSet<ObjectId>,
    seen: HashSet<ObjectId>,
    open: Vec<(ObjectId, Kind, Rc<Need>, String)>,
    missing: Vec<Missing>,
    shallow: BTreeSet<ObjectId>,
}

impl<'a> Walk<'a> {
    fn open(objects_dir: &Path, gone: &'a BTreeSet<ObjectId>) -> Option<Self> {
        let mut odb = gix::odb::at(objects_dir, Hash::Sha1).ok()?;
        odb.refresh_never();
        let shallow = objects_dir.parent()?.join("shallow");
        let text = std::fs::read_to_string(shallow).unwrap_or_default();
        let ids = text
            .lines()
            .filter_map(|line| ObjectId::from_hex(line.as_bytes()).ok());
        Some(Self {
            odb,
            gone,
            seen: HashSet::new(),
            open: Vec::new(),
            missing: Vec::new(),
            shallow: ids.collect(),
        })
    }

    fn run(&mut self) {
        let mut buffer = Vec::new();
        while let Some((id, kind, need, path)) = self.open.pop() {
            if !self.seen.insert(id) || id == ObjectId::empty_tree(Hash::Sha1) {
                continue;
            }
            let is_there = !self.gone.contains(&id);
            if kind == Kind::Blob {
                if !is_there || !self.odb.exists(&id) {
                    self.miss(id, kind, need, path);
                }
                continue;
            }
            let found = self.odb.try_find(&id, &mut buffer).ok().flatten();
            let found = found.filter(|_| is_there);
            match found.map(|data| (data.kind, data.data.to_vec())) {
                Some((kind, data)) => self.follow(id, kind, &data, (&need, &path)),
                None => self.miss(id, kind, need, path),
            }
        }
    }

    fn miss(&mut self, id: ObjectId, kind: Kind, needed: Rc<Need>, path: String) {
        self.missing.push(Missing {
            id,
            kind,
            needed,
            path,
        });
    }

    fn follow(&mut self, id: ObjectId, kind: Kind, data: &[u8], (need, path): (&Rc<Need>, &str)) {
        match kind {
            Kind::Commit => self.follow_commit(id, data, need),
            Kind::Tree => self.follow_tree(data, need, path),
            Kind::Tag => {
                let target = TagRefIter::from_bytes(data, Hash::Sha1).target_id();
                if let Ok(target) = target {
                    self.open
                        .push((target, Kind::Commit, Rc::clone(need), String::new()));
                }
            }
            Kind::Blob => {}
        }
    }

    fn follow_commit(&mut self, id: ObjectId, data: &[u8], need: &Rc<Need>) {
        let own = Rc::new(Need {
            tip: need.tip.clone(),
            commit: Some(id),
        });
        if !self.shallow.contains(&id) {
            for parent in CommitRefIter::from_bytes(data, Hash::Sha1).parent_ids() {
                self.open
                    .push((parent, Kind::Commit, Rc::clone(&own), String::new()));
            }
        }
        if let Ok(tree) = CommitRefIter::from_bytes(data, Hash::Sha1).tree_id() {
            self.open.push((tree, Kind::Tree, own, String::new()));
        }
    }

    fn follow_tree(&mut self, data: &[u8], need: &Rc<Need>, path: &str) {
        for entry in TreeRefIter::from_bytes(data, Hash::Sha1).flatten() {
            let id = entry.oid.to_owned();
            if entry.mode.is_commit() || self.seen.contains(&id) {
                continue;
            }
            let kind = if entry.mode.is_tree() {
                Kind::Tree
            } else {
                Kind::Blob
            };
            let name = entry.filename.to_str_lossy();
            let path = if path.is_empty() {
                name.into_owned()
            } else {
                format!("{path}/{name}")
            };
            self.open.push((id, kind, Rc::clone(need), path));
        }
    }
}
