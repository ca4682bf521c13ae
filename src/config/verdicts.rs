//! What was once found valid, so that it need not be found again.
//!
//! A cache beside the keep: deleting it costs time, never truth. A verdict is about bytes (a text
//! and the schemas that it was checked by) and about one build of this program, never about a name.
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::fs::{append_cache, write_cache};
use crate::store::Repo;

/// More than this are not kept.
const MOST: usize = 2000;

/// The texts that are known to be valid.
#[derive(Debug)]
pub(super) struct Verdicts {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<BTreeSet<String>>,
    used: BTreeSet<String>,
    /// Not in the file yet.
    new: BTreeSet<String>,
}

impl Verdicts {
    /// Those kept in the private folder of the keep at `root`, if there is one.
    pub(super) fn of_keep(root: &Path) -> Option<Self> {
        let private = root.join(".buildkeep");
        let path = private.join("cache/valid");
        let is_folder = fs::symlink_metadata(&private).is_ok_and(|meta| meta.is_dir());
        is_folder.then(|| Self {
            path,
            state: Mutex::default(),
        })
    }

    /// Whether `mark` was found valid by this very program.
    pub(super) fn is_known(&self, mark: &str) -> bool {
        let Ok(mut state) = self.state.lock() else {
            return false;
        };
        let known = state.known.get_or_insert_with(|| read(&self.path));
        let is_known = known.contains(mark);
        if is_known {
            state.used.insert(mark.to_owned());
        }
        is_known
    }

    /// Remembers that `mark` is valid.
    pub(super) fn learn(&self, mark: String) {
        if let Ok(mut state) = self.state.lock()
            && state.used.insert(mark.clone())
        {
            state.new.insert(mark);
        }
    }

    /// Keeps what was learned for the next command. That may fail: it is a cache.
    pub(super) fn keep(&self) {
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        let new = std::mem::take(&mut state.new);
        let Some(heading) = program().filter(|_| !new.is_empty()) else {
            return;
        };
        let heading = heading + "\n";
        let known = state.known.get_or_insert_with(|| read(&self.path));
        if !known.is_empty() && known.len() + new.len() <= MOST {
            known.extend(new.iter().cloned());
            if append_cache(&self.path, &heading, lines(new.iter()).as_bytes()) {
                return;
            }
        }
        // Those that are not asked for any more are left out.
        let marks = lines(state.used.iter().take(MOST / 2));
        write_cache(&self.path, (heading + &marks).as_bytes());
        state.known = None;
    }
}

fn lines<'a>(marks: impl Iterator<Item = &'a String>) -> String {
    marks.flat_map(|mark| [mark.as_str(), "\n"]).collect()
}

/// The mark of a text, or of several joined.
pub(super) fn mark(text: &[u8]) -> String {
    Repo::blob_id(text).map_or_else(|_| String::new(), |id| id.to_string())
}

fn read(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines().map(str::to_owned);
    match (lines.next(), program()) {
        (Some(writer), Some(program)) if writer == program => lines.collect(),
        _ => BTreeSet::new(),
    }
}

/// What tells this build of the program from others: they may judge otherwise.
pub(super) fn program() -> Option<String> {
    let meta = fs::metadata("/proc/self/exe").ok()?;
    let (changed, nanos) = (meta.ctime(), meta.ctime_nsec());
    Some(format!(
        "{} {} {} {changed} {nanos}",
        meta.dev(),
        meta.ino(),
        meta.len()
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::{Files, Sources};
    use super::*;

    fn problems(root: &Path) -> usize {
        let sources = Sources::read(&Files::of_folder(root).unwrap()).unwrap();
        sources.problems().len()
    }

    /// A folder with a schema; each test has another one, as the process remembers what it read.
    fn folder(title: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        for folder in [".buildkeep", "config", "schemas"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let rule = r#"{"type": "integer", "maximum": 3}"#;
        let schema = format!(r#"{{"title": "{title}", "properties": {{"a": {rule}}}}}"#);
        fs::write(dir.path().join("schemas/x.schema.json"), schema).unwrap();
        let cache = dir.path().join(".buildkeep/cache/valid");
        (dir, cache)
    }

    #[test]
    fn a_verdict_is_about_bytes() {
        let (dir, cache) = folder("bytes");
        let file = dir.path().join("config/x.toml");
        let after = |text: &str| {
            fs::write(&file, text).unwrap();
            problems(dir.path())
        };
        assert_eq!(
            (after("a = 2\n"), after("a = 4\n"), after("a = 2\n")),
            (0, 1, 0)
        );
        let mode = fs::metadata(&cache).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let schema = dir.path().join("schemas/x.schema.json");
        fs::write(schema, r#"{"properties": {"a": {"maximum": 1}}}"#).unwrap();
        assert_eq!(problems(dir.path()), 1, "another schema judges anew");
    }

    #[test]
    fn what_another_program_found_counts_for_nothing() {
        let (dir, cache) = folder("another");
        let file = dir.path().join("config/x.toml");
        fs::write(&file, "a = 2\n").unwrap();
        problems(dir.path());
        let good = fs::read_to_string(&cache).unwrap();
        fs::write(&file, "a = 4\n").unwrap();
        let text = fs::read(&file).unwrap();
        let schema = fs::read(dir.path().join("schemas/x.schema.json")).unwrap();
        let own = format!("{}:{}", mark(&schema), mark(&text));
        let schemas = mark(format!("{:?}true", BTreeMap::from([("x", mark(&schema))])).as_bytes());
        let together = mark(format!("{schemas}:config/x.toml={own};").as_bytes());
        let forged = format!("{good}{own}\n{together}\n");
        fs::write(&cache, forged.replacen(' ', " 1", 1)).unwrap();
        assert_eq!(problems(dir.path()), 1);
        fs::write(&cache, &forged[..forged.len() - 9]).unwrap();
        assert_eq!(problems(dir.path()), 1, "a torn line says nothing");
        fs::write(&cache, &forged).unwrap();
        let trusted = "this is what the cache is trusted with";
        assert_eq!(problems(dir.path()), 0, "{trusted}");
    }
}
