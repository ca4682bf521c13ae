//! What running attempts take of the machine at this moment.
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};
use serde::Deserialize;

use super::cgroup::Cgroup;
use super::tree::{Buffer, Process, Tree, named};
use super::{Host, Sample};
use crate::run::files::load;
use crate::run::helper::WORD;
use crate::run::log::log_size;
use crate::run::{AttemptDir, Identity};

/// What `proc.json` says that is of interest here.
#[derive(Deserialize)]
struct Place {
    process: Option<Identity>,
    /// The attempt's own cgroup, if it has one.
    #[serde(default)]
    cgroup_dir: Option<PathBuf>,
}

/// Looks at running attempts.
pub struct Probe {
    root: PathBuf,
    tree: Tree,
    buffer: Buffer,
    followed: Vec<Followed>,
}

/// An attempt that is looked at.
struct Followed {
    dir: AttemptDir,
    script: Option<Identity>,
    cgroup: Option<Cgroup>,
    /// Our helpers around it: orphans of the script become their children. With their start.
    helpers: Vec<(i32, u64)>,
    members: Vec<i32>,
    cpu_us: Counter,
    read_bytes: Counter,
    written_bytes: Counter,
    rss_bytes: u64,
}

/// A sum over living processes, of which some end: what is gone is remembered.
#[derive(Clone, Copy, Default)]
struct Counter {
    gone: u64,
    last: u64,
}

impl Counter {
    fn set(&mut self, now: u64) {
        self.gone += self.last.saturating_sub(now);
        self.last = now;
    }

    fn total(self) -> u64 {
        self.gone + self.last
    }
}

impl Probe {
    /// Looks at attempts of a plan that builds `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            tree: Tree::default(),
            buffer: Buffer::default(),
            followed: Vec::new(),
        }
    }

    /// What these attempts take now; nothing of one whose script has not begun.
    pub fn look<'a>(
        &mut self,
        now: Duration,
        dirs: impl Iterator<Item = &'a AttemptDir> + Clone,
    ) -> Vec<Option<Sample>> {
        self.follow(dirs.clone());
        self.walk();
        let host = self.host();
        dirs.map(|dir| self.sample(dir, now, host)).collect()
    }

    /// Follows these attempts, and no others any more.
    pub(super) fn follow<'a>(&mut self, dirs: impl Iterator<Item = &'a AttemptDir> + Clone) {
        self.followed
            .retain(|one| dirs.clone().any(|dir| *dir == one.dir));
        for dir in dirs {
            let known = self.followed.iter().position(|one| one.dir == *dir);
            match known {
                Some(at) if self.followed[at].script.is_some() => {}
                Some(at) => self.followed[at].find_script(),
                None => {
                    let mut new = Followed::new(dir);
                    new.find_script();
                    self.followed.push(new);
                }
            }
        }
    }

    /// Whether any of them can only be known by its processes.
    pub(super) fn needs_walk(&self) -> bool {
        let is_known = |one: &Followed| one.cgroup.as_ref().is_some_and(Cgroup::is_complete);
        !self.followed.iter().all(is_known)
    }

    /// Looks at all processes.
    pub(super) fn walk(&mut self) {
        self.tree.walk();
        for one in &mut self.followed {
            one.count(&mut self.tree);
        }
    }

    /// The machine now.
    pub fn host(&mut self) -> Host {
        Host::read(&self.root, &mut self.buffer)
    }

    /// Whether the attempt in `dir` has a cgroup of its own.
    pub(super) fn has_cgroup(&self, dir: &AttemptDir) -> bool {
        let mut followed = self.followed.iter();
        followed.any(|one| one.dir == *dir && one.cgroup.is_some())
    }

    pub(super) fn sample(&mut self, dir: &AttemptDir, now: Duration, host: Host) -> Option<Sample> {
        let one = self.followed.iter().find(|one| one.dir == *dir)?;
        one.script.as_ref()?;
        let mut sample = Sample {
            boot_ms: now.as_millis() as u64,
            cpu_us: one.cpu_us.total(),
            rss_bytes: one.rss_bytes,
            read_bytes: one.read_bytes.total(),
            written_bytes: one.written_bytes.total(),
            processes: u32::try_from(one.members.len()).unwrap_or(u32::MAX),
            host,
            log_bytes: log_size(&dir.log()).unwrap_or(0),
            flags: 0,
        };
        if let Some(cgroup) = &one.cgroup {
            cgroup.fill(&mut sample, &mut self.buffer);
        }
        Some(sample)
    }
}

