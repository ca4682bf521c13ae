//! `backup archive list`
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::catalogue::{self, Archive};
use super::export::day;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, size, style};

/// List what was exported, oldest first: where it went, what it holds, when it expires
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// How an archive looks from here, unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is where it went, and as large.
    Present,
    /// It is not where it went: deleted, moved, or its disk is not here.
    Missing,
    /// It is there with another size.
    Changed,
    /// It went to standard output.
    Elsewhere,
}

/// An archive.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    archive: Archive,
    state: State,
    is_expired: bool,
}

/// All of them.
#[derive(Debug, Serialize)]
struct List {
    archives: Vec<Listed>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let archive = &self.archive;
        let place = archive
            .path
            .clone()
            .unwrap_or_else(|| "standard output".to_owned());
        let state = match self.state {
            State::Present | State::Elsewhere => String::new(),
            State::Missing => format!("  {}", style::notable("not there")),
            State::Changed => format!("  {}", style::bad("of another size")),
        };
        writeln!(f, "{}{state}", style::name(clean(&place)))?;
        let holds = match &archive.snapshots[..] {
            [one] => one.clone(),
            many => counted(many.len() as u64, "snapshot"),
        };
        let part = match archive.paths.len() {
            0 => String::new(),
            paths => format!(", {} of it", counted(paths as u64, "path")),
        };
        let upon = if archive.since.is_empty() {
            ""
        } else {
            ", upon earlier ones"
        };
        let sealed = if archive.recipients.is_empty() {
            ""
        } else {
            ", encrypted"
        };
        let bytes = archive.bytes.unwrap_or(archive.content_bytes);
        writeln!(
            f,
            "  {}{part}{upon}{sealed}, {}",
            clean(&holds),
            size(bytes)
        )?;
        let id = style::faint(&archive.id[..archive.id.len().min(26)]);
        let written = day(&archive.time);
        match &archive.expires {
            Some(time) if self.is_expired => {
                let since = style::notable(format!("may be deleted since {}", day(time)));
                writeln!(f, "  {id}  written {written}, {since}")
            }
            Some(time) => writeln!(f, "  {id}  written {written}, expires {}", day(time)),
            None => writeln!(f, "  {id}  written {written}"),
        }
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.archives.is_empty() {
            return writeln!(
                f,
                "no archives yet; write one: buildkeep backup export latest"
            );
        }
        self.archives.iter().try_for_each(|archive| archive.fmt(f))
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, _args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let now = cx.world.clock.stamp();
    let listed = catalogue::all(&keep)?.into_iter().map(|archive| Listed {
        state: look(&archive),
        is_expired: is_expired(&archive, &now),
        archive,
    });
    let list = List {
        archives: listed.collect(),
    };
    cx.ui.show(&list)?;
    Ok(Answer::Yes)
}

/// Whether its time is over; times of this form sort as they follow one another.
pub(super) fn is_expired(archive: &Archive, now: &str) -> bool {
    archive
        .expires
        .as_deref()
        .is_some_and(|expires| expires <= now)
}

fn look(archive: &Archive) -> State {
    let Some(path) = archive.path.as_deref().map(Path::new) else {
        return State::Elsewhere;
    };
    match (path.metadata(), archive.bytes) {
        (Err(_), _) => State::Missing,
        (Ok(there), None) if there.is_dir() => State::Present,
        (Ok(there), Some(bytes)) if there.is_file() && there.len() == bytes => State::Present,
        _ => State::Changed,
    }
}
