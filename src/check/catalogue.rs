//! Which sets there are, and which checks belong to them.
use std::path::{Path, PathBuf};

use super::Error;
use super::definition::{Named, Set};
use super::read::{read, read_shipped};
use super::select::Selection;
use crate::document::{Document, KeyPath, Problem, code, nearest};
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
    (
        "lfs-13.1",
        include_str!("../../templates/checks/lfs-13.1.toml"),
    ),
    (
        "lfs-chapter5",
        include_str!("../../templates/checks/lfs-chapter5.toml"),
    ),
    (
        "lfs-chapter7",
        include_str!("../../templates/checks/lfs-chapter7.toml"),
    ),
    (
        "lfs-chapter8",
        include_str!("../../templates/checks/lfs-chapter8.toml"),
    ),
    ("blfs", include_str!("../../templates/checks/blfs.toml")),
    (
        "embedded",
        include_str!("../../templates/checks/embedded.toml"),
    ),
    (
        "buildroot",
        include_str!("../../templates/checks/buildroot.toml"),
    ),
    ("keep", include_str!("../../templates/checks/keep.toml")),
    ("yocto", include_str!("../../templates/checks/yocto.toml")),
];

/// The sets that come with the program.
pub fn built_in() -> Result<Vec<Set>, Error> {
    let sets = BUILT_IN.iter();
    sets.map(|(name, text)| read_shipped(name, text)).collect()
}

/// Those sets that come with the program which matter if `names` are run beside the keep's own.
pub fn built_in_for(names: &[String], own: &[Set]) -> Result<Vec<Set>, Error> {
    // A waiver may name a check of any set, and so may one that builds on it.
    let names_any = |set: &Set| {
        !set.waivers.is_empty() || set.checks.iter().any(|check| !check.needs.is_empty())
    };
    if own.iter().any(names_any) {
        return built_in();
    }
    let bases = own.iter().flat_map(|set| &set.extends);
    let mut wanted: Vec<String> = bases.map(|base| base.name.clone()).collect();
    wanted.extend(names.iter().cloned());
    let mut sets: Vec<Set> = Vec::new();
    while let Some(name) = wanted.pop() {
        let known = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
        if let Some((name, text)) = known.filter(|_| sets.iter().all(|set| set.name != name)) {
            let set = read_shipped(name, text)?;
            wanted.extend(set.extends.iter().map(|base| base.name.clone()));
            sets.push(set);
        }
    }
    Ok(sets)
}

/// The sets of the folder `checks` of a keep, by name; none if there is no such folder.
pub fn own(keep: &Path) -> Result<Vec<Set>, Error> {
    own_of(&own_texts(keep)?)
}

/// The texts of the sets of the folder `checks` of a keep, with their names.
pub fn own_texts(keep: &Path) -> Result<Vec<(String, String)>, Error> {
    let text = |(name, path): (String, PathBuf)| Ok((name, text_of(&path)?));
    files(keep)?.into_iter().map(text).collect()
}

/// The sets that these texts make.
pub fn own_of(texts: &[(String, String)]) -> Result<Vec<Set>, Error> {
    let sets = texts.iter();
    sets.map(|(name, text)| read_own(name, text)).collect()
}

fn read_own(name: &str, text: &str) -> Result<Set, Error> {
    read(name, &format!("checks/{name}.toml"), text)
}

fn text_of(path: &Path) -> Result<String, Error> {
    // A pipe or a device would be read without end.
    let is_file = std::fs::metadata(path).at("look at", path)?.is_file();
    if !is_file {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is not a file");
        return Err(error).at("read", path)?;
    }
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// The files of the folder `checks`, by name.
fn files(keep: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
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
    Ok(files)
}

/// The checks of the sets called `names`; of two with the same id the later one counts.
///
/// A keep's own set stands before a built-in one of the same name.
pub fn resolve(names: &[String], own: &[Set], built_in: &[Set]) -> Result<Selection, Error> {
    let sets: Vec<&Set> = own.iter().chain(built_in).collect();
    let (mut selection, mut seen) = (Selection::default(), Vec::new());
    for name in names {
        let Some(set) = find(name, &sets) else {
            return Err(unknown(name, &sets));
        };
        add(set, &sets, &mut seen, &mut selection)?;
    }
    let problems = dangling(own, &sets);
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    for set in own {
        selection.waivers.extend(set.waivers.iter().cloned());
    }
    Ok(selection)
}

fn find<'a>(name: &str, sets: &[&'a Set]) -> Option<&'a Set> {
    sets.iter().find(|set| set.name == name).copied()
}

/// Adds the checks of a set; what it extends goes before, and a set is added once.
fn add<'a>(
    set: &'a Set,
    sets: &[&'a Set],
    seen: &mut Vec<&'a Set>,
    selection: &mut Selection,
) -> Result<(), Error> {
    if seen.iter().any(|one| std::ptr::eq(*one, set)) {
        return Ok(());
    }
    seen.push(set);
    for base in &set.extends {
        let Some(base) = base_of(set, &base.name, sets) else {
            return Err(Error::Document(vec![missing(base, sets)]));
        };
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

/// The set that `set` means by `name`: an own set that extends its own name means the built-in one.
fn base_of<'a>(set: &Set, name: &str, sets: &[&'a Set]) -> Option<&'a Set> {
    let mut named = sets.iter().filter(|other| other.name == name).copied();
    if set.name == name {
        named.nth(1)
    } else {
        named.next()
    }
}

