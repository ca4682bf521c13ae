//! Logs of real builds that failed: tests/logs, made by tests/logs/make-logs.
use std::fs;
use std::path::Path;

use super::*;

/// What is expected of a log.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
struct Case {
    name: String,
    error: Option<String>,
    trouble: Option<String>,
    line: Option<usize>,
    by_hand: Option<String>,
}

fn cases() -> Vec<Case> {
    #[derive(serde::Deserialize)]
    struct Cases {
        case: Vec<Case>,
    }
    let text = fs::read_to_string(folder().join("expected.toml")).unwrap();
    toml_edit::de::from_str::<Cases>(&text).unwrap().case
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs")
}

fn found(name: &str) -> Case {
    let (log, script) = (format!("{name}.log"), format!("{name}.sh"));
    let log = fs::read(folder().join(log)).unwrap();
    let source = fs::read_to_string(folder().join(&script)).unwrap();
    let path = format!("/tmp/buildkeep-logs/{name}/{script}");
    let excerpt = of_text(&String::from_utf8_lossy(&log), &path, &source);
    let word = |trouble| serde_json::to_value(trouble).unwrap();
    Case {
        name: name.to_owned(),
        error: excerpt.error,
        trouble: excerpt
            .trouble
            .map(|trouble| word(trouble).as_str().unwrap().to_owned()),
        line: excerpt.line.map(|line| line.number),
        by_hand: excerpt.by_hand,
    }
}

#[test]
fn the_line_that_tells_why_is_found_in_real_logs() {
    let cases = cases();
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, found(&case.name)))
        .filter(|(case, found)| *case != found)
        .map(|(case, found)| format!("expected {case:#?}\nfound {found:#?}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn no_log_is_forgotten() {
    let named: Vec<String> = cases().into_iter().map(|case| case.name).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "log") {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            assert!(
                named.iter().any(|name| name == stem),
                "{stem}: no expectation"
            );
        }
    }
}

#[test]
fn what_belongs_to_an_error_is_shown_with_it() {
    let log = fs::read_to_string(folder().join("gcc.log")).unwrap();
    let more = of_text(&log, "x", "").more;
    assert_eq!(more[0], "    3 |   return undeclared_thing;");
    let log = fs::read_to_string(folder().join("cmake-package.log")).unwrap();
    let more = of_text(&log, "x", "").more;
    assert!(more[0].contains("FindZlorp.cmake"), "{more:?}");
}

#[test]
fn the_shell_names_the_line() {
    let source = "#!/bin/sh\nset -e\n  make-it all  \n";
    for log in [
        "/k/scripts/05-a.sh: line 3: make-it: command not found",
        "/k/scripts/05-a.sh: 3: make-it: not found",
    ] {
        let line = script::named(&[log], "/k/scripts/05-a.sh", source).unwrap();
        assert_eq!((line.number, line.text.as_str()), (3, "make-it all"));
        assert!(!line.guessed);
    }
    for log in [
        "other.sh: line 3: x",
        "05-a.sh: line 99: x",
        "05-a.sh: line 2: warning: command substitution: ignored null byte",
    ] {
        assert_eq!(script::named(&[log], "/k/05-a.sh", source), None);
    }
}

#[test]
fn without_a_cause_the_last_hint_then_make() {
    let error = |log: &str| of_text(log, "x", "").error;
    let hints = "cp: cannot stat 'a': No such file or directory\nfine\n\
        cp: cannot stat 'b': No such file or directory\nmake: *** [x] Error 1\n";
    let expected = "cp: cannot stat 'b': No such file or directory";
    assert_eq!(error(hints).as_deref(), Some(expected));
    let make = "doing\nmake: *** No rule to make target 'x'.  Stop.\n";
    let expected = "make: *** No rule to make target 'x'.  Stop.";
    assert_eq!(error(make).as_deref(), Some(expected));
    assert_eq!(error("all\nis\nwell\n"), None);
}

#[test]
fn overwritten_and_endless_lines_are_cut() {
    assert_eq!(of_text("10%\r50%\r100%\r\n", "x", "").tail, ["100%"]);
    assert_eq!(cut(&"é".repeat(500)).chars().count(), LONGEST + 1);
    assert_eq!(of_text("a\n\n  \nb\n", "x", "").tail, ["a", "b"]);
}

#[test]
fn words_are_quoted_for_a_shell() {
    assert_eq!(quoted("a/b-1.o"), "a/b-1.o");
    assert_eq!(quoted("it's $x"), "'it'\\''s $x'");
}
