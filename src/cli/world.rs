//! Reading the world, once.
#![expect(
    clippy::disallowed_methods,
    reason = "clock, environment and folder are read here only"
)]

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::failure::{Failure, Kind};
use crate::world::{Clock, Env, Ids, Person, World};

/// Gathers what the world says.
///
/// `BUILDKEEP_TEST_CLOCK` (RFC 3339) and `BUILDKEEP_TEST_SEED` (a number) make clock and ids
/// repeatable for tests.
pub(super) fn read() -> Result<World, Failure> {
    let env = environment();
    let clock = clock(&env);
    let ids = ids(&env, &clock);
    let cwd = std::env::current_dir()
        .map_err(|error| Failure::user(format!("cannot tell the current folder: {error}")))?;
    let exe = std::env::current_exe().map_err(|error| Failure::new(Kind::Internal, &error))?;
    Ok(World {
        person: person(&env),
        hostname: hostname(&env),
        count_cpus: cpus,
        argv: recorded(std::env::args_os().skip(1)),
        clock,
        ids,
        env,
        cwd,
        exe: deleted_suffix_removed(exe),
    })
}

/// The variables that this process was given.
pub(super) fn environment() -> Env {
    std::env::vars_os().collect()
}

/// What was typed, our name first.
pub(super) fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The real clock, whatever tests say.
pub(super) fn system_clock() -> Clock {
    Clock::new(Utc::now)
}

/// The command line as notes and the history may have it: without values, which may be secret.
fn recorded(args: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for arg in args {
        let word = arg.to_string_lossy();
        let sets = |words: &[String]| words.ends_with(&["config".to_owned(), "set".to_owned()]);
        if sets(&words) {
            words.push("…".to_owned());
            break;
        }
        let attached = word.starts_with("-c") && !word.starts_with("--");
        let is_override = attached || words.last().is_some_and(|last| last == "-c");
        words.push(match word.split_once('=') {
            Some((key, _)) if is_override => format!("{key}=…"),
            _ => word.into_owned(),
        });
    }
    words
}

fn clock(env: &Env) -> Clock {
    let fixed = env.text("BUILDKEEP_TEST_CLOCK");
    match fixed.and_then(|text| text.parse::<DateTime<Utc>>().ok()) {
        Some(time) => Clock::fixed(time),
        None => system_clock(),
    }
}

fn ids(env: &Env, clock: &Clock) -> Ids {
    let seed = env
        .text("BUILDKEEP_TEST_SEED")
        .and_then(|text| text.parse().ok());
    match seed {
        Some(seed) => Ids::fixed(clock.clone(), seed),
        None => Ids::new(clock.clone(), random),
    }
}

/// Ids for a process that goes on with the work of another: those of tests must not come twice.
pub(super) fn ids_of_next_process(world: &World) -> Ids {
    let seed = world.env.text("BUILDKEEP_TEST_SEED");
    let seed = seed.and_then(|text| text.parse::<u64>().ok());
    match seed {
        Some(seed) => Ids::fixed(
            world.clock.clone(),
            seed + 1000 * u64::from(std::process::id()),
        ),
        None => world.ids.clone(),
    }
}

/// What the kernel is called, made fit for a ref; `BUILDKEEP_TEST_HOSTNAME` for tests.
fn hostname(env: &Env) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = env
        .text("BUILDKEEP_TEST_HOSTNAME")
        .unwrap_or(&kernel)
        .to_ascii_lowercase();
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(24)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() {
        "host".to_owned()
    } else {
        plain.to_owned()
    }
}

/// What the kernel lets us use.
fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn random() -> u128 {
    let mut bytes = [0; 16];
    // Without a source of random bits the clock alone must do; ids stay unique per millisecond.
    let _ = getrandom::fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

/// While our program is being replaced, Linux shows its path with ` (deleted)`.
fn deleted_suffix_removed(exe: PathBuf) -> PathBuf {
    match exe
        .to_str()
        .and_then(|text| text.strip_suffix(" (deleted)"))
    {
        Some(path) => PathBuf::from(path),
        None => exe,
    }
}

/// `GIT_AUTHOR_*`, else the user behind `sudo`, else the user; Git's configuration comes later,
/// from the repository.
fn person(env: &Env) -> Person {
    let user = ["SUDO_USER", "DOAS_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| env.text(name))
        .map_or_else(
            || format!("uid-{}", rustix::process::getuid().as_raw()),
            str::to_owned,
        );
    let name = env.text("GIT_AUTHOR_NAME").unwrap_or(&user).to_owned();
    let email = env
        .text("GIT_AUTHOR_EMAIL")
        .map_or_else(|| format!("{user}@localhost"), str::to_owned);
    Person { name, email }
}

#[cfg(test)]
mod tests {
    use super::recorded;

    #[test]
    fn values_are_not_recorded() {
        let shown = |line: &str| recorded(line.split(' ').map(Into::into)).join(" ");
        assert_eq!(
            shown("-c a.b=x -ca.c=y run one"),
            "-c a.b=… -ca.c=… run one"
        );
        assert_eq!(shown("-C k config set a.b x"), "-C k config set …");
        assert_eq!(shown("commit -m a=b"), "commit -m a=b");
    }
}