/// What files name and nothing has: sets to extend, checks to build on or to waive.
fn dangling(own: &[Set], sets: &[&Set]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for set in own {
        let lost = |base: &&Named| base_of(set, &base.name, sets).is_none();
        let lost = set.extends.iter().filter(lost);
        problems.extend(lost.map(|base| missing(base, sets)));
        let needs = set.checks.iter().flat_map(|check| &check.needs);
        let waived = set.waivers.iter().map(|waiver| &waiver.check);
        for named in needs.chain(waived) {
            let ids = sets.iter().flat_map(|set| &set.checks);
            let ids = ids.map(|check| check.id.as_str());
            if !ids.clone().any(|id| id == named.name) {
                problems.push(helped(named, ids));
            }
        }
    }
    problems
}

fn missing(base: &Named, sets: &[&Set]) -> Problem {
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    helped(
        base,
        sets.iter().map(|set| set.name.as_str()).chain(built_in),
    )
}

fn helped<'a>(named: &Named, known: impl Iterator<Item = &'a str>) -> Problem {
    let help = match nearest(&named.name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`buildkeep check --list` names all that there are".into(),
    };
    named.wrong.clone().help(help)
}

/// The name of the set that the file at `path` of a keep is, if it is one.
pub fn set_at(path: &str) -> Option<&str> {
    let name = path.strip_prefix("checks/")?.strip_suffix(".toml")?;
    (!name.starts_with('.') && !name.contains('/')).then_some(name)
}

/// All that is wrong with the sets that these texts make, each by itself and together, and with the
/// names of sets in buildkeep.toml.
pub fn problems(texts: &[(String, String)], settings: &str) -> Result<Vec<Problem>, Error> {
    let mut problems = misnamed(texts, settings);
    let mut sets = Vec::new();
    for (name, text) in texts {
        match read_own(name, text) {
            Ok(set) => sets.push(set),
            Err(Error::Document(found)) => problems.extend(found),
            Err(other) => return Err(other),
        }
    }
    // A set that cannot be read may have what others name.
    if sets.len() == texts.len() && !sets.is_empty() {
        let built_in = built_in()?;
        let all: Vec<&Set> = sets.iter().chain(&built_in).collect();
        problems.extend(dangling(&sets, &all));
    }
    Ok(problems)
}

/// Names in buildkeep.toml that no set has; what is no TOML at all is told elsewhere.
fn misnamed(texts: &[(String, String)], settings: &str) -> Vec<Problem> {
    let Ok(document) = Document::parse("buildkeep.toml", settings) else {
        return Vec::new();
    };
    let settings = document.to_json();
    let named = settings.get("checks").and_then(|value| value.as_array());
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    let known: Vec<&str> = texts
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(built_in)
        .collect();
    let named = named.into_iter().flatten().enumerate();
    let unknown = named.filter_map(|(at, name)| {
        let name = name.as_str().filter(|name| !known.contains(name))?;
        let path = KeyPath::root().key("checks").item(at);
        let message = format!("there is no set of checks `{name}`");
        let named = Named {
            wrong: document.problem(&path, code::NO_SUCH_SET, message),
            name: name.to_owned(),
        };
        Some(helped(&named, known.iter().copied()))
    });
    unknown.collect()
}

fn unknown(name: &str, sets: &[&Set]) -> Error {
    let built_in = BUILT_IN.iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = sets
        .iter()
        .map(|set| set.name.as_str())
        .chain(built_in)
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    known.retain(|name| seen.insert(*name));
    let known = known.into_iter();
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
        for (name, text) in BUILT_IN {
            read(name, name, text).unwrap();
        }
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
                    let fix = check.fixes.here(family, "x", Some("/r"));
                    assert!(fix.is_some(), "{} has no fix for {family:?}", check.id);
                }
            }
        }
    }

    #[test]
    fn later_checks_replace_earlier_ones_of_the_same_name() {
        let text = |set: &str, extends: &str, what: &str| {
            let check = "[[check]]\nid = \"a\"\nkind = \"tool\"\nwhy = \"y\"\nwhat = ";
            read(
                set,
                set,
                &format!("extends = [{extends}]\n{check}\"{what}\"\n"),
            )
            .unwrap()
        };
        let sets = [
            text("base", "", "1"),
            text("other", "\"top\"", "2"),
            text("top", "\"base\", \"other\"", "3"),
        ];
        let checks = resolve(&["top".into()], &[], &sets).unwrap().checks;
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].what, "3");
        let error = resolve(&["tpo".into()], &[], &sets).unwrap_err();
        assert!(matches!(error, Error::UnknownSet { nearest: Some(near), .. } if near == "top"));
    }
}
