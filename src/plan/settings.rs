//! What plan.toml says, apart from the steps.
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use super::environment::Variable;
use super::runs_as::RawRunsAs;
use super::template::Template;
use super::{Checkpoint, Error};
use crate::document::migrate::current_of;
use crate::document::{Document, KeyPath, Place, Problem, Schema, code};

/// Where scripts are if plan.toml names neither a folder nor steps.
pub(super) const DEFAULT_SCRIPTS: &str = "scripts";

pub(super) const SCHEMA: &str = include_str!("../../templates/schemas/plan.schema.json");

/// plan.toml, once it is known to have the right form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) scripts: Option<String>,
    pub(super) root: Option<String>,
    pub(super) workdir: Option<String>,
    #[serde(default)]
    pub(super) apply: super::Apply,
    pub(super) jobs: Option<u32>,
    pub(super) tools: Vec<String>,
    pub(super) throttle: Option<bool>,
    pub(super) order: super::Counts,
    pub(super) checkpoint: Checkpoint,
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip)]
    pub(super) runs_as: RawRunsAs,
    pub(super) defaults: Vec<RawDefaults>,
    pub(super) step: Vec<RawStep>,
}

/// A `[[defaults]]` of plan.toml: what holds for some steps, unless they say otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawDefaults {
    pub(super) steps: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) timeout: Option<Json>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) workdir: Option<String>,
    #[serde(skip)]
    pub(super) runs_as: RawRunsAs,
}

/// A `[[step]]` of plan.toml.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawStep {
    pub(super) id: Option<String>,
    pub(super) script: Option<String>,
    pub(super) needs: Option<Vec<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) reads: Vec<String>,
    pub(super) inputs: Vec<String>,
    pub(super) timeout: Option<Json>,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) workdir: Option<String>,
    pub(super) sbu: Option<Json>,
    pub(super) disk: Option<Json>,
    #[serde(skip)]
    pub(super) runs_as: RawRunsAs,
}

/// Folders that templates may name.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) keep: PathBuf,
    pub(super) root: Option<PathBuf>,
}

impl Places {
    /// The folder that `${keep}` or `${root}` stands for.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let place = match name {
            "keep" => Some(&self.keep),
            "root" => self.root.as_ref(),
            _ => None,
        };
        place.map(|path| path.display().to_string())
    }
}

/// Reads the text and checks its form.
pub(super) fn read(name: &str, text: &str) -> Result<(Document, Raw), Error> {
    let schema = Schema::parse_known("plan.schema.json", SCHEMA)?;
    let document = parse(name, text, &schema)?;
    let problems = document.validate(&schema);
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    raw(name, document)
}

/// Reads a text whose form was checked before.
pub(super) fn read_known(name: &str, text: &str) -> Result<(Document, Raw), Error> {
    let schema = Schema::parse_known("plan.schema.json", SCHEMA)?;
    raw(name, parse(name, text, &schema)?)
}

fn parse(name: &str, text: &str, schema: &Schema) -> Result<Document, Error> {
    let one = |problem| Error::Document(vec![problem]);
    let document = Document::parse(name, text).map_err(one)?;
    current_of(document, schema).map_err(one)
}

fn raw(name: &str, document: Document) -> Result<(Document, Raw), Error> {
    let raw = of_json(&document.to_json()).map_err(|error| {
        let problem = Problem::in_file(code::OTHER_RULE, name, error.to_string());
        Error::Document(vec![problem])
    })?;
    Ok((document, raw))
}

fn of_json(json: &Json) -> serde_json::Result<Raw> {
    let mut raw = Raw::deserialize(json)?;
    raw.runs_as = RawRunsAs::deserialize(json)?;
    for (index, step) in raw.step.iter_mut().enumerate() {
        step.runs_as = RawRunsAs::deserialize(&json["step"][index])?;
    }
    for (index, defaults) in raw.defaults.iter_mut().enumerate() {
        defaults.runs_as = RawRunsAs::deserialize(&json["defaults"][index])?;
    }
    Ok(raw)
}

