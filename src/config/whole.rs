//! What is wrong with what holds in the end: on each host, and where no host differs.
use super::strata::Strata;
use super::{Role, Sources};
use crate::document::{KeyPath, Problem, code};

/// What is wrong on any host that has an overlay, and on those without.
pub(super) fn problems(sources: &Sources) -> Vec<Problem> {
    let strata = Strata::of_files(sources, "");
    let mut found = strata.problems(&strata.merged());
    found.retain(|problem| !waits_for_host(sources, problem));
    let everywhere = found.clone();
    let hosts = sources.documents().filter_map(|(role, _)| match role {
        Role::Host(host) => Some(host),
        _ => None,
    });
    for host in hosts {
        let strata = Strata::of_files(sources, host);
        let here = strata.problems(&strata.merged()).into_iter();
        let is_new = |problem: &Problem| {
            let same = |other: &Problem| (other.code, &other.path) == (problem.code, &problem.path);
            !everywhere.iter().any(same)
        };
        let here = here
            .filter(is_new)
            .map(|problem| on_host(for_host(sources, problem, Some(host)), host));
        found.extend(here);
    }
    found
}

/// Whether a key is missing that only the overlay of a host may give.
pub(super) fn waits_for_host(sources: &Sources, problem: &Problem) -> bool {
    let schema = sources.schemas().combined();
    let key = KeyPath::parse(&problem.path).unwrap_or_default();
    let scope = || schema.annotation(&key, "x-buildkeep-scope");
    problem.code == code::MISSING_KEY && scope().is_some_and(|scope| scope == "host")
}

/// Says how to give a host the key that only it can give.
pub(super) fn for_host(sources: &Sources, problem: Problem, host: Option<&str>) -> Problem {
    if !waits_for_host(sources, &problem) {
        return problem;
    }
    let host = host.map_or_else(String::new, |host| format!("={host}"));
    let help = format!(
        "give it: `buildkeep config set --host{host} {} VALUE`",
        problem.path
    );
    problem.help(help)
}

fn on_host(mut problem: Problem, host: &str) -> Problem {
    problem.message = format!("{} (on the host `{host}`)", problem.message);
    problem
}
