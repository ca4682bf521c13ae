//! What an archive says of the snapshot that it was.
//!
//! The comment of the archive is a line of ours, the time, and the message of the snapshot's commit.
use chrono::{DateTime, FixedOffset, Utc};

use crate::store::{Message, Trailers};
use crate::vault::{Error, Snapshot, Vault};

const HEADING: &str = "buildkeep snapshot";
/// The longest comment that is read.
const LONGEST: usize = 1 << 20;
/// What of a snapshot's facts an import keeps: the others are found anew.
const KEPT: [&str; 7] = [
    "Run", "Step", "Attempt", "With", "Reason", "Back-To", "Exclude",
];

/// The snapshot that an archive was written from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) set: String,
    pub(super) time: DateTime<Utc>,
    /// What else is known of it.
    pub(super) facts: Vec<(String, String)>,
}

/// The comment of a snapshot.
pub(super) fn print(vault: &Vault, snapshot: &Snapshot) -> Result<String, Error> {
    let message = vault.repo().commit(snapshot.commit_id)?.message;
    Ok(format!(
        "{HEADING}\n{}\n{message}",
        snapshot.time.to_rfc3339()
    ))
}

/// The origin that a comment tells of, if it is one of ours.
pub(super) fn parse(comment: &[u8]) -> Option<Origin> {
    let text = std::str::from_utf8(comment).ok()?;
    if text.len() > LONGEST {
        return None;
    }
    let rest = text.strip_prefix(HEADING)?.strip_prefix('\n')?;
    let (time, message) = rest.split_once('\n')?;
    let time: DateTime<FixedOffset> = DateTime::parse_from_rfc3339(time).ok()?;
    let facts = Message::parse(message).trailers;
    let part = |key| facts.get(key).filter(|text| is_part(text));
    facts.get("Snapshot").filter(|tag| is_tag(tag))?;
    Some(Origin {
        host: part("Host")?.to_owned(),
        set: part("Set")?.to_owned(),
        time: time.to_utc(),
        facts: kept(&facts),
    })
}

/// What tells the number of a file with several names.
pub(super) fn print_link((file_system, inode): (u64, u64)) -> String {
    format!("hard link {file_system} {inode}")
}

/// What [`print_link`] printed.
pub(super) fn parse_link(comment: &[u8]) -> Option<(u64, u64)> {
    let text = std::str::from_utf8(comment).ok()?;
    let (file_system, inode) = text.strip_prefix("hard link ")?.split_once(' ')?;
    Some((file_system.parse().ok()?, inode.parse().ok()?))
}

fn kept(facts: &Trailers) -> Vec<(String, String)> {
    let kept = facts.iter().filter(|(key, _)| KEPT.contains(key));
    kept.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Whether a text can be a part of a tag's name.
pub(super) fn is_part(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty()
        && text.len() <= 200
        && text.chars().all(allowed)
        && !text.starts_with(['.', '-'])
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.as_bytes().ends_with(b".lock")
}

/// Whether a text is the name of a snapshot: `HOST/SET/TIME`.
pub(super) fn is_tag(text: &str) -> bool {
    text.split('/').count() == 3 && text.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "backup: lfs, 3 files\n\nBuildkeep-Format: 1\nBuildkeep-Kind: backup\n\
        Buildkeep-Host: box\nBuildkeep-Snapshot: box/lfs/20260102T030405Z\nBuildkeep-Set: lfs\n\
        Buildkeep-Step: gcc\nBuildkeep-Files: 3\n";

    #[test]
    fn a_comment_of_ours_is_understood_and_others_are_not() {
        let text = format!("{HEADING}\n2026-01-02T03:04:05+00:00\n{MESSAGE}");
        let origin = parse(text.as_bytes()).unwrap();
        assert_eq!((&*origin.host, &*origin.set), ("box", "lfs"));
        assert_eq!(origin.facts, [("Step".to_owned(), "gcc".to_owned())]);
        for bad in [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned(),
            text.replace("box/lfs", "../lfs"),
            text.replace("Set: lfs", "Set: a/b"),
            text.replace("2026-01-02T", "x"),
            text.replace("Z\n", ".lock\n"),
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
