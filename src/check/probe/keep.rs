//! What the keep knows: runs, what they left behind, and what the plan needs.
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::units::size;
use super::resource::on_disk;
use super::{Finding, KeepIs, existing, tree};

/// Source trees have a file for so many bytes, and seldom more of them.
const BYTES_PER_FILE: u64 = 32 * 1024;

/// What the keep knows, for checks about it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeepFacts {
    /// The run that goes on, in words.
    pub running: Option<String>,
    /// Runs that ended without being finished: their ids.
    pub interrupted: Vec<String>,
    /// What is mounted in the root, though no step needs it there.
    pub mounts: Vec<PathBuf>,
    /// Cgroups of attempts that are over.
    pub cgroups: Vec<PathBuf>,
    /// Where configuration looks as if it held a secret: file and line.
    pub secrets: Vec<String>,
    /// What the steps that are not done need.
    pub needs: Vec<Need>,
}

/// The room that a step needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Need {
    /// The step.
    pub step: String,
    /// Where.
    pub place: PathBuf,
    /// How many bytes.
    pub bytes: u64,
}

pub(super) fn look(is: KeepIs, facts: Option<&KeepFacts>) -> Finding {
    let Some(facts) = facts else {
        return Finding::skipped("this is about a keep, and here is none");
    };
    match is {
        KeepIs::NoOtherRun => match &facts.running {
            None => Finding::ok("nothing runs"),
            Some(run) => Finding::fail(run),
        },
        KeepIs::NoInterruptedRun => none_of(&facts.interrupted, "every run came to its end"),
        KeepIs::NoLeftoverMounts => none_at(&facts.mounts, "nothing mounted that no step needs"),
        KeepIs::NoLeftoverCgroups => none_at(&facts.cgroups, "none"),
        KeepIs::NoSecrets => none_of(&facts.secrets, "none found"),
        KeepIs::Room => room(&facts.needs),
    }
}

fn none_of(found: &[String], good: &str) -> Finding {
    let more = match found.len().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match found.first() {
        None => Finding::ok(good),
        Some(first) => {
            let few: Vec<&str> = found.iter().take(3).map(String::as_str).collect();
            Finding::fail(format!("{}{more}", few.join(", "))).subject(first)
        }
    }
}

fn none_at(found: &[PathBuf], good: &str) -> Finding {
    match found.first() {
        None => Finding::ok(good),
        Some(first) => Finding::fail(tree::named(found)).subject(first.display().to_string()),
    }
}

/// The step that needs most, on each file system: what others leave there comes on top.
fn room(needs: &[Need]) -> Finding {
    let mut largest: BTreeMap<u64, &Need> = BTreeMap::new();
    for need in needs {
        let Ok(meta) = existing(&need.place).metadata() else {
            return Finding::unknown(format!("{} cannot be looked at", need.place.display()));
        };
        let known = largest.entry(meta.dev()).or_insert(need);
        if known.bytes < need.bytes {
            *known = need;
        }
    }
    let mut enough = Vec::new();
    for need in largest.values() {
        let Some((bytes, files)) = on_disk(&need.place) else {
            return Finding::unknown(format!("{} does not tell", need.place.display()));
        };
        let (step, place) = (&need.step, existing(&need.place));
        if let Some(wrong) = lacking(need, (bytes, files), &place) {
            return wrong;
        }
        let (free, needed) = (size(bytes), size(need.bytes));
        enough.push(format!(
            "{free} in {}, {step} takes {needed}",
            place.display()
        ));
    }
    if enough.is_empty() {
        return Finding::skipped("it is not known what the steps that are left need");
    }
    Finding::ok(enough.join("; "))
}

fn lacking(need: &Need, (bytes, files): (u64, u64), place: &Path) -> Option<Finding> {
    let (step, place) = (&need.step, place.display().to_string());
    if bytes < need.bytes {
        let (free, needed) = (size(bytes), size(need.bytes));
        let found = format!("{free} free in {place}, and {step} takes {needed}");
        return Some(Finding::fail(found).subject(place));
    }
    let wanted = need.bytes / BYTES_PER_FILE;
    (files < wanted).then(|| {
        let found =
            format!("room for {files} more files in {place}, and {step} makes some {wanted}");
        Finding::fail(found).subject(place)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::*;

    fn need(bytes: u64) -> Need {
        Need {
            step: "gcc".into(),
            place: "/".into(),
            bytes,
        }
    }

    #[test]
    fn bytes_and_files_must_be_enough() {
        let lacks = |free, files| {
            let wrong = lacking(&need(6_300_000_000), (free, files), Path::new("/mnt"));
            wrong.and_then(|finding| finding.found).unwrap_or_default()
        };
        assert_eq!(lacks(7_000_000_000, 200_000), "");
        assert_eq!(
            lacks(5_000_000_000, 200_000),
            "5 GB free in /mnt, and gcc takes 6.3 GB"
        );
        assert_eq!(
            lacks(7_000_000_000, 100),
            "room for 100 more files in /mnt, and gcc makes some 192260"
        );
        assert_eq!(room(&[need(1)]).status, Status::Ok);
        assert_eq!(room(&[need(1), need(u64::MAX)]).status, Status::Fail);
        assert_eq!(room(&[]).status, Status::Skipped);
    }

    #[test]
    fn without_a_keep_nothing_is_wrong() {
        assert_eq!(look(KeepIs::NoSecrets, None).status, Status::Skipped);
        let facts = KeepFacts {
            secrets: ["a:1", "b:2", "c:3", "d:4"].map(str::to_owned).into(),
            ..KeepFacts::default()
        };
        let found = look(KeepIs::NoSecrets, Some(&facts));
        assert_eq!(found.found.unwrap(), "a:1, b:2, c:3 and 1 more");
    }
}
