//! Many objects at once: one pack in place of thousands of small files, each of which would be
//! synced for itself.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Error;
use super::loose::Object;
use super::pack::{PackError, Packs, Size};
use crate::fs::{AtPath as _, remove_file_durable, sweep_temporaries, write_durable};

/// More objects than this go into a pack.
pub(super) const MANY: usize = 1000;
/// What the mark of a pack says, before the number of the process.
const MARK: &str = "buildkeep ";

/// New packs that Git may not take for superfluous: what is in them is not referred to yet.
#[must_use = "packs that are held are never packed together"]
#[derive(Default)]
pub(super) struct Held(Vec<PathBuf>);

/// Writes objects into packs, which are durable and held when this returns.
pub(super) fn write(objects_dir: &Path, objects: &[Object<'_>]) -> Result<Held, Error> {
    let folder = objects_dir.join("pack");
    let before = packs_in(&folder);
    // All of them, also those that a pack has: `git repack -ad` drops what nothing refers to.
    let untrusted: Vec<_> = before
        .iter()
        .map(|pack| pack.with_extension("idx"))
        .collect();
    let packs = Packs::begin(objects_dir, &untrusted).map_err(told)?;
    let filled = fill(&packs, objects);
    let finished = packs.finish().map(drop);
    filled.and(finished).map_err(told)?;
    let mut held = Held::default();
    for pack in packs_in(&folder).difference(&before) {
        let mark = pack.with_extension("keep");
        // Noted first: a mark may be there although its folder could not be synced.
        held.0.push(mark.clone());
        write_durable(&mark, format!("{MARK}{}\n", std::process::id()).as_bytes())?;
    }
    Ok(held)
}

fn fill(packs: &Packs, objects: &[Object<'_>]) -> Result<(), PackError> {
    let mut writer = packs.writer();
    for (_, kind, content) in objects {
        writer.add((*kind).into(), content, Size::Small)?;
    }
    writer.finish()
}

/// What the disk says is told as of any other file.
fn told(error: PackError) -> Error {
    match error {
        PackError::Io(error) => error.into(),
        other => Error::Git {
            action: "write a pack",
            source: Box::new(other),
        },
    }
}

impl Held {
    /// Lets Git have them: refs lead to what is in them now.
    pub(super) fn release(mut self) -> Result<(), Error> {
        while let Some(mark) = self.0.last() {
            remove_file_durable(mark)?;
            self.0.pop();
        }
        Ok(())
    }
}

impl Drop for Held {
    /// What failed leaves nothing that Git would keep for ever.
    fn drop(&mut self) {
        for mark in &self.0 {
            let _ = fs::remove_file(mark);
        }
    }
}

/// The marks that a command left which died. The caller holds the lock.
pub(super) fn abandoned(objects_dir: &Path) -> Vec<PathBuf> {
    let folder = objects_dir.join("pack");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_left = |path: &PathBuf| {
        let is_mark = path.extension().is_some_and(|kind| kind == "keep");
        let text = if is_mark {
            fs::read_to_string(path).ok()
        } else {
            None
        };
        let pid = text.and_then(|text| text.strip_prefix(MARK)?.trim().parse::<u32>().ok());
        pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    };
    paths.filter(is_left).collect()
}

/// Deletes the marks that a command left which died. The caller holds the lock.
pub(super) fn sweep(objects_dir: &Path) -> Result<(), Error> {
    for mark in abandoned(objects_dir) {
        fs::remove_file(&mark).at("delete", &mark)?;
    }
    Ok(sweep_temporaries(&objects_dir.join("pack"))?)
}

fn packs_in(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{FileChange, Keep, Message, Trailers};
    use super::*;
    use crate::world::World;

    #[test]
    fn many_files_make_one_pack_and_nothing_is_left_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let keep = Keep::create(&root, "box").unwrap();
        let world = World::for_test();
        let files = (0..MANY + 10).map(|n| FileChange::put(format!("d/{n}"), n.to_string()));
        let files: Vec<_> = files.collect();
        let guard = keep.lock(&world).unwrap();
        let message = Message::new("many", Trailers::new("config", "OP", "box"));
        keep.commit_files(&guard, &files, &message, &keep.signature(&world))
            .unwrap();
        let git = keep.repo().git_dir().to_owned();
        let folder = git.join("objects/pack");
        assert_eq!(packs_in(&folder).len(), 1);
        let marks = fs::read_dir(&folder).unwrap().flatten();
        assert!(
            !marks
                .into_iter()
                .any(|entry| entry.path().extension().is_some_and(|k| k == "keep"))
        );
        let git = crate::store::GitProgram::find(&world.env).unwrap();
        git.run(&root, &["fsck", "--strict"]).unwrap();
        assert_eq!(git.run(&root, &["status", "--porcelain"]).unwrap(), "");
        fs::write(folder.join("pack-1.keep"), "buildkeep 4194305\n").unwrap();
        fs::write(folder.join("pack-2.keep"), "mine\n").unwrap();
        sweep(&keep.repo().objects_dir()).unwrap();
        assert!(!folder.join("pack-1.keep").exists() && folder.join("pack-2.keep").exists());
    }
}
