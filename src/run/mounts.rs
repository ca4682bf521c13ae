//! What a build root has mounted while a script runs in it, for that script's eyes only.
//!
//! The mounts are made in a mount namespace of the attempt's own, so the system takes them down with
//! its last process, however that ended, and nobody outside ever sees them. Each is put on a folder
//! that was opened beneath the root without following any symlink, and by that descriptor: a root
//! with hostile links in it cannot have anything mounted elsewhere.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fchmod, mkdirat, open, openat2, readlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change, move_mount,
    open_tree,
};

use super::raw::leave_mounts;
use super::sandbox::{Refused, Tried as _};
use crate::fs::is_mount_point;

/// What is mounted at a place of a root.
enum What {
    /// A file system of this kind, with these options.
    New(&'static str, &'static [(&'static str, &'static str)]),
    /// The folder of the same name outside, without what is mounted in it.
    Outside,
}

/// As chapter 7.3 of the book has it.
const BOOK: &[(&str, What)] = &[
    ("dev", What::Outside),
    (
        "dev/pts",
        What::New("devpts", &[("gid", "5"), ("mode", "0620")]),
    ),
    ("proc", What::New("proc", &[])),
    ("sys", What::New("sysfs", &[])),
    ("run", What::New("tmpfs", &[("mode", "0755")])),
    ("dev/shm", What::New("tmpfs", &[("mode", "1777")])),
];

/// Opens a root.
pub(super) fn open_root(root: &Path) -> Result<OwnedFd, Refused> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(root, flags, Mode::empty()).tried(format!("open the root {}", root.display()))
}

/// Gives this process mounts of its own; what was opened before is not among them.
pub(super) fn part() -> Result<(), Refused> {
    leave_mounts().tried("have mounts of its own")?;
    // What the machine unmounts meanwhile goes here, too; nothing goes the other way.
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    mount_change("/", flags).tried("have mounts of its own")
}

/// Makes the mounts of the book in the root.
///
/// What is mounted at these places already is left as it is.
pub(super) fn mount_all(root: &OwnedFd) -> Result<(), Refused> {
    for (place, what) in BOOK {
        mount_at(root, place, what).tried(format!("mount {place} in the root"))?;
    }
    Ok(())
}

/// Mounts a root, with all that is mounted in it, on itself.
pub(super) fn put_on_itself(root: &OwnedFd) -> Result<OwnedFd, Refused> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let mounted = open_tree(root, c"", flags).and_then(|tree| {
        put(tree.as_fd(), root.as_fd())?;
        Ok(tree)
    });
    mounted.tried("mount the root on itself")
}

/// Makes those mounts of the book for which the root has a place.
pub(super) fn mount_present(root: &OwnedFd) -> Result<(), Refused> {
    for (place, what) in BOOK {
        let is_there = !matches!(beneath(root, place), Err(Errno::NOENT | Errno::LOOP));
        if is_there {
            mount_at(root, place, what).tried(format!("mount {place} in the root"))?;
        }
    }
    Ok(())
}

/// An empty folder in memory at `/run/buildkeep` of the root.
pub(super) fn own_folder(root: &OwnedFd) -> Result<OwnedFd, Refused> {
    let place = "run/buildkeep";
    let mounted = folder(root, place)
        .and_then(|at| put(new("tmpfs", &[("mode", "0755")])?.as_fd(), at.as_fd()))
        .and_then(|()| beneath(root, place));
    mounted.tried(format!("mount {place} in the root"))
}

/// Makes the file `outside` appear at `name` in `folder`, where there is an empty file for it.
pub(super) fn show(outside: &Path, folder: &OwnedFd, name: &str) -> Result<(), Refused> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let shown = open_tree(CWD, outside, flags).and_then(|tree| {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let at = rustix::fs::openat(folder, name, flags, Mode::empty())?;
        put(tree.as_fd(), at.as_fd())
    });
    shown.tried(format!("show {} in the root", outside.display()))
}

fn mount_at(root: &OwnedFd, place: &str, what: &What) -> Result<(), Errno> {
    let at = match folder(root, place) {
        // As `/dev/shm` on machines where it leads to `/run/shm`.
        Err(Errno::LOOP) if place == "dev/shm" => return folder_linked(root, place),
        // The machine's own `/dev` is not added to.
        Err(Errno::NOENT) if place.contains('/') => return Ok(()),
        found => found?,
    };
    if is_mount_point(&at) {
        return Ok(());
    }
    let mount = match what {
        What::New(kind, options) => match new(kind, options) {
            // Some containers forbid new ones, but share their own.
            Err(Errno::PERM) => outside(place, OpenTreeFlags::AT_RECURSIVE)?,
            made => made?,
        },
        What::Outside => outside(place, OpenTreeFlags::empty())?,
    };
    put(mount.as_fd(), at.as_fd())
}

fn new(kind: &str, options: &[(&str, &str)]) -> Result<OwnedFd, Errno> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        fsconfig_set_string(context.as_fd(), *name, *value)?;
    }
    fsconfig_create(context.as_fd())?;
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
}

fn outside(place: &str, how: OpenTreeFlags) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, Path::new("/").join(place), flags | how)
}

fn put(mount: BorrowedFd<'_>, at: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, c"", at, c"", flags)
}

/// The folder at `place`, without following any link; made, if it is one of the root's own.
fn folder(root: &OwnedFd, place: &str) -> Result<OwnedFd, Errno> {
    match beneath(root, place) {
        Err(Errno::NOENT) if !place.starts_with("dev/") => {
            let parent = Path::new(place)
                .parent()
                .filter(|p| !p.as_os_str().is_empty());
            let name = place.rsplit('/').next().unwrap_or(place);
            match parent {
                Some(parent) => mkdirat(beneath(root, parent)?, name, Mode::from_raw_mode(0o755))?,
                None => mkdirat(root, name, Mode::from_raw_mode(0o755))?,
            }
            beneath(root, place)
        }
        found => found,
    }
}

fn beneath(root: &OwnedFd, place: impl AsRef<Path>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(root, place.as_ref(), flags, Mode::empty(), resolve)
}

/// Makes the folder, open to all, that a link at `place` leads to inside of the root.
fn folder_linked(root: &OwnedFd, place: &str) -> Result<(), Errno> {
    let target = readlinkat(root, place, Vec::new())?;
    let target = target.to_string_lossy().into_owned();
    let Some(target) = target.strip_prefix('/') else {
        return Err(Errno::LOOP);
    };
    match folder(root, target) {
        // Only where its parent is there: in `/run`, say.
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            let found = openat2(root, target, flags, Mode::empty(), resolve)?;
            fchmod(found, Mode::from_raw_mode(0o1777))
        }
    }
}