impl Followed {
    fn new(dir: &AttemptDir) -> Self {
        Self {
            dir: dir.clone(),
            script: None,
            cgroup: None,
            helpers: Vec::new(),
            members: Vec::new(),
            cpu_us: Counter::default(),
            read_bytes: Counter::default(),
            written_bytes: Counter::default(),
            rss_bytes: 0,
        }
    }

    fn find_script(&mut self) {
        // What cannot be read yet can be a second later.
        if let Ok(Some(Place {
            process: Some(script),
            cgroup_dir,
        })) = load::<Place>(&self.dir.process())
        {
            self.script = Some(script);
            self.cgroup = cgroup_dir.as_deref().map(Cgroup::at);
        }
    }

    /// Adds up what the processes show.
    fn count(&mut self, tree: &mut Tree) {
        let Some((session, roots)) = self.roots(tree) else {
            return;
        };
        let (mut ticks, mut pages) = (0, 0);
        self.members.clear();
        let mut add = |process: &Process| {
            ticks += process.cpu_ticks;
            pages += process.rss_pages;
            process.pid
        };
        self.members
            .extend(tree.below(session, &roots).map(&mut add));
        self.cpu_us
            .set(ticks * 1_000_000 / clock_ticks_per_second().max(1));
        self.rss_bytes = pages * page_size() as u64;
        let (mut read, mut written) = (0, 0);
        for pid in &self.members {
            if let Some(io) = tree.file(*pid, "io") {
                read += named(io, "read_bytes:").unwrap_or(0);
                written += named(io, "write_bytes:").unwrap_or(0);
            }
        }
        self.read_bytes.set(read);
        self.written_bytes.set(written);
    }

    /// The session of the script, and our helpers around it.
    fn roots(&mut self, tree: &mut Tree) -> Option<(Option<i32>, Vec<i32>)> {
        let script = self.script.as_ref()?;
        let found = tree.get(script.pid).copied();
        let is_it = |process: &Process| process.start_ticks == script.start_ticks;
        // The number is not given away while the session has members.
        let session = found.as_ref().is_none_or(is_it).then_some(script.pid);
        self.helpers.retain(|(pid, start)| {
            tree.get(*pid)
                .is_some_and(|process| process.start_ticks == *start)
        });
        let mut at = found.filter(is_it).map(|process| process.parent);
        // The shim, and the keeper above it.
        for _ in 0..2 {
            let Some(helper) = at.and_then(|pid| tree.get(pid)).copied() else {
                break;
            };
            let key = (helper.pid, helper.start_ticks);
            if !self.helpers.contains(&key) {
                if !is_helper(tree, helper.pid, &self.dir) {
                    break;
                }
                self.helpers.push(key);
            }
            at = Some(helper.parent);
        }
        let roots = self.helpers.iter().map(|(pid, _)| *pid).collect();
        Some((session, roots))
    }
}

fn is_helper(tree: &mut Tree, pid: i32, dir: &AttemptDir) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let Some(command_line) = tree.file(pid, "cmdline") else {
        return false;
    };
    let mut words = command_line.split(|byte| *byte == 0).skip(1);
    words.next() == Some(WORD.as_bytes()) && words.next() == Some(dir.path().as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn what_ended_processes_took_is_remembered() {
        let mut counter = Counter::default();
        let mut total = |now| {
            counter.set(now);
            counter.total()
        };
        assert_eq!([5, 9, 2, 4, 0, 1].map(&mut total), [5, 9, 9, 11, 11, 12]);
    }
}
