//! The cgroup of an attempt: all its processes, and exactly what they cost together.
//!
//! Where the machine has cgroups v2, alone or beside the older ones, the process that becomes the
//! script first moves into a cgroup of its own; nothing that it starts can leave it unasked. Where
//! that is not allowed, everything works without, from the tree of processes and `wait4`.
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::getpid;
use serde::Serialize;

use super::files::load;
use super::process::ProcFile;
use super::{AttemptDir, Error, boot_id};

/// How the names of ours begin.
const PREFIX: &str = "buildkeep-";
/// A cgroup may be without processes for so long before it counts as left.
const YOUNG: Duration = Duration::from_mins(1);
/// Files that hold a limit, and what they hold if there is none.
const LIMITS: &[(&str, &str)] = &[
    ("memory.max", "max"),
    ("memory.high", "max"),
    ("memory.swap.max", "max"),
    ("pids.max", "max"),
    ("cpu.max", "max 100000"),
    ("cpuset.cpus", ""),
    ("io.max", ""),
];

/// A cgroup v2 of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup(PathBuf);

/// What all processes of a cgroup have used, the ended ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Microseconds of computing.
    pub user_us: u64,
    /// Microseconds of the kernel's work for them.
    pub system_us: u64,
    /// The most memory that they had at once, with what files are cached for them; where it is
    /// counted.
    pub peak_memory_bytes: Option<u64>,
    /// How many of them were killed because memory ran out; where it is counted.
    pub oom_kills: Option<u64>,
}

impl Cgroup {
    /// Moves this process into a new cgroup for `attempt`, if that can be had.
    pub(super) fn enter(attempt: &str) -> Option<Self> {
        let (mount, own) = own()?;
        let name = format!("{PREFIX}{attempt}-{}", getpid().as_raw_nonzero());
        candidates(&mount, &own)
            .into_iter()
            .find_map(|parent| Self::join(parent.join(&name)))
    }

    fn join(dir: PathBuf) -> Option<Self> {
        std::fs::create_dir(&dir).ok()?;
        let cgroup = Self(dir);
        if cgroup.put("cgroup.procs", "0").is_err() {
            cgroup.remove();
            return None;
        }
        cgroup.sweep();
        Some(cgroup)
    }

    /// Removes those beside it that are empty and were left: by helpers that were killed, say.
    fn sweep(&self) {
        let made = |path: &Path| path.metadata().and_then(|meta| meta.modified());
        let (Some(parent), Ok(now)) = (self.0.parent(), made(&self.0)) else {
            return;
        };
        for path in folders_in(parent) {
            let name = path.file_name().and_then(|name| name.to_str());
            let is_ours = name.is_some_and(|name| name.starts_with(PREFIX));
            if !is_ours || path == self.0 {
                continue;
            }
            // Of a young one, the process that made it may be about to move in.
            let age = made(&path)
                .ok()
                .and_then(|made| now.duration_since(made).ok());
            let other = Self(path);
            if age.is_some_and(|age| age > YOUNG) && !other.is_populated() {
                other.remove();
            }
        }
    }

    /// The cgroup of the attempt in `dir`, if it has one and it is there still.
    pub fn of(dir: &AttemptDir) -> Result<Option<Self>, Error> {
        let file: Option<ProcFile> = load(&dir.process())?;
        let Some((path, process)) = file.and_then(|file| file.cgroup_dir.zip(file.process)) else {
            return Ok(None);
        };
        let name = path.file_name().and_then(|name| name.to_str());
        let is_ours = name.is_some_and(|name| name.starts_with(PREFIX));
        let is_this_boot = boot_id()? == process.boot_id;
        Ok((is_ours && is_this_boot && path.is_dir()).then_some(Self(path)))
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What its processes have used so far.
    pub fn totals(&self) -> Option<Totals> {
        let text = self.get("cpu.stat")?;
        let events = self.get("memory.events");
        Some(Totals {
            user_us: number(&text, "user_usec")?,
            system_us: number(&text, "system_usec")?,
            peak_memory_bytes: self
                .get("memory.peak")
                .and_then(|text| text.trim().parse().ok()),
            oom_kills: events.and_then(|text| number(&text, "oom_kill")),
        })
    }

    /// The numbers of its processes, those of cgroups in it included.
    pub(super) fn pids(&self) -> Vec<i32> {
        let mut pids = Vec::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            let text = std::fs::read_to_string(folder.join("cgroup.procs"));
            let text = text.unwrap_or_default();
            pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
            folders.extend(folders_in(&folder));
        }
        pids.retain(|pid| *pid > 0);
        pids
    }

    /// Kills all its processes at once; false if this kernel cannot.
    pub(super) fn kill(&self) -> bool {
        self.put("cgroup.kill", "1").is_ok()
    }

    /// Halts its processes, or lets them go on.
    pub(super) fn freeze(&self, is_frozen: bool) -> io::Result<()> {
        self.put("cgroup.freeze", if is_frozen { "1" } else { "0" })
    }

