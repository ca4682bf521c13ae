//! Who Git's configuration says that we are.
use std::path::PathBuf;

use gix::config::{File, Source};

use super::Repo;
use crate::world::Env;

impl Repo {
    /// `user.name` and `user.email` of this repository, else of the user's own configuration.
    pub(super) fn configured_person(&self, env: &Env) -> (Option<String>, Option<String>) {
        let [name, email] = self.configured_all(env, ["user.name", "user.email"]);
        (name, email)
    }

    /// A setting of this repository, else of the user's own configuration.
    pub(super) fn configured(&self, env: &Env, key: &str) -> Option<String> {
        let [value] = self.configured_all(env, [key]);
        value
    }

    fn configured_all<const N: usize>(&self, env: &Env, keys: [&str; N]) -> [Option<String>; N] {
        let mut values = keys.map(|key| self.local_value(key));
        for file in user_files(env) {
            if values.iter().all(Option::is_some) {
                break;
            }
            // Only names are read from there: nothing of a user's configuration changes what we do.
            let Ok(file) = File::from_path_no_includes(file, Source::User) else {
                continue;
            };
            for (value, key) in values.iter_mut().zip(keys) {
                *value = value.take().or_else(|| Some(file.string(key)?.to_string()));
            }
        }
        values
    }

    fn local_value(&self, key: &str) -> Option<String> {
        let value = self.gix().config_snapshot().string(key)?;
        Some(value.to_string())
    }
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
