//! What commands need to know of a keep before they begin: its configuration and its plan.
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Context;
use super::configuration::AtALook;
use crate::config::secrets::{Seen, referred};
use crate::config::{Bearing, Effective, Files, Known, Scope, Sources};
use crate::failure::Failure;
use crate::fs::{read_optional, write_cache};
use crate::plan::{Effect, Fingerprint, Keys, Memory, Plan, Value};
use crate::store::Keep;

/// Where the hashes of inputs are remembered.
const INPUTS: &str = "cache/inputs";

/// A keep with what its files say: valid configuration, and the steps to build.
pub(super) struct Project {
    /// Where it is.
    pub(super) keep: Keep,
    /// The configuration that holds, as the plan sees it.
    pub(super) keys: Keys,
    /// What is to be built.
    pub(super) plan: Plan,
}

impl Project {
    /// Reads the work tree of the keep.
    pub(super) fn open(cx: &Context) -> Result<Self, Failure> {
        Self::of(cx, cx.keep()?)
    }

    /// Reads the work tree of `keep`.
    pub(super) fn of(cx: &Context, keep: Keep) -> Result<Self, Failure> {
        let sources = Sources::read(&Files::of_work_tree(&keep)?)?;
        let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
        let effective = Effective::of(&sources, &scope)?;
        let plan = super::plan::load(&keep)?;
        Self::with(cx, keep, effective.values(), plan)
    }

    /// Reads the work tree of `keep` as far as it can be read, to show where things stand.
    pub(super) fn as_far_as_valid(
        cx: &Context,
        keep: Keep,
        seen: AtALook,
    ) -> Result<Self, Failure> {
        let overrides = Scope::new("", &cx.world.env, &cx.overrides)?.overrides;
        match (seen.is_valid, overrides.is_empty()) {
            // What is wrong with an override is an error, as far as that can be told.
            (true, false) => Self::of(cx, keep),
            (true, true) => {
                let plan = super::plan::load_known(&keep)?;
                Self::looked(cx, keep, seen, plan)
            }
            (false, _) => {
                let plan = super::plan::load(&keep)?;
                Self::looked(cx, keep, seen, plan)
            }
        }
    }

    /// Without steps, nobody reads a key.
    fn looked(cx: &Context, keep: Keep, seen: AtALook, plan: Plan) -> Result<Self, Failure> {
        let values = if plan.steps.is_empty() {
            Vec::new()
        } else {
            seen.values(&keep)?
        };
        Self::with(cx, keep, values, plan)
    }

    fn with(cx: &Context, keep: Keep, values: Vec<Known>, mut plan: Plan) -> Result<Self, Failure> {
        if plan.has_inputs() {
            let known = read_optional(&keep.private(INPUTS))?;
            plan.memory = Memory::read(&known.unwrap_or_default());
        }
        if !plan.tools.is_empty() {
            plan.tool_versions = super::tools::look(cx, &keep, &plan.tools);
        }
        let seen = seen(&keep)?;
        let keys = values.into_iter().map(|known| key(known, &seen));
        Ok(Self {
            keys: keys.collect::<Result<_, _>>()?,
            plan,
            keep,
        })
    }

    /// What every step is built from now, by step.
    pub(super) fn fingerprints(&self) -> Result<BTreeMap<String, Fingerprint>, Failure> {
        let fingerprints = self.plan.fingerprints(&self.keys)?;
        if let Some(known) = self.plan.memory.changed() {
            write_cache(&self.keep.private(INPUTS), &known);
        }
        Ok(fingerprints)
    }
}

/// The configuration as variables and fingerprints take it.
pub(super) fn keys(effective: &Effective, seen: &Seen) -> Result<Keys, Failure> {
    let values = effective.values().into_iter();
    values.map(|known| key(known, seen)).collect()
}

fn key(known: Known, seen: &Seen) -> Result<(String, Value), Failure> {
    let reference = referred(&known.value);
    let effect = match known.bearing {
        _ if reference.is_some() => Effect::Secret,
        Bearing::Builds => Effect::Builds,
        Bearing::Secret => Effect::Secret,
        Bearing::Nothing => Effect::Nothing,
    };
    let text = text_of(&known.value);
    let mark = match (effect, reference) {
        (Effect::Secret, Some(name)) => Some(mark_of(name, seen)),
        (Effect::Secret, None) => Some(seen.digest_of(&text)?),
        _ => None,
    };
    let value = Value {
        text,
        effect,
        steps: known.steps,
        mark,
    };
    Ok((known.key, value))
}

/// What is written down of a secret: its name, and a digest that tells it from others.
pub(super) fn mark_of(name: &str, seen: &Seen) -> String {
    format!("{name} {}", seen.digest(name))
}

/// What secrets were when they were last looked at.
pub(super) fn seen(keep: &Keep) -> Result<Seen, Failure> {
    Ok(Seen::load(&keep.private("secrets"))?)
}

/// A value as a script gets to see it.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
