//! What a step is given, and which part of it the step reads.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::keys::{Effect, Keys, Value};
use super::name::is_meant;
use super::template::Template;
use super::{Error, Fingerprint, Plan, Step, digest};
use crate::document::{KeyPath, Problem, code, nearest};

/// Variables that build tools read without being asked: a change counts for every step.
const READ_BY_TOOLS: &[&str] = &[
    "ACLOCAL_PATH",
    "AR",
    "AS",
    "CC",
    "CFLAGS",
    "CONFIG_SHELL",
    "CONFIG_SITE",
    "CPATH",
    "CPP",
    "CPPFLAGS",
    "CPLUS_INCLUDE_PATH",
    "CXX",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "DESTDIR",
    "LANG",
    "LC_ALL",
    "LD",
    "LDFLAGS",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
    "LIBS",
    "NM",
    "OBJCOPY",
    "PATH",
    "PKG_CONFIG",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "RANLIB",
    "RUSTFLAGS",
    "SOURCE_DATE_EPOCH",
    "STRIP",
    "TZ",
];

/// Variables that say how fast to build, not what: they count for no step.
const NEVER_READ: &[&str] = &["MAKEFLAGS", "NINJAJOBS"];

/// Longer values are recorded by their beginning and a hash.
const LONGEST_RECORDED: usize = 120;

/// A variable that plan.toml sets.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) template: Template,
    /// Where it stands in plan.toml.
    pub(super) at: KeyPath,
}

/// Linux takes no longer `NAME=VALUE`, with the NUL behind it (`MAX_ARG_STRLEN`, execve(2)).
const LONGEST: usize = 128 * 1024;

/// What a step is given, with the script that it is given to.
#[derive(Clone, Debug)]
pub struct StepEnv {
    /// The variables that plan.toml sets for this step, resolved.
    pub vars: BTreeMap<String, String>,
    /// The names among them whose values must not be written down.
    pub secret: BTreeSet<String>,
    /// The bytes of the script, as they were when it was decided what it reads.
    pub script: Vec<u8>,
    step: String,
    /// The parts of its fingerprint that come from configuration and variables.
    parts: BTreeMap<String, String>,
}

impl Step {
    /// Whether the step says that it reads one of these keys.
    fn reads_any<'a>(&self, mut keys: impl Iterator<Item = &'a str>) -> bool {
        let below = |key: &str, prefix: &str| {
            let rest = key.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        keys.any(|key| self.reads.iter().any(|prefix| below(key, prefix)))
    }
}

impl StepEnv {
    /// The configuration keys that the step reads.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts
            .keys()
            .filter_map(|part| part.strip_prefix("key:"))
    }
}

/// What the steps before one are built from.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    digests: BTreeMap<String, String>,
    chains: BTreeMap<String, String>,
}

impl Upstream {
    /// Adds the step called `id`.
    pub fn add(&mut self, id: &str, fingerprint: &Fingerprint) {
        self.digests.insert(id.to_owned(), fingerprint.digest());
        self.chains.insert(id.to_owned(), fingerprint.chain());
    }
}

