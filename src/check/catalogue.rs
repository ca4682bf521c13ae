//! Which sets there are, and which checks belong to them.
use std::path::Path;

use super::Error;
use super::definition::{Check, Set, Waiver};
use super::read::read;
use crate::document::nearest;
use crate::fs::{self, AtPath as _, is_absent};

/// The sets that come with the program: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    (
        "generic",
        include_str!("../../templates/checks/generic.toml"),
    ),
    (
        "lfs-12.3",
        include_str!("../../templates/checks/lfs-12.3.toml"),
    ),
];

/// What to run: checks with their waivers.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Each id once.
    pub checks: Vec<Check>,
    /// Findings that are accepted.
    pub waivers: Vec<Waiver>,
}

/// The sets that come with the program.
pub fn built_in() -> Result<Vec<Set>, Error> {
    let sets = BUILT_IN.iter();
    sets.map(|(name, text)| read(name, &format!("built-in set {name}"), text))
        .collect()
}

/// The sets of the folder `checks` of a keep, by name; none if there is no such folder.
pub fn own(keep: &Path) -> Result<Vec<Set>, Error> {
    let folder = keep.join("checks");
    let entries = std::fs::read_dir(&folder);
    if entries.as_ref().is_err_and(is_absent) {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in entries.at("list", &folder)? {
        let path = entry.at("list", &folder)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_suffix(".toml"));
        if let Some(name) = name.filter(|name| !name.starts_with('.')) {
            files.push((name.to_owned(), path));
        }
    }
    files.sort();
    let mut sets = Vec::new();
    for (name, path) in files {
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        sets.push(read(&name, &format!("checks/{name}.toml"), &text)?);
    }
    Ok(sets)
}

/// The checks of the sets called `names`; of two with the same id the later one counts.
///
/// A keep's own set stands before a built-in one of the same name.
pub fn resolve(names: &[String], own: &[Set], built_in: &[Set]) -> Result<Selection, Error> {
    let sets: Vec<&Set> = own.iter().chain(built_in).collect();
    let (mut selection, mut seen) = (Selection::default(), Vec::new());
    for name in names {
        add(name, &sets, &mut seen, &mut selection)?;
    }
    for set in own {
        selection.waivers.extend(set.waivers.iter().cloned());
    }
    Ok(selection)
}

fn add<'a>(
    name: &'a str,
    sets: &[&'a Set],
    seen: &mut Vec<&'a str>,
    selection: &mut Selection,
) -> Result<(), Error> {
    if seen.contains(&name) {
        return Ok(());
    }
    seen.push(name);
    let Some(set) = sets.iter().find(|set| set.name == name) else {
        return Err(unknown(name, sets));
    };
    for base in &set.extends {
        add(base, sets, seen, selection)?;
    }
    for check in &set.checks {
        let known = selection
            .checks
            .iter_mut()
            .find(|known| known.id == check.id);
        match known {
            Some(known) => *known = check.clone(),
            None => selection.checks.push(check.clone()),
        }
    }
    Ok(())
}

fn unknown(name: &str, sets: &[&Set]) -> Error {
    let known = sets.iter().map(|set| set.name.as_str());
    Error::UnknownSet {
        name: name.to_owned(),
        nearest: nearest(name, known.clone()).map(str::to_owned),
        known: known.map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Family;
    use super::*;

    #[test]
    fn built_in_sets_are_whole() {
        let sets = built_in().unwrap();
        for set in &sets {
            let selection = resolve(std::slice::from_ref(&set.name), &[], &sets).unwrap();
            assert!(!selection.checks.is_empty());
            for check in &selection.checks {
                assert!(check.why.ends_with('.'), "{}: {}", check.id, check.why);
                let families = [
                    Family::Debian,
                    Family::Fedora,
                    Family::Arch,
                    Family::Suse,
                    Family::Alpine,
                    Family::Gentoo,
                ];
                for family in families.map(Some).into_iter().chain([None]) {
                    let fix = check.fixes.here(family, "x");
                    assert!(fix.is_some(), "{} has no fix for {family:?}", check.id);
                }
            }
        }
    }

    #[test]
    fn later_checks_replace_earlier_ones_of_the_same_name() {
        let text = |set: &str, what: &str| {
            let check = "[[check]]\nid = \"a\"\nkind = \"tool\"\nwhy = \"y\"\nwhat = ";
            read(
                set,
                set,
                &format!("extends = [\"base\", \"other\"]\n{check}\"{what}\"\n"),
            )
            .unwrap()
        };
        let sets = [text("base", "1"), text("other", "2"), text("top", "3")];
        let checks = resolve(&["top".into()], &[], &sets).unwrap().checks;
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].what, "3");
        let error = resolve(&["tpo".into()], &[], &sets).unwrap_err();
        assert!(matches!(error, Error::UnknownSet { nearest: Some(near), .. } if near == "top"));
    }
}
