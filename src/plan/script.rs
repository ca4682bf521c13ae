//! Can this file be run at all, and if not, what to do about it.
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::fs::{AtPath as _, PathError};

/// How much of a script the kernel looks at; more in a first line is cut off.
const FIRST_LINE: usize = 255;

/// A file that should be a step and cannot be.
#[derive(Debug)]
pub struct Unfit {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub fault: Fault,
}

/// What is wrong with a script file.
#[derive(Debug)]
pub enum Fault {
    /// There is no such file.
    Missing,
    /// It is a folder or something else that is no file.
    NotAFile,
    /// Nobody may execute it.
    NotExecutable,
    /// Its run bit is not for us, or its file system is mounted without.
    Forbidden,
    /// We may not read it.
    Unreadable,
    /// Nothing is in it.
    Empty,
    /// Its first line does not name an interpreter.
    NoShebang,
    /// A byte-order mark hides the `#!`.
    ByteOrderMark,
    /// Its lines end as on Windows, so the interpreter's name ends in a carriage return.
    CarriageReturn,
    /// The interpreter does not exist or cannot be executed.
    NoInterpreter(String),
    /// The interpreter is not given by its whole path.
    RelativeInterpreter(String),
    /// The kernel would cut the first line off.
    LongShebang,
    /// A symlink that leads nowhere, or round in circles.
    Dangling,
    /// A symlink to a place outside the scripts folder (target, folder).
    LeadsOut(PathBuf, PathBuf),
    /// A symlink to a folder, which would make its scripts steps twice.
    LinkedFolder(PathBuf),
    /// Its name is not UTF-8.
    NotUtf8,
    /// Its name cannot be a step's.
    BadName(String),
    /// Folders within folders without end.
    TooDeep,
}

/// The interpreter that the script at `path` asks for, if the script can be run.
///
/// A program without shebang (ELF) is its own interpreter: `None`.
pub(super) fn examine(path: &Path) -> Result<Option<PathBuf>, Fault> {
    let meta = path.metadata().map_err(|_| Fault::Missing)?;
    if !meta.is_file() {
        return Err(Fault::NotAFile);
    }
    let head = head(path).map_err(|_| Fault::Unreadable)?;
    let interpreter = interpreter(&head)?;
    if meta.permissions().mode() & 0o111 == 0 {
        return Err(Fault::NotExecutable);
    }
    if access(path, Access::EXEC_OK).is_err() {
        return Err(Fault::Forbidden);
    }
    Ok(interpreter)
}

/// Reads what decides how a file is run.
fn head(path: &Path) -> Result<Vec<u8>, PathError> {
    let mut head = Vec::new();
    let file = File::open(path).at("read", path)?;
    file.take(4096).read_to_end(&mut head).at("read", path)?;
    Ok(head)
}

fn interpreter(head: &[u8]) -> Result<Option<PathBuf>, Fault> {
    if head.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::Empty);
    }
    if head.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    if head.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault::ByteOrderMark);
    }
    let Some(rest) = head.strip_prefix(b"#!") else {
        return Err(Fault::NoShebang);
    };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
    if line.ends_with(b"\r") {
        return Err(Fault::CarriageReturn);
    }
    if line.len() + 2 > FIRST_LINE {
        return Err(Fault::LongShebang);
    }
    let words = line.split(|byte| matches!(byte, b' ' | b'\t'));
    match words.into_iter().find(|word| !word.is_empty()) {
        Some(word) => existing(word).map(Some),
        None => Err(Fault::NoShebang),
    }
}

fn existing(word: &[u8]) -> Result<PathBuf, Fault> {
    let shown = String::from_utf8_lossy(word).into_owned();
    if !word.starts_with(b"/") {
        return Err(Fault::RelativeInterpreter(shown));
    }
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(word));
    let runs = path
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    if runs {
        Ok(path)
    } else {
        Err(Fault::NoInterpreter(shown))
    }
}

impl Unfit {
    /// A script that was fit when the plan was made, and cannot be read now.
    pub(super) fn now(path: &Path) -> Self {
        let fault = match examine(path) {
            Err(fault) => fault,
            Ok(_) => Fault::Unreadable,
        };
        Self {
            path: path.to_owned(),
            fault,
        }
    }

    /// What to type or change to put it right.
    pub fn fix(&self) -> String {
        let file = quoted(&self.path);
        match &self.fault {
            Fault::Missing | Fault::NotAFile => "name an existing script file".into(),
            Fault::NotExecutable => format!("chmod +x {file}"),
            Fault::Unreadable => format!("ls -l {file}"),
            Fault::Forbidden => format!("ls -l {file}; findmnt -T {file}"),
            Fault::Empty => "write the script, or delete the file".into(),
            Fault::NoShebang => format!("sed -i '1i #!/bin/sh' {file}"),
            Fault::ByteOrderMark => format!("sed -i '1s/^\\xef\\xbb\\xbf//' {file}"),
            Fault::CarriageReturn => format!("sed -i 's/\\r$//' {file}"),
            Fault::NoInterpreter(_) | Fault::RelativeInterpreter(_) | Fault::LongShebang => {
                "install the interpreter, or name another in the first line, as `#!/bin/sh`".into()
            }
            Fault::Dangling => format!("ls -l {file}; put the script there, or delete the link"),
            Fault::LeadsOut(..) => "copy the script into the folder".into(),
            Fault::LinkedFolder(_) => "copy the folder, or delete the link".into(),
            Fault::NotUtf8 | Fault::BadName(_) => "rename it".into(),
            Fault::TooDeep => "name the folder that holds the scripts in plan.toml".into(),
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NotAFile => f.write_str("not a file"),
            Self::NotExecutable => f.write_str("not executable (no run bit)"),
            Self::Unreadable => f.write_str("cannot be read"),
            Self::Forbidden => f.write_str(
                "may not be executed (the run bit is for others, or the file system is noexec)",
            ),
            Self::Empty => f.write_str("empty"),
            Self::NoShebang => f.write_str("its first line names no interpreter (no `#!`)"),
            Self::ByteOrderMark => f.write_str("a byte-order mark stands before its `#!`"),
            Self::CarriageReturn => {
                f.write_str("its lines end as on Windows, so its interpreter is not found")
            }
            Self::NoInterpreter(name) => write!(f, "its interpreter {name} does not exist here"),
            Self::RelativeInterpreter(name) => {
                write!(f, "its interpreter `{name}` is not a whole path")
            }
            Self::LongShebang => write!(f, "its first line is longer than {FIRST_LINE} bytes"),
            Self::Dangling => f.write_str("a symlink that leads nowhere"),
            Self::LeadsOut(target, folder) => write!(
                f,
                "a symlink to {}, which is outside {}",
                target.display(),
                folder.display()
            ),
            Self::LinkedFolder(target) => {
                write!(f, "a symlink to the folder {}", target.display())
            }
            Self::NotUtf8 => f.write_str("its name is not UTF-8"),
            Self::BadName(problem) => write!(f, "not a step name ({problem})"),
            Self::TooDeep => f.write_str("a folder too deep to belong to a plan"),
        }
    }
}

/// A path as it can be typed into a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
