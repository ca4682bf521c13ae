//! What this process read a moment ago: a command looks at the same files before a change, as they
//! are committed, and after it.
//!
//! To remember is safe, as what is read depends on nothing but the bytes of the files.
use std::sync::{Arc, Mutex, PoisonError};

use super::{Files, Role, Sources};

/// So many readings are remembered.
const MOST: usize = 4;

/// Files without any fault, and what was read from them; the newest last.
static RECENT: Mutex<Vec<Arc<(Files, Sources)>>> = Mutex::new(Vec::new());

/// What was read from exactly these files, if that is not long ago.
pub(super) fn same(files: &Files) -> Option<Sources> {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let known = recent.iter().rev().find(|known| known.0.is_same(files));
    known.map(|known| known.1.clone())
}

/// What was read from files with the same schemas: what did not change need not be read again.
pub(super) fn near(files: &Files) -> Option<Arc<(Files, Sources)>> {
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let is_near = |known: &&Arc<(Files, Sources)>| shape(&known.0).eq(shape(files));
    recent.iter().rev().find(is_near).cloned()
}

/// Remembers a reading in which nothing is wrong.
pub(super) fn keep(files: &Files, sources: &Sources) {
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if recent.len() == MOST {
        recent.remove(0);
    }
    recent.push(Arc::new((files.clone(), sources.clone())));
}

/// What schemas depend on: their own files, and which other files there are.
fn shape(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().map(|(path, role, bytes)| match role {
        Role::Schema(_) => (path, bytes),
        _ => (path, [].as_slice()),
    })
}
