//! Bypassed commits that no remote has yet: what `status` lists, without reading old commits again.
use std::path::{Path, PathBuf};

use super::{Found, Whose, bringers, found};
use crate::config::verdicts::program;
use crate::config::{Error, Judge};
use crate::fs::write_cache;
use crate::store::{Link, ObjectId};

/// Looks at the commits of a branch that none of `remotes` has, and remembers beside the
/// keep at `root` how far it got.
pub fn unpushed(
    judge: &mut Judge<'_>,
    root: Option<&Path>,
    tip: ObjectId,
    remotes: &[ObjectId],
) -> Result<Found, Error> {
    let memory = Memory::new(root, remotes);
    let seen = memory.recall();
    let stop = seen.first().copied();
    let line = judge.objects().line(tip, remotes, stop)?;
    let mut links = bringers(judge, &line, Whose::Others)?;
    let is_continued = line.base.as_ref().map(|base| base.id) == stop;
    for id in seen.iter().skip(1).filter(|_| is_continued) {
        links.extend(judge.objects().link(*id)?);
    }
    memory.keep(tip, &links, stop);
    let found = found(judge, tip, links)?;
    judge.remember();
    Ok(found)
}

/// A file with the tip that was looked at, and the commits found then.
struct Memory {
    path: Option<PathBuf>,
    header: String,
}

impl Memory {
    fn new(root: Option<&Path>, remotes: &[ObjectId]) -> Self {
        let known: Vec<_> = remotes.iter().map(ToString::to_string).collect();
        let private = root.map(|root| root.join(".buildkeep"));
        Self {
            path: private
                .filter(|private| private.is_dir() && !private.is_symlink())
                .map(|private| private.join("cache/bypassed")),
            header: format!("{} {}", program().unwrap_or_default(), known.join(" ")),
        }
    }

    /// The tip, then the commits; nothing if the remotes, or those who judge, are not the same.
    fn recall(&self) -> Vec<ObjectId> {
        let text = self
            .path
            .as_ref()
            .and_then(|path| std::fs::read_to_string(path).ok());
        let text = text.unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(&self.header) {
            return Vec::new();
        }
        lines
            .map_while(|line| ObjectId::from_hex(line.as_bytes()).ok())
            .collect()
    }

    /// A disk that takes nothing is no reason to stop.
    fn keep(&self, tip: ObjectId, links: &[Link], before: Option<ObjectId>) {
        let Some(path) = self.path.as_ref().filter(|_| before != Some(tip)) else {
            return;
        };
        let mut text = format!("{}\n{tip}\n", self.header);
        for link in links {
            text.push_str(&format!("{}\n", link.id));
        }
        write_cache(path, text.as_bytes());
    }
}
