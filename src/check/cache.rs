//! Good results, remembered for as long as nothing they depend on is another.
//!
//! Only results of kinds that look at a program are remembered: that it is of a version or a make, good or
//! not; of compilers and modules only what is good. One counts while all of this is as it was: the definition, the variables, the program's file and that of
//! its interpreter, and every file in the folders of shared libraries; for compilers also what
//! they compile and link with, for scripts the modules of Perl. A file is known by device, inode, size, mtime, ctime and mode.
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs::{self, Metadata};
use std::hash::{Hash as _, Hasher};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

use super::Status;
use super::definition::Check;
use super::host::{Host, Machine};
use super::probe::{Finding, Probe};
use super::program::search;
use crate::fs::{read_optional, write_cache};
use crate::world::Env;

/// Another number than that of the file: it is not read.
const FORM: u32 = 2;
/// Scripts whose interpreters are scripts are followed so far.
const MOST_INTERPRETERS: usize = 4;
/// Variables that no tool's version depends on, and that change all the time. Those of the locale are
/// no matter, because programs run in the C locale.
const IDLE: &[&str] = &[
    "_",
    "COLORTERM",
    "COLUMNS",
    "DISPLAY",
    "LANG",
    "LANGUAGE",
    "LINES",
    "LS_COLORS",
    "MAIL",
    "OLDPWD",
    "PS1",
    "PWD",
    "SHLVL",
    "STY",
    "TERM",
    "WINDOWID",
];
/// How names of such variables begin.
const IDLE_BEGINNINGS: &[&str] = &["BUILDKEEP_", "HYPERFINE_", "LC_", "SSH_", "SUDO_", "TMUX"];
/// Where programs find their libraries.
const LIBRARIES: [&str; 8] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
];
/// What compilers compile and link with, besides.
const COMPILERS: [&str; 4] = [
    "/usr/include",
    "/usr/lib/gcc",
    "/usr/libexec/gcc",
    "/usr/local/include",
];

/// Where scripts find their modules, besides.
const SCRIPTS: &[&str] = &[
    "/usr/share/autoconf",
    "/usr/share/perl",
    "/usr/share/perl5",
    "/usr/share/texinfo",
];

/// What is remembered of a keep's checks.
#[derive(Debug)]
pub(super) struct Cache {
    path: Option<PathBuf>,
    old: BTreeMap<String, Entry>,
    new: Mutex<BTreeMap<String, Entry>>,
    around: u64,
    libraries: OnceLock<u64>,
    compilers: OnceLock<u64>,
    scripts: OnceLock<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct Entry {
    print: String,
    status: Status,
    found: Option<String>,
    subject: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    form: u32,
    results: BTreeMap<String, Entry>,
}

/// What is known of one check.
pub(super) struct Known {
    key: Option<(String, String)>,
    entry: Option<Entry>,
}

impl Known {
    /// The result of before, if it still counts.
    pub(super) fn finding(&self) -> Option<Finding> {
        let entry = self.entry.as_ref()?;
        Some(Finding {
            status: entry.status,
            found: entry.found.clone(),
            subject: entry.subject.clone(),
        })
    }
}

impl Cache {
    /// What is remembered; nothing if the machine is not to have a cache.
    pub(super) fn open(machine: &Machine) -> Self {
        let path = machine.cache.clone();
        let bytes = path.as_ref().and_then(|path| read_optional(path).ok()?);
        let stored = bytes.and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
        let stored = stored.filter(|stored| stored.form == FORM);
        Self {
            old: stored.map(|stored| stored.results).unwrap_or_default(),
            new: Mutex::default(),
            around: if path.is_some() {
                around(&machine.env)
            } else {
                0
            },
            path,
            libraries: OnceLock::new(),
            compilers: OnceLock::new(),
            scripts: OnceLock::new(),
        }
    }

    /// What is known of a check as things are now.
    pub(super) fn find(&self, check: &Check, host: &Host<'_>) -> Known {
        let print = self.path.as_ref().and_then(|_| self.print(check, host));
        let key = print.map(|print| (format!("{}/{}", check.set, check.id), print));
        let entry = key.as_ref().and_then(|(name, print)| {
            let entry = self.old.get(name)?;
            (entry.print == *print).then(|| entry.clone())
        });
        if let (Some((name, _)), Some(entry)) = (&key, &entry) {
            self.keep(name.clone(), entry.clone());
        }
        Known { key, entry }
    }

    /// Remembers a result that what it was made from makes again.
    pub(super) fn learn(&self, known: Known, check: &Check, finding: &Finding) {
        let Some((name, print)) = known.key else {
            return;
        };
        let is_certain = match finding.status {
            Status::Ok => true,
            Status::Fail | Status::Warn | Status::Note => {
                matches!(check.probe, Probe::Tool(_) | Probe::Alias { .. })
            }
            _ => false,
        };
        if is_certain {
            let entry = Entry {
                print,
                status: finding.status,
                found: finding.found.clone(),
                subject: finding.subject.clone(),
            };
            self.keep(name, entry);
        }
    }

    fn keep(&self, name: String, entry: Entry) {
        if let Ok(mut new) = self.new.lock() {
            new.insert(name, entry);
        }
    }

    /// Writes down what was learned; what other sets left is kept.
    pub(super) fn save(&self) {
        let (Some(path), Ok(new)) = (&self.path, self.new.lock()) else {
            return;
        };
        let mut results = self.old.clone();
        results.extend(new.clone());
        if results == self.old {
            return;
        }
        let stored = Stored {
            form: FORM,
            results,
        };
        if let Ok(text) = serde_json::to_vec(&stored) {
            write_cache(path, &text);
        }
    }

