//! What `backup create` takes: folders that were named, or what buildkeep.toml says.
use std::path::PathBuf;

use super::create::Args;
use crate::commands::Context;
use crate::commands::vaults::{root_of, set_name};
use crate::config::{BackupSet, Files, Sources, backup_sets};
use crate::document::{as_size, nearest};
use crate::failure::Failure;
use crate::store::Keep;
use crate::vault::{LeftOut, Mounts, Source};

/// A snapshot to take.
pub(super) struct Job {
    pub(super) source: Source,
    pub(super) vault: PathBuf,
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
}

/// All snapshots that are to be taken.
pub(super) fn jobs(cx: &Context, args: &Args, keep: Option<&Keep>) -> Result<Vec<Job>, Failure> {
    let sets = match keep {
        Some(keep) if args.paths.is_empty() => configured(keep, args.set.as_deref())?,
        _ => Vec::new(),
    };
    if sets.is_empty() {
        return typed(cx, args, keep);
    }
    sets.into_iter()
        .map(|set| from_set(cx, args, (keep, set)))
        .collect()
}

/// The sets of buildkeep.toml: all of them, or the one that is named.
fn configured(keep: &Keep, name: Option<&str>) -> Result<Vec<BackupSet>, Failure> {
    let sources = Sources::read(&Files::of_work_tree(keep)?)?;
    let settings = |problem: &&crate::document::Problem| problem.file == "buildkeep.toml";
    let problems: Vec<_> = sources
        .problems()
        .iter()
        .filter(settings)
        .cloned()
        .collect();
    if !problems.is_empty() {
        return Err(Failure::problems(&problems));
    }
    let mut sets = backup_sets(&sources);
    let Some(name) = name.filter(|_| !sets.is_empty()) else {
        return Ok(sets);
    };
    let near = nearest(name, sets.iter().map(|set| set.name.as_str())).map(str::to_owned);
    sets.retain(|set| set.name == name);
    if sets.is_empty() {
        let failure = Failure::user(format!("buildkeep.toml has no `[backup.{name}]`"));
        let failure = match near {
            Some(near) => failure.hint(format!("did you mean `--set {near}`?")),
            None => failure,
        };
        return Err(failure.hint(format!(
            "or name the folder: `buildkeep backup create DIR --set {name}`"
        )));
    }
    Ok(sets)
}

/// Folders as they were typed, or what the plan builds.
fn typed(cx: &Context, args: &Args, keep: Option<&Keep>) -> Result<Vec<Job>, Failure> {
    let paths = if args.paths.is_empty() {
        vec![root_of(keep)?]
    } else {
        args.paths.iter().map(|path| cx.path(path)).collect()
    };
    let vault = args.vault.path(cx)?;
    let job = |root: PathBuf| {
        let set = args.set.clone().unwrap_or_else(|| set_name(&root));
        Ok(Job {
            source: Source {
                left_out: left_out(args, &BackupSet::default())?,
                mounts: mounts(args, &BackupSet::default()),
                ..Source::new(root, set)
            },
            vault: vault.clone(),
            before: Vec::new(),
            after: Vec::new(),
        })
    };
    paths.into_iter().map(job).collect()
}

fn from_set(
    cx: &Context,
    args: &Args,
    (keep, set): (Option<&Keep>, BackupSet),
) -> Result<Job, Failure> {
    let in_keep = |path: &String| keep.map(|keep| keep.root().join(path));
    let root = match set.path.as_ref().and_then(in_keep) {
        Some(root) => root,
        None => root_of(keep)?,
    };
    let vault = match set.vault.as_ref().filter(|_| !args.vault.is_named()) {
        Some(vault) => in_keep(vault).unwrap_or_default(),
        None => args.vault.path(cx)?,
    };
    Ok(Job {
        source: Source {
            left_out: left_out(args, &set)?,
            mounts: mounts(args, &set),
            ..Source::new(root, set.name)
        },
        vault,
        before: set.before,
        after: set.after,
    })
}

/// What is left out: as configured, and as typed.
fn left_out(args: &Args, set: &BackupSet) -> Result<LeftOut, Failure> {
    let larger_than = match &args.exclude_larger_than {
        None => set.exclude_larger_than,
        Some(typed) => Some(as_size(&typed.as_str().into()).ok_or_else(|| {
            Failure::user(format!("`{typed}` is no size"))
                .hint("write it as `--exclude-larger-than 500MB` or `2GiB`")
        })?),
    };
    Ok(LeftOut {
        patterns: [&set.exclude[..], &args.exclude[..]].concat(),
        caches: set.exclude_caches || args.exclude_caches,
        larger_than,
    })
}

fn mounts(args: &Args, set: &BackupSet) -> Mounts {
    if args.cross_file_systems || (set.cross_file_systems && !args.one_file_system) {
        Mounts::Entered
    } else {
        Mounts::LeftEmpty
    }
}
