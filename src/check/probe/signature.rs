//! Files that must be what somebody signed: detached signatures, with the keys that are given.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::Host;
use super::super::definition::Check;
use super::super::program::{Ran, command, feeding, run, search};
use super::Finding;
use super::limits::others;
use super::scratch::Scratch;
use super::tree::named;
use crate::fs::together;

/// How names of signatures end.
const ENDINGS: &[&str] = &[".sig", ".asc", ".sign"];
/// What is signed unpacked, and how it is packed.
const PACKED: &[(&str, &str)] = &[(".xz", "xz"), (".gz", "gzip"), (".bz2", "bzip2")];
/// How a key begins that is written as text.
const ARMOUR: &[u8] = b"-----BEGIN PGP";

/// A signature, and what it signs.
struct Signed {
    signature: PathBuf,
    file: PathBuf,
    /// What unpacks the file, if it was signed unpacked.
    unpack: Option<&'static str>,
}

/// What became of a signature.
enum Verdict {
    Good,
    Bad(PathBuf),
    /// Whose it is, is not known.
    NoKey(PathBuf),
    Unknown(String),
}

pub(super) fn look(folder: &str, keys: &str, (check, host): (&Check, &Host<'_>)) -> Finding {
    let (Some(folder), Some(keys)) = (host.place(folder), host.place(keys)) else {
        return Finding::no_root();
    };
    let signed = signed_in(&folder);
    let keys = files_at(&keys);
    if signed.is_empty() {
        return Finding::skipped(format!("there are no signatures in {}", folder.display()));
    }
    if keys.is_empty() {
        return Finding::skipped("no keys are given to verify them with");
    }
    let Some(gpgv) = search("gpgv", host.env) else {
        return Finding::unknown("there is no gpgv to verify signatures with");
    };
    let scratch = match Scratch::new(host) {
        Ok(scratch) => scratch,
        Err(error) => return Finding::unknown(format!("no temporary folder: {error}")),
    };
    let rings = keys.iter().map(|key| ring(key, &scratch, (check, host)));
    match rings.collect::<Result<Vec<PathBuf>, String>>() {
        Err(why) => Finding::unknown(why),
        Ok(rings) => {
            let verifier = Verifier {
                gpgv,
                rings,
                scratch,
            };
            told(verifier.all(&signed, (check, host)))
        }
    }
}

/// The signatures in a folder whose files are there.
fn signed_in(folder: &Path) -> Vec<Signed> {
    let mut all: Vec<Signed> = files_at(folder)
        .iter()
        .filter_map(|path| signed(path))
        .collect();
    all.sort_by(|one, other| one.signature.cmp(&other.signature));
    all
}

fn signed(signature: &Path) -> Option<Signed> {
    let name = signature.to_str()?;
    let file = ENDINGS
        .iter()
        .find_map(|ending| name.strip_suffix(ending))?;
    let whole = |file: String, unpack| Signed {
        signature: signature.to_owned(),
        file: file.into(),
        unpack,
    };
    if Path::new(file).is_file() {
        return Some(whole(file.to_owned(), None));
    }
    let packed = PACKED
        .iter()
        .map(|(ending, program)| (format!("{file}{ending}"), *program));
    let (file, program) = packed
        .into_iter()
        .find(|(file, _)| Path::new(file).is_file())?;
    Some(whole(file, Some(program)))
}

/// The file at a path, or the files in the folder there.
fn files_at(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

/// A key as `gpgv` reads it.
fn ring(
    key: &Path,
    scratch: &Scratch,
    (check, host): (&Check, &Host<'_>),
) -> Result<PathBuf, String> {
    let shown = key.display();
    let bytes = fs::read(key).map_err(|error| format!("{shown}: {error}"))?;
    let is_text = bytes.windows(ARMOUR.len()).any(|part| part == ARMOUR);
    if !is_text {
        return Ok(key.to_owned());
    }
    let gpg = search("gpg", host.env);
    let gpg = gpg.ok_or_else(|| format!("there is no gpg to read {shown} with"))?;
    let name = key.file_name().unwrap_or_default().to_string_lossy();
    let ring = scratch.path().join(format!("{name}.ring"));
    let words = [
        "--homedir".to_owned(),
        scratch.path().display().to_string(),
        "--batch".to_owned(),
        "--output".to_owned(),
        ring.display().to_string(),
        "--dearmor".to_owned(),
        shown.to_string(),
    ];
    match run(command(&gpg, &words), host.env, host.clock, check.limit) {
        Ran::Ended(output) if output.status.success() => Ok(ring),
        Ran::Ended(output) => Err(format!("{shown} is no key: {}", output.first_line())),
        _ => Err(format!("gpg does not answer about {shown}")),
    }
}

struct Verifier {
    gpgv: PathBuf,
    rings: Vec<PathBuf>,
    scratch: Scratch,
}

impl Verifier {
    /// Verifies as many at once as there are processors.
    fn all(&self, signed: &[Signed], at: (&Check, &Host<'_>)) -> Vec<Verdict> {
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        together(others(), || {
            while let Some(one) = signed.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = self.one(one, at);
                found.lock().map(|mut found| found.push(verdict)).ok();
            }
        });
        found.into_inner().unwrap_or_default()
    }

    fn one(&self, signed: &Signed, (check, host): (&Check, &Host<'_>)) -> Verdict {
        let mut words = vec![
            "--homedir".to_owned(),
            self.scratch.path().display().to_string(),
            "--status-fd".to_owned(),
            "1".to_owned(),
        ];
        for ring in &self.rings {
            words.extend(["--keyring".to_owned(), ring.display().to_string()]);
        }
        words.extend(["--".to_owned(), signed.signature.display().to_string()]);
        words.push(match signed.unpack {
            Some(_) => "-".to_owned(),
            None => signed.file.display().to_string(),
        });
        let mut verifying = command(&self.gpgv, &words);
        let mut unpacking = match unpack(signed, host) {
            Ok(unpacking) => unpacking,
            Err(why) => return Verdict::Unknown(why),
        };
        if let Some(text) = unpacking.as_mut().and_then(|child| child.stdout.take()) {
            verifying.stdin(text);
        }
        let ran = run(verifying, host.env, host.clock, check.limit);
        if let Some(mut child) = unpacking {
            // Nobody reads any more.
            let _ = child.kill();
            let _ = child.wait();
        }
        match ran {
            Ran::Ended(output) => verdict(&output.stdout, &signed.file),
            _ => Verdict::Unknown(format!(
                "gpgv does not answer about {}",
                signed.file.display()
            )),
        }
    }
}

fn unpack(signed: &Signed, host: &Host<'_>) -> Result<Option<Child>, String> {
    let Some(program) = signed.unpack else {
        return Ok(None);
    };
    let found = search(program, host.env);
    let found = found.ok_or_else(|| format!("there is no {program} to unpack with"))?;
    let words = ["-dc".to_owned(), signed.file.display().to_string()];
    feeding(command(&found, &words), host.env)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// What the lines for programs say. That a key has expired since says nothing against what it signed.
fn verdict(status: &str, file: &Path) -> Verdict {
    let words = status
        .lines()
        .filter_map(|line| line.strip_prefix("[GNUPG:] "));
    let words: Vec<&str> = words.filter_map(|line| line.split(' ').next()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    if has(&["BADSIG", "REVKEYSIG", "EXPSIG"]) {
        Verdict::Bad(file.to_owned())
    } else if has(&["VALIDSIG"]) && has(&["GOODSIG", "EXPKEYSIG"]) {
        Verdict::Good
    } else if has(&["NO_PUBKEY"]) {
        Verdict::NoKey(file.to_owned())
    } else {
        Verdict::Unknown(format!("gpgv cannot tell about {}", file.display()))
    }
}

fn told(verdicts: Vec<Verdict>) -> Finding {
    let all = verdicts.len();
    let (mut bad, mut strange, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for verdict in verdicts {
        match verdict {
            Verdict::Good => {}
            Verdict::Bad(file) => bad.push(file),
            Verdict::NoKey(file) => strange.push(file),
            Verdict::Unknown(why) => unknown.push(why),
        }
    }
    bad.sort();
    strange.sort();
    if let Some(first) = bad.first() {
        let found = format!("not what was signed: {}", named(&bad));
        return Finding::fail(found).subject(first.display().to_string());
    }
    if !strange.is_empty() {
        let good = all - strange.len() - unknown.len();
        let strange = named(&strange);
        return Finding::unknown(format!("{good} are good; there is no key for {strange}"));
    }
    match unknown.first() {
        Some(why) => Finding::unknown(why),
        None => Finding::ok(format!("all {all} signatures")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gpgv_says_is_understood() {
        let told = |status: &str| match verdict(status, Path::new("x")) {
            Verdict::Good => "good",
            Verdict::Bad(_) => "bad",
            Verdict::NoKey(_) => "no key",
            Verdict::Unknown(_) => "unknown",
        };
        for (status, expected) in [
            (
                "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 a\n[GNUPG:] VALIDSIG 1 2\n",
                "good",
            ),
            (
                "[GNUPG:] KEYEXPIRED 1\n[GNUPG:] EXPKEYSIG 1 a\n[GNUPG:] VALIDSIG 1 2\n",
                "good",
            ),
            ("[GNUPG:] BADSIG 1 a\n", "bad"),
            ("[GNUPG:] REVKEYSIG 1 a\n[GNUPG:] VALIDSIG 1\n", "bad"),
            ("[GNUPG:] ERRSIG 1 2\n[GNUPG:] NO_PUBKEY 1\n", "no key"),
            ("[GNUPG:] NODATA 4\n", "unknown"),
            ("GOODSIG VALIDSIG\n", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(told(status), expected, "{status}");
        }
    }

    #[test]
    fn signatures_are_found_with_what_they_sign() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a.tar.xz",
            "a.tar.xz.sig",
            "linux.tar.xz",
            "linux.tar.sign",
            "lost.sig",
            "b",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = signed_in(folder.path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let found: Vec<_> = found
            .iter()
            .map(|one| (name(&one.file), one.unpack))
            .collect();
        let expected = [
            ("a.tar.xz".to_owned(), None),
            ("linux.tar.xz".to_owned(), Some("xz")),
        ];
        assert_eq!(found, expected);
    }
}
