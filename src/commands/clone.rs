//! `clone`
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean_line, counted, quoted};
use crate::vault;

/// Make a keep from a remote, on this machine
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any Git URL or folder
    url: String,
    /// The folder of the new keep; without it the last part of the URL
    dir: Option<PathBuf>,
    /// Leave the vault there
    #[arg(long)]
    no_vault: bool,
}

/// What was cloned.
#[derive(Debug, Serialize)]
struct Cloned {
    keep: PathBuf,
    host: String,
    snapshots: usize,
    #[serde(skip)]
    typed: PathBuf,
}

impl fmt::Display for Cloned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "made the keep {} (host {})",
            clean_line(&self.keep.to_string_lossy()),
            self.host
        )?;
        if self.snapshots > 0 {
            let snapshots = counted(self.snapshots as u64, "snapshot");
            writeln!(f, "  with a vault of {snapshots}")?;
        }
        writeln!(
            f,
            "\nwhat you may type next:\n  buildkeep -C {} status",
            quoted(&self.typed.to_string_lossy())
        )
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let git = cx.git()?;
    let typed = args.dir.clone().unwrap_or_else(|| folder_of(&args.url));
    let dir = cx.path(&typed);
    // The real name: `../k2`, typed in a keep, lies beside it.
    let parent = dir
        .parent()
        .and_then(|parent| std::fs::canonicalize(parent).ok());
    if let Some(outer) = parent.as_deref().and_then(Keep::find_root) {
        return Err(crate::store::Error::NestedKeep { dir, outer }.into());
    }
    cx.ui.live(format!("cloning {}", args.url));
    let keep = Keep::clone_from(&git, &args.url, &dir, &cx.world)?;
    let _guard = cx.lock(&keep)?;
    super::hooks::install(cx, &keep)?;
    let mut snapshots = 0;
    if !args.no_vault {
        for name in keep.remote_vaults(&git, "origin")? {
            cx.ui.live(format!("fetching the vault {name}"));
            let vault = vault::Vault::open_or_create(&vault::default_path(&keep.private("")))?;
            keep.fetch_vault(&git, "origin", vault.repo(), &name)?;
            snapshots += vault.repo().refs("refs/tags/")?.len();
        }
    }
    cx.ui.live_end();
    cx.ui.show(&Cloned {
        keep: keep.root().to_owned(),
        host: keep.host(),
        snapshots,
        typed,
    })?;
    Ok(Answer::Yes)
}

/// `https://host/path/name.git` → `name`.
fn folder_of(url: &str) -> PathBuf {
    let last = url
        .trim_end_matches('/')
        .rsplit(['/', ':'])
        .next()
        .unwrap_or(url);
    Path::new(last.strip_suffix(".git").unwrap_or(last)).to_owned()
}