impl Plan {
    /// Resolves the variables of `step` and finds which configuration keys it reads.
    pub fn environment(&self, step: &Step, keys: &Keys) -> Result<StepEnv, Error> {
        let script = self.script(step)?;
        let words = words(&script);
        let mut env = StepEnv {
            vars: BTreeMap::new(),
            secret: BTreeSet::new(),
            script: Vec::new(),
            step: step.id.clone(),
            parts: BTreeMap::new(),
        };
        let own = step.env.iter().map(|variable| (variable, true));
        let shared = step.shared_env.iter().rev().chain(&self.env);
        let common = shared.map(|variable| (variable, false));
        let mut problems = Vec::new();
        for (variable, own) in own.chain(common) {
            if env.vars.contains_key(&variable.name) {
                continue;
            }
            let name = variable.name.as_str();
            let read = own || READ_BY_TOOLS.contains(&name) || words.contains(name.as_bytes());
            let read = read && !NEVER_READ.contains(&name);
            // A secret is for those only who ask for it.
            if !read && !step.reads_any(variable.template.names()) && is_secret(variable, keys) {
                continue;
            }
            match self.resolve(variable, keys) {
                Ok(value) => env.vars.insert(variable.name.clone(), value),
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            env.note(variable, keys, read);
        }
        problems.extend(self.add_reads(step, keys, &mut env));
        for (key, value) in keys.with_steps() {
            env.note_key(key, value);
        }
        env.script = script;
        if problems.is_empty() {
            Ok(env)
        } else {
            Err(Error::Document(problems))
        }
    }

    /// The fingerprint of `step`; `upstream` knows those of the steps before it.
    pub fn fingerprint(
        &self,
        step: &Step,
        env: &StepEnv,
        upstream: &Upstream,
    ) -> Result<Fingerprint, Error> {
        let mut parts = env.parts.clone();
        let mut add = |name: String, value: String| parts.insert(name, value);
        add("script".into(), digest::blob(&env.script));
        if let Some(interpreter) = &step.interpreter {
            let inside = step
                .runs_as
                .chroot
                .then(|| interpreter.display().to_string());
            add(
                "interpreter".into(),
                inside.unwrap_or_else(|| real(interpreter)),
            );
        }
        if let Some(root) = &self.root {
            add("root".into(), root.display().to_string());
        }
        if let Some(workdir) = &step.own_workdir {
            add("workdir".into(), workdir.clone());
        }
        for (name, value) in step.runs_as.parts() {
            add(name, value);
        }
        for input in &step.inputs {
            add(
                format!("input:{}", input.name),
                digest::path(&input.path, &self.memory)?,
            );
        }
        for tool in self.tools.iter().filter(|_| !step.runs_as.chroot) {
            let version = self.tool_versions.get(tool).cloned();
            add(
                format!("tool:{tool}"),
                version.unwrap_or_else(|| digest::ABSENT.to_owned()),
            );
        }
        for need in &step.needs {
            let (part, known) = if step.is_by_order {
                ("after", &upstream.chains)
            } else {
                ("need", &upstream.digests)
            };
            let value = known.get(need).cloned();
            add(format!("{part}:{need}"), value.unwrap_or_default());
        }
        Ok(Fingerprint { parts })
    }

    /// The fingerprints of all steps, by id.
    pub fn fingerprints(&self, keys: &Keys) -> Result<BTreeMap<String, Fingerprint>, Error> {
        let (mut fingerprints, mut before) = (BTreeMap::new(), Upstream::default());
        for step in &self.steps {
            let env = self.environment(step, keys)?;
            let fingerprint = self.fingerprint(step, &env, &before)?;
            before.add(&step.id, &fingerprint);
            fingerprints.insert(step.id.clone(), fingerprint);
        }
        Ok(fingerprints)
    }

    /// What of the fingerprints of all steps depends on configuration, plan.toml and scripts alone:
    /// to compare two configurations without looking at inputs.
    pub fn readings(&self, keys: &Keys) -> Result<BTreeMap<String, Fingerprint>, Error> {
        let mut readings = BTreeMap::new();
        for step in &self.steps {
            let env = self.environment(step, keys)?;
            let mut parts = env.parts;
            parts.insert("script".to_owned(), digest::blob(&env.script));
            readings.insert(step.id.clone(), Fingerprint { parts });
        }
        Ok(readings)
    }

    /// Steps that keys say they make stale, and that do not exist: the key, and what it names.
    pub fn unknown_steps<'k>(&self, keys: &'k Keys) -> Vec<(&'k str, &'k str)> {
        let named = keys.with_steps().flat_map(|(key, value)| {
            let steps = value.steps.iter().flatten();
            steps.map(move |step| (key, step.as_str()))
        });
        let exists = |pattern: &str| self.steps.iter().any(|step| is_meant(&step.id, pattern));
        named.filter(|(_, pattern)| !exists(pattern)).collect()
    }

