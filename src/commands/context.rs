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
        self.world.cwd.join(typed)
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
