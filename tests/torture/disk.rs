//! A small file system of our own on a loop device, whose power can be cut.
//!
//! It is mounted in a mount namespace of its own: when the test ends, however it ends, the kernel
//! unmounts it and frees the loop device.
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::env::Env;

/// Where the disk is mounted, in the working folder of its [`Env`].
pub(crate) const MOUNT: &str = "disk";
/// Newer `mkfs.xfs` makes nothing smaller; the image is sparse.
const SIZE: u64 = 320 << 20;

/// The file systems that builds run on, and whose power can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext4,
    Xfs,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// A mounted disk; unmounted when dropped.
pub(crate) struct Disk {
    image: PathBuf,
    mount: PathBuf,
    godown: PathBuf,
}

impl Disk {
    /// Makes and mounts a disk, or says why this machine cannot.
    pub(crate) fn new(env: &Env, kind: Kind) -> Result<Self, String> {
        Self::sized(env, kind, SIZE)
    }

    /// The same with so many bytes.
    pub(crate) fn sized(env: &Env, kind: Kind, size: u64) -> Result<Self, String> {
        let disk = Self {
            image: env.path("disk.img"),
            mount: env.path(MOUNT),
            godown: env.path("godown"),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/godown.c");
        try_run(Command::new("cc").arg("-o").arg(&disk.godown).arg(source))?;
        let image = File::create(&disk.image).map_err(|error| error.to_string())?;
        image.set_len(size).map_err(|error| error.to_string())?;
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
        let mkfs = format!("mkfs.{}", kind.name());
        try_run(
            Command::new(mkfs)
                .arg("-q")
                .arg(&disk.image)
                .env("PATH", path),
        )?;
        std::fs::create_dir(&disk.mount).map_err(|error| error.to_string())?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(&self.image).arg(&self.mount);
        try_run(&mut mount)
    }

    /// Cuts the power: nothing that the file system did not make durable by now ever will be.
    pub(crate) fn cut(&self) {
        try_run(Command::new(&self.godown).arg(&self.mount)).unwrap();
    }

    /// The machine starts again.
    pub(crate) fn restart(&self) {
        self.unmount().unwrap();
        self.mount().unwrap();
    }

    /// Makes all that was written so far durable.
    pub(crate) fn settle(&self) {
        try_run(Command::new("sync").arg("-f").arg(&self.mount)).unwrap();
    }

    /// Without power, nobody goes on.
    fn unmount(&self) -> Result<(), String> {
        let mut result = Ok(());
        for _ in 0..1000 {
            self.end_all();
            result = try_run(Command::new("umount").arg(&self.mount));
            if result.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        result
    }
}

impl Disk {
    /// Ends the processes that have anything of the disk open, or stand in it.
    fn end_all(&self) {
        let me = std::process::id();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.parse::<u32>().ok());
            let Some(pid) = pid.filter(|pid| *pid != me) else {
                continue;
            };
            let files = std::fs::read_dir(entry.path().join("fd"));
            let links = files.into_iter().flatten().flatten();
            let mut links = links
                .map(|link| link.path())
                .chain([entry.path().join("cwd")]);
            let is_there = |link: PathBuf| {
                std::fs::read_link(link).is_ok_and(|to| to.starts_with(&self.mount))
            };
            if links.any(is_there)
                && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
            {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}

fn try_run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("`{program}` failed: {said}"))
}

/// Has everything from here on in memory, where a sync is for nothing: for tests that are about calls,
/// and not about disks.
pub(crate) fn prefer_memory() {
    use rustix::fs::StatVfsMountFlags;
    let Ok(memory) = rustix::fs::statvfs("/dev/shm") else {
        return;
    };
    let is_large = memory.f_bavail * memory.f_frsize > 2 << 30;
    if is_large && !memory.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        // Whoever comes second finds it done.
        let _ = tempfile::env::override_temp_dir("/dev/shm".as_ref());
    }
}

/// What tells a test that it is the one in the mount namespace.
const ALONE: &str = "BUILDKEEP_TORTURE_ALONE";

/// Runs the body of the test called `name` in a mount namespace of its own, if this machine can.
pub(crate) fn alone(name: &str, body: impl FnOnce(&Rc<Env>)) {
    if std::env::var_os(ALONE).is_some() {
        return body(&Rc::new(Env::new()));
    }
    let may = Command::new("unshare").args(["--mount", "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        return skip(name, "making a mount namespace needs root and `unshare`");
    }
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--kill-child"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .status();
    assert!(status.unwrap().success(), "{name} failed, see above");
}

/// Says, past the capture of the test harness, what was not tested and why.
pub(crate) fn skip(what: &str, why: &str) {
    say(&format!("SKIPPED {what}: {why}"));
    let required = std::env::var_os("BUILDKEEP_TORTURE_REQUIRED").is_some();
    assert!(!required, "{what} must not be skipped: {why}");
}

/// Says something that is to be seen although the test passes.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