    /// Whether its processes are halted, or about to be.
    pub(super) fn is_frozen(&self) -> bool {
        self.get("cgroup.freeze")
            .is_some_and(|text| text.trim() == "1")
    }

    /// Whether any process is in it.
    pub(super) fn is_populated(&self) -> bool {
        let text = self.get("cgroup.events").unwrap_or_default();
        number(&text, "populated") == Some(1)
    }

    /// Removes it, with the empty ones that scripts made in it. One with processes stays.
    pub(super) fn remove(&self) {
        let mut folders = vec![self.0.clone()];
        let mut at = 0;
        while let Some(folder) = folders.get(at) {
            let inner = folders_in(folder);
            folders.extend(inner);
            at += 1;
        }
        for folder in folders.iter().rev() {
            // Only empty ones can be: the kernel sees to that.
            let _ = std::fs::remove_dir(folder);
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.0.join(name)).ok()
    }

    fn put(&self, name: &str, value: &str) -> io::Result<()> {
        put(&self.0.join(name), value)
    }
}

impl AttemptDir {
    /// The folder of the attempt's cgroup, if it has one and it is there still.
    pub fn cgroup(&self) -> Result<Option<PathBuf>, Error> {
        Ok(Cgroup::of(self)?.map(|cgroup| cgroup.0))
    }
}

/// The cgroups of ours that nobody is in, and nobody will be: those of attempts that are over.
pub fn left_cgroups() -> Vec<PathBuf> {
    let Some((_, own)) = own() else {
        return Vec::new();
    };
    let beside = own.parent().into_iter().flat_map(folders_in);
    let mut left: Vec<PathBuf> = folders_in(&own).into_iter().chain(beside).collect();
    left.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        let made = path.metadata().and_then(|meta| meta.modified());
        let age = made.ok().and_then(|made| made.elapsed().ok());
        let is_old = age.is_some_and(|age| age > YOUNG);
        name.is_some_and(|name| name.starts_with(PREFIX))
            && is_old
            && !Cgroup(path.clone()).is_populated()
    });
    left.sort();
    left.dedup();
    left
}

fn put(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(value.as_bytes())
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// The number of the line `name NUMBER`.
fn number(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

/// Where cgroups v2 are mounted, and the folder of this process among them.
fn own() -> Option<(PathBuf, PathBuf)> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mine = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    place(&mounts, &mine)
}

fn place(mountinfo: &str, cgroup: &str) -> Option<(PathBuf, PathBuf)> {
    let (root, mount) = mountinfo.lines().find_map(mount_of)?;
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Of a removed cgroup, the path has a remark at its end; of one outside our namespace, dots.
    let below = Path::new(path).strip_prefix(&root).ok()?;
    let is_plain = !path.ends_with(" (deleted)") && !path.starts_with("/..");
    is_plain.then(|| (mount.clone(), mount.join(below)))
}

/// `36 25 0:31 ROOT MOUNT rw … - cgroup2 …`
fn mount_of(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (before, after) = line.split_once(" - ")?;
    if after.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = before.split(' ').skip(3);
    Some((unescaped(fields.next()?), unescaped(fields.next()?)))
}

/// The kernel writes spaces and the like as `\040`.
fn unescaped(field: &str) -> PathBuf {
    let mut text = String::new();
    let mut rest = field;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let code = after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        text.push(code.map_or('\\', char::from));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    text.push_str(rest);
    text.into()
}

/// Where a cgroup of ours may be, the best place first.
///
/// Memory is counted beside our own cgroup, not below it: one that has processes of its own cannot
/// count for its children. Beside is taken only where that leaves no limit behind that somebody put
/// on us, and never from within another attempt, which has to be counted whole.
fn candidates(mount: &Path, own: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let is_ours = own.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with(PREFIX)
    });
    let counts_memory = |place: &Path| {
        let text = std::fs::read_to_string(place.join("cgroup.subtree_control"));
        text.is_ok_and(|text| text.split_whitespace().any(|name| name == "memory"))
    };
    let beside = own.parent().filter(|_| own != mount && !is_ours);
    if let Some(parent) = beside.filter(|parent| counts_memory(parent) && !is_limited(own)) {
        places.push(parent.to_owned());
    } else if own == mount && !counts_memory(own) {
        // Only the machine's own root can; others refuse, which is as well.
        let _ = put(&own.join("cgroup.subtree_control"), "+memory");
    }
    places.push(own.to_owned());
    places
}

