//! Keeps imports pointing one way.
use std::fs;
use std::path::{Path, PathBuf};

/// Each module may use modules of a lower rank only; `ui` counts as 0 for ranks 3 and up.
const RANKS: &[(&str, u8)] = &[
    ("fs", 0),
    ("ui", 0),
    ("world", 0),
    ("document", 1),
    ("store", 1),
    ("config", 2),
    ("plan", 2),
    ("run", 2),
    ("check", 2),
    ("vault", 2),
    ("report", 3),
    ("failure", 4),
    ("commands", 5),
    ("cli", 6),
];

fn rank(module: &str) -> u8 {
    let known = RANKS.iter().find(|(name, _)| *name == module);
    known
        .unwrap_or_else(|| panic!("give `{module}` a rank in tests/it/layers.rs"))
        .1
}

/// Whether code of `module` may name `target`.
fn allowed(module: &str, target: &str) -> bool {
    if module == target {
        return true;
    }
    let from = rank(module);
    rank(target) < from && (target != "ui" || from >= 3)
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// The text of a source file without its comment lines.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// The top-level modules that `text` names after `crate::`, braces included.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let items = match rest.strip_prefix('{') {
            Some(inner) => first_level(inner),
            None => vec![rest],
        };
        for item in items {
            let name: String = item
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                found.push(name);
            }
        }
    }
    found
}

/// Splits `a::{b, c}, d}` at the commas outside inner braces, up to the closing one.
fn first_level(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&text[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

/// Source files with the top-level module that each belongs to.
fn modules() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let module_of = |file: &PathBuf| {
        let first = file.strip_prefix(&root).unwrap().iter().next().unwrap();
        first.to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let with_module = |file: PathBuf| {
        let module = module_of(&file);
        (file, module)
    };
    files
        .into_iter()
        .map(with_module)
        .filter(|(_, m)| m != "lib" && m != "main")
        .collect()
}

#[test]
fn imports_point_downwards() {
    let mut wrong = Vec::new();
    for (file, module) in modules() {
        let text = code(&file);
        for target in uses(&text) {
            if !allowed(&module, &target) {
                wrong.push(format!(
                    "{}: `{module}` may not use `{target}`",
                    file.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports must point downwards:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn only_the_store_knows_git() {
    for (file, module) in modules() {
        let text = code(&file);
        let named = text.contains("gix::") || text.contains("Command::new(\"git\")");
        assert!(
            !named || module == "store",
            "{} must go through `store`",
            file.display()
        );
    }
}

#[test]
fn the_rules_can_fail() {
    assert!(!allowed("config", "plan"), "features are apart");
    assert!(
        !allowed("store", "ui") && !allowed("run", "ui"),
        "only commands print"
    );
    assert!(!allowed("fs", "store") && allowed("commands", "vault"));
    assert_eq!(
        uses("use crate::{a::{b, c}, d}; crate::e::f()"),
        ["a", "d", "e"]
    );
}
