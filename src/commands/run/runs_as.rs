//! As whom steps run, within what: from the plan, and from the users of the system they run in.
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustix::process::geteuid;

use super::choose::Choice;
use super::session::inherited;
use crate::commands::Context;
use crate::document::code;
use crate::failure::Failure;
use crate::fs::PathError;
use crate::plan::{Mounts, Plan, Step};
use crate::run::{Account, SUBSTEPS_INSIDE, Sandbox};

/// What the book gives people as their prompt, for scripts that ask for one.
const PROMPT: &str = "\\u:\\w\\$ ";
const PROMPT_INSIDE: &str = "(lfs chroot) \\u:\\w\\$ ";

/// Whether the steps that are to be run can be: told before the first of them begins.
///
/// Users of the root are looked up when their step begins: earlier ones may make them.
pub(super) fn check(plan: &Plan, choices: &[Choice]) -> Result<(), Failure> {
    for choice in choices.iter().filter(|choice| !choice.is_done()) {
        let step = &plan.steps[choice.at];
        if step.runs_as.chroot {
            check_chroot(plan, step)?;
        } else {
            sandbox(plan, step)?;
        }
    }
    Ok(())
}

/// What the script of `step` runs as, if this process may have something run so.
pub(in crate::commands) fn apart(plan: &Plan, step: &Step) -> Result<Sandbox, Failure> {
    if step.runs_as.chroot {
        check_chroot(plan, step)?;
    }
    sandbox(plan, step)
}

/// What the script of `step` runs as.
pub(super) fn sandbox(plan: &Plan, step: &Step) -> Result<Sandbox, Failure> {
    let runs_as = &step.runs_as;
    let root = plan.root.as_deref().filter(|_| runs_as.chroot);
    let user = match &runs_as.user {
        Some(name) => Some(account(plan, step, (name, root))?),
        None => None,
    };
    Ok(Sandbox {
        user,
        umask: runs_as.umask,
        limits: runs_as.limits.clone(),
        stdin: runs_as.stdin.clone(),
        tty: runs_as.tty,
        chroot: root.map(Path::to_owned),
        mounts: root.is_some() && runs_as.mounts == Mounts::Private,
    })
}

fn check_chroot(plan: &Plan, step: &Step) -> Result<(), Failure> {
    if geteuid().is_root() {
        return Ok(());
    }
    let message = format!("only root can run `{}` in the root", step.id);
    let help = "run all of it as root: `sudo buildkeep run`";
    Err(plan
        .wrong_chroot(step, code::NEEDS_ROOT, &message, help)
        .into())
}

/// The user of a step, in the files of `root` if it runs there.
fn account(
    plan: &Plan,
    step: &Step,
    (name, root): (&str, Option<&Path>),
) -> Result<Account, Failure> {
    let place = root.unwrap_or(Path::new("/"));
    let found = Account::find(place, name).map_err(|source| PathError {
        action: "read the users of",
        path: place.to_owned(),
        source,
    })?;
    let Some(account) = found else {
        let (message, help) = unknown(name, root);
        return Err(plan
            .wrong_user(step, code::NO_SUCH_USER, &message, &help)
            .into());
    };
    let me = geteuid();
    if !me.is_root() && account.uid != me.as_raw() {
        let message = format!("only root can run scripts as `{name}`");
        let help = format!(
            "run all of it as root: `sudo buildkeep run`; or become {name} first: `su - {name}`"
        );
        return Err(plan
            .wrong_user(step, code::NEEDS_ROOT, &message, &help)
            .into());
    }
    Ok(account)
}

fn unknown(name: &str, root: Option<&Path>) -> (String, String) {
    match root {
        None => (
            format!("there is no user `{name}` on this machine"),
            format!(
                "add it, as the book does: `groupadd {name} && useradd -s /bin/bash -g {name} -m -k /dev/null {name}`"
            ),
        ),
        Some(root) => (
            format!("there is no user `{name}` in {}/etc/passwd", root.display()),
            "add a line for it in the step that makes this file, or name it by its number".into(),
        ),
    }
}

/// What the script of `step` finds around it before the plan's own variables.
pub(in crate::commands) fn surroundings(
    cx: &Context,
    step: &Step,
    sandbox: &Sandbox,
) -> BTreeMap<OsString, OsString> {
    let user = sandbox.user.as_ref();
    let env = &cx.world.env;
    let is_inside = sandbox.chroot.is_some();
    if step.runs_as.clean_env {
        let own = |name: &str| env.get(name).map(OsStr::to_owned);
        let home = user.map(|user| user.home.clone().into());
        let home = home.or_else(|| own("HOME").filter(|_| !is_inside));
        let is_root = user.map_or_else(|| geteuid().is_root(), |user| user.uid == 0);
        let path = match (is_inside, is_root) {
            (true, _) => "/usr/bin:/usr/sbin",
            (false, true) => "/usr/bin:/usr/sbin:/bin:/sbin",
            (false, false) => "/usr/bin:/bin",
        };
        let prompt = if is_inside { PROMPT_INSIDE } else { PROMPT };
        return BTreeMap::from([
            ("HOME".into(), home.unwrap_or_else(|| "/root".into())),
            ("TERM".into(), own("TERM").unwrap_or_else(|| "dumb".into())),
            ("PS1".into(), prompt.into()),
            ("PATH".into(), path.into()),
        ]);
    }
    let mut all = inherited(cx);
    if let Some(user) = user {
        all.insert("HOME".into(), user.home.clone().into());
        all.insert("SHELL".into(), user.shell.clone().into());
        all.insert("USER".into(), user.name.clone().into());
        all.insert("LOGNAME".into(), user.name.clone().into());
    }
    all
}

/// Puts right what scripts in the root are told about places outside.
pub(super) fn see_from_inside(sandbox: &Sandbox, all: &mut BTreeMap<OsString, OsString>) {
    if sandbox.chroot.is_none() {
        return;
    }
    all.remove(OsStr::new("BUILDKEEP_KEEP"));
    all.remove(OsStr::new("BUILDKEEP_EVENTS"));
    if sandbox.mounts {
        all.insert("BUILDKEEP_EVENTS".into(), SUBSTEPS_INSIDE.into());
    }
    all.insert("BUILDKEEP_ROOT".into(), "/".into());
}
