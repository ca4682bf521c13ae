//! `config schema`
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::configuration::key;
use super::super::{Answer, Context};
use super::rule::Rule;
use crate::config::{BUILTIN, Effective, Error, Files, Schemas, Sources};
use crate::document::{KeyPath, nearest};
use crate::failure::Failure;

/// Show what the schemas know of keys: type, default, allowed values, meaning, where they are set
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this key, or the keys of this table
    #[arg(conflicts_with = "export")]
    key: Option<String>,
    /// Print a JSON Schema: of all configuration together, or of `build`, `plan`, `buildkeep`,
    /// `check`, or `overlay`
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        default_missing_value = ""
    )]
    export: Option<String>,
}

/// What may be set.
#[derive(Debug, Serialize)]
struct Known {
    keys: Vec<Rule>,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keys.as_slice() {
            [] => writeln!(
                f,
                "no keys: write schemas/NAME.schema.json for config/NAME.toml"
            ),
            [only] => only.write_whole(f),
            many => many.iter().try_for_each(|rule| write!(f, "{rule}")),
        }
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    if let Some(name) = &args.export {
        return export(cx, name);
    }
    let keep = cx.keep()?;
    let sources = Sources::read(&Files::of_work_tree(&keep)?)?;
    let schema = sources.schemas().combined();
    let wanted = args.key.as_deref().map(key).transpose()?;
    let wanted = wanted.unwrap_or_default();
    if schema.at(&wanted).is_none() {
        return Err(unknown(&sources, &wanted));
    }
    let effective = Effective::of_files(&sources, &keep.host());
    let is_value = |key: &KeyPath| key.starts_with(&wanted) && key.segments().len() > 1;
    let mut keys: Vec<KeyPath> = schema.keys().into_iter().filter(is_value).collect();
    if keys.is_empty() && !wanted.segments().is_empty() {
        keys.push(wanted);
    }
    let keys = keys.iter().map(|key| Rule::of(&sources, &effective, key));
    let keys = keys.collect();
    cx.ui.show(&Known { keys })?;
    Ok(Answer::Yes)
}

fn unknown(sources: &Sources, wanted: &KeyPath) -> Failure {
    let known = sources.schemas().combined().keys().into_iter();
    let known = known.filter(|key| key.segments().len() > 1);
    let known: Vec<String> = known.map(|key| key.to_string()).collect();
    let near = nearest(&wanted.to_string(), known.iter().map(String::as_str));
    Failure::from(Error::UnknownKey {
        key: wanted.to_string(),
        near: near.map(str::to_owned),
    })
}

/// Prints a schema as a document of its own.
fn export(cx: &mut Context, name: &str) -> Result<Answer, Failure> {
    let file = format!("{name}.schema.json");
    if let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == file) {
        cx.ui.raw(text.as_bytes())?;
        return Ok(Answer::Yes);
    }
    let keep = cx.keep()?;
    let files = Files::of_work_tree(&keep)?;
    let sources = Sources::read(&files)?;
    let text = exported(&files, sources.schemas(), name)?;
    cx.ui.raw(text.as_bytes())?;
    Ok(Answer::Yes)
}

fn exported(files: &Files, schemas: &Schemas, name: &str) -> Result<String, Failure> {
    let json = match name {
        "" => schemas.whole().json(),
        "overlay" => schemas.combined().json(),
        other => {
            let path = format!("schemas/{other}.schema.json");
            let text = files.text(&path).unwrap_or_default();
            if !text.is_empty() {
                return Ok(text.to_owned());
            }
            return Err(no_such(files, other));
        }
    };
    let mut document = serde_json::Map::new();
    let draft = "https://json-schema.org/draft/2020-12/schema";
    document.insert("$schema".to_owned(), Json::from(draft));
    document.extend(json.as_object().cloned().unwrap_or_default());
    let text = format!("{:#}\n", Json::Object(document));
    Ok(text)
}

fn no_such(files: &Files, name: &str) -> Failure {
    let own = files.iter().filter_map(|(path, ..)| {
        let file = path.strip_prefix("schemas/")?;
        file.strip_suffix(".schema.json")
    });
    let builtin = BUILTIN
        .iter()
        .filter_map(|(file, _)| file.strip_suffix(".schema.json"));
    let mut names: Vec<&str> = own.chain(builtin).chain(["overlay"]).collect();
    names.sort_unstable();
    names.dedup();
    let failure = Failure::user(format!("there is no schema `{name}`"));
    match nearest(name, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint(format!(
            "there are {}; without a name all are put together",
            names.join(", ")
        )),
    }
}
