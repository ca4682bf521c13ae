//! What every command is given.
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;
use crate::store::{GitProgram, Keep, Message, Signature, Trailers, WriteGuard};
use crate::ui::Ui;
use crate::world::World;

/// The printer, the world, and what the global options say.
pub struct Context {
    /// Where to write.
    pub ui: Ui,
    /// Clock, ids, environment, person, folder.
    pub world: World,
    /// `-C DIR`: the keep, or a folder in it.
    pub dir: Option<PathBuf>,
    /// `-c KEY=VALUE`: configuration for this command only.
    pub overrides: Vec<String>,
    /// The id shared by all commits of this command.
    pub op: String,
}

impl Context {
    /// The folder that relative paths start from: the current one (`-C` only chooses the keep).
    pub fn cwd(&self) -> &Path {
        &self.world.cwd
    }

    /// A path that the user typed, made absolute.
    pub fn path(&self, typed: &Path) -> PathBuf {
        without_parents(&self.world.cwd.join(typed))
    }

    /// A path that the user typed, from the root of the keep; none if it lies elsewhere.
    pub fn in_keep(&self, keep: &Keep, typed: &Path) -> Option<PathBuf> {
        let mut plain = PathBuf::new();
        for part in self.path(typed).components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        plain.strip_prefix(keep.root()).ok().map(Path::to_owned)
    }

    /// Opens the keep: `-C`, else `BUILDKEEP_DIR`, else around the current folder.
    pub fn keep(&self) -> Result<Keep, Failure> {
        let named = self
            .dir
            .clone()
            .or_else(|| self.world.env.path("BUILDKEEP_DIR"));
        let dir = named.map_or_else(|| self.world.cwd.clone(), |dir| self.world.cwd.join(dir));
        Ok(Keep::discover(&dir)?)
    }

    /// Takes the lock of the keep, and says which left-overs of a killed Git were removed.
    pub fn lock(&mut self, keep: &Keep) -> Result<WriteGuard, Failure> {
        let guard = keep.lock(&self.world)?;
        for path in &guard.removed {
            let message = format!(
                "removed {}, left by a process that was killed",
                path.display()
            );
            self.ui.status(message);
        }
        Ok(guard)
    }

    /// The facts that every commit of this command carries.
    pub fn trailers(&self, kind: &str, keep: &Keep) -> Trailers {
        Trailers::new(kind, &self.op, &keep.host())
    }

    /// Who acts, now.
    pub fn signature(&self, keep: &Keep) -> Signature {
        keep.signature(&self.world)
    }

    /// Notes a change that is beyond `undo`, so that `undo` can say so, and how it is taken back.
    pub fn note_beyond(
        &self,
        (keep, guard): (&Keep, &WriteGuard),
        what: String,
        take_back: &str,
    ) -> Result<(), Failure> {
        let message = Message::new(what, self.trailers("maintenance", keep));
        Ok(keep.log_beyond(guard, message, take_back, &self.signature(keep))?)
    }

    /// The `git` program.
    pub fn git(&self) -> Result<GitProgram, Failure> {
        Ok(GitProgram::find(&self.world.env)?)
    }
}

/// A path without `..`, which means the folder above the real one. Where that is not there, the
/// path stays as it is, and the system says why.
fn without_parents(path: &Path) -> PathBuf {
    let mut parts = path.components();
    if !parts.any(|part| part == Component::ParentDir) {
        return path.to_owned();
    }
    let name = path.file_name();
    let above = name.and(path.parent()).unwrap_or(path);
    let above = std::fs::canonicalize(above).unwrap_or_else(|_| above.to_owned());
    name.map_or_else(|| above.clone(), |name| above.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_parents_is_told_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/inside")).unwrap();
        std::os::unix::fs::symlink("real/inside", root.join("link")).unwrap();
        let plain = |path: &str| without_parents(&root.join(path));
        assert_eq!(plain("link/../new"), root.join("real/new"));
        assert_eq!(plain("link/.."), root.join("real"));
        assert_eq!(plain("link/new"), root.join("link/new"));
        assert_eq!(plain("none/../new"), root.join("none/../new"));
    }
}