/// A reader of the values of one plan.toml, collecting what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) document: &'a Document,
    pub(super) places: Places,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Notes a problem with the value at `path`.
    pub(super) fn wrong(
        &mut self,
        code: &'static str,
        path: &KeyPath,
        message: String,
        help: impl Into<String>,
    ) {
        let problem = self.document.problem(path, code, message);
        self.problems.push(problem.help(help));
    }

    /// Takes the build root from the value at `root`; `/` and shell variables are refused.
    pub(super) fn root(&mut self, raw: Option<&str>) {
        let path = KeyPath::root().key("root");
        let Some(raw) = raw else { return };
        let root = without_dots(&self.places.keep.join(raw));
        if raw.contains('$') || raw.starts_with('~') {
            let message = format!("`root` is \"{raw}\", and nothing is replaced in it");
            self.wrong(
                code::BAD_ROOT,
                &path,
                message,
                "write the folder itself, as in `root = \"/mnt/lfs\"`",
            );
        } else if root.parent().is_none() {
            let message = "`root` is /, this machine itself".to_owned();
            let help = "name a folder of its own, as `/mnt/lfs`";
            self.wrong(code::BAD_ROOT, &path, message, help);
        } else if root.components().eq(self.places.keep.components()) {
            let message = "`root` is the keep itself".to_owned();
            self.wrong(
                code::BAD_ROOT,
                &path,
                message,
                "name another folder; what is built gets rolled back",
            );
        } else if self.places.keep.starts_with(&root) {
            let message = "the keep lies in `root`, and would be rolled back with it".to_owned();
            let help = "name a folder that does not hold the keep, or move the keep out of it";
            self.wrong(code::BAD_ROOT, &path, message, help);
        }
        // A wrong one too: what uses it is not to be blamed.
        self.places.root = Some(root);
    }

    /// A path from the keep, with `${root}` and `${keep}` replaced.
    pub(super) fn path(&mut self, raw: &str, at: &KeyPath) -> PathBuf {
        let text = match self.template(raw, at) {
            Some(template) => match template.expand(|name| self.places.get(name)) {
                Ok(text) => text,
                Err(name) => {
                    let message = format!("`${{{name}}}` is not known here");
                    let help = "paths may name `${root}` and `${keep}` only";
                    self.wrong(code::BAD_TEMPLATE, at, message, help);
                    String::new()
                }
            },
            None => String::new(),
        };
        without_dots(&self.places.keep.join(text))
    }

    /// The variables of the table at `at`.
    pub(super) fn variables(
        &mut self,
        raw: &BTreeMap<String, String>,
        at: &KeyPath,
    ) -> Vec<Variable> {
        let mut variables = Vec::new();
        for (name, text) in raw {
            let at = at.clone().key(name);
            self.check_name(name, &at);
            if text.contains('\0') {
                let message = format!("`{name}` holds a NUL");
                self.wrong(code::BAD_VARIABLE, &at, message, "variables end at a NUL");
            }
            let Some(template) = self.template(text, &at) else {
                continue;
            };
            if self.places.root.is_none() && template.names().any(|name| name == "root") {
                let message = "`${root}` is used, and the plan has no `root`".to_owned();
                let help = "add `root = \"/mnt/lfs\"`, say";
                self.wrong(code::NO_ROOT, &at, message, help);
            }
            variables.push(Variable {
                name: name.clone(),
                template,
                at,
            });
        }
        variables
    }

    fn template(&mut self, text: &str, at: &KeyPath) -> Option<Template> {
        let parsed = Template::parse(text);
        parsed
            .map_err(|problem| {
                let message = problem.to_string();
                self.wrong(code::BAD_TEMPLATE, at, message, problem.help());
            })
            .ok()
    }

    fn check_name(&mut self, name: &str, at: &KeyPath) {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (message, help) = if !name.chars().all(fine) || name.starts_with(char::is_numeric) {
            let message = format!("`{name}` cannot be the name of a variable");
            (message, "use letters, digits and `_`")
        } else if name.starts_with("BUILDKEEP_") {
            let message = format!("`{name}` is one of the variables that buildkeep sets itself");
            (message, "choose another name")
        } else {
            return;
        };
        let problem = self
            .document
            .problem_at(Place::Key, at, code::BAD_VARIABLE, message);
        self.problems.push(problem.help(help));
    }
}

/// The path without `.` and `..`, by its text: what does not exist yet has no other meaning.
pub(super) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
