//! What killed processes left: locks that block Git, and temporary files.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Patient, Remedy};
use crate::fs::is_temporary;
use crate::store::{bulk, lock_files};

impl Patient {
    pub(super) fn look_for_leftovers(&self) -> Vec<Finding> {
        let locks = lock_files::stale(&self.root, &self.git_dir);
        let mut findings = Vec::new();
        if !locks.is_empty() {
            let locks: BTreeSet<PathBuf> = locks.into_iter().collect();
            let found = format!(
                "{}, left by a process that is gone",
                self.some(locks.iter())
            );
            let why = "plain Git refuses to write as long as they are there";
            let finding = Finding::new("stale-lock", found, why);
            findings.push(finding.remedy("delete them", Remedy::Remove(locks)));
        }
        let temporary = self.temporary();
        if !temporary.is_empty() {
            let found = format!(
                "{}, left by a process that is gone",
                self.some(temporary.iter())
            );
            let why = "they are in nobody's way, and are never used again";
            let finding = Finding::new("temporary-files", found, why);
            findings.push(finding.remedy("delete them", Remedy::Remove(temporary)));
        }
        findings
    }

    /// Temporary files that nobody writes any more.
    fn temporary(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let objects = self.objects_dir();
        collect(
            &objects,
            1,
            &|name| name.starts_with("tmp_obj_"),
            &mut found,
        );
        let of_packs = |name: &str| name.starts_with("tmp_") || name.starts_with(".tmp-");
        collect(&objects.join("pack"), 0, &of_packs, &mut found);
        found.extend(bulk::abandoned(&objects));
        let ours = |name: &str| is_temporary(name.as_bytes());
        for inside in ["", "info", "hooks"] {
            collect(&self.git_dir.join(inside), 0, &ours, &mut found);
        }
        collect(&self.root, 0, &ours, &mut found);
        for folder in [
            "config",
            "config/hosts",
            "config/profiles",
            "schemas",
            "checks",
        ] {
            collect(&self.root.join(folder), 0, &ours, &mut found);
        }
        collect(&self.root.join(".buildkeep"), 1, &ours, &mut found);
        if found.is_empty() || lock_files::git_at_work(&self.root) {
            return BTreeSet::new();
        }
        found.retain(|path| !is_of_the_living(path));
        let mut found: Vec<PathBuf> = found.into_iter().collect();
        lock_files::keep_closed(&mut found);
        found.into_iter().collect()
    }
}

fn collect(folder: &Path, depth: usize, is: &dyn Fn(&str) -> bool, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, is, found);
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is) {
            found.insert(entry.path());
        }
    }
}

/// Our temporary files carry the number of the process that writes them.
fn is_of_the_living(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let numbers = name.split(['_', '-']);
    let mut numbers = numbers.filter_map(|word| word.parse::<u32>().ok());
    numbers
        .next()
        .is_some_and(|pid| Path::new(&format!("/proc/{pid}")).exists())
}
