//! What held when it was last worked out, for as long as no file changed since.
//!
//! A cache beside the keep, for commands that only ask for a key: to read and check all files takes
//! longer than anything else they do. It holds as long as every file and folder that configuration
//! can come from looks as it did to `stat`, for this build of the program and this host. Secrets are
//! never in it: where one has a value of its own, there is no cache at all.
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::verdicts::program;
use super::{Effective, Entry, Files, Layer, Origin};
use crate::document::{KeyPath, Schema};
use crate::fs::{file_clock, write_cache};
use crate::store::Keep;

/// The form of the cache.
const FORM: &str = "buildkeep effective 1";

/// A value that holds, as steps see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Json,
    /// What a change of it means to steps.
    pub bearing: Bearing,
    /// The steps that it bears on, if not on all that read it.
    pub steps: Option<Vec<String>>,
}

/// What a change of a value means to a step that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// Another value builds another result.
    Builds,
    /// So does this one, and it must not be written down.
    Secret,
    /// The result is the same.
    Nothing,
}

impl Effective {
    /// All values, as steps see them.
    pub fn values(&self) -> Vec<Known> {
        let known = |entry: Entry| {
            let key = KeyPath::parse(&entry.key).unwrap_or_default();
            Known {
                bearing: self.bearing(&key),
                steps: self.affected_steps(&key),
                key: entry.key,
                value: entry.value,
            }
        };
        self.entries().into_iter().map(known).collect()
    }

    fn bearing(&self, key: &KeyPath) -> Bearing {
        if self.is_secret(key) {
            Bearing::Secret
        } else if self
            .affected_steps(key)
            .is_some_and(|steps| steps.is_empty())
        {
            Bearing::Nothing
        } else {
            Bearing::Builds
        }
    }
}

/// Works out what holds, and remembers it.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    root: PathBuf,
    host: String,
    /// Files that changed later may have been read as they were before, or as they are now.
    began: (i64, u32),
}

impl Memory {
    /// The memory of a keep, before its files are read.
    pub fn of(keep: &Keep) -> Self {
        Self {
            path: keep.private("cache/effective"),
            root: keep.root().to_owned(),
            host: keep.host(),
            began: file_clock(),
        }
    }

    /// What holds at and below `key`, if it is known; nothing if the key has no value.
    pub fn recall(&self, key: &KeyPath) -> Option<Effective> {
        let text = fs::read_to_string(&self.path).ok()?;
        let mut lines = self.current(&text)?.lines();
        let schema = Schema::parse_known("the schemas of this keep", lines.next()?).ok()?;
        let wanted = key.to_string();
        let entries = lines.filter(|line| is_below(line, &wanted));
        let entries: Vec<Entry> = entries.map(entry).collect::<Option<_>>()?;
        Effective::restored(entries, Arc::new(schema)).filter(|found| found.get(key).is_some())
    }

    /// All values that hold, if they are known; they are read when they are asked for.
    pub fn values(&self) -> Option<Remembered> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (_schema, values) = self.current(&text)?.split_once('\n')?;
        let from = text.len() - values.len();
        Some(Remembered { text, from })
    }

    /// What stands behind the stamps, if these are as they were.
    fn current<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (heading, rest) = text.split_once('\n')?;
        if heading != self.heading()? {
            return None;
        }
        let (count, mut rest) = rest.split_once('\n')?;
        for _ in 0..count.parse::<usize>().ok()? {
            let (stamp, below) = rest.split_once('\n')?;
            let (path, _) = stamp.split_once('\t')?;
            if stamp_of(&self.root, path)? != stamp {
                return None;
            }
            rest = below;
        }
        Some(rest)
    }

    /// Keeps what was worked out from `files`, unless one of them could change again unseen.
    pub fn keep(&self, files: &Files, effective: &Effective) {
        if let Some(text) = self.print(files, effective) {
            write_cache(&self.path, text.as_bytes());
        }
    }

    fn heading(&self) -> Option<String> {
        Some(format!("{FORM} {} for {}", program()?, self.host))
    }

    fn print(&self, files: &Files, effective: &Effective) -> Option<String> {
        let paths: Vec<&str> = files.places().collect();
        let mut text = format!("{}\n{}\n", self.heading()?, paths.len());
        for path in paths {
            let full = self.root.join(path);
            if let Ok(meta) = fs::symlink_metadata(full) {
                let nanos = u32::try_from(meta.ctime_nsec()).ok()?;
                if (meta.ctime(), nanos) >= self.began {
                    return None;
                }
            }
            text.extend([&stamp_of(&self.root, path)?, "\n"]);
        }
        writeln!(text, "{}", effective.schema().json()).ok()?;
        for entry in effective.entries() {
            text.push_str(&line(&entry, effective)?);
        }
        Some(text)
    }
}

