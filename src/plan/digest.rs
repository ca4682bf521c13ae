//! Hashes of what a step is built from.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha1dc::mitigate::Hasher;

use super::Memory;
use crate::fs::{AtPath as _, PathError, file_clock, is_absent};

/// What stands for an input that does not exist.
pub(super) const ABSENT: &str = "absent";

/// Folders in which tools keep their own things: no part of what a step is built from.
const PRIVATE: [&str; 2] = [".git", ".buildkeep"];

/// The hash that `git hash-object` prints for these bytes.
pub(super) fn blob(bytes: &[u8]) -> String {
    let mut hasher = blob_hasher(bytes.len() as u64);
    hasher.update(bytes);
    finished(hasher)
}

/// A hash over names and values in their order.
pub(super) fn parts(parts: &BTreeMap<String, String>) -> String {
    let mut hasher = Hasher::new();
    for (name, value) in parts {
        // Lengths keep `ab` + `c` apart from `a` + `bc`.
        hasher.update(format!("{}:{name}{}:{value}", name.len(), value.len()).as_bytes());
    }
    finished(hasher)
}

/// A hash of the file or of all that is in the folder at `path`.
pub(super) fn path(path: &Path, memory: &Memory) -> Result<String, PathError> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => folder(path, memory),
        Ok(meta) if meta.is_file() => {
            memory.of((path, &meta), file_clock().0, || file(path, meta.len()))
        }
        Ok(_) => Ok("special".into()),
        Err(error) if is_absent(&error) => Ok(ABSENT.into()),
        Err(error) => Err(error).at("read", path),
    }
}

fn folder(path: &Path, memory: &Memory) -> Result<String, PathError> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(path).at("list", path)? {
        let entry = entry.at("list", path)?;
        if PRIVATE.iter().any(|private| entry.file_name() == *private) {
            continue;
        }
        let (at, kind) = (entry.path(), entry.file_type().at("look at", path)?);
        let value = if kind.is_symlink() {
            let target = fs::read_link(&at).at("read", &at)?;
            format!("link {}", blob(target.as_os_str().as_bytes()))
        } else if kind.is_dir() {
            folder(&at, memory)?
        } else if kind.is_file() {
            let meta = entry.metadata().at("look at", &at)?;
            let runs = meta.permissions().mode() & 0o111 != 0;
            let hash = memory.of((&at, &meta), file_clock().0, || file(&at, meta.len()))?;
            format!("{hash}{}", if runs { "x" } else { "" })
        } else {
            "special".into()
        };
        entries.insert(hex(entry.file_name().as_bytes()), value);
    }
    Ok(parts(&entries))
}

/// In pieces, as sources may be large; a file that changes meanwhile gets some other hash.
fn file(path: &Path, size: u64) -> Result<String, PathError> {
    let mut file = File::open(path).at("read", path)?;
    let mut hasher = blob_hasher(size);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer).at("read", path)? {
            0 => return Ok(finished(hasher)),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn blob_hasher(size: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.update(format!("blob {size}\0").as_bytes());
    hasher
}

/// Content made to collide gets a hash of its own, which is all that is asked of it here.
fn finished(hasher: Hasher) -> String {
    match hasher.finalize() {
        Ok(digest) => digest.to_string(),
        Err(mitigated) => mitigated.digest().to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_what_git_says() {
        // `printf 'hello\n' | git hash-object --stdin`
        let expected = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(blob(b"hello\n"), expected);
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("f");
        fs::write(&at, "hello\n").unwrap();
        assert_eq!(path(&at, &Memory::default()).unwrap(), expected);
    }

    #[test]
    fn a_folder_is_all_that_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let mut seen = vec![path(dir.path(), &Memory::default()).unwrap()];
        let mut changed = |what: &str| {
            let now = path(dir.path(), &Memory::default()).unwrap();
            assert!(!seen.contains(&now), "{what} was not seen");
            seen.push(now);
        };
        fs::write(inner.join("a"), "1").unwrap();
        changed("a file");
        fs::write(inner.join("a"), "2").unwrap();
        changed("content");
        fs::set_permissions(inner.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        changed("a run bit");
        std::os::unix::fs::symlink("nowhere", inner.join("l")).unwrap();
        changed("a link");
        let before = path(dir.path(), &Memory::default()).unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/index"), "x").unwrap();
        assert_eq!(path(dir.path(), &Memory::default()).unwrap(), before);
        assert_eq!(
            path(&inner.join("none"), &Memory::default()).unwrap(),
            ABSENT
        );
    }
}
