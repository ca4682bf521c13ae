//! What could do harm to the machine, or to the build.
use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::super::definition::Check;
use super::super::program::{Ran, command, run, search};
use super::super::{Host, Status};
use super::tree::{named, search_tree};
use super::users::{name_of, uid_of};
use super::{Finding, SecurityIs};

/// Write permission for everybody, and the bit that keeps others from deleting.
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;
const SETUID_SETGID: u32 = 0o6000;

pub(super) fn look(is: &SecurityIs, at: (&Check, &Host<'_>)) -> Finding {
    match is {
        SecurityIs::Root => you_are(geteuid().is_root()),
        SecurityIs::NotRoot => you_are(!geteuid().is_root()),
        SecurityIs::User(name) => user(name),
        SecurityIs::NoSetuidInPath => setuid_in_path(at.1),
        SecurityIs::SudoAsks => sudo(at),
        SecurityIs::Owner { paths, owner } => owner_of(paths, owner, at),
        SecurityIs::NobodyElseWrites { paths } => {
            through(paths, at, &|_, meta| anybody_may_change(meta))
        }
    }
}

fn me() -> String {
    let uid = geteuid().as_raw();
    name_of(uid).unwrap_or_else(|| format!("user {uid}"))
}

fn you_are(right: bool) -> Finding {
    if right {
        Finding::ok(me())
    } else {
        Finding::fail(me())
    }
}

fn user(name: &str) -> Finding {
    match uid_of(name) {
        Some(uid) if uid == geteuid().as_raw() => Finding::ok(name),
        Some(_) => Finding::fail(me()),
        None => Finding::fail(format!("there is no user {name}")),
    }
}

/// Programs with rights of somebody else, in folders that come before those of the system.
fn setuid_in_path(host: &Host<'_>) -> Finding {
    let Some(path) = host.env.get("PATH") else {
        return Finding::ok("PATH is not set");
    };
    let system = |folder: &PathBuf| {
        let places = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
        places.iter().any(|place| folder == Path::new(place))
    };
    let early = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let early: BTreeSet<PathBuf> = early.take_while(|folder| !system(folder)).collect();
    let mut found = Vec::new();
    for folder in &early {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        let has_rights = |path: &PathBuf| {
            let meta = fs::metadata(path);
            meta.is_ok_and(|meta| meta.is_file() && meta.mode() & SETUID_SETGID != 0)
        };
        found.extend(
            entries
                .flatten()
                .map(|entry| entry.path())
                .filter(has_rights),
        );
    }
    found.sort();
    match found.first() {
        None => Finding::ok("none"),
        Some(first) => Finding::fail(named(&found)).subject(first.display().to_string()),
    }
}

/// Whether `sudo` would run anything at once; root needs none.
fn sudo((check, host): (&Check, &Host<'_>)) -> Finding {
    if geteuid().is_root() {
        return Finding::skipped("root needs no sudo");
    }
    let Some(sudo) = search("sudo", host.env) else {
        return Finding::ok("there is no sudo");
    };
    let words = ["--non-interactive", "true"].map(str::to_owned);
    match run(command(&sudo, &words), host.env, host.clock, check.limit) {
        Ran::Ended(output) if output.status.success() => Finding::fail("it does not ask"),
        Ran::Ended(_) => Finding::ok("it asks"),
        _ => Finding::unknown("sudo does not answer"),
    }
}

fn owner_of(paths: &[String], owner: &str, at: (&Check, &Host<'_>)) -> Finding {
    let Some(uid) = uid_of(owner) else {
        return Finding::fail(format!("there is no user {owner}"));
    };
    through(paths, at, &|_, meta| meta.uid() != uid)
}

/// Whether anybody may write to it; in folders with the sticky bit nobody can do harm.
fn anybody_may_change(meta: &Metadata) -> bool {
    let mode = meta.mode();
    let sticky_folder = meta.is_dir() && mode & STICKY != 0;
    let special = !meta.is_dir() && !meta.is_file();
    !special && !sticky_folder && mode & OTHERS_WRITE != 0
}

/// Looks through all of `paths`; the worst answer counts, and of one that is not there only if all are.
fn through(paths: &[String], at: (&Check, &Host<'_>), fault: &super::tree::Fault<'_>) -> Finding {
    let mut worst: Option<Finding> = None;
    for path in paths {
        let Some(place) = at.1.place(path) else {
            return Finding::no_place(path);
        };
        let finding = search_tree(&place, fault, at);
        let counts = |finding: &Finding| (finding.status == Status::Skipped, finding.status);
        if worst
            .as_ref()
            .is_none_or(|worst| counts(&finding) < counts(worst))
        {
            worst = Some(finding);
        }
    }
    worst.unwrap_or_else(|| Finding::unknown("no place to look at"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn sticky_folders_and_symlinks_are_safe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::create_dir(&path).unwrap();
        let with = |mode: u32| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            anybody_may_change(&fs::symlink_metadata(&path).unwrap())
        };
        assert!(with(0o777) && !with(0o1777) && !with(0o775));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("x", &link).unwrap();
        assert!(!anybody_may_change(&fs::symlink_metadata(&link).unwrap()));
    }
}
