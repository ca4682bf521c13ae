//! From file names to step ids, and back from what people type.

/// Endings that say in which language a script is written, no part of a step's name.
const ENDINGS: &[&str] = &[
    "sh", "bash", "dash", "ksh", "zsh", "py", "pl", "rb", "lua", "tcl", "awk",
];

/// The id of the step whose script lies at `path` below its scripts folder.
///
/// The file's leading number and ending go, its folders stay: `chapter05/502-gcc-pass1.sh` is
/// `chapter05/gcc-pass1`. Editions of a book renumber their scripts; the id must outlive that.
pub(super) fn step_id(path: &str) -> String {
    let (folder, file) = match path.rsplit_once('/') {
        Some((folder, file)) => (Some(folder), file),
        None => (None, path),
    };
    let name = without_number(without_ending(file));
    match folder {
        Some(folder) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// Tells whether a file name begins with a number and `-` or `_`.
pub(super) fn is_numbered(file: &str) -> bool {
    let rest = file.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < file.len() && rest.starts_with(['-', '_'])
}

/// What keeps `id` from being a step id, if anything does.
pub(super) fn id_problem(id: &str) -> Option<String> {
    let odd = |c: &char| !(c.is_alphanumeric() || "-_.+@/".contains(*c));
    if let Some(c) = id.chars().find(odd) {
        return Some(format!(
            "{c:?} in the name: use letters, digits and `-`, `_`, `.`, `+`, `@`"
        ));
    }
    let bad = |part: &str| {
        let ends_badly = part.ends_with('.') || part.strip_suffix(".lock").is_some();
        part.is_empty() || part.starts_with(['.', '-']) || ends_badly
    };
    if id.split('/').any(bad) || id.contains("..") {
        return Some("each part of the name must begin with a letter or digit, and not end in `.` or `.lock`".into());
    }
    None
}

/// Tells whether `tail` is `id`, or its last parts.
pub(super) fn is_tail(id: &str, tail: &str) -> bool {
    id.strip_suffix(tail)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Tells whether `pattern` means the step `id`: its name, its last parts, or a name with `*` in it.
pub(super) fn is_meant(id: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return is_tail(id, pattern);
    };
    let tails = id.match_indices('/').map(|(at, _)| &id[at + 1..]);
    let mut names = std::iter::once(id).chain(tails);
    names.any(|name| {
        name.strip_prefix(first)
            .is_some_and(|name| ends_like(name, rest))
    })
}

fn ends_like(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name.ends_with(pattern),
        Some((part, rest)) => {
            let mut found = name.match_indices(part);
            found.any(|(at, _)| ends_like(&name[at + part.len()..], rest))
        }
    }
}

fn without_ending(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ENDINGS.contains(&ending) => stem,
        _ => file,
    }
}

fn without_number(stem: &str) -> &str {
    let name = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    match name.strip_prefix(['-', '_']) {
        Some(name) if name.len() + 1 < stem.len() && !name.is_empty() => name,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_steps() {
        let id = "chapter10/linux-kernel";
        for pattern in [
            "linux-kernel",
            id,
            "chapter10/*",
            "*kernel",
            "linux-*",
            "*",
            "c*/l*l",
        ] {
            assert!(is_meant(id, pattern), "{pattern}");
        }
        for pattern in ["kernel", "chapter1/*", "linux", "kernel*", "", "*x"] {
            assert!(!is_meant(id, pattern), "{pattern}");
        }
    }

    #[test]
    fn ids_drop_number_and_ending() {
        for (path, id) in [
            ("chapter05/502-gcc-pass1", "chapter05/gcc-pass1"),
            ("02-two.sh", "two"),
            ("10_ten.py", "ten"),
            ("zlib-1.3.1", "zlib-1.3.1"),
            ("01.sh", "01"),
            ("7-", "7-"),
            ("-x.sh", "-x"),
            ("05-cross/1-gcc.bash", "05-cross/gcc"),
        ] {
            assert_eq!(step_id(path), id, "{path}");
        }
    }

    #[test]
    fn ids_are_fit_for_files_and_refs() {
        for good in ["gcc-pass1", "libstdc++", "chapter05/a.b", "größe", "_x"] {
            assert_eq!(id_problem(good), None, "{good}");
        }
        for bad in [
            "a b", "a\nb", "-x", ".x", "a/", "/a", "a..b", "x.lock", "a:b", "",
        ] {
            assert!(id_problem(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn tails_end_at_folders() {
        assert!(is_tail("chapter05/gcc", "gcc") && is_tail("a", "a"));
        assert!(!is_tail("chapter05/gcc", "cc") && !is_tail("gcc", "a/gcc"));
    }
}