    /// All that a check depends on, in one number; nothing if that is not known.
    fn print(&self, check: &Check, host: &Host<'_>) -> Option<String> {
        let (program, is_compiler) = match &check.probe {
            Probe::Tool(is) => (is.program.as_str(), false),
            Probe::Alias { program, .. } => (program.as_str(), false),
            Probe::Compile(is) => (is.program.as_str(), true),
            Probe::Module { language, .. } => (language.program(), false),
            _ => return None,
        };
        let has_modules = matches!(check.probe, Probe::Module { .. });
        let mut prints = Prints::default();
        prints.add(&format!("{:?} {:?}", check.probe, check.severity));
        prints.add(&self.around);
        let kind = prints.program(program, host)?;
        if has_modules && kind == Kind::Script {
            // Which interpreter it starts, and where that looks, is not known.
            return None;
        }
        if has_modules || kind == Kind::Script {
            prints.add(self.scripts.get_or_init(|| {
                let mut places: Vec<PathBuf> = SCRIPTS.iter().map(PathBuf::from).collect();
                places.extend(of_perl());
                folders(&places, 4)
            }));
        }
        prints.add(
            self.libraries
                .get_or_init(|| folders(&LIBRARIES.map(PathBuf::from), 2)),
        );
        if is_compiler {
            prints.add(
                self.compilers
                    .get_or_init(|| folders(&COMPILERS.map(PathBuf::from), 3)),
            );
            for helper in ["as", "ld", "collect2"] {
                let _ = prints.program(helper, host);
            }
        }
        Some(prints.text())
    }
}

/// What a program is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Binary,
    Script,
}

/// Two numbers of 64 bits, made of all that was added.
struct Prints([DefaultHasher; 2]);

impl Default for Prints {
    fn default() -> Self {
        let (one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
        other.write_u8(1);
        Self([one, other])
    }
}

impl Prints {
    fn add(&mut self, what: &(impl std::hash::Hash + Debug)) {
        for hasher in &mut self.0 {
            what.hash(hasher);
        }
    }

    /// Adds the file of a program, and those of the programs that interpret it.
    fn program(&mut self, program: &str, host: &Host<'_>) -> Option<Kind> {
        let mut kind = Kind::Binary;
        let mut path = search(program, host.env)?;
        for _ in 0..MOST_INTERPRETERS {
            let real = path.canonicalize().ok()?;
            self.add(&path);
            self.add(&real);
            self.add(&stat(&real.metadata().ok()?));
            match interpreter(&real, host.env) {
                Some(next) => (kind, path) = (Kind::Script, next),
                None => return Some(kind),
            }
        }
        None
    }

    fn text(&self) -> String {
        let [one, other] = &self.0;
        format!("{:016x}{:016x}", one.finish(), other.finish())
    }
}

/// What tells a file from what it was.
fn stat(meta: &Metadata) -> [i64; 8] {
    [
        meta.dev().cast_signed(),
        meta.ino().cast_signed(),
        meta.size().cast_signed(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
        i64::from(meta.mode()),
    ]
}

/// The program that the first line of a script names.
fn interpreter(path: &Path, env: &Env) -> Option<PathBuf> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(256).read_to_end(&mut head).ok()?;
    let line = head
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let first = Path::new(OsStr::from_bytes(words.next()?));
    if first.file_name() == Some(OsStr::new("env")) {
        let named = words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='))?;
        return search(std::str::from_utf8(named).ok()?, env);
    }
    Some(first.to_owned())
}

/// Our own rules, and all variables that may matter to a tool.
fn around(env: &Env) -> u64 {
    let mut hasher = DefaultHasher::new();
    let own = fs::metadata("/proc/self/exe").map(|meta| stat(&meta));
    own.ok().hash(&mut hasher);
    for (name, value) in env.iter() {
        let text = name.to_string_lossy();
        let is_idle = IDLE_BEGINNINGS
            .iter()
            .any(|beginning| text.starts_with(beginning));
        if !IDLE.contains(&&*text) && !is_idle {
            (name, value).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Where Perl has modules that are made for the kind of machine.
fn of_perl() -> Vec<PathBuf> {
    let is_perl = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.as_bytes().starts_with(b"perl")
    };
    let inside = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<PathBuf>>()
    };
    let mut found: Vec<PathBuf> = inside(Path::new("/usr/lib"))
        .iter()
        .filter(|folder| folder.as_os_str().as_bytes().contains(&b'-'))
        .flat_map(|folder| inside(folder))
        .filter(is_perl)
        .collect();
    found.sort();
    found
}

/// All files in these places, so many folders deep.
fn folders(places: &[PathBuf], depth: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for place in places {
        add(place, depth, &mut hasher);
    }
    hasher.finish()
}

/// Adds what is at `path`. Links count by what they are: what they lead to is below another of the
/// places, or not ours to know.
fn add(path: &Path, depth: usize, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    let Ok(meta) = path.symlink_metadata() else {
        return;
    };
    stat(&meta).hash(hasher);
    if meta.is_dir() {
        below(path, depth).hash(hasher);
    }
}

/// A number made of all that is in a folder, in whatever order it is listed.
fn below(folder: &Path, depth: usize) -> u64 {
    let Some(deeper) = depth.checked_sub(1) else {
        return 0;
    };
    let mut sum = 0_u64;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        let mut hasher = DefaultHasher::new();
        stat(&meta).hash(&mut hasher);
        if meta.is_dir() {
            below(&entry.path(), deeper).hash(&mut hasher);
        }
        sum = sum.wrapping_add(hasher.finish());
    }
    sum
}
