//! Versions: the commits of a branch that changed configuration, numbered from 1.
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::edit::bad_schema;
use super::{Error, Files, Role, Sources};
use crate::store::{Change, Commit, ObjectId, Repo};

/// What in a commit makes it a version, if it differs from the commit before.
const CONFIGURATION: &[&str] = &["config", "buildkeep.toml"];

/// The versions of a branch, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The commit at the end of the branch.
    pub tip: Option<ObjectId>,
    /// The versions.
    pub ids: Vec<ObjectId>,
    /// Where a shallow clone has cut off those before the first one.
    pub cut: Option<Cut>,
}

/// The beginning of a history that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The oldest commit that is there: perhaps no version, but with the configuration of one.
    pub at: ObjectId,
    /// How many versions came before the first one that is there, if a commit of ours says so.
    pub before: Option<u64>,
}

impl Index {
    /// Reads the branch that ends in `tip`, back to the end of a `known` index if that is on it;
    /// and tells how many commits it had to look at.
    pub fn read(
        repo: &Repo,
        tip: Option<ObjectId>,
        known: Option<Self>,
    ) -> Result<(Self, usize), Error> {
        let Some(tip) = tip else {
            return Ok((Self::default(), 0));
        };
        let mut walked = 0;
        let known = known.filter(|known| known.tip.is_some());
        let end = known.as_ref().and_then(|known| known.tip);
        let (mut found, mut met, mut cut) = (Vec::new(), false, None);
        let mut after: Option<(Version, Marks)> = None;
        for commit in repo.first_parents(tip) {
            let commit = commit?;
            walked += 1;
            let marks = marks(repo, &commit)?;
            if let Some((newer, newer_marks)) = after.take()
                && newer_marks != marks
            {
                found.push(newer);
            }
            met = Some(commit.id) == end;
            if met {
                break;
            }
            if repo.is_cut_off_at(commit.id)? {
                cut = Some(commit.id);
            }
            after = Some((Version::of(&commit), marks));
        }
        let first = after.filter(|(_, marks)| !met && marks.iter().any(Option::is_some));
        found.extend(first.map(|(version, _)| version));
        found.reverse();
        let cut = cut.map(|at| Cut {
            at,
            before: before(&found),
        });
        let mut ids = known
            .filter(|_| met)
            .map_or_else(Vec::new, |known| known.ids);
        ids.extend(found.iter().map(|version| version.id));
        let tip = Some(tip);
        Ok((Self { tip, ids, cut }, walked))
    }

    /// The number of the newest version; 0 without any, nothing if it cannot be told.
    pub fn newest(&self) -> Option<u64> {
        Some(self.before()? + self.ids.len() as u64)
    }

    /// The number of the version at a place in `ids`, if it can be told.
    pub fn number_at(&self, at: usize) -> Option<u64> {
        Some(self.before()? + at as u64 + 1)
    }

    /// How many versions came before the first one here.
    fn before(&self) -> Option<u64> {
        self.cut.map_or(Some(0), |cut| cut.before)
    }

    /// The number of a commit, if it is a version.
    pub fn number_of(&self, commit_id: ObjectId) -> Option<u64> {
        let at = self.ids.iter().rposition(|id| *id == commit_id)?;
        self.number_at(at)
    }

    /// The commit of a version.
    pub fn commit(&self, number: u64) -> Result<ObjectId, Error> {
        let (Some(first), Some(newest)) = (self.number_at(0), self.newest()) else {
            return Err(Error::CutOff {
                asked: number,
                first: None,
            });
        };
        let at = number.checked_sub(first);
        let at = at.and_then(|at| usize::try_from(at).ok());
        let found = at.and_then(|at| self.ids.get(at)).copied();
        found.ok_or(if self.cut.is_some() && number < first {
            Error::CutOff {
                asked: number,
                first: Some(first),
            }
        } else {
            Error::NoVersion {
                asked: number,
                newest,
            }
        })
    }
}

/// A version on the way, with the number that its commit says it has.
struct Version {
    id: ObjectId,
    number: Option<u64>,
}

impl Version {
    fn of(commit: &Commit) -> Self {
        let number = commit.message.trailers.get("Version");
        Self {
            id: commit.id,
            number: number.and_then(|number| number.parse().ok()),
        }
    }
}

/// How many versions came before these, as the newest one says that knows its number.
fn before(versions: &[Version]) -> Option<u64> {
    let mut numbered = versions.iter().enumerate().rev();
    numbered.find_map(|(at, version)| version.number?.checked_sub(at as u64 + 1))
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
///
/// `index` is asked only where numbers matter.
pub fn resolve(
    repo: &Repo,
    spec: &str,
    index: impl Fn() -> Result<Index, Error>,
) -> Result<ObjectId, Error> {
    let tip = repo.head()?;
    if let Some(asked) = spec
        .strip_prefix('v')
        .and_then(|number| number.parse().ok())
    {
        let found = index()?.commit(asked);
        return found.or_else(|error| repo.resolve(spec).map_err(|_| error));
    }
    if spec == "last-good" {
        return last_good(repo, tip, index);
    }
    match date(spec) {
        Some(until) => newest_until(repo, tip, until)?.ok_or_else(|| Error::NothingThatOld {
            date: spec.to_owned(),
        }),
        None => Ok(repo.resolve(spec)?),
    }
}

type Marks = Vec<Option<ObjectId>>;

fn marks(repo: &Repo, commit: &Commit) -> Result<Marks, Error> {
    Ok(repo.entries_of(commit.tree_id, CONFIGURATION)?)
}

/// The newest commit marked `good/…`; without any, the newest valid one before the last.
fn last_good(
    repo: &Repo,
    tip: Option<ObjectId>,
    index: impl Fn() -> Result<Index, Error>,
) -> Result<ObjectId, Error> {
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
    for version in index()?.ids.iter().rev().skip(1) {
        let files = Files::of_commit(repo, *version)?;
        let sources = Sources::read(&files).map_err(bad_schema)?;
        if sources.problems().is_empty() {
            return Ok(*version);
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
