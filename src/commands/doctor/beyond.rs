//! What is wrong with a keep that opens, as its features see it.
use std::path::Path;

use chrono::TimeDelta;

use super::super::run::publish_finished;
use super::super::{check, hooks};
use super::Context;
use crate::failure::Failure;
use crate::run::Runs;
use crate::store::Keep;
use crate::store::health::Finding;
use crate::world::rfc3339;

/// Runs that nobody watches any more.
pub(super) const UNPUBLISHED: &str = "unpublished";

/// Clocks of two machines may differ by as much.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// All that is wrong as far as the keep opens; if it does not, the reason is found elsewhere.
pub(super) fn findings(cx: &Context, root: &Path) -> Vec<Finding> {
    let Ok(keep) = Keep::open(root) else {
        return Vec::new();
    };
    let found = [
        tracked(&keep),
        hooks_missing(cx, &keep),
        root_missing(&keep),
        unpublished(cx, &keep),
        diverged(&keep),
        clock(cx, &keep),
        machine(cx, &keep),
    ];
    found.into_iter().flatten().collect()
}

/// Publishes what came of runs that nobody watches any more.
pub(super) fn publish(cx: &mut Context) -> Result<(), Failure> {
    let keep = cx.keep()?;
    publish_finished(cx, &keep)
}

fn tracked(keep: &Keep) -> Option<Finding> {
    let files = keep.repo().staged_files(None).ok()?;
    let is_private = |path: &[u8]| path.starts_with(b".buildkeep/");
    let count = files.iter().filter(|file| is_private(&file.path)).count();
    let found = format!("Git tracks files below .buildkeep: {count}");
    let why = "they belong to this machine only; whoever clones the keep cannot work with them";
    let finding = Finding::of("private-tracked", found, why)
        .command("git rm -r -q --cached .buildkeep && git commit -m 'private files are private'");
    (count > 0).then_some(finding)
}

fn hooks_missing(cx: &Context, keep: &Keep) -> Option<Finding> {
    let names = hooks::missing(cx, keep).ok()?;
    let found = format!(
        "our hooks are missing, or those of another buildkeep: {}",
        names.join(", ")
    );
    let why = "plain `git commit` and `git push` would let invalid configuration through";
    let finding = Finding::of("no-hooks", found, why).command("buildkeep hooks install");
    (!names.is_empty()).then_some(finding)
}

fn root_missing(keep: &Keep) -> Option<Finding> {
    let plan = super::super::plan::load(keep).ok()?;
    let root = plan.root.filter(|root| !root.is_dir())?;
    let found = format!("the root of the plan is not there: {}", root.display());
    let why = "nothing can be built, and no snapshot taken; is its disk mounted?";
    Some(Finding::of("no-root", found, why).command("findmnt && grep -n root plan.toml"))
}

fn unpublished(cx: &Context, keep: &Keep) -> Option<Finding> {
    let runs = Runs::new(keep.private("runs"));
    if runs.is_active().ok()? {
        return None;
    }
    let mut open = runs.open(&cx.world.clock).ok()?;
    open.retain(|run| {
        let attempts = run.attempts().unwrap_or_default();
        attempts.iter().all(|attempt| attempt.is_closed)
    });
    let found = format!(
        "runs that ended and are not in the history yet: {}",
        open.len()
    );
    let why = "what came of their steps is on this disk only, and in no push";
    let finding = Finding::of(UNPUBLISHED, found, why);
    let finding = finding.command("commit what they did to the state branch");
    (!open.is_empty()).then_some(finding)
}

/// Two copies of a keep that work under one id write one branch in two ways.
fn diverged(keep: &Keep) -> Option<Finding> {
    let host = keep.host();
    let own = keep.state_tip().ok()??;
    let ending = format!("/state/{host}");
    let remotes = keep.repo().refs("refs/remotes/").ok()?;
    let mut theirs = remotes
        .into_iter()
        .filter(|(name, _)| name.ends_with(&ending));
    let (name, _) = theirs.find(|(_, tip)| {
        let holds = |older, newer| keep.repo().is_ancestor(older, newer).unwrap_or(true);
        !holds(*tip, own) && !holds(own, *tip)
    })?;
    let found = format!("state/{host} and {name} tell different stories");
    let why = "was this keep copied? two machines under one id cannot both push what they built";
    let command =
        format!("echo {host}-2 > .buildkeep/host   (in the copy, before it builds again)");
    Some(Finding::of("state-diverged", found, why).command(command))
}

fn clock(cx: &Context, keep: &Keep) -> Option<Finding> {
    let head = keep.repo().head().ok().flatten();
    let state = keep.state_tip().ok().flatten();
    let commits = head.into_iter().chain(state);
    let times = commits.filter_map(|id| keep.repo().commit(id).ok());
    let newest = times.map(|commit| commit.author.time.to_utc()).max()?;
    let now = cx.world.clock.now();
    let (now_text, newest_text) = (rfc3339(now), rfc3339(newest));
    let found = format!("it is {now_text} here, and the newest commit was made {newest_text}");
    let why = "times of steps, snapshots and retention will be wrong";
    let finding =
        Finding::of("clock", found, why).command("timedatectl; sudo timedatectl set-ntp true");
    (newest > now + TOLERANCE).then_some(finding)
}

/// A machine on which a run would not begin.
fn machine(cx: &Context, keep: &Keep) -> Option<Finding> {
    let failing = check::failing(cx, keep).ok()?;
    let found = format!(
        "this machine is not fit for the build: {}",
        failing.join("; ")
    );
    let why = "quick checks of the sets that buildkeep.toml names fail: a run does not begin";
    let finding = Finding::of("machine", found, why).command("buildkeep check");
    (!failing.is_empty()).then_some(finding)
}