    fn resolve(&self, variable: &Variable, keys: &Keys) -> Result<String, Problem> {
        let value = |name: &str| {
            let place = self.places.get(name);
            place.or_else(|| keys.get(name).map(|v| v.text.clone()))
        };
        let value = variable.template.expand(value).map_err(|name| {
            let message = format!("`{name}` is no configuration key that has a value");
            let problem = self.document.problem(&variable.at, code::NO_VALUE, message);
            problem.help(known_key(name, keys))
        })?;
        let wrong = |what: String, help: &str| {
            let message = format!("the value of `{}` {what}", variable.name);
            let problem = self
                .document
                .problem(&variable.at, code::BAD_VARIABLE, message);
            Err(problem.help(help))
        };
        if variable.name.len() + value.len() + 2 > LONGEST {
            let what = format!(
                "is {} KiB long; a variable holds 128 KiB",
                value.len() / 1024
            );
            return wrong(what, "put it into a file, and let the script read that");
        }
        if value.contains('\0') {
            let what = "has a NUL in it, which no variable can hold".to_owned();
            return wrong(what, "put it into a file, and let the script read that");
        }
        Ok(value)
    }

    fn add_reads(&self, step: &Step, keys: &Keys, env: &mut StepEnv) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (at, prefix) in step.reads.iter().enumerate() {
            let mut found = false;
            for (key, value) in keys.below(prefix) {
                found = true;
                env.note_key(key, value);
            }
            if let (false, Some(index)) = (found, step.index) {
                let path = KeyPath::root()
                    .key("step")
                    .item(index)
                    .key("reads")
                    .item(at);
                let message = format!("`{prefix}` is no configuration key that has a value");
                let problem = self.document.problem(&path, code::NO_VALUE, message);
                problems.push(problem.help(known_key(prefix, keys)));
            }
        }
        problems
    }
}

impl StepEnv {
    /// Notes what `variable` is made of: as something the step reads, or only its secrets.
    fn note(&mut self, variable: &Variable, keys: &Keys, read: bool) {
        let used = variable.template.names();
        if is_secret(variable, keys) {
            self.secret.insert(variable.name.clone());
        }
        let used: Vec<_> = used
            .filter_map(|name| keys.get(name).map(|value| (name, value)))
            .collect();
        if !read {
            return;
        }
        for (key, value) in used {
            self.note_key(key, value);
        }
        let text = short(variable.template.text());
        self.parts.insert(format!("env:{}", variable.name), text);
    }

    fn note_key(&mut self, key: &str, value: &Value) {
        if !value.counts_for(&self.step) {
            return;
        }
        let recorded = match value.effect {
            Effect::Nothing => return,
            Effect::Builds => short(&value.text),
            Effect::Secret => format!("secret {}", value.mark.as_deref().unwrap_or("unseen")),
        };
        self.parts.insert(format!("key:{key}"), recorded);
    }
}

fn is_secret(variable: &Variable, keys: &Keys) -> bool {
    let mut used = variable.template.names().filter_map(|name| keys.get(name));
    used.any(|value| value.effect == Effect::Secret)
}

fn known_key(name: &str, keys: &Keys) -> String {
    match nearest(name, keys.names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`buildkeep config list` shows all keys; `$$` is a dollar".into(),
    }
}

/// The names and numbers in a text of any encoding.
pub(super) fn words(text: &[u8]) -> BTreeSet<&[u8]> {
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.split(|byte| !in_word(byte))
        .filter(|word| !word.is_empty())
        .collect()
}

fn short(value: &str) -> String {
    if value.len() <= LONGEST_RECORDED && !value.contains(char::is_control) {
        return value.to_owned();
    }
    let printable = |c: &char| !c.is_control();
    let start: String = value.chars().take_while(printable).take(60).collect();
    format!("{start}… ({})", &digest::blob(value.as_bytes())[..12])
}

/// The program behind `sh`, say: another one runs the same script differently.
fn real(interpreter: &Path) -> String {
    let real = interpreter.canonicalize();
    let real = real.as_deref().unwrap_or(interpreter);
    real.display().to_string()
}
