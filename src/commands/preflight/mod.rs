//! Looking around before a build goes on: after a failure, a restart of the machine, a pause.
mod mend;
mod places;
mod remembered;
mod surroundings;

pub(super) use mend::{Manner, pass};
pub(super) use remembered::remember;
pub(super) use surroundings::put_right;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::unix::fs::MetadataExt as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Context;
use super::past::Past;
use super::tools::{self, ToolChange};
use crate::check::typed;
use crate::failure::Failure;
use crate::fs::{file_clock, free_space, is_without_names};
use crate::plan::{Plan, Step};
use crate::run::{Attempt, Manifest, Runs, Taken, boot_id};
use crate::store::Keep;
use crate::ui::{clean, quoted, seconds, size, style};

/// What people should know before a build goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What sort of thing: `mount`, `root`, `workdir`, `room`, `user`, `umask`, `variable`, `tool`,
    /// `clock`.
    kind: &'static str,
    /// What was found.
    pub(super) message: String,
    /// What puts it right.
    pub(super) fix: Option<String>,
    /// Whether to go on would do harm, or is bound to fail.
    pub(super) stops: bool,
    /// The same for us to do.
    #[serde(skip)]
    mend: Option<Mend>,
}

/// What we can do about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mend {
    /// Run these, one after the other.
    Run(Vec<Vec<String>>),
    /// For this run, have scripts not inherit a variable.
    Unset(&'static str),
    /// For this run, have scripts find the root in `LFS`.
    Lfs,
    /// For this run, let others read what is installed.
    Umask,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", clean(&self.message))?;
        match &self.fix {
            Some(fix) => write!(f, ": {}", style::name(clean(fix))),
            None => Ok(()),
        }
    }
}

fn finding(kind: &'static str, message: String, fix: Option<String>) -> Finding {
    Finding {
        kind,
        message,
        fix,
        stops: false,
        mend: None,
    }
}

impl Finding {
    /// Something that these commands put right.
    fn commands(kind: &'static str, message: String, commands: Vec<Vec<String>>) -> Self {
        Self {
            mend: Some(Mend::Run(commands.clone())),
            ..finding(kind, message, Some(typed(&commands)))
        }
    }

    /// It is put right for this run so.
    fn mended_by(self, mend: Mend) -> Self {
        Self {
            mend: Some(mend),
            ..self
        }
    }

    /// To go on in spite of it would do harm.
    fn stopping(self) -> Self {
        Self {
            stops: true,
            ..self
        }
    }
}

/// What there is to look at.
pub(super) struct Ground<'a> {
    /// The keep.
    pub(super) keep: &'a Keep,
    /// The plan.
    pub(super) plan: &'a Plan,
    /// What came of the steps so far.
    pub(super) manifests: &'a BTreeMap<String, Manifest>,
    /// What is to be run; the first of them starts at once.
    pub(super) next: Vec<&'a Step>,
    /// What is to go on after a pause, if that is what this is about.
    pub(super) paused: Option<&'a [Attempt]>,
}

impl Ground<'_> {
    /// How many steps are done, and are not run again.
    fn built(&self) -> usize {
        let again: BTreeSet<&str> = self.next.iter().map(|step| step.id.as_str()).collect();
        let steps = self.plan.steps.iter().map(|step| step.id.as_str());
        let is_done = |id: &&str| {
            let manifest = self.manifests.get(*id);
            !again.contains(id) && manifest.is_some_and(|one| one.last_success.is_some())
        };
        steps.filter(is_done).count()
    }
}

/// What is not as it was, or not as the next steps need it.
pub(super) fn look(cx: &Context, ground: &Ground<'_>) -> Result<Vec<Finding>, Failure> {
    let mut found = places::root(cx, ground)?;
    found.extend(places::workdir(ground));
    found.extend(room(ground)?);
    if ground.paused.is_none() {
        // What is halted has its own already.
        found.extend(user(ground));
        found.extend(surroundings::umask(&ground.next));
        found.extend(surroundings::variables(cx, ground.plan, &ground.next)?);
    }
    found.extend(changed_tools(cx, ground));
    let ends = ground
        .manifests
        .values()
        .filter_map(|manifest| manifest.ended.as_deref());
    found.extend(clock(file_clock().0, ends));
    Ok(found)
}

