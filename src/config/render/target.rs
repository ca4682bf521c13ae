//! Where renderings go, and how they are written there: through no symlink, in one step.
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::{From, Render};
use crate::config::{Error, Role};
use crate::fs::{Folder, PathError, create_dirs_durable};

/// The folders that renderings go below.
#[derive(Clone, Debug)]
pub struct Places {
    /// The root of the keep.
    pub keep: PathBuf,
    /// The root of the build, if the plan has one.
    pub root: Option<PathBuf>,
}

/// What a target lies below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The keep.
    Keep,
    /// The root of the build.
    Root,
    /// Anything else.
    Outside,
}

/// A file that a rendering goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it lies below.
    pub base: Base,
    /// The folder that no symlink below leads out of.
    folder: PathBuf,
    /// The path from there.
    inside: PathBuf,
    /// The path from the root of the keep, if it lies there in whatever way it is spelt.
    in_keep: Option<PathBuf>,
}

/// What is larger is nothing that a rendering was meant to replace.
const MOST: u64 = 64 << 20;

/// A file as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its mode.
    pub mode: u32,
}

impl Target {
    /// Where a rendering goes; the error is a fragment that says why it may not.
    pub fn of(render: &Render, places: &Places) -> Result<Self, String> {
        refuse_name(&render.to)?;
        let (base, folder, inside) = place(&render.to, places)?;
        let plain = inside.components();
        let plain = plain.filter(|part| matches!(part, Component::Normal(_)));
        let inside: PathBuf = plain.collect();
        if inside.as_os_str().is_empty() {
            return Err(format!("{} is a folder: name a file in it", render.to));
        }
        if base == Base::Outside && !render.outside {
            return Err(format!(
                "{} is neither below the keep nor below the root: say `outside = true` if it is meant",
                render.to
            ));
        }
        let target = Self {
            base,
            in_keep: in_keep(&folder, &inside, &places.keep),
            folder,
            inside,
        };
        target.refuse_ours(render)?;
        Ok(target)
    }

