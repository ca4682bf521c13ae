//! `log`
use std::collections::BTreeMap;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::report::log::{Entry, Log};
use crate::store::{Commit, Keep, ObjectId};

/// Show the history: of the configuration, or of runs, backups and alerts
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Begin with this version, tag or commit
    revision: Option<String>,
    /// Only commits of this kind (config, rollback, run, backup, manual, …), from both histories
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Show the state history of this host: runs, backups, alerts
    #[arg(long, conflicts_with = "revision")]
    state: bool,
    /// Show at most this many commits
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    limit: usize,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let tags = tags_by_commit(&keep)?;
    let numbers = super::versions::numbers(&keep)?;
    let mut log = Log::default();
    let wanted = |commit: &Commit| {
        let kind = commit.message.trailers.get("Kind").unwrap_or("manual");
        args.kind.as_deref().is_none_or(|wanted| wanted == kind)
    };
    for tip in tips(&keep, args)? {
        let commits = keep.repo().history(tip)?;
        let found = commits
            .filter(|commit| commit.as_ref().map_or(true, wanted))
            .take(args.limit);
        for commit in found {
            let commit = commit?;
            log.commits
                .push(Entry::new(&commit, numbers.get(&commit.id).copied(), &tags));
        }
    }
    log.commits.sort_by(|a, b| b.time.cmp(&a.time));
    log.commits.truncate(args.limit);
    cx.ui.show(&log)?;
    Ok(Answer::Yes)
}

/// Where to begin: the configuration, the state of this host, or both for a kind.
fn tips(keep: &Keep, args: &Args) -> Result<Vec<ObjectId>, Failure> {
    let mut tips = Vec::new();
    if let Some(revision) = &args.revision {
        tips.push(super::versions::resolve(keep, revision)?);
    } else if !args.state {
        tips.extend(keep.repo().head()?);
    }
    if args.state || args.kind.is_some() && args.revision.is_none() {
        tips.extend(keep.state_tip()?);
    }
    Ok(tips)
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
