//! What scripts inherit: variables, `PATH`, umask.
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::Host;
use super::{EnvIs, Finding};

pub(super) fn look(is: &EnvIs, host: &Host<'_>) -> Finding {
    match is {
        EnvIs::Unset(names) => unset(names, host),
        EnvIs::SafeFolder(names) => safe_folder(names, host),
        EnvIs::SafePath => safe_path(host),
        EnvIs::Umask(mask) => umask(*mask),
    }
}

/// Names only: values may be secret.
fn unset(names: &[String], host: &Host<'_>) -> Finding {
    let set: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| host.env.get(name).is_some())
        .collect();
    if set.is_empty() {
        Finding::ok("unset")
    } else {
        Finding::fail(format!("{} set", set.join(", "))).subject(set.join(" "))
    }
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
    let mode = fs::metadata(folder).ok()?.permissions().mode();
    (mode & 0o002 != 0).then(|| format!("{shown}, which everybody may write to"))
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
        for unsafe_one in ["", ".", "bin", "/tmp"] {
            assert!(fault(Path::new(unsafe_one)).is_some(), "{unsafe_one:?}");
        }
    }
}
