//! A document as it was before its migration: places and names lead there.
use std::ops::Range;

use super::super::key_path::{KeyPath, Segment};
use super::super::parse::Document;
use super::super::problem::{Place, Problem};
use super::Renames;

/// The document that was read, and what became of its names.
#[derive(Debug)]
pub(in crate::document) struct Before {
    pub(in crate::document) document: Document,
    pub(super) renames: Renames,
    pub(in crate::document) forms: (u64, u64),
}

impl Before {
    /// The name in the old form of what is called `key` in the new one.
    pub(in crate::document) fn old_name(&self, key: &[Segment]) -> KeyPath {
        old_name(&self.renames, key)
    }

    /// Where the key or value stands that is called `key` in the new form.
    pub(in crate::document) fn span(&self, place: Place, key: &[Segment]) -> Range<usize> {
        self.document.span(place, self.old_name(key).segments())
    }

    /// The problem in the words of the old form.
    pub(in crate::document) fn in_old_names(&self, mut problem: Problem) -> Problem {
        for (old, new) in self.renames.iter().rev() {
            let quoted = |key: &KeyPath| format!("`{key}`");
            let line = |key: &KeyPath| {
                let last = key
                    .split_last()
                    .map(|(_, last)| KeyPath::from([last.clone()]));
                format!("`{} = ", last.unwrap_or_default())
            };
            problem.message = problem.message.replace(&quoted(new), &quoted(old));
            problem.help = problem.help.map(|help| {
                let help = help.replace(&quoted(new), &quoted(old));
                help.replace(&line(new), &line(old))
            });
            if problem.path == new.to_string() {
                problem.path = old.to_string();
            }
        }
        problem
    }
}

/// The name before all `renames` of what is called `key` after them.
pub(super) fn old_name(renames: &Renames, key: &[Segment]) -> KeyPath {
    let mut name = KeyPath::from(key);
    for (old, new) in renames.iter().rev() {
        if name.starts_with(new) {
            let rest = name.segments()[new.segments().len()..].iter();
            name = old.segments().iter().chain(rest).cloned().collect();
        }
    }
    name
}
