//! What a person wants to see first of a failure.
use serde::Serialize;

use super::{Attempt, Error, Redactor};
use crate::fs::read_optional;

/// How much of the end of a log is looked through.
const WINDOW: u64 = 1 << 20;
/// How many lines of the end are shown.
const TAIL: usize = 10;
/// Longer lines are cut.
const LONGEST: usize = 400;

/// Why an attempt failed, as far as its log tells. Text is as the script wrote it: escape sequences
/// are for whoever shows it to neutralise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// How it ended, in words.
    pub cause: String,
    /// The line of the script that failed, if the shell named it.
    pub line: Option<ScriptLine>,
    /// The line of the log that most likely tells why.
    pub error: Option<String>,
    /// The end of the log.
    pub tail: Vec<String>,
    /// Output that is missing in the log.
    pub dropped_bytes: u64,
}

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptLine {
    /// Its number.
    pub number: usize,
    /// Its text.
    pub text: String,
}

/// Looks through the end of the log of an attempt.
pub fn excerpt(attempt: &Attempt) -> Result<Excerpt, Error> {
    let bytes = Redactor::tail(&attempt.dir, WINDOW)?;
    let text = String::from_utf8_lossy(&bytes);
    // As it was started: by now the script may be another.
    let script = read_optional(&attempt.dir.script())?.unwrap_or_default();
    let name = attempt.spec.argv.first().map_or("", String::as_str);
    let exit = attempt.exit.as_ref();
    let timeout = super::cause::stopped(attempt.stop.as_ref(), attempt.spec.timeout_s);
    Ok(Excerpt {
        cause: timeout
            .or_else(|| exit.map(super::cause::words))
            .unwrap_or_else(|| attempt.state.word().to_owned()),
        line: failing_line(&text, name, &String::from_utf8_lossy(&script)),
        error: error_line(&text).map(cut),
        tail: tail(&text),
        dropped_bytes: exit.map_or(0, |exit| exit.dropped_bytes),
    })
}

fn tail(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let from = lines.len().saturating_sub(TAIL);
    lines[from..].iter().map(|line| cut(line)).collect()
}

