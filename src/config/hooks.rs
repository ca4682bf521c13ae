//! Git hooks: the second net, for people who commit with plain `git`.
//!
//! A hook of ours is a short script that calls this program. A hook of the user's own is never
//! touched but for its name: it becomes `NAME.user`, and ours runs it first.
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use crate::fs::{
    create_dirs_durable, read_optional, remove_file_durable, rename_durable, write_durable_mode,
};

/// The hooks, by name.
const HOOKS: &[(&str, &str)] = &[
    ("pre-commit", include_str!("../../hooks/pre-commit")),
    ("pre-merge-commit", include_str!("../../hooks/pre-commit")),
    ("pre-push", include_str!("../../hooks/pre-push")),
];

/// What tells our hooks from others.
const MARK: &str = "# Written by `buildkeep hooks install`";

/// How things are with a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is none.
    Missing,
    /// Ours, as this program would write it.
    Installed,
    /// Ours, from another version or place of this program.
    Outdated,
    /// Somebody else's, without ours.
    Foreign,
}

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// Its name, as Git calls it.
    pub name: &'static str,
    /// How things are.
    pub state: State,
    /// The user's own hook that ours runs first.
    pub own: Option<PathBuf>,
}

/// How things are with each hook of a repository.
pub fn status(git_dir: &Path, program: &Path) -> Result<Vec<Hook>, Error> {
    let one = |(name, text): &(&'static str, &str)| {
        let path = git_dir.join("hooks").join(name);
        let own = own_hook(&path);
        let state = match read_optional(&path)? {
            None => State::Missing,
            Some(found) if found == filled(text, program).as_bytes() => State::Installed,
            Some(found) if is_ours(&found) => State::Outdated,
            Some(_) => State::Foreign,
        };
        Ok(Hook {
            name,
            state,
            own: own.exists().then_some(own),
        })
    };
    HOOKS.iter().map(one).collect()
}

/// Installs our hooks beside the user's own.
pub fn install(git_dir: &Path, program: &Path) -> Result<Vec<Hook>, Error> {
    let folder = git_dir.join("hooks");
    create_dirs_durable(&folder)?;
    for (hook, (name, text)) in status(git_dir, program)?.iter().zip(HOOKS) {
        let path = folder.join(name);
        if hook.state == State::Foreign {
            let own = own_hook(&path);
            if own.exists() {
                return Err(Error::TwoHooks { path, own });
            }
            rename_durable(&path, &own)?;
        }
        if hook.state != State::Installed {
            write_durable_mode(&path, filled(text, program).as_bytes(), 0o755)?;
        }
    }
    status(git_dir, program)
}

/// Takes our hooks away and gives the user's own their names back.
pub fn remove(git_dir: &Path, program: &Path) -> Result<Vec<Hook>, Error> {
    for hook in status(git_dir, program)? {
        let path = git_dir.join("hooks").join(hook.name);
        let ours = matches!(hook.state, State::Installed | State::Outdated);
        match hook.own {
            Some(own) if ours => rename_durable(&own, &path)?,
            None if ours => remove_file_durable(&path)?,
            _ => {}
        }
    }
    status(git_dir, program)
}

fn own_hook(path: &Path) -> PathBuf {
    path.with_extension("user")
}

fn is_ours(text: &[u8]) -> bool {
    String::from_utf8_lossy(text)
        .lines()
        .nth(1)
        .is_some_and(|line| line.starts_with(MARK))
}

/// The script with the place of this program, quoted for the shell.
fn filled(text: &str, program: &Path) -> String {
    let quoted = program.to_string_lossy().replace('\'', r"'\''");
    text.replace("@BUILDKEEP@", &format!("'{quoted}'"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests prepare files")]
mod tests {
    use super::*;

    #[test]
    fn a_users_hook_is_kept_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let hook = dir.path().join("hooks/pre-commit");
        std::fs::create_dir(dir.path().join("hooks")).unwrap();
        std::fs::write(&hook, "#!/bin/sh\nexit 7\n").unwrap();
        let program = Path::new("/opt/it's/buildkeep");
        let states = |hooks: &[Hook]| hooks.iter().map(|hook| hook.state).collect::<Vec<_>>();

        assert_eq!(
            states(&status(dir.path(), program).unwrap()),
            [State::Foreign, State::Missing, State::Missing]
        );
        let installed = install(dir.path(), program).unwrap();
        assert_eq!(states(&installed), [State::Installed; 3]);
        assert!(installed[0].own.is_some());
        assert!(
            std::fs::read_to_string(&hook)
                .unwrap()
                .contains(r"buildkeep='/opt/it'\''s/buildkeep'")
        );
        assert_eq!(
            install(dir.path(), program).unwrap(),
            installed,
            "twice is once"
        );
        let moved = Path::new("/usr/bin/buildkeep");
        assert_eq!(
            states(&status(dir.path(), moved).unwrap()),
            [State::Outdated; 3]
        );

        remove(dir.path(), program).unwrap();
        assert_eq!(
            std::fs::read_to_string(&hook).unwrap(),
            "#!/bin/sh\nexit 7\n"
        );
        assert_eq!(
            states(&status(dir.path(), program).unwrap()),
            [State::Foreign, State::Missing, State::Missing]
        );
    }

    #[test]
    fn two_hooks_of_the_user_are_not_mixed_up() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("hooks")).unwrap();
        for name in ["pre-push", "pre-push.user"] {
            std::fs::write(dir.path().join("hooks").join(name), "mine").unwrap();
        }
        let refused = install(dir.path(), Path::new("/b")).unwrap_err();
        assert!(matches!(refused, Error::TwoHooks { .. }));
    }
}
