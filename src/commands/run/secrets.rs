//! Secrets that steps read: looked up just before a step starts, and given to nobody else.
use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::commands::Context;
use crate::commands::project::{Project, mark_of, seen};
use crate::commands::secret::reveal::{self, resolver};
use crate::config::secrets::{Revealed, Secrets, Seen, Source, Unresolved};
use crate::config::{Files, Sources};
use crate::failure::Failure;
use crate::plan::{Effect, Fingerprint, Keys, Plan, StepEnv, Value};
use crate::run::{AttemptDir, Redactor};
use crate::store::Keep;

/// How a value begins that is a reference.
const REFERENCE: &str = "secret:";

/// What a run knows of secrets.
pub(super) struct Giver {
    /// The configuration as the plan sees it: of secrets, what they are called and their digests.
    pub(super) keys: Keys,
    secrets: Secrets,
    seen: Seen,
    /// Each is asked for once a run.
    known: BTreeMap<String, Revealed>,
}

impl Giver {
    /// Looks at secrets that steps read and that cost nothing to look at, so that a changed one
    /// makes steps stale. A command is asked only when a step starts: it may ask a person.
    pub(super) fn look(
        cx: &Context,
        keep: &Keep,
        plan: &Plan,
        keys: Keys,
    ) -> Result<Self, Failure> {
        let sources = Sources::read(&Files::of_work_tree(keep)?)?;
        let mut giver = Self {
            secrets: Secrets::of(&sources),
            seen: seen(keep)?,
            known: BTreeMap::new(),
            keys,
        };
        for step in &plan.steps {
            let env = plan.environment(step, &giver.keys)?;
            for name in giver.names(&env) {
                let source = giver.secrets.get(&name);
                if source.is_some_and(Source::is_quiet) {
                    // A step that starts will say what is wrong; others need not know.
                    let _ = giver.ask(cx, keep, &name)?;
                }
            }
        }
        giver.mark()?;
        Ok(giver)
    }

    /// Makes what was looked at count, and what will be.
    pub(super) fn begin(&mut self, cx: &Context, keep: &Keep) -> Result<(), Failure> {
        self.seen = reveal::seen(cx, keep)?;
        for (name, value) in &self.known {
            self.seen.note(name, value)?;
        }
        self.seen.save()?;
        self.mark()
    }

    /// The keys with the values of the secrets that a step reads, if it reads any.
    pub(super) fn reveal(
        &mut self,
        cx: &Context,
        keep: &Keep,
        env: &StepEnv,
    ) -> Result<Option<Keys>, Failure> {
        let names = self.names(env);
        if names.is_empty() {
            return Ok(None);
        }
        for name in names {
            self.ask(cx, keep, &name)??;
        }
        self.seen.save()?;
        self.mark()?;
        let revealed = self.keys.iter().map(|(key, value)| {
            let known = reference(value).and_then(|name| self.known.get(name));
            let text = known.map_or_else(|| value.text.clone(), |known| known.expose().to_owned());
            let value = Value {
                text,
                ..value.clone()
            };
            (key.to_owned(), value)
        });
        Ok(Some(revealed.collect()))
    }

    /// Gets the value of a secret, unless it is known.
    fn ask(
        &mut self,
        cx: &Context,
        keep: &Keep,
        name: &str,
    ) -> Result<Result<(), Unresolved>, Failure> {
        if self.known.contains_key(name) {
            return Ok(Ok(()));
        }
        match resolver(cx, keep, &self.secrets).resolve(name) {
            Ok(value) => {
                self.seen.note(name, &value)?;
                self.known.insert(name.to_owned(), value);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Takes variables out that secrets come from: a step gets what it reads, under its own name.
    pub(super) fn withhold(&self, environment: &mut BTreeMap<OsString, OsString>) {
        for name in self.secrets.variables() {
            environment.remove(&OsString::from(name));
        }
    }

    /// Leaves with an attempt what its output is redacted by.
    pub(super) fn guard(
        &self,
        cx: &Context,
        dir: &AttemptDir,
        env: &StepEnv,
    ) -> Result<(), Failure> {
        let names = self.names(env);
        let references = names.iter().filter_map(|name| {
            let value = self.known.get(name)?;
            Some((name.as_str(), value.expose()))
        });
        let literals = env.keys().filter_map(|key| {
            let value = self
                .keys
                .get(key)
                .filter(|value| value.effect == Effect::Secret)?;
            reference(value)
                .is_none()
                .then_some((key, value.text.as_str()))
        });
        let mut all = references.chain(literals).peekable();
        if all.peek().is_none() {
            return Ok(());
        }
        let random = self.seen.digest_of(&cx.world.ids.next())?;
        let random = u64::from_str_radix(&random, 16).unwrap_or_default();
        Ok(Redactor::new(all, random).save(dir)?)
    }

    /// The secrets that a step reads.
    fn names(&self, env: &StepEnv) -> Vec<String> {
        let read = env.keys().filter_map(|key| reference(self.keys.get(key)?));
        let mut names: Vec<String> = read.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Notes in the keys what secrets are now.
    fn mark(&mut self) -> Result<(), Failure> {
        let marked = self.keys.iter().map(|(key, value)| {
            let mut value = value.clone();
            if let Some(name) = reference(&value) {
                value.mark = Some(mark_of(name, &self.seen));
            } else if value.effect == Effect::Secret {
                value.mark = Some(self.seen.digest_of(&value.text)?);
            }
            Ok((key.to_owned(), value))
        });
        self.keys = marked.collect::<Result<Keys, Failure>>()?;
        Ok(())
    }
}

/// What every step would be built from now, as a run sees it.
pub(in crate::commands) fn fingerprints(
    cx: &Context,
    project: &Project,
) -> Result<BTreeMap<String, Fingerprint>, Failure> {
    let giver = Giver::look(cx, &project.keep, &project.plan, project.keys.clone())?;
    Ok(project.plan.fingerprints(&giver.keys)?)
}

fn reference(value: &Value) -> Option<&str> {
    let name = value.text.strip_prefix(REFERENCE);
    name.filter(|_| value.effect == Effect::Secret)
}
