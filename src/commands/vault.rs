//! `vault`
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};
use crate::vault::{self, Vault, registry};

/// Make and list the repositories that hold backups
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a vault: a bare Git repository for backups
    Init {
        /// Where: another disk, say; in the keep if not given
        path: Option<PathBuf>,
    },
    /// List the vaults of the keep
    List,
}

/// A vault.
#[derive(Debug, Serialize)]
struct Shown {
    path: String,
    /// Whether it is there: its disk may not be.
    reachable: bool,
    snapshots: u64,
    bytes: u64,
}

/// All vaults.
#[derive(Debug, Serialize)]
struct List {
    vaults: Vec<Shown>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = style::name(clean(&self.path));
        if !self.reachable {
            return writeln!(f, "{path}  {}", style::notable("not there"));
        }
        let snapshots = counted(self.snapshots, "snapshot");
        writeln!(f, "{path}  {snapshots}, {}", size(self.bytes))
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.vaults.is_empty() {
            return writeln!(
                f,
                "no vault yet; the first backup makes one: buildkeep backup create"
            );
        }
        self.vaults.iter().try_for_each(|vault| vault.fmt(f))
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.verb {
        Verb::Init { path } => init(cx, path.as_ref()),
        Verb::List => list(cx),
    }
}

fn init(cx: &mut Context, path: Option<&PathBuf>) -> Result<Answer, Failure> {
    let keep = cx.keep();
    let path = match (path, &keep) {
        (Some(path), _) => cx.path(path),
        (None, Ok(keep)) => vault::default_path(&keep.private("")),
        (None, Err(_)) => return keep.map(|_| Answer::Yes),
    };
    let known = path.join("HEAD").exists();
    let vault = Vault::open_or_create(&path)?;
    if let Ok(keep) = &keep {
        registry::remember(&keep.private(""), &path)?;
        if !known {
            let guard = cx.lock(keep)?;
            let back = format!("delete the folder {}", path.display());
            cx.note_beyond((keep, &guard), "vault: init".to_owned(), &back)?;
        }
    }
    cx.ui.show(&look(&path, Some(&vault))?)?;
    let what = if known {
        "it was there already"
    } else {
        "made"
    };
    cx.ui.status(format!(
        "{what}; back up into it: `buildkeep backup create`"
    ));
    Ok(Answer::Yes)
}

fn list(cx: &mut Context) -> Result<Answer, Failure> {
    let private = cx.keep()?.private("");
    let default = vault::default_path(&private);
    let mut vaults = Vec::new();
    for path in registry::known(&private)? {
        let vault = Vault::open(&path).ok();
        if vault.is_some() || path != default {
            vaults.push(look(&path, vault.as_ref())?);
        }
    }
    cx.ui.show(&List { vaults })?;
    Ok(Answer::Yes)
}

fn look(path: &std::path::Path, vault: Option<&Vault>) -> Result<Shown, Failure> {
    let snapshots = vault.map(Vault::snapshots).transpose()?;
    Ok(Shown {
        path: path.display().to_string(),
        reachable: vault.is_some(),
        snapshots: snapshots.map_or(0, |all| all.len() as u64),
        bytes: vault.map_or(0, Vault::size),
    })
}