/// Values that hold, as they were written down.
#[derive(Debug)]
pub struct Remembered {
    text: String,
    /// Where they begin.
    from: usize,
}

impl Remembered {
    /// The values; nothing if one of them cannot be read.
    pub fn read(&self) -> Option<Vec<Known>> {
        self.text[self.from..].lines().map(known).collect()
    }
}

/// What `stat` says of a path; nothing if that cannot be written on a line.
fn stamp_of(root: &Path, path: &str) -> Option<String> {
    if path.contains(['\t', '\n']) {
        return None;
    }
    let Ok(meta) = fs::symlink_metadata(root.join(path)) else {
        return Some(format!("{path}\tabsent"));
    };
    let (dev, ino, size) = (meta.dev(), meta.ino(), meta.len());
    let modified = (meta.mtime(), meta.mtime_nsec());
    let changed = (meta.ctime(), meta.ctime_nsec());
    Some(format!(
        "{path}\t{dev} {ino} {size} {modified:?} {changed:?}"
    ))
}

/// A value on a line; nothing if it is a secret, which is to be in no file of ours.
fn line(entry: &Entry, effective: &Effective) -> Option<String> {
    let key = KeyPath::parse(&entry.key).ok()?;
    let is_reference = |text: &str| text.starts_with("secret:");
    let bearing = effective.bearing(&key);
    if bearing == Bearing::Secret && !entry.value.as_str().is_some_and(is_reference) {
        return None;
    }
    let origin = &entry.origin;
    let file = origin.file.as_deref().unwrap_or_default();
    let at = origin.line.unwrap_or_default();
    let layer = match origin.layer {
        Layer::Default => "default",
        Layer::Profile => "profile",
        Layer::Config => "config",
        Layer::Host => "host",
        Layer::Environment | Layer::CommandLine => return None,
    };
    if entry.key.contains(['\t', '\n']) || file.contains(['\t', '\n']) {
        return None;
    }
    let bearing = match bearing {
        Bearing::Builds => "builds",
        Bearing::Secret => "secret",
        Bearing::Nothing => "nothing",
    };
    // In JSON, so that it has no tab.
    let steps = effective.affected_steps(&key);
    let steps = steps.map(|steps| format!(" {}", Json::from(steps)));
    let steps = steps.unwrap_or_default();
    let (key, value) = (&entry.key, &entry.value);
    Some(format!(
        "{key}\t{bearing}{steps}\t{layer}\t{file}\t{at}\t{value}\n"
    ))
}

/// Whether a line is about a key, or about one in the table that it is.
fn is_below(line: &str, wanted: &str) -> bool {
    let rest = line.strip_prefix(wanted);
    wanted.is_empty() || rest.is_some_and(|rest| rest.starts_with(['\t', '.']))
}

fn known(line: &str) -> Option<Known> {
    let mut fields = line.splitn(6, '\t');
    let key = fields.next()?.to_owned();
    let field = fields.next()?;
    let (bearing, steps) = match field.split_once(' ') {
        Some((bearing, steps)) => (bearing, Some(serde_json::from_str(steps).ok()?)),
        None => (field, None),
    };
    let bearing = match bearing {
        "builds" => Bearing::Builds,
        "secret" => Bearing::Secret,
        "nothing" => Bearing::Nothing,
        _ => return None,
    };
    let value = serde_json::from_str(fields.nth(3)?).ok()?;
    Some(Known {
        key,
        value,
        bearing,
        steps,
    })
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.splitn(6, '\t');
    let key = fields.next()?.to_owned();
    let layer = match fields.nth(1)? {
        "default" => Layer::Default,
        "profile" => Layer::Profile,
        "config" => Layer::Config,
        "host" => Layer::Host,
        _ => return None,
    };
    let file = fields.next().filter(|file| !file.is_empty())?;
    let at: usize = fields.next()?.parse().ok()?;
    let value: Json = serde_json::from_str(fields.next()?).ok()?;
    let origin = Origin {
        layer,
        file: Some(file.to_owned()),
        line: (at > 0).then_some(at),
    };
    Some(Entry { key, value, origin })
}

