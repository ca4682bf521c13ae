//! The running kernel, and the machine.
use super::super::{Host, Requirement, Status, Version};
use super::{Finding, KernelIs, features};

pub(super) fn look(is: &KernelIs, host: &Host<'_>) -> Finding {
    let uname = rustix::system::uname();
    if uname.sysname().to_bytes() != b"Linux" {
        return Finding::fail(uname.sysname().to_string_lossy());
    }
    let machine = uname.machine().to_string_lossy();
    if !is.arch.is_empty() && !is.arch.iter().any(|arch| *arch == machine) {
        return Finding::fail(machine);
    }
    if let Some(feature) = is.has {
        return features::has(feature, host);
    }
    if let Some(what) = is.is_not {
        return match features::is(what) {
            Some(false) => Finding::ok("it is not"),
            Some(true) => Finding::fail("it is"),
            None => Finding::unknown("/proc/version cannot be read"),
        };
    }
    if is.version.is_none() && is.tested.is_none() {
        return Finding::ok(machine);
    }
    let release = uname.release().to_string_lossy();
    match Version::parse(&release) {
        Some(version) => judged(&version, is.version.as_ref(), is.tested.as_ref()),
        None => Finding::unknown(format!("no version in `{release}`")),
    }
}

/// What a version means: too old, newer than anybody tried, or fine.
pub(super) fn judged(
    version: &Version,
    required: Option<&Requirement>,
    tested: Option<&Requirement>,
) -> Finding {
    let meets = |requirement: Option<&Requirement>| {
        requirement.is_none_or(|requirement| requirement.is_met_by(version))
    };
    if !meets(required) {
        Finding::fail(version.to_string())
    } else if let (Some(tested), false) = (tested, meets(tested)) {
        let found = format!("{version}, which nobody has tried (tested: {tested})");
        Finding::new(Status::Warn, found)
    } else {
        Finding::ok(version.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_judged() {
        let requirement = |text| Requirement::parse(text).unwrap();
        let (required, tested) = (requirement(">= 5.4"), requirement("<= 16.2"));
        let status = |text| {
            let version = Version::parse(text).unwrap();
            judged(&version, Some(&required), Some(&tested)).status
        };
        assert_eq!(status("5.3.9"), Status::Fail);
        assert_eq!(status("12.2.0"), Status::Ok);
        assert_eq!(status("17.0"), Status::Warn);
    }
}