fn is_limited(place: &Path) -> bool {
    LIMITS.iter().any(|(name, none)| {
        let text = std::fs::read_to_string(place.join(name));
        text.is_ok_and(|text| text.trim() != *none)
    })
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const HYBRID: &str = "25 1 0:5 / /dev rw - devtmpfs none rw\n\
        30 25 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n\
        31 25 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n";
    const FULL: &str = "31 25 0:27 / /sys/fs/cgroup rw shared:10 - cgroup2 cgroup2 rw\n";

    fn found(mounts: &str, cgroup: &str) -> Option<(String, String)> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        place(mounts, cgroup).map(|(mount, own)| (text(mount), text(own)))
    }

    #[test]
    fn our_cgroup_is_found_in_full_and_hybrid_hierarchies() {
        let session = "0::/user.slice/user-0.slice/session-3.scope\n";
        let expected = "/sys/fs/cgroup/user.slice/user-0.slice/session-3.scope";
        assert_eq!(found(FULL, session).unwrap().1, expected);
        let hybrid = "4:memory:/a/b\n1:cpu:/\n0::/\n";
        let place = "/sys/fs/cgroup/unified".to_owned();
        assert_eq!(
            found(HYBRID, hybrid),
            Some((place.clone(), format!("{place}/")))
        );
    }

    #[test]
    fn a_part_that_is_mounted_elsewhere_is_found_there() {
        let mounts = "31 25 0:27 /docker/ab\\040c /a\\040b ro - cgroup2 cgroup2 rw\n";
        let expected = Some(("/a b".into(), "/a b/x".into()));
        assert_eq!(found(mounts, "0::/docker/ab c/x\n"), expected);
        assert_eq!(found(mounts, "0::/other\n"), None);
    }

    #[test]
    fn without_cgroups_v2_there_is_none() {
        let old = HYBRID.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(found(&old, "4:memory:/\n"), None);
        assert_eq!(found(FULL, "4:memory:/\n"), None);
        assert_eq!(found(FULL, "0::/gone (deleted)\n"), None);
        assert_eq!(found(FULL, "0::/../outside\n"), None);
    }

    /// A tree of files as `files` has them, each `path=content`.
    fn tree(files: &[&str]) -> TempDir {
        let dir = TempDir::new().unwrap();
        for file in files {
            let (path, content) = file.split_once('=').unwrap();
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        dir
    }

    fn chosen(files: &[&str], own: &str) -> Vec<String> {
        let tree = tree(files);
        let own = tree.path().join(own);
        std::fs::create_dir_all(&own).unwrap();
        let own: PathBuf = own.components().collect();
        let places = candidates(tree.path(), &own).into_iter();
        places
            .map(|place| {
                let below = place.strip_prefix(tree.path()).unwrap();
                below.to_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn memory_is_counted_beside_us_where_no_limit_is_left_behind() {
        let slice = "u/cgroup.subtree_control=memory pids";
        assert_eq!(chosen(&[slice], "u/s"), ["u", "u/s"]);
        let free = [
            "u/s/memory.max=max\n",
            "u/s/cpu.max=max 100000\n",
            "u/s/cpuset.cpus=\n",
            slice,
        ];
        assert_eq!(chosen(&free, "u/s"), ["u", "u/s"]);
        assert_eq!(chosen(&[slice, "u/s/memory.max=4096\n"], "u/s"), ["u/s"]);
        assert_eq!(chosen(&[slice, "u/s/cpuset.cpus=0-1\n"], "u/s"), ["u/s"]);
        assert_eq!(chosen(&["u/cgroup.subtree_control=pids"], "u/s"), ["u/s"]);
        assert_eq!(chosen(&[slice], "u/buildkeep-A-1"), ["u/buildkeep-A-1"]);
    }

    #[test]
    fn the_root_of_the_machine_is_asked_to_count_memory() {
        let tree = tree(&["cgroup.subtree_control=      "]);
        assert_eq!(candidates(tree.path(), tree.path()), [tree.path()]);
        let asked = std::fs::read_to_string(tree.path().join("cgroup.subtree_control"));
        assert!(asked.unwrap().starts_with("+memory"));
    }

    #[test]
    fn totals_are_read_with_and_without_memory() {
        let cpu = "cpu.stat=usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 0\n";
        let without = tree(&[cpu]);
        let expected = Totals {
            user_us: 20,
            system_us: 10,
            ..Totals::default()
        };
        assert_eq!(Cgroup(without.path().into()).totals(), Some(expected));
        let full = tree(&[
            cpu,
            "memory.peak=4096\n",
            "memory.events=low 0\noom 2\noom_kill 1\noom_group_kill 0\n",
        ]);
        let expected = Totals {
            peak_memory_bytes: Some(4096),
            oom_kills: Some(1),
            ..expected
        };
        assert_eq!(Cgroup(full.path().into()).totals(), Some(expected));
        assert_eq!(Cgroup("/does/not/exist".into()).totals(), None);
    }

    #[test]
    fn processes_of_inner_cgroups_belong_to_it() {
        let tree = tree(&[
            "cgroup.procs=1\n22\n",
            "in/cgroup.procs=333\n0\n",
            "in/in/cgroup.procs=",
        ]);
        let mut pids = Cgroup(tree.path().into()).pids();
        pids.sort_unstable();
        assert_eq!(pids, [1, 22, 333]);
    }
}