#[cfg(test)]
mod tests {
    use super::super::{Scope, Sources};
    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    /// A keep whose files were written some time ago.
    fn keep(config: &str) -> (tempfile::TempDir, Keep) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let keep = Keep::create(&root, "box").unwrap();
        fs::create_dir(root.join("config")).unwrap();
        fs::write(root.join("buildkeep.toml"), "").unwrap();
        fs::write(root.join("config/a.toml"), config).unwrap();
        wait();
        (dir, keep)
    }

    /// Until the clock of the file system is past the times of files; newer kernels give finer ones.
    fn wait() {
        let now = clock_gettime(ClockId::Realtime);
        let now = (now.tv_sec, u32::try_from(now.tv_nsec).unwrap());
        while file_clock() <= now {
            std::thread::yield_now();
        }
    }

    fn learn(keep: &Keep) {
        let memory = Memory::of(keep);
        let files = Files::of_work_tree(keep).unwrap();
        let sources = Sources::read(&files).unwrap();
        let effective = Effective::of(&sources, &Scope::of_host("box")).unwrap();
        memory.keep(&files, &effective);
    }

    fn recalled(keep: &Keep, key: &str) -> Option<String> {
        let key = KeyPath::parse(key).unwrap();
        let effective = Memory::of(keep).recall(&key)?;
        let origin = effective.origin(&key).map(ToString::to_string);
        Some(format!(
            "{} {}",
            effective.get(&key)?,
            origin.unwrap_or_default()
        ))
    }

    #[test]
    fn what_holds_is_remembered_with_its_place() {
        let (_dir, keep) = keep("[a]\nb = \"1\"\n[a.\"c.d\"]\ne = [1, 2]\n[ab]\nc = 1\n");
        assert_eq!(recalled(&keep, "a.b"), None);
        wait();
        learn(&keep);
        assert_eq!(recalled(&keep, "a.b").unwrap(), "\"1\" config/a.toml:2");
        assert_eq!(
            recalled(&keep, "a.\"c.d\".e").unwrap(),
            "[1,2] config/a.toml:4"
        );
        let table = recalled(&keep, "a").unwrap();
        assert_eq!(table, "{\"b\":\"1\",\"c.d\":{\"e\":[1,2]}} ");
        assert_eq!(recalled(&keep, "a.x"), None, "whoever asks reads the files");
    }

    #[test]
    fn a_change_of_any_file_ends_it() {
        let (_dir, keep) = keep("a = 1\n");
        let root = keep.root().to_owned();
        let changes: [&dyn Fn(); 4] = [
            &|| fs::write(root.join("config/a.toml"), "a = 2\n").unwrap(),
            &|| fs::write(root.join("config/b.toml"), "b = 2\n").unwrap(),
            &|| fs::create_dir(root.join("config/hosts")).unwrap(),
            &|| fs::remove_file(root.join("config/b.toml")).unwrap(),
        ];
        for change in changes {
            wait();
            learn(&keep);
            assert!(recalled(&keep, "a").is_some());
            change();
            assert_eq!(recalled(&keep, "a"), None);
        }
        let could_change_unseen = |_| {
            fs::write(root.join("config/a.toml"), "a = 3\n").unwrap();
            learn(&keep);
            recalled(&keep, "a").is_none()
        };
        // The clock may move on in between, though hardly every time.
        assert!((0..1000).any(could_change_unseen));
    }

    #[test]
    fn secrets_are_in_no_cache() {
        let (_dir, keep) = keep("token = \"hunter2\"\n");
        let root = keep.root().to_owned();
        fs::create_dir(root.join("schemas")).unwrap();
        let schema = r#"{"properties": {"token": {"x-buildkeep-secret": true}}}"#;
        fs::write(root.join("schemas/a.schema.json"), schema).unwrap();
        wait();
        learn(&keep);
        assert!(!keep.private("cache/effective").exists());
        fs::write(root.join("config/a.toml"), "token = \"secret:mine\"\n").unwrap();
        let settings = "[secrets]\nmine = { env = \"MINE\" }\n";
        fs::write(root.join("buildkeep.toml"), settings).unwrap();
        wait();
        learn(&keep);
        assert_eq!(
            recalled(&keep, "token").unwrap(),
            "\"secret:mine\" config/a.toml:1"
        );
    }
}
