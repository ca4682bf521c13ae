//! What commands need to know of a keep before they begin: its configuration and its plan.
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Context;
use super::configuration::AtALook;
use crate::config::{Effective, Files, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::plan::{Effect, Fingerprint, Keys, Plan, Value};
use crate::store::Keep;

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
        Self::with(keep, &effective)
    }

    /// Reads the work tree of `keep` as far as it can be read, to show where things stand.
    pub(super) fn as_far_as_valid(
        cx: &Context,
        keep: Keep,
        seen: &AtALook,
    ) -> Result<Self, Failure> {
        // Overrides are told apart only where all is valid; what is wrong with them is an error.
        if seen.is_valid
            && !Scope::new("", &cx.world.env, &cx.overrides)?
                .overrides
                .is_empty()
        {
            return Self::of(cx, keep);
        }
        Self::with(keep, &seen.effective)
    }

    fn with(keep: Keep, effective: &Effective) -> Result<Self, Failure> {
        let plan = super::plan::load(&keep)?;
        Ok(Self {
            keys: keys(effective),
            plan,
            keep,
        })
    }

    /// What every step is built from now, by step.
    pub(super) fn fingerprints(&self) -> Result<BTreeMap<String, Fingerprint>, Failure> {
        Ok(self.plan.fingerprints(&self.keys)?)
    }
}

/// The configuration as variables and fingerprints take it.
pub(super) fn keys(effective: &Effective) -> Keys {
    let value = |entry: crate::config::Entry| {
        let key = KeyPath::parse(&entry.key).unwrap_or_default();
        let steps = effective.affected_steps(&key);
        let effect = if effective.is_secret(&key) {
            Effect::Secret
        } else if steps.as_ref().is_some_and(Vec::is_empty) {
            Effect::Nothing
        } else {
            Effect::Builds
        };
        let text = text_of(&entry.value);
        let value = Value {
            text,
            effect,
            steps,
        };
        (entry.key, value)
    };
    effective.entries().into_iter().map(value).collect()
}

/// A value as a script gets to see it.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
