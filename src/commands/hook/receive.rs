//! `hook pre-receive`: the branches that come in, still in quarantine. Nothing of them is run.
use super::super::gate::{Passing, told_if_passes};
use super::super::{Answer, Context};
use super::{is_branch, is_none, told};
use crate::config::Judge;
use crate::failure::Failure;
use crate::store::{Called, ObjectId};

/// Lines of `<old id> <new id> <ref>`.
pub(super) fn check(cx: &mut Context, called: &Called) -> Result<Answer, Failure> {
    let branches = called.repo().refs("refs/heads/")?;
    let branches = branches.into_iter().filter(|(name, _)| is_branch(name));
    let known: Vec<ObjectId> = branches.map(|(_, id)| id).collect();
    let mut judge = Judge::new(called.objects(), None);
    let mut passes = true;
    for words in told()? {
        let [_, id, name] = words.as_slice() else {
            continue;
        };
        let tip = ObjectId::from_hex(id.as_bytes()).ok();
        let Some(tip) = tip.filter(|_| is_branch(name) && !is_none(id)) else {
            continue;
        };
        let passing = Passing {
            today: cx.world.clock.now().date_naive(),
            what: &format!("the push of {name}"),
            tip,
            known: &known,
        };
        passes &= told_if_passes(cx, &mut judge, &passing);
    }
    Ok(Answer::of(passes))
}
