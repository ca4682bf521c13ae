//! Locales: named by the environment, installed by the distribution.
use std::borrow::Cow;
use std::ffi::OsStr;
use std::time::Duration;

use super::super::Host;
use super::super::program::{Ran, command, run, search};
use super::Finding;

/// Whether `name`, or else the locale that programs would use, is installed.
pub(super) fn look(name: Option<&str>, host: &Host<'_>) -> Finding {
    let wanted = match name.map(str::to_owned).or_else(|| of_environment(host)) {
        Some(wanted) if !is_built_in(&wanted) => wanted,
        Some(wanted) => return Finding::ok(wanted),
        None => return Finding::ok("none is named, so it is C"),
    };
    let Some(program) = search("locale", host.env) else {
        return Finding::unknown("there is no `locale` to ask");
    };
    let asked = command(&program, &["-a".to_owned()]);
    match run(asked, host.env, host.clock, Duration::from_secs(2)) {
        Ran::Ended(output) if output.status.success() => {
            let mut installed = output.stdout.lines().map(normal);
            if installed.any(|known| known == normal(&wanted)) {
                Finding::ok(wanted)
            } else {
                Finding::fail(format!("{wanted} is not installed")).subject(wanted)
            }
        }
        _ => Finding::unknown("`locale -a` does not answer"),
    }
}

/// The first of the variables that decide, as programs read them.
fn of_environment(host: &Host<'_>) -> Option<String> {
    let value = |name: &&str| {
        let value = host.env.get(name).map(OsStr::to_string_lossy);
        value.filter(|value| !value.is_empty())
    };
    let found = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(value);
    found.map(Cow::into_owned)
}

fn is_built_in(name: &str) -> bool {
    matches!(name, "C" | "POSIX")
}

/// `en_US.UTF-8` and `en_US.utf8` are the same.
fn normal(name: &str) -> String {
    match name.trim().split_once('.') {
        Some((language, charset)) => {
            let charset = charset.to_lowercase().replace('-', "");
            format!("{language}.{charset}")
        }
        None => name.trim().to_owned(),
    }
}
