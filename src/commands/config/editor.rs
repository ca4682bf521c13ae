//! A text in the person's own editor.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::Context;
use crate::failure::Failure;
use crate::fs::{
    create_dirs_durable, read_optional, remove_file_durable, symlink_durable, write_durable_mode,
};
use crate::store::Keep;
use crate::world::Env;

/// A copy of a file, to be edited aside: what is wrong in it is never in the file itself.
pub(super) struct Aside {
    path: PathBuf,
}

impl Aside {
    /// The place for a copy of `file`. Folders are as in the keep, so that `#:schema` lines lead
    /// where they lead there.
    pub(super) fn of(keep: &Keep, file: &str) -> Result<Self, Failure> {
        let folder = keep.private("edit");
        let path = folder.join(file);
        create_dirs_durable(path.parent().unwrap_or(&folder))?;
        let schemas = folder.join("schemas");
        if !schemas.is_symlink() {
            symlink_durable(b"../../schemas", &schemas)?;
        }
        Ok(Self { path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, if it is there.
    pub(super) fn text(&self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(read_optional(&self.path)?)
    }

    /// Begins with this text; nobody else may read it.
    pub(super) fn begin(&self, text: &[u8]) -> Result<(), Failure> {
        Ok(write_durable_mode(&self.path, text, 0o600)?)
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        Ok(remove_file_durable(&self.path)?)
    }
}

/// Opens a file in the editor and waits for its end.
///
/// The editor may be a command with arguments, so a shell runs it; the path is an argument of that
/// shell and never part of what it reads.
pub(super) fn open(editor: &str, path: &Path) -> Result<(), Failure> {
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$@\""))
        .arg(editor)
        .arg(path)
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(
        Failure::user(format!("the editor `{editor}` failed: {status}"))
            .hint("name another one: `EDITOR=vi buildkeep config edit`"),
    )
}

/// The editor to open.
pub(super) fn named(cx: &Context) -> Result<String, Failure> {
    editor(&cx.world.env, cx.ui.is_interactive()).ok_or_else(|| {
        Failure::user("no editor is named, and nobody sits in front of it")
            .hint("name one: `EDITOR=vi buildkeep config edit`")
            .hint("or change a key: `buildkeep config set KEY VALUE`")
    })
}

/// As Git chooses it, without its own settings.
fn editor(env: &Env, is_interactive: bool) -> Option<String> {
    let is_dumb = env.text("TERM").is_none_or(|term| term == "dumb");
    let visual = env.text("VISUAL").filter(|_| !is_dumb || !is_interactive);
    let named = visual.or_else(|| env.text("EDITOR"));
    let usual = || (is_interactive && !is_dumb).then_some("vi");
    named.or_else(usual).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_is_chosen_as_git_does() {
        let env = |vars: &[(&str, &str)]| -> Env {
            let vars = vars.iter();
            vars.map(|(name, value)| ((*name).into(), (*value).into()))
                .collect()
        };
        let both = env(&[("TERM", "xterm"), ("VISUAL", "code -w"), ("EDITOR", "ed")]);
        assert_eq!(editor(&both, true).as_deref(), Some("code -w"));
        let dumb = env(&[("TERM", "dumb"), ("VISUAL", "code -w"), ("EDITOR", "ed")]);
        assert_eq!(editor(&dumb, true).as_deref(), Some("ed"));
        let none = env(&[("TERM", "xterm")]);
        assert_eq!(editor(&none, true).as_deref(), Some("vi"));
        assert_eq!(editor(&none, false), None);
    }
}
