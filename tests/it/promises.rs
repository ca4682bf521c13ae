//! What `docs/design/promises-of-runs.md` names as proof is there.
use std::path::Path;

/// The tests, by file, and the programs that a row of the table names.
fn proof(row: &str) -> (Vec<(String, String)>, Vec<String>) {
    let cell = row.trim_end_matches([' ', '|']).rsplit(" | ").next();
    let (mut tests, mut waiting, mut programs) = (Vec::new(), Vec::new(), Vec::new());
    for word in cell.unwrap().split([' ', ',', '(', ')']) {
        if let Some(name) = word.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
            waiting.push(name.to_owned());
        } else if Path::new(word).extension().is_some_and(|end| end == "rs") {
            tests.extend(waiting.drain(..).map(|name| (word.to_owned(), name)));
        } else if word.starts_with("tests/") {
            programs.push(word.to_owned());
        }
    }
    assert!(waiting.is_empty(), "in no file: {waiting:?}");
    (tests, programs)
}

/// Whether a source has this test, written out or made by a macro.
fn has_test(source: &str, name: &str) -> bool {
    let of_macro = source.contains("macro_rules!") && source.contains(&format!("\n    {name}: "));
    let mut after = source.split("#[test]\n").skip(1);
    of_macro || after.any(|text| text.starts_with(&format!("fn {name}()")))
}

#[test]
fn each_test_that_is_named_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(here.join(path)).unwrap();
    let text = read("docs/design/promises-of-runs.md");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let (tests, programs) = proof(row);
        assert!(!tests.is_empty() || !programs.is_empty(), "no proof: {row}");
        for (file, name) in tests {
            assert!(has_test(&read(&file), &name), "{file} has no {name}");
        }
        for program in programs {
            assert!(here.join(&program).is_file(), "{program} is not there");
        }
    }
}

#[test]
fn a_name_without_its_test_is_found() {
    let source = "#[test]\nfn real() {}\n\nfn helper() {}\n";
    assert!(has_test(source, "real"));
    assert!(!has_test(source, "helper") && !has_test(source, "rea"));
    let (tests, programs) = proof("| It | `a`, `b` (tests/it/x.rs), by tests/bench/y |");
    let of = |name: &str| ("tests/it/x.rs".to_owned(), name.to_owned());
    assert_eq!(tests, [of("a"), of("b")]);
    assert_eq!(programs, ["tests/bench/y"]);
}
