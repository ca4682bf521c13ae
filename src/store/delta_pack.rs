//! A pack of stock Git: what is alike is stored as changes, all of it compressed well.
use std::path::{Path, PathBuf};

use super::{Error, GitProgram, Repo};

/// How well: beyond it time grows, and the pack hardly shrinks.
const LEVEL: &str = "--compression=6";
/// How many objects are compared with each, and how many changes may follow one another.
const SEARCH: [&str; 3] = ["--window=10", "--depth=16", "--window-memory=64m"];

/// Writes all that refs lead to, but for what the packs named `kept` hold, into a pack in `place`;
/// reads it back and compares every id. Returns its index; none if there was nothing to write.
pub fn delta_pack(
    git: &GitProgram,
    repo: &Repo,
    (place, kept): (&Path, &[String]),
    watch: &mut dyn FnMut(u64),
) -> Result<Option<PathBuf>, Error> {
    let target = place.join("pack");
    let target = target.to_string_lossy().into_owned();
    let kept: Vec<_> = kept.iter().map(|k| format!("--keep-pack={k}")).collect();
    let mut args = vec!["pack-objects", "--all", "--no-reuse-object", "--progress"];
    args.extend(["--delta-base-offset", "--non-empty", LEVEL]);
    args.extend(SEARCH);
    args.extend(kept.iter().map(String::as_str));
    args.push(&target);
    let output = git.watched(repo.git_dir(), &args, &mut |line| {
        let phases = ["Compressing objects:", "Writing objects:"];
        for (number, phase) in phases.into_iter().enumerate() {
            if let Some(percent) = super::remote::percent_of(line, phase) {
                watch(number as u64 * 50 + percent / 2);
            }
        }
    })?;
    if !output.status.success() {
        return Err(Error::GitProgram {
            command: "pack-objects".to_owned(),
            code: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if name.is_empty() {
        return Ok(None);
    }
    let index = place.join(format!("pack-{name}.idx"));
    git.run(repo.git_dir(), &["verify-pack", &index.to_string_lossy()])?;
    Ok(Some(index))
}
