//! What commands need to know of secrets: who refers to them, and their values.
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::commands::{Context, project};
use crate::config::secrets::{Resolver, Secrets, Seen, referred};
use crate::config::{Effective, Files, Sources};
use crate::failure::Failure;
use crate::store::Keep;

/// The keys that refer to each secret.
pub(super) fn keys_by_secret(effective: &Effective) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in effective.entries() {
        if let Some(name) = referred(&entry.value) {
            keys.entry(name.to_owned()).or_default().push(entry.key);
        }
    }
    keys
}

/// What secrets were when they were last looked at, ready to be noted anew.
pub(in crate::commands) fn seen(cx: &Context, keep: &Keep) -> Result<Seen, Failure> {
    let mut seen = project::seen(keep)?;
    let ids = &cx.world.ids;
    seen.ensure_key(|| [ids.next(), ids.next(), ids.next()].concat())?;
    Ok(seen)
}

/// Where secrets are looked for by this command.
pub(in crate::commands) fn resolver<'a>(
    cx: &'a Context,
    keep: &'a Keep,
    secrets: &'a Secrets,
) -> Resolver<'a> {
    Resolver {
        secrets,
        root: keep.root(),
        env: &cx.world.env,
        clock: &cx.world.clock,
    }
}

/// The file of private keys that the keep reads its secrets with.
pub(in crate::commands) fn identity(cx: &Context, keep: &Keep) -> Result<Option<PathBuf>, Failure> {
    let sources = Sources::read(&Files::of_work_tree(keep)?)?;
    let secrets = Secrets::of(&sources);
    let written = secrets.identity.clone();
    Ok(written.map(|written| resolver(cx, keep, &secrets).path(&written)))
}
