//! Commits as we read them.
use chrono::{DateTime, FixedOffset, TimeZone as _, Utc};
use gix::ObjectId;

use super::error::During as _;
use super::patience::patiently;
use super::{Error, Message, Repo};
use crate::world::Person;

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who.
    pub person: Person,
    /// When.
    pub time: DateTime<FixedOffset>,
}

impl Signature {
    /// A signature in UTC.
    pub fn new(person: &Person, time: DateTime<Utc>) -> Self {
        Self {
            person: person.clone(),
            time: time.fixed_offset(),
        }
    }

    pub(super) fn to_gix(&self) -> gix::actor::Signature {
        gix::actor::Signature {
            name: self.person.name.as_str().into(),
            email: self.person.email.as_str().into(),
            time: gix::date::Time {
                seconds: self.time.timestamp(),
                offset: self.time.offset().local_minus_utc(),
            },
        }
    }
}

/// One recorded state.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its name.
    pub id: ObjectId,
    /// What it holds.
    pub tree_id: ObjectId,
    /// What it came from.
    pub parents: Vec<ObjectId>,
    /// Who made it, and when.
    pub author: Signature,
    /// When it became part of a history: later, if it was moved by a rebase.
    pub committed: DateTime<FixedOffset>,
    /// What it says.
    pub message: Message,
}

impl Commit {
    /// The first ten characters of its name.
    pub fn short_id(&self) -> String {
        self.id.to_hex_with_len(10).to_string()
    }
}

impl Repo {
    /// Reads a commit.
    pub fn commit(&self, commit_id: ObjectId) -> Result<Commit, Error> {
        let commit = patiently(|| self.gix().find_commit(commit_id)).during("read a commit")?;
        let decoded = commit.decode().during("read a commit")?;
        let author = decoded.author().during("read the author of a commit")?;
        let committer = decoded
            .committer()
            .during("read the committer of a commit")?;
        let message = Message::parse(&String::from_utf8_lossy(decoded.message));
        refuse_newer(&message, commit_id)?;
        Ok(Commit {
            id: commit_id,
            tree_id: decoded.tree(),
            parents: if self.is_cut_off_at(commit_id)? {
                Vec::new()
            } else {
                decoded.parents().collect()
            },
            author: read_signature(author),
            committed: read_signature(committer).time,
            message,
        })
    }

    /// Whether a shallow clone lacks what came before a commit: as Git does, we read it as a first
    /// one.
    pub fn is_cut_off_at(&self, commit_id: ObjectId) -> Result<bool, Error> {
        let shallow = self.gix().shallow_commits();
        let shallow = shallow.during("read where the history is cut off")?;
        Ok(shallow.is_some_and(|shallow| shallow.contains(&commit_id)))
    }

    /// Whether the history is that of a shallow clone.
    pub fn is_shallow(&self) -> Result<bool, Error> {
        self.gix()
            .is_shallow()
            .during("read where the history is cut off")
    }

    /// Walks the commits reachable from `tips` and not from `hidden`, newest first.
    pub fn history(
        &self,
        tips: &[ObjectId],
        hidden: Option<ObjectId>,
    ) -> Result<impl Iterator<Item = Result<Commit, Error>> + '_, Error> {
        use gix::revision::walk::Sorting;
        let walk = self
            .gix()
            .rev_walk(tips.iter().copied())
            .with_hidden(hidden)
            .sorting(Sorting::ByCommitTime(
                gix::traverse::commit::simple::CommitTimeOrder::NewestFirst,
            ))
            .all()
            .during("walk the history")?;
        Ok(walk.map(|info| self.commit(info.during("walk the history")?.id)))
    }

    /// Walks first parents from `tip`: the line of one branch.
    pub fn first_parents(&self, tip: ObjectId) -> impl Iterator<Item = Result<Commit, Error>> + '_ {
        let mut next = Some(tip);
        std::iter::from_fn(move || {
            let commit = self.commit(next.take()?);
            next = commit
                .as_ref()
                .ok()
                .and_then(|commit| commit.parents.first().copied());
            Some(commit)
        })
    }
}

/// Readers ignore unknown keys and refuse an unknown format.
fn refuse_newer(message: &Message, commit_id: ObjectId) -> Result<(), Error> {
    match message.trailers.get("Format") {
        Some(found)
            if found
                .parse::<u32>()
                .is_ok_and(|format| format > super::FORMAT) =>
        {
            Err(Error::NewerFormat {
                commit: commit_id.to_string(),
                found: found.to_owned(),
            })
        }
        _ => Ok(()),
    }
}

fn read_signature(signature: gix::actor::SignatureRef<'_>) -> Signature {
    let time = signature.time().unwrap_or_default();
    let offset = FixedOffset::east_opt(time.offset).unwrap_or(Utc.fix_offset());
    let shown = offset.timestamp_opt(time.seconds, 0).single();
    Signature {
        person: Person {
            name: signature.name.to_string(),
            email: signature.email.to_string(),
        },
        time: shown.unwrap_or_else(|| DateTime::UNIX_EPOCH.fixed_offset()),
    }
}

/// The offset of UTC as a value.
trait FixOffset {
    fn fix_offset(&self) -> FixedOffset;
}

impl FixOffset for Utc {
    fn fix_offset(&self) -> FixedOffset {
        use chrono::Offset as _;
        self.fix()
    }
}
