//! A folder with everything that a file system can hold.
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, Mode, Timespec, Timestamps, XattrFlags};

use super::is_root;

/// Bytes that do not compress.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Makes the folder.
pub(crate) fn make(dir: &Path) {
    fs::create_dir_all(dir.join("deep/er/still")).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    contents(dir);
    names(dir);
    links(dir);
    holes(dir);
    attributes(dir);
    if is_root() {
        for_root(dir);
    }
    times(dir);
}

fn contents(dir: &Path) {
    fs::write(dir.join("nothing"), b"").unwrap();
    fs::write(dir.join("small"), b"hello\n").unwrap();
    fs::write(dir.join("deep/er/still/here"), b"x".repeat(5000)).unwrap();
    fs::write(dir.join("edge"), noise(1 << 20, 3)).unwrap();
    fs::write(dir.join("over"), noise((1 << 20) + 1, 4)).unwrap();
    fs::write(dir.join("large"), noise(9_000_000, 5)).unwrap();
    fs::write(dir.join("text"), b"line of text\n".repeat(400_000)).unwrap();
}

/// Names that Git refuses, that are not text, that could be mistaken for ours.
fn names(dir: &Path) {
    fs::create_dir(dir.join(".git")).unwrap();
    fs::write(dir.join(".git/HEAD"), b"ref: refs/heads/main\n").unwrap();
    fs::create_dir(dir.join(".GIT")).unwrap();
    fs::write(dir.join("deep/.gitattributes"), b"* export-ignore\n").unwrap();
    fs::write(dir.join("deep/.gitignore"), b"*\n").unwrap();
    fs::write(dir.join(".buildkeep-meta"), b"not ours\n").unwrap();
    symlink("/etc/passwd", dir.join(".gitmodules")).unwrap();
    symlink("small", dir.join("deep/.mailmap")).unwrap();
    for name in [
        &b"git~1"[..],
        b"not\xff\xfetext",
        b"new\nline",
        b"a\\.git",
        b" ",
        b"-rf",
        b"\xe2\x80\x8c.git",
    ] {
        fs::write(dir.join(OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(dir.join("n".repeat(255)), b"long").unwrap();
}

fn links(dir: &Path) {
    symlink("small", dir.join("link")).unwrap();
    symlink("../../nowhere", dir.join("deep/broken")).unwrap();
    symlink("/".to_owned() + &"x/".repeat(1000), dir.join("longlink")).unwrap();
    symlink("deep", dir.join("folderlink")).unwrap();
    fs::hard_link(dir.join("small"), dir.join("deep/same")).unwrap();
    fs::hard_link(dir.join("small"), dir.join("deep/er/same")).unwrap();
    fs::hard_link(dir.join("large"), dir.join("deep/large")).unwrap();
    fs::hard_link(dir.join("link"), dir.join("deep/link")).unwrap();
    let fifo = dir.join("fifo");
    rustix::fs::mknodat(
        CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        Mode::from_raw_mode(0o640),
        0,
    )
    .unwrap();
    fs::hard_link(&fifo, dir.join("deep/fifo")).unwrap();
}

fn holes(dir: &Path) {
    for (name, size) in [
        ("hole", 3 << 20),
        ("smallhole", 100_000),
        ("onlyhole", 1 << 30),
    ] {
        let file = File::create(dir.join(name)).unwrap();
        file.set_len(size).unwrap();
        if name != "onlyhole" {
            file.write_all_at(b"data", size / 2).unwrap();
        }
    }
}

fn attributes(dir: &Path) {
    let set = |name: &str, mode| {
        fs::set_permissions(dir.join(name), Permissions::from_mode(mode)).unwrap();
    };
    set("nothing", 0o400);
    set("edge", 0o4711);
    set("over", 0o2755);
    set("empty", 0o1777);
    set("deep/er", 0o2750);
    set("deep/er/still", 0o500);
    let xattr = |name: &str, key: &str, value: &[u8]| {
        rustix::fs::lsetxattr(dir.join(name), key, value, XattrFlags::empty())
    };
    // A file system without user attributes cannot be asked to keep them.
    if xattr("small", "user.one", b"1").is_ok() {
        xattr("small", "user.empty", b"").unwrap();
        xattr("large", "user.big", &noise(1500, 9)).unwrap();
        xattr("deep", "user.folder", b"\0\xff").unwrap();
    }
}

fn for_root(dir: &Path) {
    for (name, kind, mode, device) in [
        (
            "null",
            rustix::fs::FileType::CharacterDevice,
            0o666,
            rustix::fs::makedev(1, 3),
        ),
        (
            "loop",
            rustix::fs::FileType::BlockDevice,
            0o660,
            rustix::fs::makedev(7, 200),
        ),
    ] {
        let path = dir.join(name);
        rustix::fs::mknodat(CWD, &path, kind, Mode::from_raw_mode(mode), device).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    std::os::unix::fs::lchown(dir.join("link"), Some(7), Some(8)).unwrap();
    std::os::unix::fs::lchown(dir.join("deep"), Some(1234), Some(4321)).unwrap();
    std::os::unix::fs::lchown(dir.join("edge"), Some(99), None).unwrap();
    fs::set_permissions(dir.join("edge"), Permissions::from_mode(0o6711)).unwrap();
    // cap_net_raw+ep, as setcap writes it.
    let capability = [
        1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let _ = rustix::fs::lsetxattr(
        dir.join("text"),
        "security.capability",
        &capability,
        XattrFlags::empty(),
    );
    // u::rw- u:1000:rwx g::r-- m::rwx o::r--
    let acl = [
        2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 232, 3, 0, 0, 4, 0, 4, 0, 255, 255,
        255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
    ];
    let _ = rustix::fs::lsetxattr(
        dir.join("over"),
        "system.posix_acl_access",
        &acl,
        XattrFlags::empty(),
    );
    let _ = rustix::fs::lsetxattr(
        dir.join("empty"),
        "system.posix_acl_default",
        &acl,
        XattrFlags::empty(),
    );
}

/// Times before 1970, with nanoseconds, in the future; folders last.
fn times(dir: &Path) {
    for (name, seconds, nanos) in [
        ("small", 1, 1),
        ("link", 1_500_000_000, 987_654_321),
        ("nothing", -86_400, 999_999_999),
        ("fifo", 4_000_000_000, 5),
        ("deep/er", 1_000_000_000, 123),
        ("deep", 1_000_000_001, 456),
        (".", 999, 1),
    ] {
        let time = Timespec {
            tv_sec: seconds,
            tv_nsec: nanos,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(CWD, dir.join(name), &times, flags).unwrap();
    }
}
