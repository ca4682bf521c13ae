//! `config list`
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::super::configuration::{effective, effective_at, key, sources_at};
use super::super::{Answer, Context, versions};
use crate::config::layers::{self, Given};
use crate::config::{Effective, Entry, Scope, Sources};
use crate::document::{KeyPath, Segment};
use crate::failure::Failure;
use crate::ui::{clean, style};

/// List all keys with their values and where these come from
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the keys of this table
    table: Option<String>,
    /// As it was in a version, tag, date or commit
    #[arg(long, value_name = "REVISION")]
    at: Option<String>,
    /// With the values that do not hold, because a stronger layer has another
    #[arg(long)]
    all_layers: bool,
}

/// The values of all layers.
#[derive(Debug, Serialize)]
pub(super) struct Layers {
    entries: Vec<Given>,
}

impl Layers {
    /// What the layers say of the keys at or below `table`, secrets hidden.
    pub(super) fn of(sources: &Sources, scope: &Scope, table: &KeyPath) -> Result<Self, Failure> {
        let schema = sources.schemas().combined();
        let mut entries = layers::given(sources, scope, table)?;
        for entry in &mut entries {
            let key = KeyPath::parse(&entry.key).unwrap_or_default();
            if schema.is_secret(&key) {
                entry.value = Json::from("(secret)");
            }
        }
        Ok(Self { entries })
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |given: &Given| clean(&format!("{} = {}", given.key, given.value)).into_owned();
        let lines: Vec<String> = self.entries.iter().map(line).collect();
        let width = width(&lines);
        for (line, given) in lines.iter().zip(&self.entries) {
            let gap = " ".repeat(width.saturating_sub(line.chars().count()));
            let origin = style::faint(&given.origin);
            if given.holds {
                writeln!(f, "  {line}{gap}  {origin}")?;
            } else {
                writeln!(f, "x {}{gap}  {origin}", style::struck(line))?;
            }
        }
        Ok(())
    }
}

/// All values.
#[derive(Debug, Serialize)]
struct Listed {
    entries: Vec<Entry>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entries.is_empty() {
            return writeln!(
                f,
                "no keys: write config/NAME.toml, or `buildkeep config set KEY VALUE`"
            );
        }
        write_entries(f, &self.entries, true)
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let table = args.table.as_deref().map(key).transpose()?;
    if args.all_layers {
        let (sources, scope) = sources_at(cx, &keep, args.at.as_deref())?;
        let layers = Layers::of(&sources, &scope, &table.unwrap_or_default())?;
        let hides = layers.entries.iter().any(|given| !given.holds);
        cx.ui.show(&layers)?;
        if hides {
            cx.ui
                .hint("values marked with x do not hold: a stronger layer has another");
        }
        return Ok(Answer::Yes);
    }
    let effective = match &args.at {
        Some(at) => effective_at(&keep, versions::resolve(&keep, at)?)?,
        None => effective(cx, &keep)?,
    };
    let mut entries = effective.entries_in(&table.unwrap_or_default());
    hide_secrets(&effective, &mut entries);
    cx.ui.show(&Listed { entries })?;
    Ok(Answer::Yes)
}

/// Secrets are shown to those only who ask for them by name.
pub(super) fn hide_secrets(effective: &Effective, entries: &mut [Entry]) {
    for entry in entries {
        let key = KeyPath::parse(&entry.key).unwrap_or_default();
        if effective.is_secret(&key) {
            entry.value = Json::from("(secret)");
        }
    }
}

/// The values as one table, without the names that lead to `table`.
pub(super) fn tree(entries: &[Entry], table: &KeyPath) -> Json {
    let mut root = Json::Object(Map::new());
    for entry in entries {
        let path = KeyPath::parse(&entry.key).unwrap_or_default();
        let mut place = &mut root;
        for segment in &path.segments()[table.segments().len()..] {
            let Segment::Key(name) = segment else {
                continue;
            };
            if place.is_null() {
                *place = Json::Object(Map::new());
            }
            if let Json::Object(fields) = place {
                place = fields.entry(name.clone()).or_insert(Json::Null);
            } else {
                break;
            }
        }
        *place = entry.value.clone();
    }
    root
}

/// One key a line, with its origin if that is wanted.
pub(super) fn write_entries(
    f: &mut fmt::Formatter<'_>,
    entries: &[Entry],
    origins: bool,
) -> fmt::Result {
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| clean(&format!("{} = {}", entry.key, entry.value)).into_owned())
        .collect();
    let width = width(&lines);
    for (line, entry) in lines.iter().zip(entries) {
        if origins {
            writeln!(f, "{line:width$}  {}", style::faint(&entry.origin))?;
        } else {
            writeln!(f, "{line}")?;
        }
    }
    Ok(())
}

/// The room that lines need, if it is not too much.
fn width(lines: &[String]) -> usize {
    let lengths = lines.iter().map(|line| line.chars().count());
    lengths.max().unwrap_or(0).min(48)
}
