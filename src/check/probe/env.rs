//! What scripts inherit: variables, `PATH`, umask.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::super::Host;
use super::limits::{Jobs, jobs_of};
use super::{EnvIs, Finding, locale};

pub(super) fn look(is: &EnvIs, host: &Host<'_>) -> Finding {
    match is {
        EnvIs::Unset(names) => unset(names, host),
        EnvIs::Set(names) => set(names, host),
        EnvIs::Equals(values) => equal(values, host),
        EnvIs::SafeFolder(names) => safe_folder(names, host),
        EnvIs::SafePath => safe_path(host),
        EnvIs::PathStartsWith(folder) => path_starts_with(folder, host),
        EnvIs::Umask(mask) => umask(*mask),
        EnvIs::Jobs => jobs(host),
        EnvIs::Locale(name) => locale::look(name.as_deref(), host),
    }
}

/// Whose files are that belong to nobody whom this user namespace knows: often those of root.
const UNMAPPED: u32 = 65534;

/// Names only: values may be secret.
fn unset(names: &[String], host: &Host<'_>) -> Finding {
    let set: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| host.env.get(name).is_some() && !host.intended.contains(*name))
        .collect();
    if set.is_empty() {
        Finding::ok("unset")
    } else {
        Finding::fail(format!("{} set", set.join(", "))).subject(set.join(" "))
    }
}

fn set(names: &[String], host: &Host<'_>) -> Finding {
    let is_set = |name: &str| host.env.get(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !is_set(name))
        .collect();
    if missing.is_empty() {
        Finding::ok("set")
    } else {
        Finding::fail(format!("{} not set", missing.join(", "))).subject(missing.join(" "))
    }
}

/// Each variable is what it must be, or one of several things divided by `|`.
fn equal(values: &BTreeMap<String, String>, host: &Host<'_>) -> Finding {
    for (name, wanted) in values {
        let Some(wanted) = expanded(wanted, host) else {
            return Finding::no_root();
        };
        let there = host.env.get(name).map(OsStr::to_string_lossy);
        let Some(there) = there else {
            return Finding::fail(format!("{name} is not set")).subject(name);
        };
        if !wanted.split('|').any(|wanted| wanted == there) {
            return Finding::fail(format!("{name}={there}")).subject(name);
        }
    }
    Finding::ok("as they must be")
}

/// `${root}` and `${machine}` in a text; none if a root is needed and none is known.
fn expanded(text: &str, host: &Host<'_>) -> Option<String> {
    let machine = rustix::system::uname();
    let text = text.replace("${machine}", &machine.machine().to_string_lossy());
    if !text.contains("${root}") {
        return Some(text);
    }
    let root = host.root.as_deref()?.display().to_string();
    Some(text.replace("${root}", root.trim_end_matches('/')))
}

fn safe_folder(names: &[String], host: &Host<'_>) -> Finding {
    for name in names {
        let Some(value) = host.env.path(name) else {
            continue;
        };
        let plain = value.components().all(|part| part.as_os_str() != "..");
        if !value.is_absolute() || !plain || value.parent().is_none() {
            return Finding::fail(format!("{name}={}", value.display())).subject(name);
        }
    }
    Finding::ok("safe")
}

fn safe_path(host: &Host<'_>) -> Finding {
    let Some(path) = host.env.get("PATH") else {
        return Finding::fail("PATH is not set");
    };
    let faults = std::env::split_paths(path).filter_map(|folder| fault(&folder));
    let faults: Vec<String> = faults.collect();
    if faults.is_empty() {
        Finding::ok("safe")
    } else {
        Finding::fail(faults.join(", "))
    }
}

/// What is wrong with a folder in `PATH`; one that does not exist harms nobody.
fn fault(folder: &Path) -> Option<String> {
    if folder.as_os_str() == OsStr::new("") {
        return Some("an empty entry, which is the current folder".into());
    }
    let shown = folder.display();
    if !folder.is_absolute() {
        return Some(format!("`{shown}`, which is not a whole path"));
    }
    if shown.to_string().contains(char::is_whitespace) {
        return Some(format!("`{shown}`, which has a blank in its name"));
    }
    let meta = fs::metadata(folder).ok()?;
    let known = [0, UNMAPPED, rustix::process::geteuid().as_raw()];
    if meta.mode() & 0o002 != 0 {
        Some(format!("{shown}, which everybody may write to"))
    } else if !known.contains(&meta.uid()) {
        Some(format!("{shown}, which belongs to another user"))
    } else {
        None
    }
}

fn path_starts_with(folder: &str, host: &Host<'_>) -> Finding {
    let Some(folder) = host.place(folder) else {
        return Finding::no_root();
    };
    let path = host.env.get("PATH").unwrap_or_default();
    match std::env::split_paths(path).next() {
        Some(first) if first == folder => Finding::ok(first.display().to_string()),
        Some(first) => Finding::fail(format!("{} comes first", first.display())),
        None => Finding::fail("PATH is not set"),
    }
}

/// `make -j` without a number starts as many compilers as there are files.
fn jobs(host: &Host<'_>) -> Finding {
    let flags = host.env.get("MAKEFLAGS").map(OsStr::to_string_lossy);
    match flags.as_deref().and_then(jobs_of) {
        Some(Jobs::Endless) => Finding::fail("-j without a number"),
        Some(Jobs::Counted(jobs)) => Finding::ok(format!("-j{jobs}")),
        None => Finding::ok("no jobs are named"),
    }
}

/// Read from the kernel: asking for it by setting it would be seen by other threads.
fn umask(required: u32) -> Finding {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    match line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()) {
        Some(mask) if mask == required => Finding::ok(format!("{mask:03o}")),
        Some(mask) => Finding::fail(format!("{mask:03o}")),
        None => Finding::unknown("/proc/self/status does not tell the umask"),
    }
}

#[cfg(test)]
mod tests {
    use super::fault;
    use std::path::Path;

    #[test]
    fn unsafe_folders_are_known() {
        assert_eq!(fault(Path::new("/usr/bin")), None);
        assert_eq!(fault(Path::new("/no/such")), None);
        for unsafe_one in ["", ".", "bin", "/tmp", "/no/my tools"] {
            assert!(fault(Path::new(unsafe_one)).is_some(), "{unsafe_one:?}");
        }
    }
}
