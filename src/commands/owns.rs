//! `owns`
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::vaults::{VaultArg, root_of, set_name};
use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean, style};
use crate::vault::owners::{Owner, owners};
use crate::vault::{Snapshot, Vault, lineage, newest, shortest};

/// Tell which step put a file where it is
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Paths, on the disk or in what is built; or the last part of one; or a library's soname
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    vault: VaultArg,
}

/// Who brought a path.
#[derive(Debug, Serialize)]
struct Owned {
    path: String,
    /// The step that brought what it holds; nothing if it was there before any step, or if it is one
    /// of several.
    step: Option<String>,
    /// The step, or those that ran together: it is one of them.
    steps: Vec<String>,
    attempt: Option<String>,
    snapshot: String,
    /// The step that brought it first.
    first_step: Option<String>,
    first_snapshot: String,
    /// The step that took it away.
    removed_by: Option<String>,
    removed_in: Option<String>,
    #[serde(skip)]
    first_steps: Vec<String>,
    #[serde(skip)]
    removed_steps: Vec<String>,
    #[serde(skip)]
    names: [String; 3],
}

/// All that was asked for.
#[derive(Debug, Serialize)]
struct Owns {
    owners: Vec<Owned>,
    /// What no snapshot has.
    unknown: Vec<String>,
}

/// Whose it is, in words; without a step by the name of the snapshot.
fn by(steps: &[String], snapshot: &str) -> String {
    match steps {
        [] => format!("(no step: snapshot {})", clean(snapshot)),
        [step] => style::strong(clean(step)).to_string(),
        [.., last] => format!(
            "one of {} (they ran together, with one checkpoint after {})",
            style::strong(clean(&steps.join(", "))),
            clean(last)
        ),
    }
}

impl fmt::Display for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [last, first, removed] = &self.names;
        write!(f, "{}  {}", clean(&self.path), by(&self.steps, last))?;
        if self.first_snapshot != self.snapshot {
            write!(f, ", first by {}", by(&self.first_steps, first))?;
        }
        if self.removed_in.is_some() {
            let by = by(&self.removed_steps, removed);
            write!(f, ", {} {by}", style::notable("removed by"))?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Owns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owners.iter().try_for_each(|owned| owned.fmt(f))
    }
}

/// Runs the command; the answer is no if a path is nobody's.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = args.vault.keep(cx)?;
    let vault = args.vault.open(cx)?;
    let root = root_of(keep.as_ref()).ok();
    let all = vault.snapshots()?;
    let kin = family(&all, root.as_deref());
    if kin.is_empty() {
        return Err(Failure::user("no step has a checkpoint yet")
            .hint("let plan.toml say `checkpoint = \"after\"`, and `buildkeep run`"));
    }
    let names: Vec<_> = args
        .paths
        .iter()
        .map(|path| name(cx, path, root.as_deref()))
        .collect();
    let cache = cache(&vault, keep.as_ref());
    cx.ui.live("comparing checkpoints");
    let found = owners(&vault, &cache, &kin, &names);
    cx.ui.live_end();
    let mut owns = Owns {
        owners: Vec::new(),
        unknown: Vec::new(),
    };
    for (path, found) in args.paths.iter().zip(found?) {
        if found.is_empty() {
            owns.unknown.push(path.display().to_string());
        }
        let owned = found.into_iter().map(|owner| described(owner, &kin, &all));
        owns.owners.extend(owned);
    }
    cx.ui.show(&owns)?;
    for path in &owns.unknown {
        let path = clean(path);
        cx.ui.warn(format!(
            "no step brought {path}, as far as checkpoints tell"
        ));
    }
    Ok(Answer::of(owns.unknown.is_empty()))
}

/// The snapshots that led to what is built now, oldest first; without a root those of what the newest
/// checkpoint is of.
fn family(all: &[Snapshot], root: Option<&Path>) -> Vec<Snapshot> {
    let set = root.map(set_name);
    let is_of_root = |s: &&Snapshot| set.as_ref().is_none_or(|set| s.set == *set);
    let steps = (0..all.len()).rev().filter(|at| all[*at].step.is_some());
    let of_root = steps.clone().find(|at| is_of_root(&&all[*at]));
    let Some(checkpoint) = of_root.or_else(|| steps.clone().next()) else {
        return Vec::new();
    };
    let line = lineage(all, newest(all, checkpoint));
    line.into_iter().map(|at| all[at].clone()).collect()
}

/// Beside the keep's other caches; of a vault without a keep, in the vault.
fn cache(vault: &Vault, keep: Option<&Keep>) -> PathBuf {
    let place = vault.path().as_os_str().as_bytes();
    let name = format!("owners-{:08x}", crc32fast::hash(place));
    match keep {
        Some(keep) => keep.private("cache").join(name),
        None => vault.path().join("buildkeep/cache").join("owners"),
    }
}

/// What was typed as a path from the top of what is built, or as a name alone.
fn name(cx: &Context, typed: &Path, root: Option<&Path>) -> Vec<u8> {
    let inside =
        |path: &Path| root.and_then(|root| path.strip_prefix(root).ok().map(PathBuf::from));
    let is_path = typed.components().count() > 1;
    let below = if is_path {
        inside(&cx.path(typed))
    } else {
        None
    };
    let path = below.unwrap_or_else(|| typed.to_owned());
    let bytes = path.as_os_str().as_bytes();
    let start = bytes
        .iter()
        .position(|byte| *byte != b'/')
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(start, |last| last + 1);
    bytes[start..end.max(start)].to_vec()
}

fn described(owner: Owner, kin: &[Snapshot], all: &[Snapshot]) -> Owned {
    let at = |number: usize| &kin[number];
    let steps =
        |number: usize| -> Vec<String> { at(number).steps().map(|step| step.id.clone()).collect() };
    let step = |number: usize| match &steps(number)[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    let tag = |number: usize| at(number).tag.clone();
    let name = |number: usize| shortest(&at(number).tag, all).to_owned();
    let alone = at(owner.last).with.is_empty();
    let last = at(owner.last).step.as_ref().filter(|_| alone);
    Owned {
        step: step(owner.last),
        steps: steps(owner.last),
        first_steps: steps(owner.first),
        removed_steps: owner.removed.map(steps).unwrap_or_default(),
        attempt: last.map(|step| step.attempt.clone()),
        snapshot: tag(owner.last),
        first_step: step(owner.first),
        first_snapshot: tag(owner.first),
        removed_by: owner.removed.and_then(step),
        removed_in: owner.removed.map(tag),
        names: [
            name(owner.last),
            name(owner.first),
            owner.removed.map(name).unwrap_or_default(),
        ],
        path: owner.path,
    }
}
