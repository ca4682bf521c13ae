//! From a text to a set of checks.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::definition::{Check, EnvIs, FileIs, Fix, Fixes, Probe, Resource, Set, Severity, Waiver};
use super::{Error, Requirement};
use crate::document::migrate::current_of;
use crate::document::{Document, KeyPath, Problem, Schema, as_size, code};

/// How long a check may take that does not say.
const LIMIT_S: f64 = 5.0;

const SCHEMA: &str = include_str!("../../templates/schemas/check.schema.json");

#[derive(Debug, Deserialize)]
struct RawSet {
    title: Option<String>,
    #[serde(default)]
    extends: Vec<String>,
    #[serde(default)]
    check: Vec<Raw>,
    #[serde(default)]
    waive: Vec<Waiver>,
}

#[derive(Debug, Deserialize)]
struct Raw {
    id: String,
    kind: String,
    what: Option<String>,
    why: String,
    #[serde(default)]
    severity: Severity,
    timeout: Option<f64>,
    program: Option<String>,
    args: Option<Vec<String>>,
    says: Option<String>,
    version: Option<String>,
    tested: Option<String>,
    target: Option<String>,
    source: Option<String>,
    path: Option<String>,
    is: Option<FileIs>,
    fs_type: Option<String>,
    resource: Option<Resource>,
    at_least: Option<Json>,
    variables: Option<Vec<String>>,
    must: Option<String>,
    umask: Option<String>,
    run: Option<Vec<String>>,
    package: Option<String>,
    #[serde(default)]
    packages: BTreeMap<String, String>,
    #[serde(default)]
    fix: BTreeMap<String, Fix>,
}

