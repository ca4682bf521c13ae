//! What is to be restored, and where.
use std::path::{Path, PathBuf};

use crate::fs::{AtPath as _, Folder};
use crate::store::pack::Excludes;
use crate::vault::left_out::{LeftOut, is_cache};
use crate::vault::meta::Kind;
use crate::vault::stat::Stat;
use crate::vault::{Error, Snapshot, Vault};

/// What may be done with a target that has content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing: it must be empty, or not exist.
    New,
    /// What differs may be replaced; what the snapshot does not have stays.
    InPlace,
    /// What differs may be replaced, and what the snapshot does not have is removed.
    Exact,
}

/// What is believed of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// That it has the content which its size and time speak of.
    Time,
    /// Nothing: it is written again.
    Nothing,
}

/// What is to be restored, and where.
#[derive(Clone, Debug)]
pub struct Request {
    /// Paths in the snapshot; all of it if there are none.
    pub paths: Vec<PathBuf>,
    /// The folder that becomes what the snapshot's top folder was.
    pub to: PathBuf,
    /// Whether it may have content.
    pub target: Target,
    /// How it is decided which files are as they should be.
    pub compare: Compare,
    /// Folders that are left as they are if they lie in the target: the keep.
    pub spared: Vec<PathBuf>,
}

/// What a restore leaves alone, whatever the snapshot says.
pub(super) struct Spared {
    /// Whether what the snapshot does not have goes.
    pub(super) removes: bool,
    /// Paths in the target.
    paths: Vec<Vec<u8>>,
    /// What the snapshot was told to leave out.
    left_out: LeftOut,
    excludes: Excludes,
}

impl Spared {
    pub(super) fn new(vault: &Vault, snapshot: &Snapshot, request: &Request) -> Self {
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let target = real(&request.to);
        let inside = |path: &Path| {
            let path = real(path)?;
            let path = path.strip_prefix(target.as_ref()?).ok()?;
            Some(path.as_os_str().as_encoded_bytes().to_vec())
        };
        let all = request.spared.iter().map(PathBuf::as_path);
        Self {
            removes: request.target == Target::Exact,
            paths: all.chain([vault.path()]).filter_map(inside).collect(),
            left_out: snapshot.left_out.clone(),
            excludes: Excludes::new(&snapshot.left_out.patterns),
        }
    }

    /// Whether a path is neither changed nor removed.
    pub(super) fn is_spared(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|spared| spared == path)
    }

    /// Whether a path that the snapshot does not have was left out of it on purpose.
    pub(super) fn was_left_out(&self, path: &[u8], stat: &Stat) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next();
        let is_dir = stat.kind == Some(Kind::Folder);
        let is_file = stat.kind == Some(Kind::File);
        (is_dir && name == Some(b".buildkeep"))
            || (is_file && self.left_out.is_too_large(stat.size))
            || self.is_spared(path)
            || self.excludes.matches(path, is_dir)
    }

    /// Whether of a folder nothing but the mark of a cache was taken.
    pub(super) fn is_cache(&self, folder: &Folder) -> bool {
        self.left_out.caches && is_cache(folder)
    }

    /// Whether something that is left alone lies below a path.
    pub(super) fn is_above(&self, path: &[u8]) -> bool {
        let below = |spared: &Vec<u8>| {
            let rest = spared.strip_prefix(path);
            rest.is_some_and(|rest| rest.first() == Some(&b'/'))
        };
        self.paths.iter().any(below)
    }
}

/// Opens the target if it exists, and refuses what a restore must not touch.
pub(super) fn open_target(request: &Request) -> Result<Option<Folder>, Error> {
    let path = &request.to;
    let refused = |reason| Error::BadTarget {
        path: path.clone(),
        reason,
    };
    if path.as_os_str().is_empty() {
        return Err(refused("no folder is named"));
    }
    let Ok(real) = std::fs::canonicalize(path) else {
        return match path.symlink_metadata() {
            Ok(_) => Err(refused("it is a symbolic link that leads nowhere")),
            Err(_) => Ok(None),
        };
    };
    if real == Path::new("/") {
        return Err(refused("that is the running system"));
    }
    if !real.is_dir() {
        return Err(refused("it is not a folder"));
    }
    let mut entries = std::fs::read_dir(&real).at("read", path)?;
    if entries.next().is_some() && request.target == Target::New {
        return Err(Error::TargetNotEmpty { path: path.clone() });
    }
    Ok(Some(Folder::open(&real).at("open", path)?))
}
