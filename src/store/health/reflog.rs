//! Reflogs: where each ref was before, a line for each move.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gix::ObjectId;
use gix::objs::Exists as _;

use super::{Finding, Patient, Remedy};
use crate::fs::write_durable;
use crate::store::Error;

impl Patient {
    /// Entries that name lost objects: Git's own check stops at them.
    pub(super) fn look_at_logs(&self) -> Vec<Finding> {
        let names = self.names_in_logs().into_iter();
        let names = names.chain(["HEAD".to_owned()]);
        let Some(odb) = self.odb() else {
            return Vec::new();
        };
        let broken = names.filter(|name| self.logged(name).iter().any(|id| !odb.exists(id)));
        let finding = |name: String| {
            let found = format!("the reflog of {name} names commits that are lost");
            let why = "`git fsck` and `git gc` stop at them";
            let path = self.git_dir.join("logs").join(name);
            Finding::new("broken-reflog", found, why)
                .remedy("drop these entries", Remedy::Reflog(path))
        };
        broken.map(finding).collect()
    }

    /// Writes a reflog anew, without entries that name lost objects.
    pub(super) fn clean_log(&self, path: &Path) -> Result<(), Error> {
        let bytes = crate::fs::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.split_inclusive('\n');
        let odb = self.odb();
        let is_there = |id: &ObjectId| id.is_null() || odb.iter().any(|odb| odb.exists(id));
        let whole = lines.filter(|line| ids(line).iter().all(is_there));
        let kept: String = whole.collect();
        self.move_aside(path)?;
        Ok(write_durable(path, kept.as_bytes())?)
    }

    /// What the reflog of a ref names, newest first.
    pub(super) fn logged(&self, name: &str) -> Vec<ObjectId> {
        let bytes = fs::read(self.git_dir.join("logs").join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut found: Vec<ObjectId> = text.lines().rev().flat_map(ids).collect();
        found.retain(|id| !id.is_null());
        found
    }

    /// The refs that have a log.
    pub(super) fn names_in_logs(&self) -> Vec<String> {
        let mut names = BTreeSet::new();
        let mut folders = vec![self.git_dir.join("logs/refs")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(name) = path.strip_prefix(self.git_dir.join("logs")) {
                    names.insert(name.display().to_string());
                }
            }
        }
        names.into_iter().collect()
    }
}

/// The two ids of an entry, the newer one first.
fn ids(line: &str) -> Vec<ObjectId> {
    let mut words = line.split(' ');
    let (before, after) = (words.next(), words.next());
    let both = [after, before].into_iter().flatten();
    both.filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok())
        .collect()
}
