//! Of which form a text is.
use serde_json::Value as Json;
use toml_edit::Value;

use super::super::key_path::KeyPath;
use super::super::parse::Document;
use super::super::problem::Problem;
use super::super::{code, edit};
use super::{Before, Draft, Migrations, Stuck};

/// The key that says of which form a text is.
const FORM: &str = "schema";

/// How much of the tree a text must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// An overlay: whatever it changes.
    Overlay,
}

/// The schemas that a text is to fulfil.
#[derive(Debug)]
pub enum Forms<'a> {
    /// One: `schema = 3` says which form of it.
    One(&'a Migrations),
    /// Several, by name and with the tables they describe: `schema = { build = 3 }` in an overlay.
    Several(Vec<Described<'a>>),
}

/// A schema among several: its name, the tables it describes, its forms.
pub(super) type Described<'a> = (&'a str, Vec<&'a str>, &'a Migrations);

/// One schema, and the form of it that a text has.
struct Stage<'a> {
    name: &'a str,
    migrations: &'a Migrations,
    from: u64,
}

pub(super) fn current(document: Document, forms: &Forms<'_>) -> Result<Document, Problem> {
    let stages = stages(&document, forms)?;
    let newer = |stage: &&Stage<'_>| stage.from > stage.migrations.version;
    if let Some(stage) = stages.iter().find(newer) {
        return Err(too_new(&document, stage));
    }
    let older = |stage: &&Stage<'_>| stage.from < stage.migrations.version;
    let Some(oldest) = stages.iter().filter(older).min_by_key(|stage| stage.from) else {
        return Ok(document);
    };
    let forms_told = (oldest.from, oldest.migrations.version);
    let part = match forms {
        Forms::One(_) => Part::Whole,
        Forms::Several(_) => Part::Overlay,
    };
    let text = Draft {
        name: document.name().to_owned(),
        text: document.text().to_owned(),
        renames: Vec::new(),
    };
    let migrated = stages
        .iter()
        .filter(older)
        .try_fold(text, |text, stage| {
            stage.migrations.migrate(text, stage.from, part)
        })
        .and_then(|text| stamp(text, &stages, part));
    let new = migrated.and_then(|text| Ok((text.parse()?, text.renames)));
    match new {
        Ok((new, renames)) => Ok(new.migrated(Before {
            document,
            renames,
            forms: forms_told,
        })),
        Err(stuck) => Err(located(&document, &stuck, forms_told)),
    }
}

pub(super) fn stamped(
    name: &str,
    text: &str,
    forms: &Forms<'_>,
    table: &str,
) -> Result<String, Problem> {
    let document = Document::parse(name, text)?;
    let holds = |tables: &[&str]| tables.iter().any(|name| has(&document, name));
    let stage = match forms {
        Forms::One(migrations) => {
            let is_new = document
                .to_json()
                .as_object()
                .is_none_or(serde_json::Map::is_empty);
            is_new.then_some(Stage {
                name: "",
                migrations,
                from: 1,
            })
        }
        Forms::Several(all) => {
            let owner = all.iter().find(|(_, tables, _)| tables.contains(&table));
            let fresh = owner.filter(|(_, tables, _)| !holds(tables));
            fresh.map(|(name, _, migrations)| Stage {
                name,
                migrations,
                from: 1,
            })
        }
    };
    let Some(stage) = stage.filter(|stage| stage.migrations.version > 1) else {
        return Ok(text.to_owned());
    };
    match forms {
        Forms::One(_) => set_form(&document, Part::Whole, &[stage]),
        // A number holds for all tables, and so for this one.
        Forms::Several(_) if is_number(&document) => Ok(text.to_owned()),
        Forms::Several(_) => set_form(&document, Part::Overlay, &[stage]),
    }
}

fn has(document: &Document, table: &str) -> bool {
    document.line_of(&KeyPath::root().key(table)).is_some()
}

fn is_number(document: &Document) -> bool {
    document.to_json().get(FORM).is_some_and(Json::is_number)
}

