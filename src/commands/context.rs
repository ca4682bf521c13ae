//! What every command is given.
use std::path::PathBuf;

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
}
