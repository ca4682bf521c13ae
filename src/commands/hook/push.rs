//! `hook pre-push`: the branches that are about to leave.
use std::ffi::OsString;

use super::super::gate::{Passing, told_if_passes};
use super::super::{Answer, Context};
use super::{is_branch, is_none, told};
use crate::config::Judge;
use crate::failure::Failure;
use crate::store::{Called, ObjectId};

/// Lines of `<local ref> <local id> <remote ref> <remote id>`; what a ref is called there counts.
pub(super) fn check(
    cx: &mut Context,
    called: &Called,
    remote: Option<&OsString>,
) -> Result<Answer, Failure> {
    let remote = remote.map(|name| name.to_string_lossy().into_owned());
    let mut judge = Judge::new(called.objects(), Some(called.root()));
    let mut passes = true;
    for words in told()? {
        let [_, id, there, theirs] = words.as_slice() else {
            continue;
        };
        if !is_branch(there) || is_none(id) {
            continue;
        }
        let passing = Passing {
            today: cx.world.clock.now().date_naive(),
            what: &format!("the push of {there}"),
            tip: called.repo().resolve(id)?,
            known: &known(called, remote.as_deref(), theirs)?,
        };
        passes &= told_if_passes(cx, &mut judge, &passing);
    }
    Ok(Answer::of(passes))
}

/// What the other side has, as far as it is known here.
fn known(called: &Called, remote: Option<&str>, theirs: &str) -> Result<Vec<ObjectId>, Failure> {
    let mut known = Vec::new();
    if !is_none(theirs) {
        known.extend(ObjectId::from_hex(theirs.as_bytes()).ok());
    }
    if let Some(remote) = remote {
        // What was typed may be a URL, which has none.
        let prefix = format!("refs/remotes/{remote}/");
        let refs = called.repo().refs("refs/remotes/")?.into_iter();
        let theirs = refs.filter(|(name, _)| name.starts_with(&prefix));
        known.extend(theirs.map(|(_, id)| id));
    }
    Ok(known)
}