fn cut(line: &str) -> String {
    // What a progress bar overwrote was not meant to stay.
    let line = line
        .trim_end_matches('\r')
        .rsplit('\r')
        .next()
        .unwrap_or(line);
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

/// Bash says `PATH: line 12: …`, dash `PATH: 12: …`; the last one counts.
fn failing_line(log: &str, script: &str, source: &str) -> Option<ScriptLine> {
    let base = script.rsplit('/').next().filter(|base| !base.is_empty())?;
    let number_in = |line: &str| {
        let rest = &line[line.find(base)? + base.len()..];
        let rest = rest.strip_prefix(": ")?;
        let rest = rest.strip_prefix("line ").unwrap_or(rest);
        let (number, said) = rest.split_once(':')?;
        let is_warning = said.trim_start().starts_with("warning:");
        number.parse::<usize>().ok().filter(|_| !is_warning)
    };
    let number = log.lines().rev().find_map(number_in)?;
    let text = source.lines().nth(number.checked_sub(1)?)?;
    Some(ScriptLine {
        number,
        text: cut(text.trim()),
    })
}

/// The first line that tells of a cause; else the last that may; else what make says of it.
fn error_line(log: &str) -> Option<&str> {
    let mut lines = log.lines();
    let first_cause = lines.find(|line| is_cause(line)).map(|line| {
        // Python says where first, and what in the first line that is not indented.
        let what = |line: &&str| !line.starts_with(char::is_whitespace) && !line.is_empty();
        let is_where = line.starts_with("Traceback (most recent");
        is_where.then(|| lines.find(what)).flatten().unwrap_or(line)
    });
    let last_hint = || log.lines().rev().find(|line| is_hint(line));
    let of_make = || log.lines().rev().find(|line| is_of_make(line));
    first_cause.or_else(last_hint).or_else(of_make)
}

/// What is never said unless something is wrong.
fn is_cause(line: &str) -> bool {
    const INSIDE: &[&str] = &[
        ": error:",
        ": fatal error:",
        "configure: error:",
        "CMake Error",
        "internal compiler error",
        "undefined reference to",
        "cannot find -l",
        ": command not found",
        "No space left on device",
        "Segmentation fault",
        "Out of memory",
        "out of memory",
        "Cannot allocate memory",
        "Exec format error",
        "Hunk #1 FAILED",
        "bad interpreter",
        "unbound variable",
        "syntax error",
    ];
    const BEFORE: &[&str] = &[
        "error:",
        "error[",
        "ERROR:",
        "fatal:",
        "Traceback (most recent",
    ];
    let line = line.trim_start();
    INSIDE.iter().any(|text| line.contains(text))
        || BEFORE.iter().any(|text| line.starts_with(text))
        || line.ends_with(": not found")
        || is_death(line)
}

/// How shells report that a signal ended a command: `x.sh: line 3: 42 Killed      make`.
fn is_death(line: &str) -> bool {
    const DEATHS: &[&str] = &["Killed", "Aborted", "Bus error", "Illegal instruction"];
    DEATHS.iter().any(|death| {
        line == *death
            || line.split_once(death).is_some_and(|(before, after)| {
                let is_number = |word: &str| word.parse::<u32>().is_ok();
                before.split_whitespace().next_back().is_some_and(is_number)
                    && (after.is_empty() || after.starts_with([' ', '(']))
            })
    })
}

/// What healthy scripts say, too.
fn is_hint(line: &str) -> bool {
    const INSIDE: &[&str] = &[
        "No such file or directory",
        "Permission denied",
        "Error 1",
        "error:",
        "ERROR",
        "FAILED",
        "FAIL:",
        "cannot ",
    ];
    !is_of_make(line) && INSIDE.iter().any(|text| line.contains(text))
}

fn is_of_make(line: &str) -> bool {
    line.contains(": *** ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_before_its_consequences() {
        let log = "gcc -c a.c\n\
            rm: cannot remove 'x': No such file or directory\n\
            a.c:3:5: error: 'y' undeclared\n\
            a.c:9:1: error: later\n\
            make[1]: *** [Makefile:7: a.o] Error 1\n\
            make: *** [Makefile:2: all] Error 2\n";
        assert_eq!(error_line(log), Some("a.c:3:5: error: 'y' undeclared"));
    }

    #[test]
    fn without_a_cause_the_last_hint_then_make() {
        let hints = "cp: cannot stat 'a': No such file or directory\nfine\n\
            cp: cannot stat 'b': No such file or directory\nmake: *** [x] Error 1\n";
        let expected = "cp: cannot stat 'b': No such file or directory";
        assert_eq!(error_line(hints), Some(expected));
        let make = "doing\nmake: *** No rule to make target 'x'.  Stop.\n";
        let expected = "make: *** No rule to make target 'x'.  Stop.";
        assert_eq!(error_line(make), Some(expected));
        assert_eq!(error_line("all\nis\nwell\n"), None);
    }

    #[test]
    fn the_line_of_the_script_is_shown() {
        let source = "#!/bin/sh\nset -e\n  make-it all  \n";
        for log in [
            "x\n/k/scripts/05-a.sh: line 3: make-it: command not found\n",
            "/k/scripts/05-a.sh: 3: make-it: not found\n",
        ] {
            let line = failing_line(log, "/k/scripts/05-a.sh", source).unwrap();
            assert_eq!((line.number, line.text.as_str()), (3, "make-it all"));
        }
        assert_eq!(
            failing_line("other.sh: line 3: x", "/k/05-a.sh", source),
            None
        );
        assert_eq!(
            failing_line("05-a.sh: line 99: x", "/k/05-a.sh", source),
            None
        );
    }

    #[test]
    fn deaths_and_exceptions_are_causes() {
        let killed = "/k/a.sh: line 3: 42 Killed                  make";
        assert_eq!(error_line(&format!("x\n{killed}\n")), Some(killed));
        let aborted = "b.sh: line 1: 7 Aborted (core dumped) ./a";
        assert_eq!(error_line(aborted), Some(aborted));
        assert_eq!(error_line("Killed processes: 3\n"), None);
        let python = "Traceback (most recent call last):\n  File \"x\", line 2\n    import y\n\
            ModuleNotFoundError: No module named 'y'\nmake: *** [x] Error 1\n";
        let expected = "ModuleNotFoundError: No module named 'y'";
        assert_eq!(error_line(python), Some(expected));
    }

    #[test]
    fn a_warning_of_the_shell_is_no_failure() {
        let log = "a.sh: line 2: warning: command substitution: ignored null byte\n";
        assert_eq!(failing_line(log, "/k/a.sh", "one\ntwo\n"), None);
    }

    #[test]
    fn overwritten_and_endless_lines_are_cut() {
        assert_eq!(cut("10%\r50%\r100%\r"), "100%");
        assert_eq!(cut(&"é".repeat(500)).chars().count(), LONGEST + 1);
        assert_eq!(tail("a\n\n  \nb\n"), ["a", "b"]);
    }
}
