//! What tools say when something is wrong.
use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A disk is full.
    NoSpace,
    /// There was not enough memory, as the program itself says.
    NoMemory,
    /// Something killed a program: mostly the kernel, because memory ran out.
    Killed,
    /// A program crashed.
    Crash,
    /// A program is not installed, or not where it is looked for.
    NoProgram,
    /// The compiler does not accept a file.
    Compile,
    /// The linker does not find something.
    Link,
    /// `configure`, CMake or Meson do not find what they need.
    Configure,
    /// A test failed.
    Test,
    /// A patch does not fit.
    Patch,
    /// An archive is missing, cut off or no archive.
    Archive,
    /// A file is not what its checksum says.
    Checksum,
    /// Something could not be fetched.
    Download,
    /// A file is missing.
    NoFile,
    /// Somebody may not do this.
    Forbidden,
    /// The script itself is wrong.
    Script,
    /// Something else.
    Other,
}

impl Trouble {
    /// What to do about it, where that is nearly always the same.
    pub fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::NoSpace => "make room (`df -h` shows where), then go on",
            Self::NoMemory | Self::Killed => {
                "memory ran out, most likely: build with fewer jobs at once, or add swap"
            }
            Self::Crash => {
                "if it crashes somewhere else the next time, suspect memory or heat, not the source"
            }
            Self::NoProgram => "install it, or see that PATH has its folder",
            Self::Checksum => "the file is not the one that is expected: fetch it again",
            Self::Archive => "see that the archive is there and complete: fetch it again",
            _ => return None,
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSpace => "no space left",
            Self::NoMemory => "out of memory",
            Self::Killed => "killed, most likely for want of memory",
            Self::Crash => "a program crashed",
            Self::NoProgram => "a program is missing",
            Self::Compile => "does not compile",
            Self::Link => "does not link",
            Self::Configure => "configure found something missing",
            Self::Test => "a test failed",
            Self::Patch => "a patch does not fit",
            Self::Archive => "an archive cannot be read",
            Self::Checksum => "a checksum does not match",
            Self::Download => "a download failed",
            Self::NoFile => "a file is missing",
            Self::Forbidden => "not permitted",
            Self::Script => "the script is wrong",
            Self::Other => "failed",
        })
    }
}

/// How much a line tells, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// All else follows from it, whatever came before.
    Root,
    /// Never said unless something is wrong.
    Cause,
    /// A test that failed.
    Test,
    /// Healthy scripts say it, too.
    Hint,
}

