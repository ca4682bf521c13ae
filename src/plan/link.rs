//! From the names of needs to an order.
use std::collections::BTreeMap;

use super::draft::Draft;
use super::find::near;
use super::graph::{Needs, order};
use super::name::is_tail;
use super::settings::{RawStep, Reader};
use crate::document::{KeyPath, Problem, code};

/// What a step without `needs` comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The one before it, as scripts of a folder do.
    Linear,
    /// Nothing, as steps do that only plan.toml lists.
    ByNeeds,
}

/// The needs of each draft, and an order that keeps them; problems go to `reader`.
pub(super) fn link(
    drafts: &[Draft],
    raw: &[RawStep],
    without: Order,
    reader: &mut Reader<'_>,
) -> Option<(Needs, Vec<usize>)> {
    let ids = drafts.iter().enumerate();
    let ids: BTreeMap<&str, usize> = ids.map(|(at, draft)| (draft.id.as_str(), at)).collect();
    let before = reader.problems.len();
    let mut needs = Needs::with_capacity(drafts.len());
    for (position, draft) in drafts.iter().enumerate() {
        let index = draft.index;
        let named = index.and_then(|index| Some((index, raw[index].needs.as_ref()?)));
        needs.push(match named {
            Some(named) => its_needs(named, position, (drafts, &ids), reader),
            None if without == Order::Linear => position.checked_sub(1).into_iter().collect(),
            None => Vec::new(),
        });
    }
    if reader.problems.len() > before {
        return None;
    }
    match order(&needs) {
        Ok(order) => Some((needs, order)),
        Err(cycle) => {
            let problem = circle(drafts, raw, &cycle, reader);
            reader.problems.push(problem);
            None
        }
    }
}

/// The positions of what the `[[step]]` at `index` names.
fn its_needs(
    (index, names): (usize, &Vec<String>),
    step: usize,
    known: (&[Draft], &BTreeMap<&str, usize>),
    reader: &mut Reader<'_>,
) -> Vec<usize> {
    let path = KeyPath::root().key("step").item(index).key("needs");
    let mut found = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match find(name, step, known) {
            Ok(need) => found.push(need),
            Err(wrong) => {
                let problem = wrong.located(reader, &path.clone().item(at));
                reader.problems.push(problem);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A need that leads nowhere.
struct Wrong {
    message: String,
    help: String,
}

impl Wrong {
    fn located(self, reader: &Reader<'_>, at: &KeyPath) -> Problem {
        let problem = reader
            .document
            .problem(at, code::NO_SUCH_STEP, self.message);
        problem.help(self.help)
    }
}

fn find(
    need: &str,
    step: usize,
    (drafts, ids): (&[Draft], &BTreeMap<&str, usize>),
) -> Result<usize, Wrong> {
    let tails = || {
        let drafts = drafts.iter().enumerate();
        let matching = drafts.filter(|(_, draft)| is_tail(&draft.id, need));
        matching.map(|(at, _)| at).collect()
    };
    let found: Vec<usize> = ids.get(need).map_or_else(tails, |found| vec![*found]);
    match found.as_slice() {
        [found] if *found == step => Err(Wrong {
            message: format!("`{}` needs itself", drafts[step].id),
            help: "take it out of its own `needs`".into(),
        }),
        [found] => Ok(*found),
        [] => Err(Wrong {
            message: format!("no step is called `{need}`"),
            help: match near(need, drafts.iter().map(|draft| draft.id.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`buildkeep plan` lists the steps once this need is taken out".into(),
            },
        }),
        several => Err(Wrong {
            message: format!("`{need}` could be any of {} steps", several.len()),
            help: {
                let ids = several
                    .iter()
                    .take(4)
                    .map(|at| format!("`{}`", drafts[*at].id));
                format!("write {}", ids.collect::<Vec<_>>().join(" or "))
            },
        }),
    }
}

/// The problem of a circle, shown where the first of its steps names its needs.
fn circle(drafts: &[Draft], raw: &[RawStep], cycle: &[usize], reader: &Reader<'_>) -> Problem {
    const SHOWN: usize = 12;
    let names = cycle.iter().chain(cycle.first());
    let mut names: Vec<&str> = names.map(|at| drafts[*at].id.as_str()).collect();
    if names.len() > SHOWN {
        names.splice(SHOWN / 2..names.len() - SHOWN / 2, ["…"]);
    }
    let message = format!("steps need one another in a circle: {}", names.join(" → "));
    let named = cycle.iter().find_map(|at| {
        let index = drafts[*at].index?;
        raw[index].needs.as_ref().map(|_| index)
    });
    let at = KeyPath::root()
        .key("step")
        .item(named.unwrap_or(0))
        .key("needs");
    let problem = reader.document.problem(&at, code::CIRCLE, message);
    let said = cycle.iter().zip(cycle.iter().cycle().skip(1)).take(SHOWN);
    let said: Vec<String> = said
        .map(|pair| said_where(drafts, raw, pair, reader))
        .collect();
    problem.help(format!("take one of these needs out: {}", said.join("; ")))
}

/// Where it is said that one step needs another: `a needs b (plan.toml:7, scripts/a.sh)`.
fn said_where(
    drafts: &[Draft],
    raw: &[RawStep],
    (step, need): (&usize, &usize),
    reader: &Reader<'_>,
) -> String {
    let (draft, need) = (&drafts[*step], &drafts[*need].id);
    let named = draft.index.filter(|index| raw[*index].needs.is_some());
    let place = match named {
        Some(index) => {
            let at = KeyPath::root().key("step").item(index).key("needs");
            let place = reader.document.problem(&at, code::CIRCLE, "");
            format!("{}:{}", place.file, place.line)
        }
        None => "by the order of the scripts".to_owned(),
    };
    format!("`{}` needs `{need}` ({place}, {})", draft.id, draft.file)
}