/// Whether the newest attempt was made in an earlier boot.
fn has_restarted(cx: &Context, keep: &Keep) -> Result<bool, Failure> {
    let runs = Runs::new(keep.private("runs")).all(&cx.world.clock)?;
    let newest = runs.last().map(crate::run::Run::attempts).transpose()?;
    let newest = newest.and_then(|mut attempts| attempts.pop());
    let boot = boot_id()?;
    Ok(newest.is_some_and(|attempt| attempt.spec.boot_id != boot))
}

/// Room for what comes next, or for the rest of what was paused.
fn room(ground: &Ground<'_>) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let paused = ground.paused.and_then(<[Attempt]>::first);
    let step = match paused {
        Some(attempt) => ground.plan.step(&attempt.spec.step),
        None => ground.next.first().copied(),
    };
    let Some(step) = step else {
        return Ok(found);
    };
    let place = ground.plan.root.as_deref().unwrap_or(&step.workdir);
    let shown = place.display();
    let needed = Past::of(ground.keep)?.disk(step, ground.manifests.get(&step.id));
    let taken = paused.and_then(|attempt| Taken::of(&attempt.dir.samples()));
    let taken = taken.map_or(0, |taken| taken.disk_bytes);
    if let (Some(needed), Some(free)) = (needed, free_space(place))
        && free < needed.saturating_sub(taken)
    {
        let (needed, free) = (size(needed - taken), size(free));
        let message = format!("{} needs {needed} in {shown}, and {free} are free", step.id);
        let fix = format!(
            "make room; what takes it: du -xhd1 {}",
            quoted(&shown.to_string())
        );
        found.push(finding("room", message, Some(fix)));
    }
    if is_without_names(place) {
        let message = format!("the disk of {shown} can have no more files");
        let fix = format!("df -i {}", quoted(&shown.to_string()));
        found.push(finding("room", message, Some(fix)));
    }
    Ok(found)
}

/// Whoever built so far should go on.
fn user(ground: &Ground<'_>) -> Option<Finding> {
    let runs = ground.keep.private("runs").metadata().ok()?;
    let me = rustix::process::geteuid().as_raw();
    let was = runs.uid();
    if ground.manifests.is_empty() || was == me || me == 0 {
        return None;
    }
    let message = format!("the steps so far were built by user {was}, and you are {me}");
    let fix = if was == 0 {
        "sudo buildkeep run".into()
    } else {
        format!("sudo -u '#{was}' buildkeep run")
    };
    Some(finding("user", message, Some(fix)))
}

/// Tools that are others than those of the newest step that worked.
fn changed_tools(cx: &Context, ground: &Ground<'_>) -> Vec<Finding> {
    let successes = ground
        .manifests
        .values()
        .filter_map(|manifest| manifest.last_success.as_ref());
    let newest = successes
        .filter(|success| !success.tools.is_empty())
        .max_by(|a, b| a.ended.cmp(&b.ended));
    let Some(before) = newest else {
        return Vec::new();
    };
    let now = tools::look(cx, ground.keep, &ground.plan.tools);
    let changes = tools::changes(&before.tools, &now).into_iter();
    let one = |change: ToolChange| {
        let install = change.after.is_none().then(|| "buildkeep check".to_owned());
        finding("tool", change.to_string(), install)
    };
    changes.map(one).collect()
}

/// A clock that went back makes make build too little; `now` is what files would be stamped with.
fn clock<'a>(now: i64, ends: impl Iterator<Item = &'a str>) -> Option<Finding> {
    const LITTLE: i64 = 60;
    let newest: DateTime<Utc> = ends.filter_map(|end| end.parse().ok()).max()?;
    let back = newest.timestamp() - now;
    (back > LITTLE).then(|| {
        let back = seconds(back as f64);
        let message =
            format!("the clock is {back} before the end of the last step: make goes by such times");
        finding(
            "clock",
            message,
            Some("date -s 'YYYY-MM-DD HH:MM', or timedatectl set-ntp true".to_owned()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_is_told() {
        let ends = || ["2026-01-02T03:04:05.678Z", "2026-01-01T00:00:00Z", "?"].into_iter();
        let end = 1_767_323_045;
        assert_eq!(clock(end + 5, ends()), None);
        assert_eq!(clock(end - 60, ends()), None);
        let back = clock(end - 7200, ends()).unwrap();
        assert!(
            back.message.starts_with("the clock is 2 h"),
            "{}",
            back.message
        );
        assert_eq!(clock(0, [].into_iter()), None);
    }
}
