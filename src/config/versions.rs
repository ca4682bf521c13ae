//! Versions: the commits of a branch that changed configuration, numbered from 1.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::edit::bad_schema;
use super::{Error, Files, Role, Sources};
use crate::store::{Change, Commit, ObjectId, Repo};

/// What in a commit makes it a version, if it differs from the commit before.
const CONFIGURATION: &[&str] = &["config", "buildkeep.toml"];

/// A commit that changed configuration.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its number, from 1.
    pub number: u64,
    /// The commit.
    pub commit: Commit,
}

/// All versions of the branch that ends in `tip`, the oldest first.
pub fn all(repo: &Repo, tip: Option<ObjectId>) -> Result<Vec<Version>, Error> {
    let Some(tip) = tip else {
        return Ok(Vec::new());
    };
    let mut commits = Vec::new();
    let mut after: Option<(Commit, Marks)> = None;
    for commit in repo.first_parents(tip) {
        let commit = commit?;
        let marks = marks(repo, commit.id)?;
        if let Some((newer, newer_marks)) = after.take()
            && newer_marks != marks
        {
            commits.push(newer);
        }
        after = Some((commit, marks));
    }
    commits.extend(
        after
            .filter(|(_, marks)| marks.iter().any(Option::is_some))
            .map(|(first, _)| first),
    );
    let oldest_first = commits.into_iter().rev().zip(1..);
    Ok(oldest_first
        .map(|(commit, number)| Version { number, commit })
        .collect())
}

/// The numbers of all versions by commit.
pub fn numbers(repo: &Repo, tip: Option<ObjectId>) -> Result<BTreeMap<ObjectId, u64>, Error> {
    let versions = all(repo, tip)?.into_iter();
    Ok(versions
        .map(|version| (version.commit.id, version.number))
        .collect())
}

/// How many versions there are up to `tip`.
///
/// `known` is a commit whose count is known: if the walk meets it, it goes no further.
pub fn count(
    repo: &Repo,
    tip: Option<ObjectId>,
    known: Option<(ObjectId, u64)>,
) -> Result<u64, Error> {
    let Some(tip) = tip else { return Ok(0) };
    let (mut found, mut newer) = (0, None);
    for commit in repo.first_parents(tip) {
        let commit_id = commit?.id;
        let marks = marks(repo, commit_id)?;
        found += u64::from(
            newer
                .replace(marks.clone())
                .is_some_and(|newer| newer != marks),
        );
        if let Some((_, count)) = known.filter(|(id, _)| *id == commit_id) {
            return Ok(found + count);
        }
    }
    let first = newer.is_some_and(|marks| marks.iter().any(Option::is_some));
    Ok(found + u64::from(first))
}

/// Whether a commit of these changes is a version.
pub fn is_version(changes: &[Change]) -> bool {
    let path = |change: &Change| Role::of(&change.path.to_string());
    changes
        .iter()
        .filter_map(path)
        .any(|role| role.is_configuration())
}

/// The commit that `spec` names: `v48`, `last-good`, a date, a tag, or any revision of Git.
pub fn resolve(repo: &Repo, spec: &str) -> Result<ObjectId, Error> {
    let tip = repo.head()?;
    if let Some(asked) = spec
        .strip_prefix('v')
        .and_then(|number| number.parse().ok())
    {
        return numbered(repo, tip, asked).or_else(|error| repo.resolve(spec).map_err(|_| error));
    }
    if spec == "last-good" {
        return last_good(repo, tip);
    }
    match date(spec) {
        Some(until) => newest_until(repo, tip, until)?.ok_or_else(|| Error::NothingThatOld {
            date: spec.to_owned(),
        }),
        None => Ok(repo.resolve(spec)?),
    }
}

type Marks = Vec<Option<ObjectId>>;

fn marks(repo: &Repo, commit_id: ObjectId) -> Result<Marks, Error> {
    let id = |path: &&str| repo.id_at(commit_id, path).map_err(Error::from);
    CONFIGURATION.iter().map(id).collect()
}

fn numbered(repo: &Repo, tip: Option<ObjectId>, asked: u64) -> Result<ObjectId, Error> {
    let versions = all(repo, tip)?;
    let newest = versions.len() as u64;
    let found = versions.into_iter().find(|version| version.number == asked);
    let id = found.map(|version| version.commit.id);
    id.ok_or(Error::NoVersion { asked, newest })
}

/// The newest commit marked `good/…`; without any, the newest valid one before the last.
fn last_good(repo: &Repo, tip: Option<ObjectId>) -> Result<ObjectId, Error> {
    let mut good = Vec::new();
    for (_, target) in repo.refs("refs/tags/good/")? {
        good.push(repo.peel(target)?);
    }
    let tip = tip.ok_or(Error::NoGoodVersion)?;
    if !good.is_empty() {
        for commit in repo.first_parents(tip) {
            let commit = commit?;
            if good.contains(&commit.id) {
                return Ok(commit.id);
            }
        }
    }
    for version in all(repo, Some(tip))?.iter().rev().skip(1) {
        let files = Files::of_commit(repo, version.commit.id)?;
        if Sources::read(&files)
            .map_err(bad_schema)?
            .problems()
            .is_empty()
        {
            return Ok(version.commit.id);
        }
    }
    Err(Error::NoGoodVersion)
}

fn newest_until(
    repo: &Repo,
    tip: Option<ObjectId>,
    until: DateTime<Utc>,
) -> Result<Option<ObjectId>, Error> {
    let Some(tip) = tip else { return Ok(None) };
    for commit in repo.first_parents(tip) {
        let commit = commit?;
        if commit.author.time <= until {
            return Ok(Some(commit.id));
        }
    }
    Ok(None)
}

/// A day means its end; times without a zone are UTC.
fn date(spec: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(spec) {
        return Some(time.to_utc());
    }
    let form = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let time = form
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(spec, form).ok());
    let day = || {
        NaiveDate::parse_from_str(spec, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(23, 59, 59)
    };
    time.or_else(day).map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_told_from_names() {
        let shown = |spec| date(spec).map(|time| time.to_rfc3339());
        assert_eq!(shown("2026-01-02").unwrap(), "2026-01-02T23:59:59+00:00");
        assert_eq!(
            shown("2026-01-02 10:30").unwrap(),
            "2026-01-02T10:30:00+00:00"
        );
        assert_eq!(
            shown("2026-01-02T10:30:00+02:00").unwrap(),
            "2026-01-02T08:30:00+00:00"
        );
        for name in ["v1", "main", "2026", "HEAD~1", "20260102"] {
            assert_eq!(date(name), None, "{name}");
        }
    }
}
