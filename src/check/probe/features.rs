//! What the running system can do, and what it is not.
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::super::Host;
use super::super::program::{Ran, command, run, search};
use super::{Feature, Finding, Trait};

/// A feature that builds need.
pub(super) fn has(feature: Feature, host: &Host<'_>) -> Finding {
    match feature {
        Feature::UserNamespaces => user_namespaces(host),
        Feature::Terminals => terminals(),
        Feature::Cgroups => cgroups(),
        Feature::Clock => clock(host),
    }
}

/// Tried out where `unshare` is there, for profiles may forbid what the kernel can.
fn user_namespaces(host: &Host<'_>) -> Finding {
    let number = |path: &str| super::limits::number(path);
    if number("/proc/sys/user/max_user_namespaces") == Some(0) {
        return Finding::fail("the kernel allows none");
    }
    if number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        return Finding::fail("the kernel allows them to root only");
    }
    let Some(unshare) = search("unshare", host.env) else {
        return Finding::unknown("there is no `unshare` to try it with");
    };
    let words = ["--user", "--map-root-user", "true"].map(str::to_owned);
    match run(
        command(&unshare, &words),
        host.env,
        host.clock,
        Duration::from_secs(2),
    ) {
        Ran::Ended(output) if output.status.success() => Finding::ok("they work"),
        Ran::Ended(output) => Finding::fail(output.first_line()),
        _ => Finding::unknown("`unshare` does not answer"),
    }
}

/// A pseudo terminal is opened as programs do it.
fn terminals() -> Finding {
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    // It has to stay open while its other end is looked for.
    let opened = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).and_then(|terminal| {
        unlockpt(&terminal)?;
        let name = ptsname(&terminal, Vec::new())?
            .to_string_lossy()
            .into_owned();
        let is_there = Path::new(&name).exists();
        Ok((name, is_there))
    });
    match opened {
        Ok((_, true)) => Finding::ok("they work"),
        Ok((name, false)) => Finding::fail(format!("{name} is not there")),
        Err(rustix::io::Errno::NOSPC) => Finding::unknown("all of them are in use"),
        Err(error) => Finding::fail(format!("none can be opened: {error}")),
    }
}

fn cgroups() -> Finding {
    let full = Path::new("/sys/fs/cgroup/cgroup.controllers");
    let hybrid = Path::new("/sys/fs/cgroup/unified/cgroup.controllers");
    if full.exists() {
        Finding::ok("version 2")
    } else if hybrid.exists() {
        Finding::ok("version 2, beside version 1")
    } else {
        Finding::nothing()
    }
}

/// When this program was not yet written, it was not now.
const FIRST_YEAR: i32 = 2025;

fn clock(host: &Host<'_>) -> Finding {
    use chrono::Datelike as _;
    let now = host.clock.now();
    let told = now.format("%Y-%m-%d %H:%M").to_string();
    if (FIRST_YEAR..FIRST_YEAR + 75).contains(&now.year()) {
        Finding::ok(told)
    } else {
        Finding::fail(told)
    }
}

/// What the machine must not be; `None` if it cannot be found out.
pub(super) fn is(what: Trait) -> Option<bool> {
    let version = || fs::read_to_string("/proc/version").ok();
    let exists = |path: &str| Path::new(path).exists();
    Some(match what {
        Trait::Wsl1 => version()?.contains("Microsoft"),
        Trait::Wsl => version()?.to_lowercase().contains("microsoft"),
        Trait::Container => {
            exists("/.dockerenv")
                || exists("/run/.containerenv")
                || exists("/run/systemd/container")
        }
        Trait::SelinuxEnforcing => super::limits::number("/sys/fs/selinux/enforce") == Some(1),
    })
}