    /// The whole path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.inside)
    }

    /// The path from the root of the keep, if it lies there.
    pub fn in_keep(&self) -> Option<&Path> {
        self.in_keep.as_deref()
    }

    /// Whether both are the same file, in whatever way it is spelt.
    pub fn is_same(&self, other: &Self) -> bool {
        self.path() == other.path() || self.in_keep.is_some() && self.in_keep == other.in_keep
    }

    /// A path of its own for each target, below some other folder.
    pub fn aside(&self) -> PathBuf {
        let base = match self.base {
            Base::Keep => "keep",
            Base::Root => "root",
            Base::Outside => "outside",
        };
        Path::new(base).join(&self.inside)
    }

    /// What is there now; a symlink on the way is an error.
    pub fn read(&self) -> Result<Option<There>, Error> {
        let Some((folder, name)) = self.open(false)? else {
            return Ok(None);
        };
        let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&folder, OsStr::from_bytes(&name), how, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => File::from(opened.map_err(|errno| self.failed("read", errno))?),
        };
        let meta = file.metadata().map_err(|error| self.error("read", error))?;
        if !meta.is_file() {
            return Err(self.error("read", std::io::Error::other("it is no file")));
        }
        let mut content = Vec::new();
        (&file)
            .take(MOST + 1)
            .read_to_end(&mut content)
            .map_err(|error| self.error("read", error))?;
        if content.len() as u64 > MOST {
            let reason = "it is larger than 64 MiB, which no rendering is";
            return Err(self.error("compare", std::io::Error::other(reason)));
        }
        let mode = std::os::unix::fs::MetadataExt::mode(&meta) & 0o7777;
        Ok(Some(There { content, mode }))
    }

    /// Writes it, durably and in one step, with missing folders.
    pub fn write(&self, content: &[u8], mode: u32) -> Result<(), Error> {
        let Some((folder, name)) = self.open(true)? else {
            return Err(self.error("write", std::io::ErrorKind::NotFound.into()));
        };
        // What a command left that died is in nobody's way.
        let _ = folder.sweep();
        let temporary = Folder::temporary_name();
        let mut file = folder
            .make_file(&temporary)
            .map_err(|errno| self.failed("write", errno))?;
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(|error| self.error("write", error))
            .and_then(|()| {
                folder
                    .set_mode(&temporary, mode)
                    .and_then(|()| folder.replace(&name, &temporary))
                    .map_err(|errno| self.failed("write", errno))
            });
        if written.is_err() {
            // The error that led here is the one to tell.
            let _ = folder.remove(&temporary);
        }
        written?;
        rustix::fs::fsync(&folder).map_err(|errno| self.failed("write", errno))
    }

    /// The folder that holds it, reached through no symlink, and its name there.
    fn open(&self, make: bool) -> Result<Option<(Folder, Vec<u8>)>, Error> {
        if make && self.base == Base::Root {
            create_dirs_durable(&self.folder)?;
        }
        let mut folder = match Folder::open(&self.folder) {
            Err(Errno::NOENT) if !make => return Ok(None),
            opened => opened.map_err(|errno| self.failed("open", errno))?,
        };
        let mut names: Vec<Vec<u8>> = self
            .inside
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let Some(last) = names.pop() else {
            return Ok(None);
        };
        for name in names {
            folder = match folder.folder(&name) {
                Err(Errno::NOENT) if !make => return Ok(None),
                Err(Errno::NOENT) => self.make(&folder, &name)?,
                opened => opened.map_err(|errno| self.failed("open the folder of", errno))?,
            };
        }
        Ok(Some((folder, last)))
    }

    fn make(&self, parent: &Folder, name: &[u8]) -> Result<Folder, Error> {
        let made = parent.make_folder(name).and_then(|folder| {
            parent.set_mode(name, 0o755)?;
            rustix::fs::fsync(parent)?;
            Ok(folder)
        });
        made.map_err(|errno| self.failed("make the folder of", errno))
    }

    /// What buildkeep itself reads and keeps is not written by a rendering.
    fn refuse_ours(&self, render: &Render) -> Result<(), String> {
        let Some(inside) = &self.in_keep else {
            return Ok(());
        };
        let first = inside.iter().next();
        let is_private = first.is_some_and(|name| name == ".git" || name == ".buildkeep");
        let path = inside.to_string_lossy();
        if is_private || Role::of(&path).is_some() {
            return Err(format!("{path} is buildkeep's own"));
        }
        match &render.from {
            From::Template(template) if Path::new(template) == inside => {
                Err(format!("{path} is the template itself"))
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, action: &'static str, errno: Errno) -> Error {
        let source = match errno {
            Errno::LOOP => std::io::Error::other("a symlink is on the way"),
            Errno::NOTDIR => std::io::Error::other("a file or a symlink is on the way"),
            other => other.into(),
        };
        self.error(action, source)
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::Io(PathError {
            action,
            path: self.path(),
            source,
        })
    }
}

/// Names that somebody did not mean, or that would be read as something else later.
fn refuse_name(to: &str) -> Result<(), String> {
    let has_way_up = Path::new(to)
        .components()
        .any(|part| part == Component::ParentDir);
    let rest = to.strip_prefix("${root}/").unwrap_or(to);
    let reason = if has_way_up {
        "leads upwards: write the path without `..`"
    } else if to.ends_with('/') || to == "${root}" {
        "is a folder: name a file in it"
    } else if to.contains(char::is_control) {
        return Err("a name of a file has no control characters here".to_owned());
    } else if rest.contains("${") {
        "has a variable: only `${root}/` at its beginning is replaced"
    } else if to.starts_with('~') {
        "begins with `~`, which is not replaced here: write the whole path"
    } else {
        return Ok(());
    };
    Err(format!("{to} {reason}"))
}

/// What a path lies below, the folder of that, and the path from there.
fn place(to: &str, places: &Places) -> Result<(Base, PathBuf, PathBuf), String> {
    let path = Path::new(to);
    Ok(if let Some(inside) = to.strip_prefix("${root}/") {
        let root = places.root.clone();
        let root =
            root.ok_or("the plan has no `root`: write `root = \"/mnt/lfs\"` in plan.toml, say")?;
        (Base::Root, root, PathBuf::from(inside))
    } else if path.is_relative() {
        (Base::Keep, places.keep.clone(), path.to_owned())
    } else {
        below(path, places)
    })
}

/// The path from the root of the keep, also if the folder is a symlink into it.
fn in_keep(folder: &Path, inside: &Path, keep: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(folder);
    let folder = real.as_deref().unwrap_or(folder).join(inside);
    folder.strip_prefix(keep).ok().map(Path::to_owned)
}

/// An absolute path, from the nearest folder that we know.
fn below(to: &Path, places: &Places) -> (Base, PathBuf, PathBuf) {
    let root = places.root.as_ref().map(|root| (Base::Root, root));
    let known = [Some((Base::Keep, &places.keep)), root];
    for (base, folder) in known.into_iter().flatten() {
        if let Ok(inside) = to.strip_prefix(folder) {
            return (base, folder.clone(), inside.to_owned());
        }
    }
    let inside = to.strip_prefix("/").unwrap_or(to);
    (Base::Outside, PathBuf::from("/"), inside.to_owned())
}
