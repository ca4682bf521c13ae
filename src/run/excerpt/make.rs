//! What make says of targets that it could not build.
use std::collections::BTreeMap;

/// `make[2]: *** [Makefile:77: foo.o] Error 1`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed<'a> {
    /// How deep this make is among the makes that called it.
    pub(super) depth: usize,
    /// What it could not build; nothing if it could not even begin.
    pub(super) target: Option<&'a str>,
}

/// What a line of make's own says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Failed(Failed<'a>),
    /// Other jobs still run, and may fail, too.
    Waiting(usize),
    /// It went on as far as it could; this is the end of that.
    NotRemade(usize),
    Entering(usize, &'a str),
    Leaving(usize, &'a str),
}

/// Reads a line, if make wrote it.
pub(super) fn said(line: &str) -> Option<Said<'_>> {
    if let Some((_, rest)) = line.split_once(": *** ") {
        let is_makefile = |place: &str| place.ends_with(|c: char| c.is_ascii_digit());
        let head = &line[..line.len() - rest.len() - 6];
        return match prefix(head) {
            Some(depth) => Some(complaint(depth, rest)),
            // `Makefile:2: *** missing separator.  Stop.`
            None if is_makefile(head) && rest.ends_with("Stop.") => Some(complaint(0, rest)),
            None => None,
        };
    }
    let (head, rest) = line.split_once(": ")?;
    let depth = prefix(head)?;
    if let Some(folder) = rest.strip_prefix("Entering directory ") {
        return Some(Said::Entering(depth, unquoted(folder)));
    }
    if let Some(folder) = rest.strip_prefix("Leaving directory ") {
        return Some(Said::Leaving(depth, unquoted(folder)));
    }
    let is_end = rest.ends_with("not remade because of errors.");
    is_end.then_some(Said::NotRemade(depth))
}

fn complaint(depth: usize, rest: &str) -> Said<'_> {
    if rest.starts_with("Waiting for unfinished jobs") {
        return Said::Waiting(depth);
    }
    let inside = rest
        .strip_prefix('[')
        .and_then(|rest| rest.rsplit_once(']'));
    let target = inside.map(|(inside, _)| inside.rsplit_once(": ").map_or(inside, |(_, t)| t));
    Said::Failed(Failed { depth, target })
}

/// `make` or `gmake`, and in brackets how deep.
fn prefix(head: &str) -> Option<usize> {
    let name = head.rsplit('/').next()?;
    let depth = name.strip_prefix("gmake").or(name.strip_prefix("make"))?;
    if depth.is_empty() {
        return Some(0);
    }
    depth.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn unquoted(folder: &str) -> &str {
    folder.trim_matches(['\'', '`', '"'])
}

/// What make said in a log, by line.
pub(super) fn all_said<'a>(lines: &[&'a str]) -> Vec<(usize, Said<'a>)> {
    let said = |(at, line): (usize, &&'a str)| {
        let is_of_it = line.contains("make") || line.contains("***");
        Some((at, is_of_it.then(|| said(line)).flatten()?))
    };
    lines.iter().enumerate().filter_map(said).collect()
}

/// Which part of a log is about the last thing that was tried: after each make that failed and whose
/// failure the script survived, a new part begins.
pub(super) fn parts(all: &[(usize, Said<'_>)], length: usize) -> Vec<usize> {
    /// So far behind "Waiting for unfinished jobs" other targets of the same make may fail.
    const UNFINISHED: usize = 400;
    let of_top = |(at, said): &(usize, Said<'_>)| {
        let said = match said {
            Said::Failed(Failed { depth: 0, .. }) => 'f',
            Said::Waiting(0) => 'w',
            Said::NotRemade(0) => 'n',
            _ => return None,
        };
        Some((*at, said))
    };
    let marks: Vec<(usize, char)> = all.iter().filter_map(of_top).collect();
    let last_end = marks.iter().rposition(|(_, said)| *said == 'n');
    let mut begins = vec![0];
    let mut is_open_until = 0;
    for (number, (at, said)) in marks.iter().enumerate() {
        if *said == 'w' {
            is_open_until = at + UNFINISHED;
        }
        let goes_on = marks
            .get(number + 1)
            .is_some_and(|(next, said)| *said == 'w' && *next <= at + 1 || *next <= is_open_until);
        let ends_later = last_end.is_some_and(|end| end > number);
        if *said != 'w' && !goes_on && !ends_later {
            begins.push(at + 1);
        }
    }
    begins.retain(|begin| *begin < length);
    begins
}

/// The folder in which the make of this depth works at line `at`, if that is the only one.
pub(super) fn folder<'a>(all: &[(usize, Said<'a>)], at: usize, depth: usize) -> Option<&'a str> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, said) in all.iter().take_while(|(line, _)| *line < at) {
        match said {
            Said::Entering(its, folder) if *its == depth => {
                *open.entry(folder).or_default() += 1;
            }
            Said::Leaving(its, folder) if *its == depth => {
                if let Some(count) = open.get_mut(folder) {
                    *count = count.saturating_sub(1);
                }
            }
            _ => {}
        }
    }
    let mut open = open.into_iter().filter(|(_, count)| *count > 0);
    open.next()
        .filter(|_| open.next().is_none())
        .map(|(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_make_are_read() {
        let failed = |depth, target| Some(Said::Failed(Failed { depth, target }));
        for (line, expected) in [
            (
                "make[2]: *** [Makefile:77: a/foo.o] Error 1",
                failed(2, Some("a/foo.o")),
            ),
            (
                "gmake: *** [<builtin>: x.o] Error 1",
                failed(0, Some("x.o")),
            ),
            ("make: *** [all] Error 2", failed(0, Some("all"))),
            (
                "make: *** No rule to make target 'x'.  Stop.",
                failed(0, None),
            ),
            ("Makefile:2: *** missing separator.  Stop.", failed(0, None)),
            (
                "make: *** Waiting for unfinished jobs....",
                Some(Said::Waiting(0)),
            ),
            (
                "make[1]: Entering directory '/x y'",
                Some(Said::Entering(1, "/x y")),
            ),
            ("make: [Makefile:6: clean] Error 1 (ignored)", None),
            ("patch: *** done", None),
            ("makes: fun", None),
        ] {
            assert_eq!(said(line), expected, "{line}");
        }
    }

    #[test]
    fn a_folder_is_told_only_if_it_is_one() {
        let mut lines = vec![
            "make[1]: Entering directory '/a'",
            "make[1]: Leaving directory '/a'",
        ];
        lines.push("make[1]: Entering directory '/b'");
        assert_eq!(folder(&all_said(&lines), 3, 1), Some("/b"));
        lines.push("make[1]: Entering directory '/c'");
        assert_eq!(folder(&all_said(&lines), 4, 1), None);
    }
}
