//! Repositories on a disk of ours that take anything: no hook and no setting of theirs wants to
//! look at what comes.
use std::path::Path;

use super::Destination;
use crate::vault::Vault;

/// Hooks that see what is pushed.
const HOOKS: [&str; 7] = [
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
];

/// The repository, if it is plain.
pub(super) fn open(to: &Destination<'_>) -> Option<Vault> {
    let path = Path::new(to.url.strip_prefix("file://").unwrap_or(to.url));
    if !path.is_absolute() || !path.join("HEAD").is_file() || !path.join("objects").is_dir() {
        return None;
    }
    let hooks = path.join("hooks");
    if HOOKS.iter().any(|hook| hooks.join(hook).exists()) || is_particular(to, path) {
        return None;
    }
    // What we cannot open, Git may.
    Vault::open(path).ok()
}

/// Whether a setting says something about what may be received.
fn is_particular(to: &Destination<'_>, path: &Path) -> bool {
    let asked = r"^(receive\..*|transfer\.(fsckobjects|hiderefs)|core\.hookspath)$";
    // No match is an error, which is the answer that we hope for.
    let found = to.git.lookup(path, &["config", "--get-regexp", asked]);
    let none = "core.hookspath /dev/null";
    found.is_none_or(|found| found.lines().any(|line| line != none))
}
