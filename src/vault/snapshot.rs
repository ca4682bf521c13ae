//! Snapshots: how they are recorded, listed and found.
use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, FixedOffset};
use serde::Serialize;

use super::create::{Problem, Source};
use super::{Error, LeftOut, Vault};
use crate::document::nearest;
use crate::store::{Expect, Message, ObjectId, Signature, Trailers};
use crate::world::World;

/// What a snapshot is taken for.
#[derive(Clone, Debug)]
pub struct SnapshotInfo {
    /// The machine, by its host id.
    pub host: String,
    /// The id shared by all that one command records.
    pub op: String,
    /// The step after which it is taken: then it is a checkpoint.
    pub step: Option<Step>,
    /// Steps that ran at the same time and ended before it, and have no checkpoint of their own.
    pub with: Vec<Step>,
    /// Why buildkeep took it by itself; nothing if somebody asked for it.
    pub reason: Option<&'static str>,
    /// The snapshot to which the folder goes back when this one is taken.
    pub back_to: Option<String>,
}

/// Where a build was when a checkpoint was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The step.
    pub id: String,
    /// The run.
    pub run: String,
    /// The attempt.
    pub attempt: String,
}

/// What was found while it was taken.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) tree_id: ObjectId,
    pub(super) files: u64,
    pub(super) dirs: u64,
    pub(super) bytes: u64,
    pub(super) base: Option<String>,
    pub(super) missing: Missing,
}

/// What a snapshot lacks because it could not be read, or kept changing while it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many entries; none if the snapshot is whole.
    pub count: u64,
    /// Some of their paths, for people.
    pub paths: Vec<String>,
}

impl Missing {
    /// How many paths are kept.
    const NAMED: usize = 20;

    pub(super) fn of(problems: &[Problem]) -> Self {
        let lost = || problems.iter().filter(|problem| problem.is_loss());
        let named = lost().take(Self::NAMED);
        Self {
            count: lost().count() as u64,
            paths: named.map(|problem| problem.path.clone()).collect(),
        }
    }

    fn read(facts: &Trailers) -> Self {
        Self {
            count: facts
                .get("Partial")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0),
            paths: facts.all("Missing").map(str::to_owned).collect(),
        }
    }

    fn tell(&self, facts: &mut Trailers) {
        if self.count > 0 {
            facts.push("Partial", self.count);
        }
        for path in &self.paths {
            let path = if path.is_empty() { "." } else { path };
            facts.push_whole("Missing", path.replace(char::is_control, "?"));
        }
    }
}

/// A snapshot in a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its tag: `HOST/SET/TIME`.
    pub tag: String,
    /// Whether that is the tag it was given when it was taken.
    pub(super) is_own: bool,
    /// Its commit.
    pub commit_id: ObjectId,
    /// Its top folder.
    pub tree_id: ObjectId,
    /// The machine it was taken on.
    pub host: String,
    /// What it is filed under.
    pub set: String,
    /// When it was taken.
    pub time: DateTime<FixedOffset>,
    /// The step it was taken after, for a checkpoint.
    pub step: Option<Step>,
    /// Steps that ran at the same time, whose only checkpoint this is, too.
    pub with: Vec<Step>,
    /// Why it was taken, if nobody asked for it: it may hold parts of the folder only.
    pub reason: Option<String>,
    /// The snapshot to which the folder went back after this one was taken.
    pub back_to: Option<String>,
    /// What was left out on purpose.
    pub left_out: LeftOut,
    /// What could not be read when it was taken.
    pub missing: Missing,
    /// Files, links and devices in it.
    pub files: u64,
    /// Folders in it.
    pub dirs: u64,
    /// The size of its files.
    pub bytes: u64,
}

