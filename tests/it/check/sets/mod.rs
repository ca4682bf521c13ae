//! Each built-in check is made to fail for real, and to pass.
//!
//! A row prepares the machine with a few lines of Bash, in mount namespace of its own: fake programs,
//! small file systems, files in place of what the kernel tells. Then the definition of the check, as it
//! stands in its set, is looked at from there.
mod machine;
mod stages;
mod tools;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use buildkeep::check::BUILT_IN;
use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use crate::env::Env;

/// What prepares the machine, and what is found then.
pub(crate) struct Row {
    /// The sets in which these checks stand.
    sets: &'static [&'static str],
    /// The checks.
    ids: &'static [&'static str],
    /// What makes them pass.
    good: &'static str,
    /// What makes them fail.
    bad: &'static str,
    /// What is found then: a part of it.
    found: &'static str,
    /// Whether only root can prepare it.
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nobody,
    Root,
}

/// Checks that cannot be brought to fail, or to pass, on this machine, and why.
const NOT_HERE: &[(&str, &str, &str)] = &[
    ("lfs-12.3", "machine", "needs another machine to fail"),
    ("lfs-12.3", "cpus", "needs four processors to pass"),
];

/// Words that every preparation may use: `$W` is the keep, `$R` what is built, `$P` the `PATH` of the check.
const WORDS: &str = r#"
set -e
system() { P=$P:/usr/bin:/bin; }
say() { printf '#!/bin/sh\n%s\n' "$2" > "$W/bin/$1"; chmod 755 "$W/bin/$1"; }
prints() { say "$1" "echo '$2'"; }
file_of() { printf '%s\n' "$2" > "$W/fake"; mount --bind "$W/fake" "$1"; }
signed_sources() {
  mkdir -m 700 $W/gpg; mkdir $W/keys $R/sources; echo a > $R/sources/a.tar; export GNUPGHOME=$W/gpg
  gpg --quiet --batch --passphrase '' --quick-generate-key ada@example.org ed25519 sign never
  gpg --quiet --batch --export > $W/keys/ada; gpg --quiet --batch --detach-sign $R/sources/a.tar
  gpgconf --kill all; unset GNUPGHOME
}
RUN=; P=$W/bin
"#;

/// A keep in which definitions are looked at one by one.
struct World {
    env: Env,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        // Not in /tmp: some rows put something else there.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let env = Env::new();
        let mut git = env.command("git");
        let git = git.args(["init", "--quiet"]).arg(folder.path()).status();
        assert!(git.unwrap().success());
        for name in ["bin", "root", "checks"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("buildkeep.toml"), "").unwrap();
        std::fs::write(folder.path().join("plan.toml"), "root = \"root\"\n").unwrap();
        Self { env, folder }
    }

    /// The definitions of `ids` in `set`, as a set of the keep.
    fn define(&self, set: &str, ids: &[&str]) {
        let mut text = definitions(set);
        let checks = text["check"].as_array_of_tables_mut().unwrap();
        checks.retain(|check| ids.contains(&check["id"].as_str().unwrap()));
        assert_eq!(checks.len(), ids.len(), "{set}: {ids:?}");
        // Rows are about what is looked at, on whatever machine.
        for check in checks.iter_mut() {
            check.remove("when");
            check.remove("needs");
        }
        text.remove("extends");
        std::fs::write(self.folder.path().join("checks/one.toml"), text.to_string()).unwrap();
    }

    fn look(&self, prepare: &str) -> Output {
        let script = format!(
            "{WORDS}{prepare}\ncd \"$W\"; PATH=$P exec $RUN \"$BK\" check one --deep --json"
        );
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = self.command("unshare");
            command.args(["--mount", "--propagation", "private", "bash"]);
            command
        } else {
            self.command("bash")
        };
        command.args(["-c", &script]).output().unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.env.command(program);
        command
            .env("W", self.folder.path())
            .env("R", self.folder.path().join("root"))
            .env("BK", env!("CARGO_BIN_EXE_buildkeep"))
            .env("LC_ALL", "C")
            .env_remove("BUILDKEEP_TEST_CLOCK")
            .current_dir(self.folder.path());
        command
    }
}

