//! `backup repair`
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::commands::vaults::{VaultArg, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::fs::{create_dirs_durable, remove_tree};
use crate::ui::{clean, counted, size, style};
use crate::vault::repair::{self, Repaired};
use crate::vault::verify::Damage;
use crate::vault::{Vault, default_path};

/// How many damages are shown.
const SHOWN: usize = 20;

/// Bring back what is damaged or missing in a vault, from copies of it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A copy: another vault, a keep with one, a remote of the keep, or any Git URL; repeated, all are asked
    #[arg(long, value_name = "DIR|NAME|URL")]
    from: Vec<String>,
    #[command(flatten)]
    vault: VaultArg,
}

/// What became of the damage.
#[derive(Debug, Serialize)]
struct Report {
    found: usize,
    brought: u64,
    bytes: u64,
    left: Vec<Damage>,
    /// The snapshots that are not whole.
    snapshots: BTreeSet<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found == 0 {
            return writeln!(f, "{}: nothing to repair", style::good("whole".to_owned()));
        }
        let brought = counted(self.brought, "object");
        if self.left.is_empty() {
            let whole = style::good("whole again".to_owned());
            return writeln!(f, "{whole}: {brought}, {}, brought back", size(self.bytes));
        }
        writeln!(
            f,
            "{}: {brought}, {}, brought back",
            style::bad(format!("{} still damaged", self.left.len())),
            size(self.bytes)
        )?;
        for damage in self.left.iter().take(SHOWN) {
            writeln!(f, "  {}", clean(&damage.to_string()))?;
        }
        match self.left.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more: `--json` has all"),
        }
    }
}

/// Runs the command; the answer is no if something is still damaged.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let place = vault.path().join("buildkeep/repair");
    clear(&vault, &place)?;
    let done = with_copies(cx, (&vault, &place), &args.from);
    clear(&vault, &place)?;
    tell(cx, args, done?)
}

/// Removes what was fetched.
fn clear(vault: &Vault, place: &Path) -> Result<(), Failure> {
    if place.exists() {
        remove_tree(vault.path(), place)?;
    }
    Ok(())
}

fn with_copies(
    cx: &mut Context,
    (vault, place): (&Vault, &Path),
    from: &[String],
) -> Result<Repaired, Failure> {
    let copies = from.iter().enumerate();
    let copies = copies.map(|(number, from)| copy(cx, from, &place.join(number.to_string())));
    let copies = copies.collect::<Result<Vec<_>, _>>()?;
    let world = &cx.world;
    let done = shown(&mut cx.ui, "repairing", |counter| {
        repair::repair(vault, &copies, world, counter)
    });
    Ok(done?)
}

/// The objects of a copy: where they lie, or fetched to `place`.
fn copy(cx: &mut Context, from: &str, place: &Path) -> Result<PathBuf, Failure> {
    let here = cx.path(Path::new(from));
    let inside = default_path(&here.join(".buildkeep"));
    for dir in [inside, here] {
        if let Ok(vault) = Vault::open(&dir) {
            return Ok(vault.path().join("objects"));
        }
    }
    let git = cx.git()?;
    let url = crate::commands::there::url_of(cx, &git, from)?;
    let parent = place.parent().unwrap_or(place);
    create_dirs_durable(parent)?;
    cx.ui
        .live(format!("fetching {}", crate::store::without_password(&url)));
    let target = place.to_string_lossy();
    let fetched = git.run(
        parent,
        &["clone", "--mirror", "--quiet", "--", &url, &target],
    );
    cx.ui.live_end();
    fetched?;
    Ok(place.join("objects"))
}

fn tell(cx: &mut Context, args: &Args, done: Repaired) -> Result<Answer, Failure> {
    let is_whole = done.left.is_empty();
    let snapshots: BTreeSet<String> = done
        .left
        .iter()
        .filter_map(|one| one.snapshot.clone())
        .collect();
    let lost = snapshots.first().cloned();
    cx.ui.show(&Report {
        found: done.found.len(),
        brought: done.brought,
        bytes: done.bytes,
        left: done.left,
        snapshots,
    })?;
    if is_whole {
        return Ok(Answer::Yes);
    }
    let vault = args.vault.as_typed();
    if args.from.is_empty() {
        cx.ui.hint(format!(
            "name a copy of the vault: `buildkeep backup repair --from REMOTE{vault}`"
        ));
    }
    cx.ui.hint(format!(
        "the next backup writes again what is still in its source: `buildkeep backup create{vault}`"
    ));
    if let Some(lost) = lost {
        cx.ui.hint(format!(
            "what is whole of a damaged snapshot can be restored; to give it up: `buildkeep backup forget {}{vault}`",
            clean(&lost)
        ));
    }
    Ok(Answer::No)
}