/// How a line is known.
enum Known {
    In(&'static str),
    Start(&'static str),
    End(&'static str),
    Both(&'static str, &'static str),
}

use Known::{Both, End, In, Start};
use Trouble as T;
use Weight as W;

/// The first rule that fits counts.
const RULES: &[(Known, T, W)] = &[
    (In("No space left on device"), T::NoSpace, W::Root),
    (In("Disk quota exceeded"), T::NoSpace, W::Root),
    (In("Killed signal terminated program"), T::Killed, W::Root),
    (
        Both("internal compiler error: Killed", ""),
        T::Killed,
        W::Root,
    ),
    (In("Cannot allocate memory"), T::NoMemory, W::Root),
    (In("virtual memory exhausted"), T::NoMemory, W::Root),
    (In("memory exhausted"), T::NoMemory, W::Root),
    (In("ut of memory"), T::NoMemory, W::Root),
    (In("std::bad_alloc"), T::NoMemory, W::Root),
    (Start("MemoryError"), T::NoMemory, W::Root),
    (In("cannot find -l"), T::Link, W::Cause),
    (In("undefined reference to"), T::Link, W::Cause),
    (In("multiple definition of"), T::Link, W::Cause),
    (In("file format not recognized"), T::Link, W::Cause),
    (In("internal compiler error"), T::Crash, W::Cause),
    (Start("configure: error: in "), T::Configure, W::Hint),
    (In("configure: error:"), T::Configure, W::Cause),
    (Start("CMake Error"), T::Configure, W::Cause),
    (Both("meson.build:", "ERROR:"), T::Configure, W::Cause),
    (
        In("error: possibly undefined macro"),
        T::Configure,
        W::Cause,
    ),
    (End(": command not found"), T::NoProgram, W::Cause),
    (End(": not found"), T::NoProgram, W::Cause),
    (In("is missing on your system"), T::NoProgram, W::Cause),
    (In("bad interpreter"), T::NoProgram, W::Cause),
    (In(": fatal error:"), T::Compile, W::Cause),
    (In(": error:"), T::Compile, W::Cause),
    (In(": Fatal error: "), T::Compile, W::Cause),
    (In(": Error: "), T::Compile, W::Cause),
    (Start("error["), T::Compile, W::Cause),
    (Start("error:"), T::Other, W::Cause),
    (Both("Hunk #", " FAILED at "), T::Patch, W::Cause),
    (Start("can't find file to patch"), T::Patch, W::Cause),
    (Start("patch: ****"), T::Patch, W::Cause),
    (In("previously applied) patch detected"), T::Patch, W::Cause),
    (In("malformed patch"), T::Patch, W::Cause),
    (In("not in gzip format"), T::Archive, W::Cause),
    (In("nexpected end of input"), T::Archive, W::Cause),
    (In("nexpected end of file"), T::Archive, W::Cause),
    (In("Unexpected EOF in archive"), T::Archive, W::Cause),
    (In("not look like a tar archive"), T::Archive, W::Cause),
    (In("File format not recognized"), T::Archive, W::Cause),
    (In("Compressed data is corrupt"), T::Archive, W::Cause),
    (Both("tar", ": Cannot open: "), T::Archive, W::Cause),
    (End(": FAILED"), T::Checksum, W::Cause),
    (In(": FAILED open or read"), T::Checksum, W::Cause),
    (In("checksum did NOT match"), T::Checksum, W::Cause),
    (Start("curl: ("), T::Download, W::Cause),
    (In("ould not resolve host"), T::Download, W::Cause),
    (In("unable to resolve host"), T::Download, W::Cause),
    (Both("wget: ", ""), T::Download, W::Cause),
    (In("fatal: unable to access"), T::Download, W::Cause),
    (
        Both("cannot create", "Permission denied"),
        T::Forbidden,
        W::Cause,
    ),
    (In("Operation not permitted"), T::Forbidden, W::Hint),
    (In("Permission denied"), T::Forbidden, W::Hint),
    (In("Read-only file system"), T::Forbidden, W::Cause),
    (In("Exec format error"), T::NoProgram, W::Cause),
    (In("Segmentation fault"), T::Crash, W::Cause),
    (In("syntax error"), T::Script, W::Cause),
    (In("unbound variable"), T::Script, W::Cause),
    (In("parameter not set"), T::Script, W::Cause),
    (In("Can't locate "), T::NoProgram, W::Cause),
    (Start("ModuleNotFoundError"), T::NoProgram, W::Cause),
    (Start("fatal:"), T::Other, W::Cause),
    (Start("ERROR:"), T::Other, W::Cause),
    (Start("Traceback (most recent"), T::Other, W::Cause),
    (Start("FAIL: "), T::Test, W::Test),
    (Start("not ok "), T::Test, W::Test),
    (In("***Failed"), T::Test, W::Test),
    (In("***Exception"), T::Test, W::Test),
    (In("FAILED (failures="), T::Test, W::Test),
    (In("No such file or directory"), T::NoFile, W::Hint),
    (In("FAIL:"), T::Test, W::Hint),
    (In("FAILED"), T::Other, W::Hint),
    (In("Error 1"), T::Other, W::Hint),
    (In("ERROR"), T::Other, W::Hint),
    (In("error:"), T::Other, W::Hint),
    (In("cannot "), T::Other, W::Hint),
];

/// What a line tells, if it tells of trouble.
pub(super) fn told(line: &str) -> Option<(T, W)> {
    if !may_tell(line) {
        return None;
    }
    let line = line.trim();
    if is_harmless(line) {
        return None;
    }
    if let Some(trouble) = death(line) {
        return Some((trouble, W::Cause));
    }
    let fits = |known: &Known| match known {
        In(text) => line.contains(text),
        Start(text) => line.starts_with(text),
        End(text) => line.ends_with(text),
        Both(first, second) => {
            line.starts_with(first) && line.contains(second) || {
                let rest = line.find(first).map(|at| &line[at..]);
                !second.is_empty() && rest.is_some_and(|rest| rest.contains(second))
            }
        }
    };
    let found = RULES.iter().find(|(known, ..)| fits(known));
    found.map(|(_, trouble, weight)| (*trouble, *weight))
}

/// Whether one of the rules may fit: logs have millions of lines, and few of them tell anything.
fn may_tell(line: &str) -> bool {
    let bytes = line.as_bytes();
    let begins = |at: usize| {
        signs(bytes[at])
            .iter()
            .any(|sign| bytes[at..].starts_with(sign.as_bytes()))
    };
    (0..bytes.len()).any(begins)
}

/// A part of each rule's words, by its first letter.
fn signs(first: u8) -> &'static [&'static str] {
    match first {
        b'*' => &["***"],
        b'A' => &["Aborted"],
        b'F' => &["FAIL", "Floating"],
        b'H' => &["Hunk"],
        b'I' => &["Illegal"],
        b'K' => &["Killed"],
        b'N' => &["No s", "NOT m"],
        b'R' => &["RROR", "Read-only"],
        b'T' => &["Traceback"],
        b'a' => &["annot ", "an't "],
        b'b' => &["bad_alloc", "bad i"],
        b'c' => &["corrupt", "curl: ("],
        b'd' => &["denied"],
        b'e' => &["egmentation", "exhausted"],
        b'f' => &["fatal"],
        b'm' => &["malformed", "missing", "multiple def"],
        b'n' => &["nexpected", "not "],
        b'p' => &["previously"],
        b'q' => &["quota"],
        b'r' => &["rror"],
        b'u' => &["unable", "unbound", "undefined", "ut of"],
        b'w' => &["wget: "],
        _ => &[],
    }
}

/// What is said of things that are tried only, and of failures that do not matter.
fn is_harmless(line: &str) -> bool {
    line.starts_with("checking ")
        || line.starts_with("-- ")
        || line.starts_with("XFAIL")
        || line.contains("conftest")
        || line.ends_with("(ignored)")
        || line.contains("# TODO")
        || line.contains(" note: ")
        || line.contains("warning: ")
        || line.starts_with("# ")
}

/// How shells report that a signal ended a command: `x.sh: line 3: 42 Killed      make`.
fn death(line: &str) -> Option<T> {
    const DEATHS: &[(&str, T)] = &[
        ("Killed", T::Killed),
        ("Segmentation fault", T::Crash),
        ("Aborted", T::Crash),
        ("Bus error", T::Crash),
        ("Illegal instruction", T::Crash),
        ("Floating point exception", T::Crash),
    ];
    let is_it = |death: &&(&str, T)| {
        let death = death.0;
        line == death
            || line.split_once(death).is_some_and(|(before, after)| {
                let is_number = |word: &str| word.parse::<u32>().is_ok();
                before.split_whitespace().next_back().is_some_and(is_number)
                    && (after.is_empty() || after.starts_with([' ', '(']))
            })
    };
    DEATHS.iter().find(is_it).map(|(_, trouble)| *trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_healthy_builds_say_is_no_cause() {
        for line in [
            "checking for error_at_line... no",
            "checking whether gcc reports error: yes",
            "gcc -Werror -c error.c -o error.o",
            "  CC       lib/libsed_a-error.o",
            "./configure: line 4711: 12345 Segmentation fault      (core dumped) ./conftest$ac_exeext",
            "make: [Makefile:14: clean] Error 1 (ignored)",
            "XFAIL: badenc",
            "not ok 3 - later # TODO not yet",
            "# FAIL:  1",
            "Killed processes: 3",
            "a.c:3:1: warning: error: is a funny name [-Wfoo]",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }

    #[test]
    fn no_rule_is_left_out_for_speed() {
        for (known, ..) in RULES {
            let text = match known {
                In(text) | Start(text) | End(text) => (*text).to_owned(),
                Both(first, second) => format!("{first}{second}"),
            };
            let text = text.replace(": not found", "x: not found");
            // Ends of lines need nothing after them.
            assert!(may_tell(&text) || may_tell(&format!("{text} ")), "{text}");
        }
        assert!(!may_tell("gcc -O2 -c -o lib/a.o lib/a.c"));
    }

    #[test]
    fn deaths_are_told() {
        let killed = "/k/a.sh: line 3: 42 Killed                  make";
        assert_eq!(told(killed), Some((T::Killed, W::Cause)));
        let aborted = "b.sh: line 1: 7 Aborted (core dumped) ./a";
        assert_eq!(told(aborted), Some((T::Crash, W::Cause)));
    }
}
