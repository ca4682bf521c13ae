//! All processes at a glance: `/proc` read into buffers that are used again.
use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::path::Arg;

/// What one file of `/proc` or of a cgroup holds at most of interest.
const FILE: usize = 8 << 10;
/// How much of a folder is listed by one call.
const LISTING: usize = 32 << 10;
/// So many generations lie between a process and the script at most.
const GENERATIONS: usize = 200;

/// A place to read small files into.
#[derive(Debug)]
pub(super) struct Buffer(Box<[u8]>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; FILE].into_boxed_slice())
    }
}

impl Buffer {
    /// The beginning of a file; nothing if it is gone, or not for us.
    pub(super) fn read(&mut self, path: &Path) -> Option<&[u8]> {
        self.read_at(CWD, path)
    }

    fn read_at(&mut self, folder: impl std::os::fd::AsFd, path: impl Arg) -> Option<&[u8]> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(folder, path, flags, Mode::empty()).ok()?;
        let mut length = 0;
        while length < self.0.len() {
            match rustix::io::read(&file, &mut self.0[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        Some(&self.0[..length])
    }
}

/// A process as `/proc/PID/stat` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) session: i32,
    pub(super) is_zombie: bool,
    /// Of children that it waited for, too.
    pub(super) cpu_ticks: u64,
    pub(super) start_ticks: u64,
    pub(super) rss_pages: u64,
}

/// All processes, as they were at the last walk.
pub(super) struct Tree {
    buffer: Buffer,
    listing: Box<[MaybeUninit<u8>]>,
    name: String,
    proc: Option<OwnedFd>,
    /// By number.
    all: Vec<Process>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            listing: vec![MaybeUninit::uninit(); LISTING].into_boxed_slice(),
            name: String::new(),
            proc: None,
            all: Vec::new(),
        }
    }
}

impl Tree {
    /// Looks at all processes.
    pub(super) fn walk(&mut self) {
        self.all.clear();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(folder) = openat(CWD, "/proc", flags, Mode::empty()) else {
            return;
        };
        let mut entries = RawDir::new(&folder, &mut self.listing);
        while let Some(Ok(entry)) = entries.next() {
            let Some((pid, length)) = number(entry.file_name().to_bytes()) else {
                continue;
            };
            if length != entry.file_name().to_bytes().len() {
                continue;
            }
            self.name.clear();
            let _ = write!(self.name, "{pid}/stat");
            let stat = self.buffer.read_at(&folder, self.name.as_str());
            self.all.extend(stat.and_then(parse));
        }
        self.all.sort_unstable_by_key(|process| process.pid);
        self.proc = Some(folder);
    }

    /// The process with this number.
    pub(super) fn get(&self, pid: i32) -> Option<&Process> {
        let at = self.all.binary_search_by_key(&pid, |process| process.pid);
        Some(&self.all[at.ok()?])
    }

    /// All that are of `session`, or descend from one of `roots`; not the roots themselves, nor
    /// what is only a memory of a process.
    pub(super) fn below(
        &self,
        session: Option<i32>,
        roots: &[i32],
    ) -> impl Iterator<Item = &Process> {
        let is_root = |pid: i32| roots.contains(&pid);
        self.all.iter().filter(move |process| {
            let is_related =
                Some(process.session) == session || self.descends(process.parent, &is_root);
            is_related && !is_root(process.pid) && !process.is_zombie
        })
    }

    fn descends(&self, from: i32, is_root: &impl Fn(i32) -> bool) -> bool {
        let mut at = from;
        // Parents may change while we look, so the way up is not trusted to end.
        for _ in 0..GENERATIONS {
            if is_root(at) {
                return true;
            }
            match self.get(at) {
                Some(process) if at > 1 => at = process.parent,
                _ => return false,
            }
        }
        false
    }

    /// A file of a process.
    pub(super) fn file(&mut self, pid: i32, file: &str) -> Option<&[u8]> {
        self.name.clear();
        let _ = write!(self.name, "{pid}/{file}");
        let folder = self.proc.as_ref()?;
        self.buffer.read_at(folder, self.name.as_str())
    }
}

/// The name in parentheses may hold anything, so fields count from the last `)`.
fn parse(stat: &[u8]) -> Option<Process> {
    let (pid, _) = number(stat)?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut process = Process {
        pid: i32::try_from(pid).ok()?,
        ..Process::default()
    };
    let fields = stat.get(end + 2..)?.split(|byte| *byte == b' ');
    for (at, field) in fields.enumerate().take(22) {
        let value = number(field).map(|(value, _)| value);
        let small = || value.and_then(|value| i32::try_from(value).ok());
        match at {
            0 => process.is_zombie = matches!(field, b"Z" | b"X"),
            1 => process.parent = small()?,
            3 => process.session = small()?,
            11..=14 => process.cpu_ticks += value?,
            19 => process.start_ticks = value?,
            21 => process.rss_pages = value?,
            _ => {}
        }
    }
    Some(process)
}

/// The number that a text begins with, and how many digits it has.
pub(super) fn number(text: &[u8]) -> Option<(u64, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let add = |sum: u64, byte: &u8| {
        sum.checked_mul(10)?
            .checked_add(u64::from(byte.wrapping_sub(b'0')))
    };
    let value = text[..digits].iter().try_fold(0, add)?;
    (digits > 0).then_some((value, digits))
}

/// The number behind `name` and blanks, as in `usage_usec 12` or `write_bytes: 12`.
pub(super) fn named(text: &[u8], name: &str) -> Option<u64> {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.find_map(|line| {
        let rest = line.strip_prefix(name.as_bytes())?;
        let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
        number(rest).map(|(value, _)| value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_confuse() {
        let line = b"42 (a) b (c) S 1 42 40 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 777 0 9\n";
        let expected = Process {
            pid: 42,
            parent: 1,
            session: 40,
            is_zombie: false,
            cpu_ticks: 10,
            start_ticks: 777,
            rss_pages: 9,
        };
        assert_eq!(parse(line), Some(expected));
        for cut in 0..20 {
            let process = parse(&line[..cut]);
            assert!(process.is_none_or(|process| process.pid == 42), "{cut}");
        }
    }

    #[test]
    fn numbers_end_where_digits_do() {
        assert_eq!(number(b"123 x"), Some((123, 3)));
        assert_eq!(number(b"x"), None);
        assert_eq!(number(b"99999999999999999999999"), None);
        let text = b"usage_usec_x 1\nusage_usec 12\nother 3\n";
        assert_eq!(named(text, "usage_usec"), Some(12));
        assert_eq!(named(b"read_bytes: 7\n", "read_bytes:"), Some(7));
        assert_eq!(named(text, "missing"), None);
    }

    #[test]
    fn our_own_children_are_below_us() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let mut tree = Tree::default();
        tree.walk();
        let me = std::process::id() as i32;
        let is_below = tree
            .below(None, &[me])
            .any(|process| process.pid == child.id() as i32);
        assert!(tree.get(me).is_some_and(|process| process.rss_pages > 0));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_below);
        assert!(tree.file(me, "io").is_some());
        tree.walk();
        assert_eq!(tree.get(child.id() as i32), None);
    }
}
