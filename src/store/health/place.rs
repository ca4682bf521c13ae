//! The place that a keep is in: its disk, and what is ignored there.
use std::fs;

use rustix::fs::statvfs;

use super::{Finding, Patient, Remedy};
use crate::store::keep::SPARE_HOST;
use crate::store::skeleton;

/// With less room than this a build or a backup ends soon, in bytes.
const ROOM: u64 = 256 << 20;
/// With fewer free inodes than one in this many, too.
const INODES: u64 = 100;

impl Patient {
    pub(super) fn look_at_place(&self) -> Vec<Finding> {
        let found = [self.room(), self.inodes(), self.private_link()];
        found.into_iter().flatten().collect()
    }

    /// What is only a matter of content, and so comes last.
    pub(super) fn look_at_files(&self) -> Vec<Finding> {
        [self.ignored(), self.host()]
            .into_iter()
            .flatten()
            .collect()
    }

    fn room(&self) -> Option<Finding> {
        let disk = statvfs(&self.root).ok()?;
        let free = disk.f_bavail * disk.f_frsize;
        let found = format!("the disk has {} MiB left", free >> 20);
        let why = "writes will fail; what is there already stays as it is";
        let finding =
            Finding::new("disk-full", found, why).command("df -h . && du -xsh .git .buildkeep");
        (free < ROOM).then_some(finding)
    }

    fn inodes(&self) -> Option<Finding> {
        let disk = statvfs(&self.root).ok()?;
        let found = format!("the disk can hold {} more files", disk.f_favail);
        let why = "writes will fail as if the disk were full, although there is room";
        let finding = Finding::new("inodes-full", found, why).command("df -i .");
        // Some file systems do not count them.
        (disk.f_files > 0 && disk.f_favail < disk.f_files / INODES).then_some(finding)
    }

    fn private_link(&self) -> Option<Finding> {
        let is_link =
            fs::symlink_metadata(self.root.join(".buildkeep")).is_ok_and(|meta| meta.is_symlink());
        let why =
            "buildkeep writes there unasked, and must not be led elsewhere: every command refuses";
        let finding =
            Finding::new("private-link", ".buildkeep is a symlink", why).command("rm .buildkeep");
        is_link.then_some(finding)
    }

    fn ignored(&self) -> Option<Finding> {
        let found = ".git/info/exclude does not name .buildkeep";
        let why = "`git add .` would commit what belongs to this machine only: logs, locks, caches";
        let finding =
            Finding::new("not-ignored", found, why).remedy("add the rule", Remedy::Exclude);
        (!skeleton::is_excluded(&self.git_dir)).then_some(finding)
    }

    /// A machine without its id would begin a second state branch. The next command that writes takes
    /// it from the repository, if it is there.
    fn host(&self) -> Option<Finding> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let text = read(self.root.join(".buildkeep/host")) + &read(self.git_dir.join(SPARE_HOST));
        let states = self.git_dir.join("refs/heads/state");
        let mut names = fs::read_dir(states).ok()?.flatten();
        let name = names.next()?.file_name().into_string().ok()?;
        let found = "this machine has no id any more (.buildkeep/host is missing or empty)";
        let why = "what was built here so far would count as another machine's";
        let finding = Finding::new("no-host", found, why);
        let finding = if names.next().is_none() {
            finding.remedy(format!("call it `{name}` again"), Remedy::Host(name))
        } else {
            finding
                .command("git for-each-ref refs/heads/state && echo THE-OLD-ID > .buildkeep/host")
        };
        text.trim().is_empty().then_some(finding)
    }
}