/// The schemas that a text has something of, each with the form it has.
fn stages<'a>(document: &Document, forms: &'a Forms<'_>) -> Result<Vec<Stage<'a>>, Problem> {
    let said = document
        .to_json()
        .get(FORM)
        .cloned()
        .unwrap_or(Json::from(1));
    let key = KeyPath::root().key(FORM);
    match forms {
        Forms::One(migrations) => {
            let from = number(document, &key, &said)?;
            Ok(vec![Stage {
                name: "",
                migrations,
                from,
            }])
        }
        Forms::Several(all) => {
            let there =
                |(_, tables, _): &&Described<'_>| tables.iter().any(|table| has(document, table));
            let there: Vec<&Described<'_>> = all.iter().filter(there).collect();
            if said.as_u64().is_some_and(|form| form != 1) {
                refuse_unclear(document, &key, &there)?;
            }
            let stage = |(name, _, migrations): &&'a Described<'_>| {
                let key = key.clone().key(*name);
                let from = match &said {
                    Json::Object(fields) => fields
                        .get(*name)
                        .map_or(Ok(1), |form| number(document, &key, form)),
                    form => number(document, &key, form),
                }?;
                Ok(Stage {
                    name,
                    migrations,
                    from,
                })
            };
            there.iter().map(stage).collect()
        }
    }
}

fn number(document: &Document, key: &KeyPath, said: &Json) -> Result<u64, Problem> {
    let number = said.as_u64().filter(|form| *form > 0);
    number.ok_or_else(|| {
        let message =
            format!("`{key}` is the version of the file's form: a whole number from 1 on");
        document.problem(key, code::BAD_FORM, message)
    })
}

/// One number for several schemas that have several forms says nothing.
fn refuse_unclear(
    document: &Document,
    key: &KeyPath,
    there: &[&Described<'_>],
) -> Result<(), Problem> {
    let versioned: Vec<_> = there
        .iter()
        .filter(|(_, _, migrations)| migrations.version > 1)
        .collect();
    if versioned.len() < 2 {
        return Ok(());
    }
    let example = versioned
        .iter()
        .map(|(name, _, migrations)| format!("{name} = {}", migrations.version));
    let example = example.collect::<Vec<_>>().join(", ");
    let message =
        "this overlay has tables of several schemas: one number does not say which form each has";
    Err(document
        .problem(key, code::UNCLEAR_FORM, message)
        .help(format!("say it for each: `schema = {{ {example} }}`")))
}

fn stamp(text: Draft, stages: &[Stage<'_>], part: Part) -> Result<Draft, Stuck> {
    let document = text.parse()?;
    let stamped = set_form(&document, part, stages)
        .map_err(|problem| Stuck::on(&KeyPath::root().key(FORM), problem.message))?;
    Ok(Draft {
        text: stamped,
        ..text
    })
}

/// The text, saying that it is of the newest form of all `stages`.
fn set_form(document: &Document, part: Part, stages: &[Stage<'_>]) -> Result<String, Problem> {
    let form = KeyPath::root().key(FORM);
    let number = |stage: &Stage<'_>| Value::from(stage.migrations.version.cast_signed());
    let said = document.to_json();
    let (name, text) = (document.name(), document.text());
    match (part, stages) {
        (Part::Whole, [stage, ..]) => edit::set(name, text, &form, &number(stage)),
        _ if said.get(FORM).is_some_and(Json::is_object) => {
            stages.iter().try_fold(text.to_owned(), |text, stage| {
                edit::set(name, &text, &form.clone().key(stage.name), &number(stage))
            })
        }
        _ => {
            let numbers = stages.iter().map(|stage| (stage.name, number(stage)));
            let table: toml_edit::InlineTable = numbers.collect();
            edit::set(name, text, &form, &Value::from(table))
        }
    }
}

fn too_new(document: &Document, stage: &Stage<'_>) -> Problem {
    let form = KeyPath::root().key(FORM);
    let key = match document.to_json().get(FORM) {
        Some(Json::Object(_)) => form.key(stage.name),
        _ => form,
    };
    let whose = if stage.name.is_empty() {
        String::new()
    } else {
        format!(" of `{}`", stage.name)
    };
    let message = format!(
        "made for form {}{whose}, but this keep's schema knows {}",
        stage.from, stage.migrations.version
    );
    document
        .problem(&key, code::NEWER_FORM, message)
        .help("pull the newer schema, or upgrade buildkeep; forms are never migrated back")
}

fn located(document: &Document, stuck: &Stuck, (from, to): (u64, u64)) -> Problem {
    let message = format!("cannot be read as form {to}: {}", stuck.message);
    document
        .problem(&stuck.key, code::CANNOT_MIGRATE, message)
        // It may be a secret under a name that no schema knows any more.
        .without_value()
        .help(format!(
            "mend it as form {from} has it, or rewrite the file by hand"
        ))
}
