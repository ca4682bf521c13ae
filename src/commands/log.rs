//! `log`
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::when::{self, End};
use super::{Answer, Context, configuration, versions};
use crate::config::history::History;
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::report::log::Entry;
use crate::store::{Commit, Keep, ObjectId, Trailers};

/// Kinds of commits that the branch never has: they are of the state of a host.
const OF_STATE: &[&str] = &[
    "run",
    "alert",
    "maintenance",
    "backup",
    "restore",
    "check",
    "apply",
    "mark",
];

/// Clocks go wrong: only after so many commits in a row that are too old, no older one is wanted.
const SLOP: usize = 5;

/// Show the history: of the configuration, and of runs, backups and alerts
///
/// Without filters the branch is shown. --kind and --step look at what runs recorded too.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Begin with this version, tag or commit, or show a range: `v3..v5`
    revision: Option<String>,
    /// Only commits of these kinds (config, rollback, undo, run, backup, manual, …)
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Only commits that changed this key or table
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Only what happened to this step, or made it stale
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Only commits of people whose name or address has this in it
    #[arg(long, value_name = "TEXT")]
    author: Option<String>,
    /// Only commits since then: a day, a time, `2d`, `"3 hours ago"`
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only commits until then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Show the state history of this host: runs, backups, alerts
    #[arg(long, conflicts_with = "revision")]
    state: bool,
    /// Show at most this many commits
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    limit: usize,
    /// Only commits that changed these files or folders
    #[arg(last = true, value_name = "PATH")]
    paths: Vec<String>,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let tags = tags_by_commit(&keep)?;
    let index = versions::index(&keep)?;
    let asks_for_key = args.key.is_some();
    let sources = asks_for_key.then(|| configuration::effective_now(&keep));
    let sources = sources.transpose()?;
    let history = sources
        .as_ref()
        .map(|(sources, _)| History::new(keep.repo(), &index, &keep.host(), sources));
    let mut filter = Filter::new(cx, &keep, history, args)?;
    let (tips, hidden) = ends(&keep, args)?;
    let (mut shown, mut older, mut is_all) = (0, 0, false);
    let mut perhaps = 0;
    for commit in keep.repo().history(&tips, hidden)? {
        let commit = commit?;
        older = if filter.is_old(&commit) { older + 1 } else { 0 };
        if shown == args.limit || older > SLOP {
            break;
        }
        if filter.wants(&commit)? {
            cx.ui
                .stream(&Entry::new(&commit, index.number_of(commit.id), &tags))?;
            shown += 1;
            perhaps += u64::from(filter.is_of_step(&commit.message.trailers) == Some(false));
        }
        is_all |= index.cut.is_some_and(|cut| cut.at == commit.id);
    }
    if shown == 0 {
        cx.ui.status("no such commits");
    }
    if let (Some(step), 1..) = (&args.step, perhaps) {
        let commits = match perhaps {
            1 => "1 of these commits makes more steps stale than it names".to_owned(),
            more => format!("{more} of these commits make more steps stale than they name"),
        };
        cx.ui
            .warn(format!("{commits}; `{step}` may be one of them"));
    }
    if is_all {
        versions::tell_cut(cx, &index);
    }
    Ok(Answer::Yes)
}

/// Where to begin and what to leave out.
fn ends(keep: &Keep, args: &Args) -> Result<(Vec<ObjectId>, Option<ObjectId>), Failure> {
    let resolve = |spec: &str| match spec {
        "" => versions::resolve(keep, "HEAD"),
        spec => versions::resolve(keep, spec),
    };
    if let Some(revision) = &args.revision {
        return Ok(match revision.split_once("..") {
            Some((from, to)) => (vec![resolve(to)?], Some(resolve(from)?)),
            None => (vec![resolve(revision)?], None),
        });
    }
    let of_state = |kind: &String| OF_STATE.contains(&kind.as_str());
    let asks_for_state = args.state || args.step.is_some() || args.kind.iter().any(of_state);
    let only_state = args.state || !args.kind.is_empty() && args.kind.iter().all(of_state);
    let mut tips = Vec::new();
    if !only_state {
        tips.extend(keep.repo().head()?);
    }
    if asks_for_state {
        tips.extend(keep.state_tip()?);
    }
    Ok((tips, None))
}

