//! Vaults: what goes in comes out, whatever it is called and whoever kills us.
mod checkpoints;
mod create;
mod cut_off;
mod damage;
mod delete;
mod flips;
mod forget;
pub(crate) mod hostile;
mod kill;
mod look;
mod offsite;
mod optimize;
mod repair;
mod restore;
mod rollback;
mod round_trip;
mod sources;

use crate::env::Env;

/// Runs rsync as the issue asks for and returns what it would change: nothing, if both are equal.
pub(crate) fn differences(env: &Env, from: &str, to: &str) -> String {
    let output = env
        .command("rsync")
        .args(["-aHAXn", "--delete", "--checksum", "--itemize-changes"])
        .args([format!("{from}/"), format!("{to}/")])
        .output()
        .unwrap();
    env.shown(&output)
}

/// Takes a snapshot of `src` into `v`, and returns what it says.
fn backup(env: &Env) -> serde_json::Value {
    env.json(&["backup", "create", "src", "--vault", "v"])
}

/// Waits until the times of new files lie behind the clock that they were taken from.
fn settle() {
    std::thread::sleep(std::time::Duration::from_millis(50));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
