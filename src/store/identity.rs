//! Who Git's configuration says that we are.
use std::path::PathBuf;

use super::Repo;
use crate::world::Env;

impl Repo {
    /// `user.name` and `user.email` of this repository, else of the user's own configuration.
    pub(super) fn configured_person(&self, env: &Env) -> (Option<String>, Option<String>) {
        let value = |key: &str| self.configured(env, key);
        (value("user.name"), value("user.email"))
    }

    /// A setting of this repository, else of the user's own configuration.
    pub(super) fn configured(&self, env: &Env, key: &str) -> Option<String> {
        self.local_value(key).or_else(|| user_value(env, key))
    }

    fn local_value(&self, key: &str) -> Option<String> {
        let value = self.gix().config_snapshot().string(key)?;
        Some(value.to_string())
    }
}

/// Only names are read from there: nothing of a user's configuration changes what we do.
fn user_value(env: &Env, key: &str) -> Option<String> {
    user_files(env).into_iter().find_map(|path| {
        let file =
            gix::config::File::from_path_no_includes(path, gix::config::Source::User).ok()?;
        Some(file.string(key)?.to_string())
    })
}

fn user_files(env: &Env) -> Vec<PathBuf> {
    let home = env.path("HOME");
    let xdg = env
        .path("XDG_CONFIG_HOME")
        .or_else(|| home.as_ref().map(|home| home.join(".config")));
    let plain = home.map(|home| home.join(".gitconfig"));
    plain
        .into_iter()
        .chain(xdg.map(|xdg| xdg.join("git/config")))
        .collect()
}
