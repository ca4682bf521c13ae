//! What is known of this machine, in the history of its state.
use std::path::Path;

use super::{Context, tools};
use crate::check::{FACT_TOOLS, FactChange, Facts};
use crate::failure::Failure;
use crate::fs::{read_optional, write_durable};
use crate::run::Run;
use crate::store::{Batch, Commit, Keep, ObjectId};

/// Where the state branch has them, and the folder of a run.
const FILE: &str = "host.toml";

/// A file of the state branch; without content it goes away.
type StateFile = (String, Option<Vec<u8>>);

/// What is so now.
pub(super) fn look(cx: &Context, keep: &Keep, root: Option<&Path>) -> Facts {
    let tools = tools::find(cx, keep, FACT_TOOLS);
    let mut places = vec![Path::new("/"), Path::new("/dev/shm"), Path::new("/tmp")];
    places.push(keep.root());
    places.extend(root);
    Facts::of_here(tools, &places)
}

/// Notes with a run what the machine is as it begins.
pub(super) fn note(cx: &mut Context, (keep, root): (&Keep, Option<&Path>), run: &Run) {
    let facts = look(cx, keep, root).print();
    let path = run.events().with_file_name(FILE);
    if let Err(error) = write_durable(&path, facts.as_bytes()) {
        cx.ui
            .warn(format!("what this machine is was not noted: {error}"));
    }
}

/// Adds what was noted with a run to what is published.
pub(super) fn add_noted(batch: &mut Batch, run: &Run) -> Result<(), Failure> {
    let text = read_optional(&run.events().with_file_name(FILE))?;
    batch
        .files
        .extend(text.map(|text| (FILE.to_owned(), Some(text))));
    Ok(())
}

/// What the history is to have, and what it then says; nothing if it knows.
pub(super) fn news(keep: &Keep, facts: &Facts) -> Result<Option<(StateFile, String)>, Failure> {
    let text = facts.print().into_bytes();
    let before = keep.state_file(FILE)?;
    if before.as_ref() == Some(&text) {
        return Ok(None);
    }
    let subject = match before.as_deref().and_then(Facts::parse) {
        None => "check: what this machine is".to_owned(),
        Some(before) => format!(
            "check: this machine changed: {}",
            named(&facts.changes(&before))
        ),
    };
    Ok(Some(((FILE.to_owned(), Some(text)), subject)))
}

/// What changed, for a subject.
fn named(changes: &[FactChange]) -> String {
    let name = |change: &FactChange| {
        change
            .name
            .clone()
            .unwrap_or_else(|| change.kind.to_owned())
    };
    let names: Vec<String> = changes.iter().take(4).map(name).collect();
    match changes.len().saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// What the machine was at a commit of the state branch.
pub(super) fn at(keep: &Keep, commit: ObjectId) -> Result<Option<Facts>, Failure> {
    let text = keep.repo().file_at(commit, FILE)?;
    Ok(text.as_deref().and_then(Facts::parse))
}

/// The newest commit of the state branch that `is_it` tells.
pub(super) fn newest(
    keep: &Keep,
    is_it: impl Fn(&Commit) -> bool,
) -> Result<Option<Commit>, Failure> {
    let Some(tip) = keep.state_tip()? else {
        return Ok(None);
    };
    for commit in keep.repo().first_parents(tip) {
        // History may be cut off: what is there counts.
        let Ok(commit) = commit else { break };
        if is_it(&commit) {
            return Ok(Some(commit));
        }
    }
    Ok(None)
}
