//! What was mounted on the root, and in it, when the last step was done: a restart forgets it.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fs::{Mount, mount_of, mounts, read_optional, write_durable};
use crate::store::Keep;

/// Kinds that are mounted as the book does, by their own name.
const OWN: &[&str] = &["proc", "sysfs", "devpts"];
/// Options that say nothing.
const USUAL: &[&str] = &["rw", "relatime", "nosuid", "nodev", "noexec"];

/// The content of `mounts.json` in the keep's private folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remembered {
    format: u32,
    root: PathBuf,
    /// In the order in which they were made.
    mounts: Vec<Held>,
}

/// One mount, as it can be made again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Held {
    pub(super) place: PathBuf,
    kind: String,
    pub(super) source: String,
    options: Vec<String>,
    /// What the disk is called wherever it is plugged in.
    uuid: Option<String>,
    /// The file that a loop device shows.
    file: Option<PathBuf>,
    /// Where the same is seen outside of the root.
    outside: Option<PathBuf>,
}

/// Notes what is mounted on the root of a plan and in it; that it cannot be noted fails nothing.
pub(in crate::commands) fn remember(keep: &Keep, root: Option<&Path>) {
    let Some(root) = root else { return };
    let now = Remembered::now(root, &mounts());
    let is_news = match Remembered::load(keep, root) {
        Some(before) => before != now,
        None => !now.mounts.is_empty(),
    };
    if is_news && let Ok(text) = serde_json::to_vec(&now) {
        let _ = write_durable(&file(keep), &text);
    }
}

fn file(keep: &Keep) -> PathBuf {
    keep.private("mounts.json")
}

impl Remembered {
    pub(super) fn load(keep: &Keep, root: &Path) -> Option<Self> {
        let bytes = read_optional(&file(keep)).ok().flatten()?;
        let before: Self = serde_json::from_slice(&bytes).ok()?;
        (before.root == root).then_some(before)
    }

    fn now(root: &Path, mounts: &[Mount]) -> Self {
        let own = mount_of(mounts, root).filter(|mount| mount.place != Path::new("/"));
        let is_inside = |mount: &&Mount| mount.place != root && mount.place.starts_with(root);
        let inside = mounts.iter().filter(is_inside);
        let held = own.into_iter().chain(inside);
        Self {
            format: 1,
            root: root.to_owned(),
            mounts: held.map(|mount| Held::of(mount, root, mounts)).collect(),
        }
    }

    /// The mount that the root was on, if it had one of its own.
    pub(super) fn root(&self, root: &Path) -> Option<&Held> {
        self.mounts
            .iter()
            .find(|held| root.starts_with(&held.place))
    }

    /// What was mounted inside of the root, and is not.
    pub(super) fn missing_below<'a>(
        &'a self,
        root: &'a Path,
        now: &'a [Mount],
    ) -> impl Iterator<Item = &'a Held> {
        let is_mounted = |held: &Held| now.iter().any(|mount| mount.place == held.place);
        let inside = |held: &&Held| !root.starts_with(&held.place);
        let held = self.mounts.iter().filter(inside);
        held.filter(move |held| !is_mounted(held))
    }
}

impl Held {
    fn of(mount: &Mount, root: &Path, all: &[Mount]) -> Self {
        let seen = |other: &&Mount| {
            other.device == mount.device
                && !other.place.starts_with(root)
                && mount.root.starts_with(&other.root)
        };
        let outside = all.iter().find(seen).and_then(|other| {
            let below = mount.root.strip_prefix(&other.root).ok()?;
            Some(other.place.join(below))
        });
        let options = if mount.source.starts_with('/') {
            &mount.options
        } else {
            &mount.super_options
        };
        let telling = options.split(',').filter(|option| !USUAL.contains(option));
        Self {
            place: mount.place.clone(),
            kind: mount.kind.clone(),
            source: mount.source.clone(),
            options: telling.map(str::to_owned).collect(),
            uuid: uuid_of(&mount.source),
            file: backing_file(&mount.source),
            outside: outside.filter(|place| *place != mount.place),
        }
    }

    /// How a person would name the disk of `mount`, if it is another one than this.
    pub(super) fn other_disk(&self, mount: &Mount) -> Option<String> {
        let (before, now) = (self.uuid.as_ref()?, uuid_of(&mount.source)?);
        (*before != now).then(|| mount.source.clone())
    }

    /// What mounts it again.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let place = self.place.display().to_string();
        let mut commands = Vec::new();
        if !self.place.exists() {
            commands.push(["mkdir", "-p", &place].map(str::to_owned).into());
        }
        let mut mount = vec!["mount".to_owned()];
        let is_own = OWN.contains(&self.kind.as_str());
        if let Some(outside) = self.outside.as_ref().filter(|_| !is_own) {
            mount.extend(["--bind".into(), outside.display().to_string()]);
        } else {
            let is_disk = self.source.starts_with('/');
            if !is_disk {
                mount.extend(["-t".into(), self.kind.clone()]);
            }
            let mut options = self.options.clone();
            options.extend(self.file.is_some().then(|| "loop".to_owned()));
            if !options.is_empty() && !matches!(self.kind.as_str(), "proc" | "sysfs") {
                mount.extend(["-o".into(), options.join(",")]);
            }
            mount.push(match (&self.uuid, &self.file) {
                (_, Some(file)) => file.display().to_string(),
                (Some(uuid), None) => format!("UUID={uuid}"),
                _ if is_own => self.kind.clone(),
                _ => self.source.clone(),
            });
        }
        mount.push(place);
        commands.push(mount);
        commands
    }
}

/// The name that a disk has wherever it is plugged in.
fn uuid_of(source: &str) -> Option<String> {
    let disk = Path::new(source).canonicalize().ok()?;
    let names = std::fs::read_dir("/dev/disk/by-uuid").ok()?;
    let mut names = names.flatten();
    let found = names.find(|name| name.path().canonicalize().is_ok_and(|path| path == disk))?;
    found.file_name().into_string().ok()
}

/// The file that a loop device shows.
fn backing_file(source: &str) -> Option<PathBuf> {
    let name = source
        .strip_prefix("/dev/")
        .filter(|name| name.starts_with("loop"))?;
    let file = std::fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).ok()?;
    Some(PathBuf::from(file.trim_end()))
}