/// Which commits are wanted.
struct Filter<'a> {
    args: &'a Args,
    keep: &'a Keep,
    history: Option<History<'a>>,
    key: Option<KeyPath>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    paths: Vec<PathBuf>,
}

impl<'a> Filter<'a> {
    fn new(
        cx: &Context,
        keep: &'a Keep,
        history: Option<History<'a>>,
        args: &'a Args,
    ) -> Result<Self, Failure> {
        let now = cx.world.clock.now();
        let time = |text: &Option<String>, end| {
            let text = text.as_deref();
            let read = text.map(|text| when::parse(text, now, end).ok_or_else(|| no_time(text)));
            read.transpose()
        };
        let inside = |path: &String| {
            let inside = cx.in_keep(keep, Path::new(path));
            inside.unwrap_or_else(|| PathBuf::from(path))
        };
        Ok(Self {
            key: args.key.as_deref().map(configuration::key).transpose()?,
            since: time(&args.since, End::Begin)?,
            until: time(&args.until, End::Last)?,
            paths: args.paths.iter().map(inside).collect(),
            history,
            keep,
            args,
        })
    }

    /// Whether it is older than what is wanted.
    fn is_old(&self, commit: &Commit) -> bool {
        self.since.is_some_and(|since| commit.committed < since)
    }

    fn wants(&mut self, commit: &Commit) -> Result<bool, Failure> {
        let facts = &commit.message.trailers;
        let kind = facts.get("Kind").unwrap_or("manual");
        let person = &commit.author.person;
        let said = format!("{} <{}>", person.name, person.email).to_lowercase();
        let is_author = |text: &String| said.contains(&text.to_lowercase());
        let cheap = !self.is_old(commit)
            && (self.args.kind.is_empty() || self.args.kind.iter().any(|one| one == kind))
            && self.until.is_none_or(|until| commit.committed <= until)
            && self.args.author.as_ref().is_none_or(is_author)
            && self.is_of_step(facts).is_some();
        if !cheap {
            return Ok(false);
        }
        if let (Some(key), Some(history)) = (&self.key, &mut self.history)
            && !history.touches(commit.id, key)?
        {
            return Ok(false);
        }
        Ok(self.paths.is_empty() || self.changes_path(commit)?)
    }

    /// Whether a commit tells of the step that is asked for: yes, or perhaps, since it makes more
    /// steps stale than it names.
    fn is_of_step(&self, facts: &Trailers) -> Option<bool> {
        let Some(step) = &self.args.step else {
            return Some(true);
        };
        let mut steps = facts.all("Step").chain(facts.all("Stale"));
        if steps.any(|one| is_tail(one, step)) {
            return Some(true);
        }
        facts.get("Stale-Count").map(|_| false)
    }

    fn changes_path(&self, commit: &Commit) -> Result<bool, Failure> {
        let repo = self.keep.repo();
        for path in &self.paths {
            let path = path.to_string_lossy();
            let path = path.trim_end_matches('/');
            let parent = commit.parents.first();
            let before = parent.map(|parent| repo.id_at(*parent, path)).transpose()?;
            if before.flatten() != repo.id_at(commit.id, path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A step is meant by its id or an end of it.
fn is_tail(step: &str, asked: &str) -> bool {
    let rest = step.strip_suffix(asked);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn no_time(text: &str) -> Failure {
    Failure::user(format!("`{text}` is no time"))
        .hint("write a day as 2026-01-31, a time as \"2026-01-31 12:00\", or 2d, \"3 hours ago\"")
}

/// The short names of tags by the commit they name.
pub(super) fn tags_by_commit(keep: &Keep) -> Result<BTreeMap<ObjectId, Vec<String>>, Failure> {
    let mut tags: BTreeMap<ObjectId, Vec<String>> = BTreeMap::new();
    for (name, target) in keep.repo().refs("refs/tags/")? {
        let short = name.trim_start_matches("refs/tags/").to_owned();
        tags.entry(keep.repo().peel(target)?)
            .or_default()
            .push(short);
    }
    Ok(tags)
}