impl Snapshot {
    /// What snapshots are ordered by: time, then tag, where `-10` comes after `-9`.
    fn age(&self) -> (DateTime<FixedOffset>, &str, u32) {
        let numbered = self.tag.rsplit_once('-');
        let number = numbered.and_then(|(tag, number)| Some((tag, number.parse().ok()?)));
        let (tag, number) = number.unwrap_or((&self.tag, 1));
        (self.time, tag, number)
    }

    /// Whether it was taken after this step.
    pub fn is_after(&self, step: &str) -> bool {
        self.steps().any(|taken| taken.id == step)
    }

    /// The steps that it is the checkpoint of, the last one at the end.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.with.iter().chain(&self.step)
    }
}

impl Vault {
    /// Writes commit and tag of a snapshot whose objects are durable.
    pub(super) fn record(
        &self,
        (source, info): (&Source, &SnapshotInfo),
        facts: &Facts,
        world: &World,
    ) -> Result<Snapshot, Error> {
        let now = world.clock.now();
        let set = ref_part(&source.set);
        let tag = self.free_tag(&format!(
            "{}/{set}/{}",
            ref_part(&info.host),
            now.format("%Y%m%dT%H%M%SZ")
        ))?;
        let signature = Signature::new(&world.person, now);
        let mut message = message(&tag, &set, info, facts);
        source.left_out.tell(&mut message.trailers);
        facts.missing.tell(&mut message.trailers);
        let mut change = self.repo().begin();
        let commit_id = change.commit(facts.tree_id, &[], &message, &signature)?;
        let tag_id = change.tag(&tag, commit_id, &message, &signature)?;
        let name = format!("refs/tags/{tag}");
        change.set_ref(&name, Expect::Absent, tag_id, &message.subject)?;
        change.finish()?;
        self.snapshot(tag, commit_id)
    }

    /// A tag like `tag` that does not exist, and that no killed writer was about to make: its lock
    /// would stay in the way.
    pub(super) fn free_tag(&self, tag: &str) -> Result<String, Error> {
        let mut free = tag.to_owned();
        let mut number = 1;
        let is_locked = |tag: &str| self.path().join(format!("refs/tags/{tag}.lock")).exists();
        while is_locked(&free)
            || self
                .repo()
                .find_ref(&format!("refs/tags/{free}"))?
                .is_some()
        {
            number += 1;
            free = format!("{tag}-{number}");
        }
        Ok(free)
    }

    /// The commit that a snapshot's tag names, if it exists.
    pub(super) fn commit_of(&self, tag: &str) -> Option<ObjectId> {
        let target = self.repo().find_ref(&format!("refs/tags/{tag}")).ok()??;
        self.repo().peel(target).ok()
    }

