//! Commits that went past validation: made by `git commit --no-verify`, `git revert`, plumbing.
//!
//! Only what a commit itself brought in counts against it, not what it found there. A branch is
//! followed along its first parents; what came in by a merge is led back to where it began.
mod unpushed;

use std::collections::BTreeSet;

use serde::Serialize;

use super::Error;
use super::judge::{Judge, Verdict};
use crate::document::{Document, Problem};
use crate::store::{Line, Link, ObjectId};

pub use unpushed::unpushed;

/// A commit that brought in what is not valid.
#[derive(Clone, Debug, Serialize)]
pub struct Bypassed {
    /// The commit.
    pub commit: String,
    /// What it says of itself.
    pub subject: String,
    /// Whether a later commit put all of it right.
    pub mended: bool,
    /// What it brought in.
    pub errors: Vec<Problem>,
}

/// What was found on a line of commits.
#[derive(Debug, Default)]
pub struct Found {
    /// What is wrong at its tip.
    pub tip: Vec<Problem>,
    /// The commits that brought something in, the newest first.
    pub bypassed: Vec<Bypassed>,
}

/// Whose commits are looked at, besides those that brought in what is wrong at the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Those that do not say that buildkeep made them, which judged them already; and of these
    /// no more than can be judged while somebody waits.
    Others,
}

impl Whose {
    fn most(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Others => 500,
        }
    }
}

/// Looks at the commits from `tip` back to what is reachable from `known`.
pub fn look(
    judge: &mut Judge<'_>,
    tip: ObjectId,
    known: &[ObjectId],
    whose: Whose,
) -> Result<Found, Error> {
    let line = judge.objects().line(tip, known, None)?;
    let bringers = bringers(judge, &line, whose)?;
    let found = found(judge, tip, bringers)?;
    judge.remember();
    Ok(found)
}

/// The commit that began what is wrong at a tip.
pub fn culprit(judge: &mut Judge<'_>, tip: ObjectId) -> Result<Option<Link>, Error> {
    let Some(link) = judge.objects().link(tip)? else {
        return Ok(None);
    };
    let verdict = judge.verdict(link.tree_id)?;
    match verdict.first() {
        Some(first) => origin(judge, link, std::slice::from_ref(first)).map(Some),
        None => Ok(None),
    }
}

/// Whether `[hooks] every_commit` asks that no commit be invalid, mended or not.
pub fn is_strict(judge: &Judge<'_>, tip: ObjectId) -> Result<bool, Error> {
    let Some(link) = judge.objects().link(tip)? else {
        return Ok(false);
    };
    let files = judge.objects().files_in(link.tree_id, &[""])?;
    let Some(file) = files.iter().find(|file| file.path == "buildkeep.toml") else {
        return Ok(false);
    };
    let text = judge.objects().blob(file.blob_id)?;
    let settings = Document::parse_bytes("buildkeep.toml", &text).ok();
    let settings = settings.map(|settings| settings.to_json());
    let asked = settings
        .as_ref()
        .and_then(|json| json.pointer("/hooks/every_commit"));
    Ok(asked.and_then(serde_json::Value::as_bool) == Some(true))
}

/// The commits of a line that brought something in, the newest first.
fn bringers(judge: &mut Judge<'_>, line: &Line, whose: Whose) -> Result<Vec<Link>, Error> {
    let mut bringers = culprits(judge, line)?;
    let mut left = whose.most();
    for (at, link) in line.commits.iter().enumerate() {
        let is_known = bringers.iter().any(|known| known.id == link.id);
        if is_known || whose == Whose::Others && link.is_ours {
            continue;
        }
        let parent = line.commits.get(at + 1).or(line.base.as_ref());
        if is_unchanged(judge, parent, link)? {
            continue;
        }
        left -= 1;
        if left == 0 {
            break;
        }
        let before = before(judge, parent)?;
        if !since(&before, &judge.verdict(link.tree_id)?).is_empty() {
            bringers.push(link.clone());
        }
    }
    let place = |link: &Link| line.commits.iter().position(|other| other.id == link.id);
    bringers.sort_by_key(place);
    Ok(bringers)
}

/// The commits of a line that brought in what is wrong at its tip, whoever made them.
fn culprits(judge: &mut Judge<'_>, line: &Line) -> Result<Vec<Link>, Error> {
    let Some(tip) = line.commits.first() else {
        return Ok(Vec::new());
    };
    let mut culprits: Vec<Link> = Vec::new();
    for problem in judge.verdict(tip.tree_id)?.iter() {
        let mut links = line.commits.iter().chain(&line.base).peekable();
        while let Some(link) = links.next() {
            let is_older = match links.peek() {
                Some(parent) => contains(&judge.verdict(parent.tree_id)?, problem),
                None => line.base.is_some(),
            };
            if !is_older {
                if !culprits.iter().any(|known| known.id == link.id) {
                    culprits.push(link.clone());
                }
                break;
            }
        }
    }
    Ok(culprits)
}

fn is_unchanged(judge: &Judge<'_>, before: Option<&Link>, after: &Link) -> Result<bool, Error> {
    match before {
        Some(before) => Ok(judge.mark(before.tree_id)? == judge.mark(after.tree_id)?),
        None => Ok(false),
    }
}

fn before(judge: &mut Judge<'_>, parent: Option<&Link>) -> Result<Verdict, Error> {
    match parent {
        Some(parent) => judge.verdict(parent.tree_id),
        None => Ok(Verdict::default()),
    }
}

/// What each of them brought in, and whether it is at the tip still.
fn found(judge: &mut Judge<'_>, tip: ObjectId, bringers: Vec<Link>) -> Result<Found, Error> {
    let tip = match judge.objects().link(tip)? {
        Some(link) => judge.verdict(link.tree_id)?,
        None => Verdict::default(),
    };
    let mut bypassed = Vec::new();
    for link in bringers {
        let first = link.parents.first().map(|id| judge.objects().link(*id));
        let before = before(judge, first.transpose()?.flatten().as_ref())?;
        let new = since(&before, &judge.verdict(link.tree_id)?);
        let origin = origin(judge, link, &new)?;
        bypassed.push(Bypassed {
            commit: origin.id.to_string(),
            subject: origin.subject,
            mended: !new.iter().any(|problem| contains(&tip, problem)),
            errors: new,
        });
    }
    let tip = tip.to_vec();
    Ok(Found { tip, bypassed })
}

/// The commit that began what a merge, or the tip, has.
fn origin(judge: &mut Judge<'_>, from: Link, wrong: &[Problem]) -> Result<Link, Error> {
    let mut at = from;
    let mut seen = BTreeSet::new();
    while seen.insert(at.id) {
        let mut older = None;
        for parent in &at.parents {
            let Some(parent) = judge.objects().link(*parent)? else {
                continue;
            };
            let verdict = judge.verdict(parent.tree_id)?;
            if wrong.iter().any(|problem| contains(&verdict, problem)) {
                older = Some(parent);
                break;
            }
        }
        match older {
            Some(older) => at = older,
            None => break,
        }
    }
    Ok(at)
}

fn since(before: &Verdict, after: &Verdict) -> Vec<Problem> {
    let new = after.iter().filter(|problem| !contains(before, problem));
    new.cloned().collect()
}

/// Whether the same is wrong there, perhaps on another line.
fn contains(verdict: &[Problem], problem: &Problem) -> bool {
    let same = |other: &Problem| {
        (&other.file, other.code, &other.path, &other.message)
            == (&problem.file, problem.code, &problem.path, &problem.message)
    };
    verdict.iter().any(same)
}
