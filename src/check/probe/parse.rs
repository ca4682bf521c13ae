//! From the keys of a check to what it looks at.
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::Requirement;
use super::super::read::Wrong;
use super::kind::{
    Ability, Amount, CompileIs, EnvIs, Feature, FileIs, FileMust, FilesystemIs, KeepIs, KernelIs,
    Language, Make, Probe, Resource, SecurityIs, ToolIs, Trait,
};
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
    bad: Option<Vec<String>>,
    or: Option<Vec<RawMake>>,
    target: Option<String>,
    source: Option<String>,
    link: Option<Vec<String>>,
    path: Option<String>,
    paths: Option<Vec<String>>,
    is: Option<FileIs>,
    fs_type: Option<String>,
    owner: Option<String>,
    mode: Option<String>,
    options: Option<Vec<String>>,
    not: Option<Vec<String>>,
    can: Option<Vec<Ability>>,
    arch: Option<Vec<String>>,
    has: Option<Feature>,
    is_not: Option<Trait>,
    resource: Option<Resource>,
    at_least: Option<Json>,
    at_most: Option<Json>,
    variables: Option<Vec<String>>,
    values: Option<BTreeMap<String, String>>,
    must: Option<String>,
    umask: Option<String>,
    locale: Option<String>,
    user: Option<String>,
    language: Option<Language>,
    modules: Option<Vec<String>>,
    run: Option<Vec<String>>,
    folder: Option<String>,
    keys: Option<String>,
}

/// Another make of a program.
#[derive(Debug, Deserialize)]
struct RawMake {
    says: String,
    version: String,
}

/// The keys that each kind reads.
const KEYS: &[(&str, &[&str])] = &[
    (
        "tool",
        &["program", "args", "says", "version", "tested", "bad", "or"],
    ),
    ("alias", &["program", "target", "says"]),
    ("compile", &["program", "args", "source", "link", "says"]),
    (
        "file",
        &["path", "paths", "is", "fs_type", "owner", "mode", "target"],
    ),
    ("mount", &["path", "fs_type", "options"]),
    ("filesystem", &["path", "not", "options", "can"]),
    ("resource", &["resource", "at_least", "at_most", "path"]),
    ("kernel", &["version", "tested", "arch", "has", "is_not"]),
    (
        "env",
        &["must", "variables", "values", "umask", "path", "locale"],
    ),
    ("security", &["must", "user", "path", "paths", "owner"]),
    ("checksum", &["path", "folder"]),
    ("signature", &["folder", "keys"]),
    ("keep", &["must"]),
    ("module", &["language", "modules"]),
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
    Ok(match raw.kind.as_str() {
        "tool" => Probe::Tool(tool(program, raw)?),
        "alias" => Probe::Alias {
            program,
            target: needed(raw.target.take(), "target")?,
            says: needed(raw.says.take(), "says")?,
        },
        "compile" => Probe::Compile(CompileIs {
            program,
            args: raw.args.take().unwrap_or_default(),
            link: raw.link.take().unwrap_or_default(),
            source: needed(raw.source.take(), "source")?,
            says: raw.says.take(),
        }),
        "file" => Probe::File(file(raw)?),
        "mount" => Probe::Mount {
            path: needed(raw.path.take(), "path")?,
            fs_type: raw.fs_type.take(),
            options: raw.options.take().unwrap_or_default(),
        },
        "filesystem" => Probe::Filesystem(FilesystemIs {
            path: needed(raw.path.take(), "path")?,
            not: raw.not.take().unwrap_or_default(),
            options: raw.options.take().unwrap_or_default(),
            can: raw.can.take().unwrap_or_default(),
        }),
        "kernel" => Probe::Kernel(kernel(raw)?),
        "resource" => resource(raw)?,
        "env" => Probe::Env(env(raw)?),
        "security" => Probe::Security(security(raw)?),
        "signature" => Probe::Signature {
            folder: needed(raw.folder.take(), "folder")?,
            keys: needed(raw.keys.take(), "keys")?,
        },
        "keep" => Probe::Keep(keep(raw)?),
        "checksum" => Probe::Checksum {
            path: needed(raw.path.take(), "path")?,
            folder: raw.folder.take(),
        },
        "module" => Probe::Module {
            language: needed(raw.language, "language")?,
            modules: needed(raw.modules.take(), "modules")?,
        },
        _ => Probe::Command {
            run: needed(raw.run.take(), "run")?,
            says: raw.says.take(),
        },
    })
}

fn tool(program: String, raw: &mut RawProbe) -> Result<ToolIs, Wrong> {
    let bad = raw.bad.take().unwrap_or_default();
    let bad = bad.iter().map(|text| limits(text, "bad"));
    let or = raw.or.take().unwrap_or_default().into_iter().map(|make| {
        Ok(Make {
            version: limits(&make.version, "or")?,
            says: make.says,
        })
    });
    Ok(ToolIs {
        program,
        args: raw.args.take().unwrap_or_else(|| vec!["--version".into()]),
        says: raw.says.take(),
        version: requirement(raw.version.as_deref(), "version")?,
        tested: requirement(raw.tested.as_deref(), "tested")?,
        bad: bad.collect::<Result<_, _>>()?,
        or: or.collect::<Result<_, _>>()?,
    })
}

