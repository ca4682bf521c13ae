//! A snapshot as a plain folder, beside its place until it is whole.
use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::commands::vaults::shown;
use crate::failure::Failure;
use crate::fs::{TEMPORARY, rename_durable, sync_file_system};
use crate::ui::{clean, counted};
use crate::vault::archive::Exported;
use crate::vault::restore::{self, Compare, Request, Target};
use crate::vault::{Snapshot, Vault};

/// Writes a snapshot, or parts of it, as a new folder.
pub(super) fn write(
    cx: &mut Context,
    vault: &Vault,
    (snapshot, paths): (&Snapshot, &[PathBuf]),
    to: &Path,
) -> Result<Exported, Failure> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let beside = to.with_file_name(format!("{TEMPORARY}{name}"));
    let request = Request {
        to: beside.clone(),
        paths: paths.to_vec(),
        // What a killed export left is gone on with.
        target: Target::Exact,
        // It may have gone down with the machine.
        compare: Compare::Nothing,
        spared: Vec::new(),
    };
    let plan = restore::plan(vault, snapshot, &request)?;
    let restored = shown(&mut cx.ui, "exporting", |counter| {
        restore::apply(vault, &plan, counter)
    })?;
    if !restored.problems.is_empty() {
        for problem in restored.problems.iter().take(5) {
            let lacks = problem.trouble.meaning();
            cx.ui
                .warn(format!("{}: {lacks}", clean(&problem.to_string())));
        }
        let count = counted(restored.problems.len() as u64, "thing");
        return Err(
            Failure::user(format!("{count} could not be written as they were"))
                .hint(format!("what is there is in {}", beside.display()))
                .hint("as root all can; a tar archive needs no root: `--format tar.zst`"),
        );
    }
    sync_file_system(&beside)?;
    rename_durable(&beside, to)?;
    let made = plan.files + plan.unchanged + plan.changed;
    Ok(Exported {
        files: if paths.is_empty() {
            snapshot.files
        } else {
            made
        },
        dirs: if paths.is_empty() {
            snapshot.dirs
        } else {
            plan.dirs
        },
        bytes: if paths.is_empty() {
            snapshot.bytes
        } else {
            plan.bytes
        },
        unknown: Vec::new(),
    })
}
