//! The line of a log that tells why.
use super::make::{self, Failed, Said};
use super::rules::{Trouble, Weight, told};

/// So many lines after the error are shown, if they go on with it.
const MORE: usize = 6;

/// What was found in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The position of the line that tells why.
    pub(super) at: Option<usize>,
    /// What sort of trouble that is.
    pub(super) trouble: Option<Trouble>,
    /// What belongs to it: the source line with its marks, the text of a CMake error.
    pub(super) more: Vec<String>,
    /// What make could not build: the innermost target.
    pub(super) target: Option<String>,
    /// The target that the script asked make for.
    pub(super) asked: Option<String>,
    /// The folder in which make could not build it, if that can be told.
    pub(super) folder: Option<String>,
    /// The folder whose `config.log` tells more.
    pub(super) configured: Option<String>,
    /// Whether make said that it failed.
    pub(super) by_make: bool,
}

/// Looks for what went wrong in the last part of the log in which something did.
pub(super) fn find(lines: &[&str]) -> Found {
    let of_make = make::all_said(lines);
    let begins = make::parts(&of_make, lines.len());
    let mut end = lines.len();
    for begin in begins.into_iter().rev() {
        let part = Part {
            lines,
            of_make: &of_make,
            begin,
            end,
        };
        let found = part.find();
        if found.at.is_some() {
            return found;
        }
        end = begin;
    }
    Found::default()
}

struct Part<'a> {
    lines: &'a [&'a str],
    /// What make said in all of the log.
    of_make: &'a [(usize, Said<'a>)],
    begin: usize,
    end: usize,
}

impl<'a> Part<'a> {
    fn find(&self) -> Found {
        let failures = self.failures();
        let inner = failures.first();
        let target = inner.and_then(|(_, failed)| failed.target);
        let asked = failures.iter().rev().find(|(_, failed)| failed.depth == 0);
        let Some((at, trouble)) = self.error(inner.map(|(at, failed)| (*at, failed))) else {
            return Found::default();
        };
        let folder = inner.and_then(|(at, failed)| make::folder(self.of_make, *at, failed.depth));
        let configured = (trouble == Trouble::Configure)
            .then(|| self.configured(at))
            .flatten();
        Found {
            at: Some(at),
            trouble: Some(trouble),
            more: more(&self.lines[at..self.end]),
            target: target.map(str::to_owned),
            asked: asked
                .and_then(|(_, failed)| failed.target)
                .map(str::to_owned),
            folder: folder.map(str::to_owned),
            configured: configured.map(str::to_owned),
            by_make: failures.last().is_some_and(|(make, _)| *make >= at),
        }
    }

    fn failures(&self) -> Vec<(usize, Failed<'a>)> {
        let of_part = |(at, said): &(usize, Said<'a>)| match said {
            Said::Failed(failed) if (self.begin..self.end).contains(at) => {
                Some((*at, failed.clone()))
            }
            _ => None,
        };
        self.of_make.iter().filter_map(of_part).collect()
    }

    /// The line that tells why; `inner` is where make gave the innermost target up.
    fn error(&self, inner: Option<(usize, &Failed<'_>)>) -> Option<(usize, Trouble)> {
        let signs: Vec<(usize, Trouble, Weight)> = (self.begin..self.end)
            .filter_map(|at| told(self.lines[at]).map(|(trouble, weight)| (at, trouble, weight)))
            .filter(|(at, ..)| {
                self.of_make
                    .binary_search_by_key(at, |(line, _)| *line)
                    .is_err()
            })
            .collect();
        let of = |weight| signs.iter().filter(move |(.., its)| *its == weight);
        let first = |weight| of(weight).next();
        let is_test = inner
            .and_then(|(_, failed)| failed.target)
            .is_some_and(|target| target.contains("check") || target.contains("test"));
        let test = || first(Weight::Test).filter(|_| is_test);
        let of_object = || {
            let (give_up, failed) = inner?;
            let object = object(failed.target?)?;
            of(Weight::Cause).find(|(at, ..)| *at < give_up && self.lines[*at].contains(object))
        };
        // Of what may be harmless, that which make gave up after; else the last.
        let hint = || {
            let before = |(at, ..): &&(usize, Trouble, Weight)| {
                inner.is_none_or(|(give_up, _)| *at < give_up)
            };
            of(Weight::Hint)
                .rfind(before)
                .or_else(|| of(Weight::Hint).next_back())
        };
        let found = first(Weight::Root)
            .or_else(test)
            .or_else(of_object)
            .or_else(|| first(Weight::Cause))
            .or_else(|| first(Weight::Test))
            .or_else(hint);
        match found {
            Some((at, trouble, _)) => {
                let what = self.what(*at);
                Some((
                    what,
                    told(self.lines[what]).map_or(*trouble, |(trouble, _)| trouble),
                ))
            }
            None => inner.map(|(at, _)| (at, of_make(self.lines[at]))),
        }
    }

    /// "configure: error: in `/sources/x':" stands before what it found.
    fn configured(&self, at: usize) -> Option<&str> {
        let before = self.lines[self.begin..at].last()?;
        let folder = before
            .strip_prefix("configure: error: in ")?
            .strip_suffix(':')?;
        Some(folder.trim_matches(['`', '\'']))
    }

    /// Python says where first, and what in the first line that is not indented.
    fn what(&self, at: usize) -> usize {
        if !self.lines[at].trim_start().starts_with("Traceback (most") {
            return at;
        }
        let what = |at: &usize| !self.lines[*at].starts_with([' ', '\t']);
        (at + 1..self.end).find(what).unwrap_or(at)
    }
}

/// The name of the source of an object file, without its ending.
fn object(target: &str) -> Option<&str> {
    let stem = [".o", ".lo", ".obj"]
        .iter()
        .find_map(|end| target.strip_suffix(end))?;
    let stem = stem.rsplit('/').next().unwrap_or(stem);
    // automake writes `prog-file.o`, CMake `file.c.o`.
    let stem = stem.rsplit('-').next().unwrap_or(stem);
    let stem = stem.split('.').next().unwrap_or(stem);
    (!stem.is_empty()).then_some(stem)
}

fn of_make(line: &str) -> Trouble {
    if line.ends_with("Segmentation fault") || line.contains("Aborted") {
        Trouble::Crash
    } else if line.ends_with("Killed") {
        Trouble::Killed
    } else if line.contains("No such file")
        || line.contains("No rule")
        || line.contains("no makefile")
    {
        Trouble::NoFile
    } else {
        Trouble::Other
    }
}

/// The lines that go on with the first one: they are indented, or marked with a bar.
fn more(lines: &[&str]) -> Vec<String> {
    let goes_on = |line: &&&str| {
        let bare = line.trim_start();
        line.starts_with([' ', '\t']) && !bare.is_empty() || bare.starts_with('|')
    };
    let more = lines.iter().skip(1).take(MORE).take_while(goes_on);
    more.map(|line| super::cut(line)).collect()
}
