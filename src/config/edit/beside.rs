//! The same change made to what the last commit has: what others left uncommitted stays so.
use super::super::Error;
use super::{Draft, FileEdit, KeyEdit, Side, Wish};

/// The files to write, each with its content in the work tree and in the commit.
///
/// Where the two differ, the same wishes are carried out in the text of the last commit.
pub(super) fn plan(
    (work, head): (&Side<'_>, &Side<'_>),
    wishes: &[Wish],
    (keys, drafts): (&[KeyEdit], Vec<Draft>),
) -> Result<Vec<FileEdit>, Error> {
    let is_dirty = |path: &str| work.files.get(path) != head.files.get(path);
    let mut committed: Vec<Draft> = Vec::new();
    for draft in drafts.iter().filter(|draft| !is_dirty(&draft.path)) {
        committed.push(Draft {
            path: draft.path.clone(),
            text: draft.text.clone(),
            old_form: None,
            is_changed: draft.is_changed,
        });
    }
    let of_dirty = wishes
        .iter()
        .zip(keys)
        .filter(|(_, key)| is_dirty(&key.file));
    for (wish, key) in of_dirty {
        again(head, (wish, key), &mut committed).map_err(|error| entangled(error, &key.file))?;
    }
    let touched: Vec<&str> = drafts.iter().map(|draft| draft.path.as_str()).collect();
    if !work.files.is_same(head.files) {
        let first = touched.first().copied().unwrap_or_default();
        head.check(&committed, &touched)
            .map_err(|error| entangled(error, first))?;
    }
    let edit = |draft: Draft| {
        let beside = committed.iter().find(|beside| beside.path == draft.path);
        FileEdit {
            committed: beside.map_or_else(String::new, |beside| beside.text.clone()),
            is_committed: beside.is_some_and(|beside| beside.is_changed),
            is_written: draft.is_changed,
            path: draft.path,
            text: draft.text,
            old_form: draft.old_form,
        }
    };
    Ok(drafts.into_iter().map(edit).collect())
}

/// Carries a wish out in the text of the last commit; what is gone there already is done.
fn again(
    head: &Side<'_>,
    (wish, key): (&Wish, &KeyEdit),
    committed: &mut Vec<Draft>,
) -> Result<(), Error> {
    match head.apply(wish, (&key.file, None), committed) {
        Err(Error::NotSet { .. } | Error::UnknownKey { .. } | Error::NotInList { .. }) => Ok(()),
        other => other.map(drop),
    }
}

fn entangled(error: Error, file: &str) -> Error {
    match error {
        Error::Invalid(problems) => Error::Entangled {
            file: file.to_owned(),
            problems,
        },
        other => other,
    }
}