/// Reads the set called `name` from `text`; `file` is what problems call it.
pub(super) fn read(name: &str, file: &str, text: &str) -> Result<Set, Error> {
    let document = Document::parse(file, text).map_err(|problem| Error::Document(vec![problem]))?;
    let schema = Schema::parse("check.schema.json", SCHEMA)?;
    let document =
        current_of(document, &schema).map_err(|problem| Error::Document(vec![problem]))?;
    let problems = document.validate(&schema);
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    let raw: RawSet = serde_json::from_value(document.to_json()).map_err(|error| {
        let problem = Problem::in_file(code::OTHER_RULE, file, error.to_string());
        Error::Document(vec![problem])
    })?;
    let (mut checks, mut problems) = (Vec::new(), Vec::new());
    for (index, raw) in raw.check.into_iter().enumerate() {
        let at = KeyPath::root().key("check").item(index);
        match check(name, raw) {
            Ok(check) => checks.push(check),
            Err(wrong) => problems.push(wrong.located(&document, &at)),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    Ok(Set {
        name: name.to_owned(),
        title: raw.title.unwrap_or_else(|| name.to_owned()),
        extends: raw.extends,
        checks,
        waivers: raw.waive,
    })
}

/// A key that is missing, or whose value makes no sense.
struct Wrong {
    key: &'static str,
    message: String,
    help: &'static str,
}

impl Wrong {
    fn located(self, document: &Document, at: &KeyPath) -> Problem {
        let at = at.clone().key(self.key);
        let problem = document.problem(&at, code::WRONG_FORM, self.message);
        problem.help(self.help)
    }
}

fn check(set: &str, mut raw: Raw) -> Result<Check, Wrong> {
    let mut packages = std::mem::take(&mut raw.packages);
    if let Some(package) = raw.package.take() {
        packages.entry("any".into()).or_insert(package);
    }
    let fixes = Fixes {
        commands: std::mem::take(&mut raw.fix),
        packages,
    };
    let probe = probe(&mut raw)?;
    Ok(Check {
        what: raw.what.unwrap_or_else(|| probe.to_string()),
        id: raw.id,
        set: set.to_owned(),
        why: raw.why,
        severity: raw.severity,
        limit: Duration::try_from_secs_f64(raw.timeout.unwrap_or(LIMIT_S)).unwrap_or_default(),
        probe,
        fixes,
    })
}

fn probe(raw: &mut Raw) -> Result<Probe, Wrong> {
    let program = raw.program.take().unwrap_or_else(|| raw.id.clone());
    let version = requirement(raw.version.as_deref(), "version")?;
    let tested = requirement(raw.tested.as_deref(), "tested")?;
    Ok(match raw.kind.as_str() {
        "tool" => Probe::Tool {
            program,
            args: raw.args.take().unwrap_or_else(|| vec!["--version".into()]),
            says: raw.says.take(),
            version,
            tested,
        },
        "alias" => Probe::Alias {
            program,
            target: needed(raw.target.take(), "target")?,
            says: needed(raw.says.take(), "says")?,
        },
        "compile" => Probe::Compile {
            program,
            args: raw.args.take().unwrap_or_default(),
            source: needed(raw.source.take(), "source")?,
        },
        "file" => Probe::File {
            path: needed(raw.path.take(), "path")?,
            is: needed(raw.is, "is")?,
            fs_type: raw.fs_type.take(),
        },
        "kernel" => Probe::Kernel {
            version: needed(version, "version")?,
            tested,
        },
        "resource" => resource(raw)?,
        "env" => Probe::Env(env(raw)?),
        _ => Probe::Command {
            run: needed(raw.run.take(), "run")?,
            says: raw.says.take(),
        },
    })
}

fn resource(raw: &mut Raw) -> Result<Probe, Wrong> {
    let amount = needed(raw.at_least.take(), "at_least")?;
    Ok(Probe::Resource {
        resource: needed(raw.resource, "resource")?,
        at_least: as_size(&amount).ok_or_else(|| Wrong {
            key: "at_least",
            message: format!("{amount} is not a size"),
            help: "write \"10 GB\", \"512 MiB\" or a number",
        })?,
        path: raw.path.take().unwrap_or_else(|| ".".into()),
    })
}

fn env(raw: &mut Raw) -> Result<EnvIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    let mut variables = || needed(raw.variables.take(), "variables");
    Ok(match must.as_str() {
        "unset" => EnvIs::Unset(variables()?),
        "safe-folder" => EnvIs::SafeFolder(variables()?),
        "safe-path" => EnvIs::SafePath,
        _ => {
            let mask = needed(raw.umask.take(), "umask")?;
            EnvIs::Umask(u32::from_str_radix(&mask, 8).unwrap_or_default())
        }
    })
}

fn needed<T>(value: Option<T>, key: &'static str) -> Result<T, Wrong> {
    value.ok_or_else(|| Wrong {
        key,
        message: format!("a check of this kind needs `{key}`"),
        help: "docs/guide/checks.md lists the keys of each kind",
    })
}

fn requirement(text: Option<&str>, key: &'static str) -> Result<Option<Requirement>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    let parsed = Requirement::parse(text).ok_or_else(|| Wrong {
        key,
        message: format!("\"{text}\" does not limit a version"),
        help: "write `>= 2.5.1a`, say; limits are divided by commas",
    });
    parsed.map(Some)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::document::fields::{fields_of, keys_of};

    fn schema() -> Schema {
        Schema::parse("check.schema.json", SCHEMA).unwrap()
    }

    #[test]
    fn the_schema_knows_the_keys_that_are_read_and_no_others() {
        let schema = schema();
        let mut read = fields_of::<RawSet>();
        read.push("schema");
        read.sort_unstable();
        assert_eq!(keys_of(&schema, ""), read);
        assert_eq!(keys_of(&schema, "check[0]"), fields_of::<Raw>());
        assert_eq!(keys_of(&schema, "check[0].fix.any"), fields_of::<Fix>());
        assert_eq!(keys_of(&schema, "waive[0]"), fields_of::<Waiver>());
    }

    /// How many of the choices that the schema allows the code can read: all.
    fn choices<T: DeserializeOwned>(key: &str) -> usize {
        let key = KeyPath::parse(key).unwrap();
        let schema = schema();
        let all = schema.at(&key).unwrap()["enum"].as_array().unwrap();
        all.iter()
            .inspect(|one| assert!(T::deserialize(*one).is_ok(), "{key}: {one}"))
            .count()
    }

    #[test]
    fn choices_and_defaults_are_those_of_the_code() {
        assert_eq!(choices::<Severity>("check[0].severity"), 2);
        assert_eq!(choices::<FileIs>("check[0].is"), 6);
        assert_eq!(choices::<Resource>("check[0].resource"), 5);
        let schema = schema();
        let default = |key: &str| {
            let key = KeyPath::parse(&format!("check[0].{key}")).unwrap();
            schema.at(&key).unwrap()["default"].clone()
        };
        assert_eq!(default("timeout").as_f64(), Some(LIMIT_S));
        let severity = Severity::deserialize(default("severity")).unwrap();
        assert_eq!(severity, Severity::default());
        assert_eq!(
            SCHEMA.matches("\"default\":").count(),
            2,
            "each is compared here"
        );
        assert_eq!(json!(5), default("timeout"));
    }
}
