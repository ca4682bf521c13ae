//! What checks are told about where they run.
use std::path::{Path, PathBuf};

use super::Family;
use crate::world::{Clock, Env, Ids};

/// The machine, and the folders that checks speak of.
#[derive(Debug)]
pub struct Host<'a> {
    /// The variables that scripts would inherit.
    pub env: &'a Env,
    /// To measure deadlines with.
    pub clock: &'a Clock,
    /// To name temporary folders with.
    pub ids: &'a Ids,
    /// The keep, or the current folder: relative paths start here.
    pub dir: PathBuf,
    /// What is built, if that is known.
    pub root: Option<PathBuf>,
    /// What it is kept up with.
    pub family: Option<Family>,
}

impl Host<'_> {
    /// The place that a check names; none if it depends on a root and none is known.
    pub(super) fn place(&self, path: &str) -> Option<PathBuf> {
        match path.strip_prefix("${root}") {
            Some(below) => {
                let root = self.root.as_deref()?;
                let below = below.trim_start_matches('/');
                Some(if below.is_empty() {
                    root.to_owned()
                } else {
                    root.join(below)
                })
            }
            None => Some(self.dir.join(Path::new(path))),
        }
    }
}
