//! From the keys of a check to what it looks at.
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::Requirement;
use super::super::read::Wrong;
use super::kind::{EnvIs, FileIs, Probe, Resource, SecurityIs};
use crate::document::{as_size, code};

/// The keys that kinds have of their own.
#[derive(Debug, Deserialize)]
pub(in super::super) struct RawProbe {
    kind: String,
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
    options: Option<Vec<String>>,
    resource: Option<Resource>,
    at_least: Option<Json>,
    variables: Option<Vec<String>>,
    must: Option<String>,
    umask: Option<String>,
    run: Option<Vec<String>>,
    folder: Option<String>,
}

/// The keys that each kind reads.
const KEYS: &[(&str, &[&str])] = &[
    ("tool", &["program", "args", "says", "version", "tested"]),
    ("alias", &["program", "target", "says"]),
    ("compile", &["program", "args", "source"]),
    ("file", &["path", "is", "fs_type"]),
    ("mount", &["path", "fs_type", "options"]),
    ("resource", &["resource", "at_least", "path"]),
    ("kernel", &["version", "tested"]),
    ("env", &["must", "variables", "umask"]),
    ("security", &["must"]),
    ("checksum", &["path", "folder"]),
    ("command", &["run", "says"]),
];

/// The keys that checks of this kind read, besides those that all have.
pub(in super::super) fn keys_of_kind(kind: &str) -> &'static [&'static str] {
    let known = KEYS.iter().find(|(name, _)| *name == kind);
    known.map_or(&[], |(_, keys)| keys)
}

/// What the check called `id` looks at.
pub(in super::super) fn parse(id: &str, mut raw: RawProbe) -> Result<Probe, Wrong> {
    let raw = &mut raw;
    let program = raw.program.take().unwrap_or_else(|| id.to_owned());
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
        "mount" => Probe::Mount {
            path: needed(raw.path.take(), "path")?,
            fs_type: raw.fs_type.take(),
            options: raw.options.take().unwrap_or_default(),
        },
        "kernel" => Probe::Kernel {
            version: needed(version, "version")?,
            tested,
        },
        "resource" => resource(raw)?,
        "env" => Probe::Env(env(raw)?),
        "security" => Probe::Security(security(raw)?),
        "checksum" => Probe::Checksum {
            path: needed(raw.path.take(), "path")?,
            folder: raw.folder.take(),
        },
        _ => Probe::Command {
            run: needed(raw.run.take(), "run")?,
            says: raw.says.take(),
        },
    })
}

fn resource(raw: &mut RawProbe) -> Result<Probe, Wrong> {
    let amount = needed(raw.at_least.take(), "at_least")?;
    Ok(Probe::Resource {
        resource: needed(raw.resource, "resource")?,
        at_least: as_size(&amount).ok_or_else(|| Wrong {
            code: code::NOT_AN_AMOUNT,
            key: "at_least",
            message: format!("{amount} is not a size"),
            help: "write \"10 GB\", \"512 MiB\" or a number".into(),
        })?,
        path: raw.path.take().unwrap_or_else(|| ".".into()),
    })
}

fn env(raw: &mut RawProbe) -> Result<EnvIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    let mut variables = || needed(raw.variables.take(), "variables");
    Ok(match must.as_str() {
        "unset" => EnvIs::Unset(variables()?),
        "safe-folder" => EnvIs::SafeFolder(variables()?),
        "safe-path" => EnvIs::SafePath,
        "umask" => {
            let mask = needed(raw.umask.take(), "umask")?;
            EnvIs::Umask(u32::from_str_radix(&mask, 8).unwrap_or_default())
        }
        _ => {
            return Err(not_for(
                "env",
                "`unset`, `safe-folder`, `safe-path` or `umask`",
            ));
        }
    })
}

fn security(raw: &mut RawProbe) -> Result<SecurityIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    SecurityIs::deserialize(&Json::from(must))
        .map_err(|_| not_for("security", "`root` or `not-root`"))
}

fn not_for(kind: &str, choices: &str) -> Wrong {
    Wrong {
        code: code::NOT_ALLOWED,
        key: "must",
        message: format!("a check of kind `{kind}` knows no such thing"),
        help: format!("it can be {choices}"),
    }
}

fn needed<T>(value: Option<T>, key: &'static str) -> Result<T, Wrong> {
    value.ok_or_else(|| Wrong {
        code: code::KIND_NEEDS,
        key,
        message: format!("a check of this kind needs `{key}`"),
        help: "docs/guide/checks.md lists the keys of each kind".into(),
    })
}

fn requirement(text: Option<&str>, key: &'static str) -> Result<Option<Requirement>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    let parsed = Requirement::parse(text).ok_or_else(|| Wrong {
        code: code::BAD_LIMIT,
        key,
        message: format!("\"{text}\" does not limit a version"),
        help: "write `>= 2.5.1a`, say; limits are divided by commas".into(),
    });
    parsed.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::fields::fields_of;

    #[test]
    fn every_key_is_read_by_a_kind() {
        let mut read: Vec<&str> = KEYS.iter().flat_map(|(_, keys)| *keys).copied().collect();
        read.push("kind");
        read.sort_unstable();
        read.dedup();
        assert_eq!(read, fields_of::<RawProbe>());
    }
}