fn file(raw: &mut RawProbe) -> Result<FileMust, Wrong> {
    let mode = raw.mode.take();
    Ok(FileMust {
        paths: places(raw)?,
        is: needed(raw.is, "is")?,
        fs_type: raw.fs_type.take(),
        owner: raw.owner.take(),
        mode: mode.map(|mode| octal(&mode)),
        target: raw.target.take(),
    })
}

/// One place, or several.
fn places(raw: &mut RawProbe) -> Result<Vec<String>, Wrong> {
    let mut places = raw.paths.take().unwrap_or_default();
    places.extend(raw.path.take());
    needed((!places.is_empty()).then_some(places), "path")
}

fn kernel(raw: &mut RawProbe) -> Result<KernelIs, Wrong> {
    let is = KernelIs {
        version: requirement(raw.version.as_deref(), "version")?,
        tested: requirement(raw.tested.as_deref(), "tested")?,
        arch: raw.arch.take().unwrap_or_default(),
        has: raw.has,
        is_not: raw.is_not,
    };
    let asks = is.arch.len() + usize::from(is.has.is_some()) + usize::from(is.is_not.is_some());
    if asks == 0 {
        needed(is.version.as_ref().or(is.tested.as_ref()), "version")?;
    }
    Ok(is)
}

fn resource(raw: &mut RawProbe) -> Result<Probe, Wrong> {
    let amount = if let Some(most) = raw.at_most.take() {
        Amount::AtMost(size(&most, "at_most")?)
    } else {
        let least = needed(raw.at_least.take(), "at_least")?;
        Amount::AtLeast(size(&least, "at_least")?)
    };
    Ok(Probe::Resource {
        resource: needed(raw.resource, "resource")?,
        amount,
        path: raw.path.take().unwrap_or_else(|| ".".into()),
    })
}

fn size(amount: &Json, key: &'static str) -> Result<u64, Wrong> {
    as_size(amount).ok_or_else(|| Wrong {
        code: code::NOT_AN_AMOUNT,
        key,
        message: format!("{amount} is not a size"),
        help: "write \"10 GB\", \"512 MiB\" or a number".into(),
    })
}

fn env(raw: &mut RawProbe) -> Result<EnvIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    let mut variables = || needed(raw.variables.take(), "variables");
    Ok(match must.as_str() {
        "unset" => EnvIs::Unset(variables()?),
        "set" => EnvIs::Set(variables()?),
        "equal" => EnvIs::Equals(needed(raw.values.take(), "values")?),
        "safe-folder" => EnvIs::SafeFolder(variables()?),
        "safe-path" => EnvIs::SafePath,
        "path-starts-with" => EnvIs::PathStartsWith(needed(raw.path.take(), "path")?),
        "jobs" => EnvIs::Jobs,
        "locale" => EnvIs::Locale(raw.locale.take()),
        "umask" => EnvIs::Umask(octal(&needed(raw.umask.take(), "umask")?)),
        _ => {
            let choices = "`unset`, `set`, `equal`, `safe-folder`, `safe-path`, \
                `path-starts-with`, `jobs`, `locale` or `umask`";
            return Err(not_for("env", choices));
        }
    })
}

fn security(raw: &mut RawProbe) -> Result<SecurityIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    Ok(match must.as_str() {
        "root" => SecurityIs::Root,
        "not-root" => SecurityIs::NotRoot,
        "user" => SecurityIs::User(needed(raw.user.take(), "user")?),
        "no-setuid-in-path" => SecurityIs::NoSetuidInPath,
        "sudo-asks" => SecurityIs::SudoAsks,
        "owner" => SecurityIs::Owner {
            paths: places(raw)?,
            owner: needed(raw.owner.take(), "owner")?,
        },
        "nobody-else-writes" => SecurityIs::NobodyElseWrites {
            paths: places(raw)?,
        },
        _ => {
            let choices = "`root`, `not-root`, `user`, `no-setuid-in-path`, `sudo-asks`, `owner` \
                or `nobody-else-writes`";
            return Err(not_for("security", choices));
        }
    })
}

fn keep(raw: &mut RawProbe) -> Result<KeepIs, Wrong> {
    let must = needed(raw.must.take(), "must")?;
    Ok(match must.as_str() {
        "no-other-run" => KeepIs::NoOtherRun,
        "no-interrupted-run" => KeepIs::NoInterruptedRun,
        "no-leftover-mounts" => KeepIs::NoLeftoverMounts,
        "no-leftover-cgroups" => KeepIs::NoLeftoverCgroups,
        "no-secrets" => KeepIs::NoSecrets,
        "room" => KeepIs::Room,
        _ => {
            let choices = "`no-other-run`, `no-interrupted-run`, `no-leftover-mounts`, \
                `no-leftover-cgroups`, `no-secrets` or `room`";
            return Err(not_for("keep", choices));
        }
    })
}

/// The schema has made sure that it is one.
fn octal(mode: &str) -> u32 {
    u32::from_str_radix(mode, 8).unwrap_or_default()
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
    text.map(|text| limits(text, key)).transpose()
}

fn limits(text: &str, key: &'static str) -> Result<Requirement, Wrong> {
    Requirement::parse(text).ok_or_else(|| Wrong {
        code: code::BAD_LIMIT,
        key,
        message: format!("\"{text}\" does not limit a version"),
        help: "write `>= 2.5.1a`, say; limits are divided by commas".into(),
    })
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