    /// All snapshots, oldest first.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        let mut snapshots = Vec::new();
        for (tag, target) in self.tags()? {
            match self.read(tag, target) {
                Ok(snapshot) => snapshots.push(snapshot),
                // A tag that somebody made by hand.
                Err(Error::NotASnapshot { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let own: HashSet<_> = snapshots
            .iter()
            .filter(|s| s.is_own)
            .map(|s| s.commit_id)
            .collect();
        // Another tag for the same snapshot, which somebody made.
        snapshots.retain(|snapshot| snapshot.is_own || !own.contains(&snapshot.commit_id));
        snapshots.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok(snapshots)
    }

    /// All tags, with what they name.
    pub(super) fn tags(&self) -> Result<Vec<(String, ObjectId)>, Error> {
        let tags = self.repo().refs("refs/tags/")?;
        let short = |name: String| name.trim_start_matches("refs/tags/").to_owned();
        Ok(tags
            .into_iter()
            .map(|(name, id)| (short(name), id))
            .collect())
    }

    /// The snapshot that a tag names.
    pub(super) fn read(&self, tag: String, target: ObjectId) -> Result<Snapshot, Error> {
        let commit_id = self.repo().peel(target)?;
        self.snapshot(tag, commit_id)
    }

    fn snapshot(&self, tag: String, commit_id: ObjectId) -> Result<Snapshot, Error> {
        let commit = self.repo().commit(commit_id)?;
        let facts = &commit.message.trailers;
        let number = |key| {
            facts
                .get(key)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let text = |key| facts.get(key).map(str::to_owned);
        let Some(named) = text("Snapshot") else {
            return Err(Error::NotASnapshot { tag });
        };
        Ok(Snapshot {
            is_own: named == tag,
            commit_id,
            tree_id: commit.tree_id,
            host: text("Host").unwrap_or_default(),
            set: text("Set").unwrap_or_default(),
            time: commit.author.time,
            step: text("Step").map(|id| Step {
                id,
                run: text("Run").unwrap_or_default(),
                attempt: text("Attempt").unwrap_or_default(),
            }),
            with: facts
                .all("With")
                .filter_map(|text| with(text, facts))
                .collect(),
            reason: text("Reason"),
            back_to: text("Back-To"),
            left_out: LeftOut::of(facts),
            missing: Missing::read(facts),
            files: number("Files"),
            dirs: number("Dirs"),
            bytes: number("Bytes"),
            tag,
        })
    }

    /// The one snapshot that `spec` means: `latest`, `latest:SET`, a tag or its last parts or the
    /// beginning of one, a commit, or the step of a checkpoint, the newest of which is meant.
    pub fn find(&self, spec: &str) -> Result<Snapshot, Error> {
        let mut snapshots = self.snapshots()?;
        // A tag that somebody made names what it names.
        if let Some(commit_id) = self.commit_of(spec)
            && let Some(at) = snapshots.iter().position(|s| s.commit_id == commit_id)
        {
            return Ok(snapshots.swap_remove(at));
        }
        let newest = |wanted: &dyn Fn(&Snapshot) -> bool| snapshots.iter().rposition(wanted);
        let found = match spec.strip_prefix("latest") {
            Some("") => newest(&|s| s.reason.is_none()),
            Some(rest) if rest.starts_with(':') => {
                newest(&|s| s.reason.is_none() && s.set == rest[1..])
            }
            _ => newest(&|s| s.tag == spec)
                .or_else(|| one_step(&snapshots, spec).and_then(|id| newest(&|s| s.is_after(&id)))),
        };
        if let Some(at) = found {
            return Ok(snapshots.swap_remove(at));
        }
        let all = snapshots.clone();
        snapshots.retain(|snapshot| is_end(&snapshot.tag, spec));
        if snapshots.is_empty() {
            snapshots.clone_from(&all);
            snapshots.retain(|snapshot| is_meant(snapshot, spec));
        }
        match snapshots.len() {
            1 => Ok(snapshots.remove(0)),
            0 => Err(Error::UnknownSnapshot {
                spec: spec.to_owned(),
                vault: self.path().to_owned(),
                near: near(spec, &all),
            }),
            _ => Err(Error::AmbiguousSnapshot {
                spec: spec.to_owned(),
                tags: snapshots
                    .iter()
                    .map(|snapshot| shortest(&snapshot.tag, &all).to_owned())
                    .collect(),
            }),
        }
    }
}

/// The shortest that can be typed for the snapshot `tag`, one of `all`.
pub fn shortest<'t>(tag: &'t str, all: &[Snapshot]) -> &'t str {
    let ends = tag.rmatch_indices('/').map(|(at, _)| &tag[at + 1..]);
    let is_clear = |end: &&str| all.iter().filter(|other| is_end(&other.tag, end)).count() < 2;
    ends.into_iter().find(is_clear).unwrap_or(tag)
}

/// The newest checkpoint of the step that `name` is the id of, or the end of the id, by number;
/// `all` are snapshots, oldest first.
pub fn checkpoint(all: &[Snapshot], name: &str) -> Option<usize> {
    let id = one_step(all, name)?;
    all.iter().rposition(|snapshot| snapshot.is_after(&id))
}

/// A step that has its checkpoint together with another, of the same run.
fn with(text: &str, facts: &Trailers) -> Option<Step> {
    let (attempt, id) = text.split_once(' ')?;
    Some(Step {
        id: id.to_owned(),
        run: facts.get("Run").unwrap_or_default().to_owned(),
        attempt: attempt.to_owned(),
    })
}

/// The step that `spec` is the id of, or else the end of the id, if it is of one only.
fn one_step(all: &[Snapshot], spec: &str) -> Option<String> {
    let ids = all
        .iter()
        .flat_map(Snapshot::steps)
        .map(|step| step.id.as_str());
    let meant: BTreeSet<_> = ids.filter(|id| is_end(id, spec)).collect();
    match meant.first() {
        _ if meant.contains(spec) => Some(spec.to_owned()),
        Some(only) if meant.len() == 1 => Some((*only).to_owned()),
        _ => None,
    }
}

/// What may have been meant by `spec`.
fn near(spec: &str, all: &[Snapshot]) -> Option<String> {
    let sets = all
        .iter()
        .map(|snapshot| format!("latest:{}", snapshot.set));
    let ids = all.iter().filter_map(|s| Some(s.step.as_ref()?.id.clone()));
    let ends = ids
        .clone()
        .filter_map(|id| Some(id.rsplit_once('/')?.1.to_owned()));
    let known: BTreeSet<String> = sets.chain(ids).chain(ends).collect();
    nearest(spec, known.iter().map(String::as_str)).map(str::to_owned)
}

/// Whether `spec` is the last parts of a tag.
fn is_end(tag: &str, spec: &str) -> bool {
    tag.strip_suffix(spec)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Whether a part of a snapshot's names begins with `spec`.
fn is_meant(snapshot: &Snapshot, spec: &str) -> bool {
    let is_id = spec.len() >= 4 && spec.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begins = |at: usize| snapshot.tag[at..].starts_with(spec);
    let parts = snapshot.tag.match_indices('/').map(|(at, _)| at + 1);
    !spec.is_empty()
        && (std::iter::once(0).chain(parts).any(begins)
            || snapshot
                .step
                .as_ref()
                .is_some_and(|step| is_end(&step.id, spec))
            || (is_id && snapshot.commit_id.to_string().starts_with(spec)))
}

fn message(tag: &str, set: &str, info: &SnapshotInfo, facts: &Facts) -> Message {
    let mut trailers = Trailers::new("backup", &info.op, &info.host)
        .with("Snapshot", tag)
        .with("Set", set);
    if let Some(base) = &facts.base {
        trailers.push("Base", base);
    }
    if let Some(step) = &info.step {
        trailers.push("Run", &step.run);
        trailers.push("Step", &step.id);
        trailers.push("Attempt", &step.attempt);
    }
    for step in &info.with {
        trailers.push("With", format!("{} {}", step.attempt, step.id));
    }
    trailers.push("Files", facts.files);
    trailers.push("Dirs", facts.dirs);
    trailers.push("Bytes", facts.bytes);
    if let Some(reason) = info.reason {
        trailers.push("Reason", reason);
    }
    if let Some(tag) = &info.back_to {
        trailers.push("Back-To", tag);
    }
    let what = match (&info.step, info.reason) {
        (Some(step), _) => format!("checkpoint: {set} after {}", step.id),
        (None, Some(reason)) => format!("backup: {set} {reason}"),
        (None, None) => format!("backup: {set}, {} files", facts.files),
    };
    Message::new(what, trailers)
}

/// A text as one part of a ref's name.
pub(super) fn ref_part(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let part: String = text
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    let part = part
        .trim_matches(|c| matches!(c, '.' | '-'))
        .replace("..", "-");
    match part.strip_suffix(".lock") {
        _ if part.is_empty() => "root".to_owned(),
        Some(rest) => format!("{rest}-lock"),
        None => part,
    }
}