fn definitions(set: &str) -> DocumentMut {
    let (_, text) = BUILT_IN.iter().find(|(name, _)| *name == set).unwrap();
    text.parse().unwrap()
}

fn ids_of(set: &str) -> Vec<String> {
    let text = definitions(set);
    let checks = text.get("check").and_then(Item::as_array_of_tables);
    let ids = checks.into_iter().flatten();
    ids.map(|check| check["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Prepares and looks, both ways; tells what is not as the row says.
#[allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn try_out(row: &Row) {
    if row.needs == Needs::Root && !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may prepare {:?}", row.ids);
        return;
    }
    for set in row.sets {
        let good = results(set, row.ids, row.good);
        for (id, status, found) in &good {
            assert_eq!(status, "ok", "{set} {id}, prepared to pass: {found}");
        }
        let bad = results(set, row.ids, row.bad);
        for (id, status, found) in &bad {
            let wrong = ["fail", "warn", "note"].contains(&status.as_str());
            assert!(wrong, "{set} {id}, prepared to fail: {status}: {found}");
            assert!(found.contains(row.found), "{set} {id}: {found}");
        }
    }
}

fn results(set: &str, ids: &[&str], prepare: &str) -> Vec<(String, String, String)> {
    let world = World::new();
    world.define(set, ids);
    let output = world.look(prepare);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{set} {ids:?}:\n{}", world.env.shown(&output)));
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), ids.len(), "{report}");
    let text = |result: &Value, key: &str| result[key].as_str().unwrap_or_default().to_owned();
    results
        .iter()
        .map(|result| {
            (
                text(result, "id"),
                text(result, "status"),
                text(result, "found"),
            )
        })
        .collect()
}

fn all_rows() -> impl Iterator<Item = &'static Row> {
    let parts = [
        tools::ROWS,
        tools::COMPILERS,
        machine::PLACES,
        machine::LIMITS,
        machine::SYSTEM,
        machine::HARM,
        stages::ENVIRONMENT,
        stages::ROOTS,
    ];
    parts.into_iter().flatten()
}

#[test]
fn every_built_in_check_fails_and_passes_somewhere() {
    let mut missing = BTreeSet::new();
    // What is about the keep is made to fail in `keep.rs`.
    for (set, _) in BUILT_IN.iter().filter(|(set, _)| *set != "keep") {
        missing.extend(ids_of(set).into_iter().map(|id| ((*set).to_owned(), id)));
    }
    for row in all_rows() {
        for (set, id) in row
            .sets
            .iter()
            .flat_map(|set| row.ids.iter().map(move |id| (set, id)))
        {
            let known = missing.remove(&((*set).to_owned(), (*id).to_owned()));
            assert!(known, "{set} {id} is there twice, or is no check");
        }
    }
    for (set, id, _) in NOT_HERE {
        assert!(missing.remove(&((*set).to_owned(), (*id).to_owned())));
    }
    assert!(
        missing.is_empty(),
        "no row makes these fail and pass: {missing:#?}"
    );
}

#[test]
fn tools() {
    tools::ROWS.iter().for_each(try_out);
}

#[test]
fn compilers() {
    if !std::path::Path::new("/usr/bin/g++").exists() {
        eprintln!("skipped: there is no g++");
        return;
    }
    tools::COMPILERS.iter().for_each(try_out);
}

#[test]
fn places() {
    machine::PLACES.iter().for_each(try_out);
}

#[test]
fn limits() {
    machine::LIMITS.iter().for_each(try_out);
}

#[test]
fn the_system() {
    machine::SYSTEM.iter().for_each(try_out);
}

#[test]
fn what_could_do_harm() {
    machine::HARM.iter().for_each(try_out);
}

#[test]
fn the_environment_of_a_stage() {
    stages::ENVIRONMENT.iter().for_each(try_out);
}

#[test]
fn the_root_of_a_stage() {
    stages::ROOTS.iter().for_each(try_out);
}
