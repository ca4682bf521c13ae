//! All processes that an attempt led to.
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use super::helper::WORD;
use super::process::Stat;
use super::{AttemptDir, Cgroup, Error, Identity, boot_id};
use crate::fs::{AtPath as _, read_optional};

/// The variable by which processes that left their family are recognised.
pub(super) const COOKIE: &str = "BUILDKEEP_ATTEMPT";

/// A process of an attempt.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) pidfd: OwnedFd,
    pub(super) stat: Stat,
}

/// What a look at all processes shows of one of them.
struct Seen {
    stat: Stat,
    pidfd: OwnedFd,
    is_helper: bool,
    has_cookie: bool,
}

/// The processes of an attempt that still run: what descends from the script or from our helpers,
/// is of the script's session or of the attempt's cgroup, or carries its cookie; our helpers and this process excepted.
pub(super) fn members(dir: &AttemptDir, script: Option<&Identity>) -> Result<Vec<Member>, Error> {
    let seen = look(dir)?;
    // After the look: a number that was given away since is dead to the descriptor.
    let cgroup = Cgroup::of(dir)?.map(|cgroup| cgroup.pids());
    let in_cgroup: BTreeSet<i32> = cgroup.into_iter().flatten().collect();
    let session = script.and_then(|script| session_of(script, &seen));
    let helpers = seen.iter().filter(|(_, process)| process.is_helper);
    let roots: BTreeSet<i32> = helpers.map(|(pid, _)| *pid).chain(session).collect();
    let me = getpid().as_raw_nonzero().get();
    let is_ours = |pid: i32, process: &Seen| {
        let is_related = process.has_cookie
            || in_cgroup.contains(&pid)
            || Some(process.stat.session) == session
            || descends(&seen, pid, &roots);
        is_related && !process.is_helper && pid != me && !process.stat.is_zombie()
    };
    let ours: BTreeSet<i32> = seen
        .iter()
        .filter(|(pid, process)| is_ours(**pid, process))
        .map(|(pid, _)| *pid)
        .collect();
    let kept = seen.into_iter().filter(|(pid, _)| ours.contains(pid));
    Ok(kept
        .map(|(_, process)| Member {
            pidfd: process.pidfd,
            stat: process.stat,
        })
        .collect())
}

/// The number of the script, which is also that of its session, unless it means another process by
/// now: it is not given away while the session has members.
fn session_of(script: &Identity, seen: &BTreeMap<i32, Seen>) -> Option<i32> {
    let is_this_boot = boot_id().is_ok_and(|boot| boot == script.boot_id);
    let is_free = !seen.contains_key(&script.pid);
    (is_this_boot && (is_free || script.open().is_some())).then_some(script.pid)
}

/// Whether `pid` is one of `roots` or has one among its ancestors.
fn descends(seen: &BTreeMap<i32, Seen>, pid: i32, roots: &BTreeSet<i32>) -> bool {
    let mut at = pid;
    // Parents may change while we look, so the way up is not trusted to end.
    for _ in 0..seen.len() {
        if roots.contains(&at) {
            return true;
        }
        match seen.get(&at) {
            Some(process) => at = process.stat.parent,
            None => return false,
        }
    }
    false
}

fn look(dir: &AttemptDir) -> Result<BTreeMap<i32, Seen>, Error> {
    let proc = Path::new("/proc");
    let mut cookie = format!("{COOKIE}=").into_bytes();
    cookie.extend(dir.path().as_os_str().as_bytes());
    let mut seen = BTreeMap::new();
    for entry in std::fs::read_dir(proc).at("read", proc)? {
        let name = entry.at("read", proc)?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(process) = look_at(pid, dir, &cookie) {
            seen.insert(pid, process);
        }
    }
    Ok(seen)
}

/// What can be seen of a process; nothing if it is gone, or hidden from us.
fn look_at(pid: i32, dir: &AttemptDir, cookie: &[u8]) -> Option<Seen> {
    let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let stat = Stat::of(pid).ok()??;
    let words = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        read_optional(Path::new(&path))
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let command_line = words("cmdline");
    let mut arguments = command_line.split(|byte| *byte == 0).skip(1);
    let is_helper = arguments.next() == Some(WORD.as_bytes())
        && arguments.next() == Some(dir.path().as_os_str().as_bytes())
        && arguments.next() != Some(b"launch");
    let has_cookie = words("environ")
        .split(|byte| *byte == 0)
        .any(|variable| variable == cookie);
    Some(Seen {
        stat,
        pidfd,
        is_helper,
        has_cookie,
    })
}
