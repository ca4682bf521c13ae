//! The surroundings of a step: as whom it runs, with what variables, within what root.
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::check::View;
use crate::commands::Context;
use crate::commands::run::{apart, surroundings};
use crate::config::secrets::Secrets;
use crate::config::{Files, Sources};
use crate::failure::Failure;
use crate::plan::{Keys, Plan, Step};
use crate::run::Sandbox;
use crate::store::Keep;
use crate::world::Env;

/// What surroundings come from.
#[derive(Clone, Copy)]
pub(in crate::commands) struct Site<'a> {
    /// The keep.
    pub(in crate::commands) keep: &'a Keep,
    /// The plan.
    pub(in crate::commands) plan: &'a Plan,
    /// The configuration.
    pub(in crate::commands) keys: &'a Keys,
}

/// From where a machine is looked at.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// The step whose surroundings these are.
    pub(super) step: String,
    /// The stage that it belongs to.
    pub(super) stage: Option<String>,
    /// What its script runs as; else why nobody can tell.
    pub(super) sandbox: Result<Sandbox, String>,
    /// The folder that it starts in.
    pub(super) workdir: PathBuf,
    /// What it inherits, without secrets.
    pub(super) env: Vec<(OsString, OsString)>,
    /// The variables that the plan sets.
    pub(super) intended: BTreeSet<String>,
}

impl Seat {
    /// The surroundings of `step`.
    pub(super) fn of(cx: &Context, site: Site<'_>, step: &Step) -> Result<Self, Failure> {
        let given = site.plan.environment(step, site.keys)?;
        let mut sandbox = apart(site.plan, step);
        if geteuid().is_root() && !step.runs_as.chroot {
            // The user is missing: that is found, and all else as far as root can see it.
            sandbox = sandbox.or_else(|_| Ok(Sandbox::default()));
        }
        let known = sandbox
            .as_ref()
            .map_or_else(|_| Sandbox::default(), Clone::clone);
        let mut env = surroundings(cx, step, &known);
        let sources = Sources::read(&Files::of_work_tree(site.keep)?)?;
        for name in Secrets::of(&sources).variables() {
            env.remove(OsStr::new(name));
        }
        for (name, value) in &given.vars {
            if !given.secret.contains(name) {
                env.insert(name.into(), value.into());
            }
        }
        Ok(Self {
            step: step.id.clone(),
            stage: stage_of(&step.id),
            sandbox: sandbox.map_err(|failure| failure.message().to_owned()),
            workdir: step.workdir.clone(),
            env: env.into_iter().collect(),
            intended: given.vars.into_keys().collect(),
        })
    }

    /// Whether this process sees what the step would see, but for variables.
    pub(super) fn is_ours(&self) -> bool {
        let Ok(sandbox) = &self.sandbox else {
            return false;
        };
        let me = geteuid().as_raw();
        let is_me = sandbox.user.as_ref().is_none_or(|user| user.uid == me);
        is_me && sandbox.umask.is_none() && sandbox.limits.is_empty() && sandbox.chroot.is_none()
    }

    /// The same variables, looked at by whoever asks.
    pub(super) fn for_us(self) -> Self {
        Self {
            sandbox: Ok(Sandbox::default()),
            ..self
        }
    }

    /// The root, seen from outside.
    pub(super) fn root(&self) -> Option<&Path> {
        self.sandbox.as_ref().ok()?.chroot.as_deref()
    }

    /// The variables.
    pub(super) fn env(&self) -> Env {
        self.env.iter().cloned().collect()
    }

    /// What a report says of it.
    pub(super) fn view(&self, sets: &[String]) -> View {
        let user = self
            .sandbox
            .as_ref()
            .ok()
            .and_then(|sandbox| sandbox.user.as_ref());
        View {
            sets: sets.to_owned(),
            step: self.step.clone(),
            user: user.map(|user| user.name.clone()),
            root: self.root().map(Path::to_owned),
        }
    }
}

/// The first step of any of these stages.
pub(super) fn first_of<'a>(plan: &'a Plan, stages: &[String]) -> Option<&'a Step> {
    plan.steps
        .iter()
        .find(|step| stage_of(&step.id).is_some_and(|stage| stages.contains(&stage)))
}

/// The first step that sees this machine, and not a root.
pub(super) fn first_on_host(plan: &Plan) -> Option<&Step> {
    plan.steps.iter().find(|step| !step.runs_as.chroot)
}

/// The stage that a step belongs to: `chapter5` of `chapter05/gcc-pass1`.
pub(super) fn stage_of(step: &str) -> Option<String> {
    let (folder, _) = step.split_once('/')?;
    let digits = folder.find(|c: char| c.is_ascii_digit());
    Some(match digits {
        Some(at) => format!("{}{}", &folder[..at], folder[at..].trim_start_matches('0')),
        None => folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::stage_of;

    #[test]
    fn a_step_tells_its_stage() {
        let stage = |step| stage_of(step).unwrap_or_default();
        assert_eq!(stage("chapter05/gcc-pass1"), "chapter5");
        assert_eq!(stage("chapter10/kernel"), "chapter10");
        assert_eq!(stage("toolchain/gcc"), "toolchain");
        assert_eq!(stage("gcc"), "");
    }
}
