//! Who owns what: one `sudo git commit` is enough to lock the owner of a keep out of it.
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Finding, Patient, Remedy, counted};

/// What must be the owner's, and nobody else's to change.
const PRIVATE: &[&str] = &[".git", ".buildkeep"];
/// What others could change to lead us astray, besides.
const READ: &[&str] = &[
    "",
    "buildkeep.toml",
    "plan.toml",
    "config",
    "schemas",
    "checks",
];
/// The bit that lets everybody write.
const ANYBODY: u32 = 0o002;

/// What the entries below the private folders look like.
#[derive(Default)]
struct Seen {
    others: BTreeSet<PathBuf>,
    locked: BTreeSet<(PathBuf, u32)>,
    open: BTreeSet<(PathBuf, u32)>,
}

impl Patient {
    pub(super) fn look_at_owners(&self) -> Vec<Finding> {
        let Ok(root) = fs::symlink_metadata(self.root()) else {
            return Vec::new();
        };
        let mut seen = Seen::default();
        for name in PRIVATE {
            self.look_below(&self.root().join(name), root.uid(), &mut seen);
        }
        for name in READ {
            self.look_at_one(&self.root().join(name), &mut seen);
        }
        let foreign = foreign(root.uid());
        let owner = (root.uid(), root.gid());
        let rest = [
            self.owned_by_others(&seen, owner),
            self.locked(&seen),
            self.open(&seen),
        ];
        foreign
            .into_iter()
            .chain(rest.into_iter().flatten())
            .collect()
    }

    fn look_below(&self, path: &Path, owner: u32, seen: &mut Seen) {
        let Ok(meta) = fs::symlink_metadata(path) else {
            return;
        };
        if meta.uid() != owner {
            seen.others.insert(path.to_owned());
        }
        if meta.is_symlink() {
            return;
        }
        let needed = if meta.is_dir() { 0o700 } else { 0o400 };
        if meta.mode() & needed != needed {
            let mode = (meta.mode() & 0o7777) | needed;
            seen.locked.insert((path.to_owned(), mode));
        }
        self.look_at_one(path, seen);
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        for entry in entries.filter(|_| meta.is_dir()) {
            self.look_below(&entry.path(), owner, seen);
        }
    }

    fn look_at_one(&self, path: &Path, seen: &mut Seen) {
        let Ok(meta) = fs::symlink_metadata(path) else {
            return;
        };
        let mode = meta.permissions().mode();
        if mode & ANYBODY != 0 && (meta.is_file() || meta.is_dir()) {
            let path = self.root().join(path);
            seen.open.insert((path, mode & 0o7777 & !ANYBODY));
        }
    }

    fn owned_by_others(&self, seen: &Seen, (user, group): (u32, u32)) -> Option<Finding> {
        let count = seen.others.len();
        let found = format!(
            "{} of another owner than the keep itself: {}",
            counted(count, "entry", "entries"),
            self.some(seen.others.iter())
        );
        let why = "the owner of the keep cannot change them: commits fail; \
            it happens when root works here once";
        let finding = Finding::new("wrong-owner", found, why);
        let is_root = rustix::process::geteuid().is_root();
        let finding = if is_root {
            let remedy = Remedy::Own(seen.others.clone(), user, group);
            finding.remedy(format!("give them to user {user}, group {group}"), remedy)
        } else {
            finding.command(format!("sudo chown -hR {user}:{group} .git .buildkeep"))
        };
        (count > 0).then_some(finding)
    }

    fn locked(&self, seen: &Seen) -> Option<Finding> {
        let paths = seen.locked.iter().map(|(path, _)| path);
        let found = format!("not even their owner may read {}", self.some(paths));
        let why = "what cannot be read is as good as lost for every command";
        let finding = Finding::new("wrong-mode", found, why).remedy(
            "let their owner read them",
            Remedy::Modes(seen.locked.clone()),
        );
        (!seen.locked.is_empty()).then_some(finding)
    }

    fn open(&self, seen: &Seen) -> Option<Finding> {
        let paths = seen.open.iter().map(|(path, _)| path);
        let found = format!("everybody may write {}", self.some(paths));
        let why = "anybody on this machine could make your build do what they want";
        let finding = Finding::new("world-writable", found, why)
            .remedy("take that right away", Remedy::Modes(seen.open.clone()));
        (!seen.open.is_empty()).then_some(finding)
    }
}

/// A keep of another user: Git and we refuse to work in it.
fn foreign(owner: u32) -> Option<Finding> {
    let me = rustix::process::geteuid().as_raw();
    let found = format!("the keep belongs to user {owner}, and you are user {me}");
    let why = "its settings could make us run its owner's programs as you, so Git and buildkeep \
        refuse to work in it";
    let finding = Finding::new("foreign-keep", found, why)
        .command(format!("sudo -u '#{owner}' buildkeep doctor"));
    (owner != me && me != 0).then_some(finding)
}
