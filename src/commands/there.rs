//! Which vault is read: one that is here, or one at a remote.
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::Context;
use super::vaults::VaultArg;
use crate::failure::Failure;
use crate::store::{GitProgram, Keep};
use crate::vault::offsite::{Depth, Partial};
use crate::vault::{Snapshot, Vault};

/// The options that name a vault to read.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ReadArg {
    #[command(flatten)]
    here: VaultArg,
    /// The vault at this remote or URL instead; only what is needed of it is fetched
    #[arg(long, value_name = "NAME|URL", conflicts_with = "vault")]
    remote: Option<String>,
}

/// A vault that is read.
pub(super) enum Reading {
    /// It is here.
    Here(Vault),
    /// It is at a remote.
    There(Box<There>),
}

/// A vault at a remote, and what is fetched of it.
pub(super) struct There {
    git: GitProgram,
    url: String,
    dir: PathBuf,
    vault: Vault,
}

impl Deref for Reading {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        match self {
            Self::Here(vault) => vault,
            Self::There(there) => &there.vault,
        }
    }
}

impl Reading {
    /// Sees to it that what lies at these paths of a snapshot is here.
    pub(super) fn fetch(
        &self,
        cx: &mut Context,
        snapshot: &Snapshot,
        (paths, depth): (&[PathBuf], Depth),
    ) -> Result<(), Failure> {
        let Self::There(there) = self else {
            return Ok(());
        };
        cx.ui.live("fetching what is needed");
        let partial = Partial::open(&there.git, &there.url, &there.dir);
        let fetched = partial.and_then(|partial| partial.fetch(snapshot, paths, depth));
        cx.ui.live_end();
        Ok(fetched?)
    }
}

impl ReadArg {
    /// The option for a vault that is here.
    pub(super) fn here(&self) -> &VaultArg {
        &self.here
    }

    /// The keep, if there is one; there must be unless a vault or a remote was named.
    pub(super) fn keep(&self, cx: &Context) -> Result<Option<Keep>, Failure> {
        match &self.remote {
            Some(_) if cx.dir.is_none() => Ok(cx.keep().ok()),
            _ => self.here.keep(cx),
        }
    }

    /// The vault; without an option a keep may have none yet.
    pub(super) fn open_if_any(&self, cx: &mut Context) -> Result<Option<Reading>, Failure> {
        let is_named = self.remote.is_some() || self.here.is_named();
        if is_named || self.here.path(cx)?.join("HEAD").exists() {
            return self.open(cx).map(Some);
        }
        Ok(None)
    }

    /// The vault, which must exist.
    pub(super) fn open(&self, cx: &mut Context) -> Result<Reading, Failure> {
        let Some(remote) = &self.remote else {
            return Ok(Reading::Here(self.here.open(cx)?));
        };
        let (keep, git) = (self.keep(cx)?, cx.git()?);
        let url = url_of(cx, &git, remote)?;
        let dir = place(cx, keep.as_ref(), &url);
        cx.ui
            .live(format!("asking {}", crate::store::without_password(&url)));
        let opened = Partial::open(&git, &url, &dir).map(drop);
        cx.ui.live_end();
        opened?;
        let vault = Vault::open(&dir)?;
        Ok(Reading::There(Box::new(There {
            git,
            url,
            dir,
            vault,
        })))
    }
}

/// Where a remote of the keep, if there is one, or else what was typed, is.
pub(super) fn url_of(cx: &Context, git: &GitProgram, remote: &str) -> Result<String, Failure> {
    match cx.keep().ok() {
        Some(keep) if is_remote(&keep, git, remote)? => Ok(keep.fetch_url(git, remote)?),
        _ => Ok(typed(cx, remote)),
    }
}

fn is_remote(keep: &Keep, git: &GitProgram, name: &str) -> Result<bool, Failure> {
    let names = git.run(keep.root(), &["remote"])?;
    Ok(names.lines().any(|there| there == name))
}

/// A folder as it is seen from anywhere; all else is a URL.
fn typed(cx: &Context, url: &str) -> String {
    let folder = cx.path(url.as_ref());
    if url.contains("://") || !folder.is_dir() {
        return url.to_owned();
    }
    folder.to_string_lossy().into_owned()
}

/// Where that which is fetched lies: a cache, which may be deleted.
fn place(cx: &Context, keep: Option<&Keep>, url: &str) -> PathBuf {
    let name = format!("there-{:08x}.git", crc32fast::hash(url.as_bytes()));
    if let Some(keep) = keep {
        return keep.private("cache").join(name);
    }
    let env = &cx.world.env;
    let home = env.get("HOME").map(|home| Path::new(home).join(".cache"));
    let cache = env.get("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    let cache = cache.unwrap_or_else(|| PathBuf::from("/var/tmp"));
    cache.join("buildkeep").join(name)
}
