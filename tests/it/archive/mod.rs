//! Archives: what goes out comes back, other programs read it, and bad ones change nothing.
mod bundle;
mod catalogue;
mod foreign;
mod hostile;
mod seal;
mod stdin;
mod tar;

use crate::env::Env;
use crate::vault::{differences, hostile as hostile_tree};

/// Takes a snapshot of a hostile folder `src` into the vault `v`, and returns its tag.
fn with_snapshot(env: &Env) -> String {
    hostile_tree::make(&env.path("src"));
    let taken = env.json(&["backup", "create", "src", "--vault", "v"]);
    taken["snapshot"].as_str().unwrap().to_owned()
}

/// Exports the newest snapshot of `v`.
fn export(env: &Env, args: &[&str]) {
    env.stdout(&[&["backup", "export", "latest", "--vault", "v"], args].concat());
}

/// The tree of the only snapshot in a vault.
fn tree_of(env: &Env, vault: &str) -> String {
    let tags = env.git(&["-C", vault, "tag"]);
    let tag = tags.lines().next().unwrap();
    env.git(&["-C", vault, "rev-parse", &format!("{tag}^{{tree}}")])
}
