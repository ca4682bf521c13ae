//! Encryption of archives with age.
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, Encryptor, x25519};

use crate::commands::Context;
use crate::config::secrets;
use crate::failure::Failure;

/// How encrypted archives begin: as they are, and armoured.
pub(super) const BEGIN: [&[u8]; 2] = [
    b"age-encryption.org/v1\n",
    b"-----BEGIN AGE ENCRYPTED FILE-----",
];

/// Who may read an archive.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Recipients {
    /// Encrypt it to this public key of age (`age1…`); may be repeated
    #[arg(short, long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Encrypt it to the public keys in this file, one a line
    #[arg(short = 'R', long, value_name = "FILE")]
    recipients_file: Vec<PathBuf>,
}

impl Recipients {
    pub(super) fn is_any(&self) -> bool {
        !self.recipient.is_empty() || !self.recipients_file.is_empty()
    }

    /// The public keys, as text.
    pub(super) fn keys(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        let mut keys = self.recipient.clone();
        for file in &self.recipients_file {
            let path = cx.path(file);
            let text = String::from_utf8_lossy(&crate::fs::read(&path)?).into_owned();
            let lines = text.lines().map(str::trim);
            let wanted = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            let before = keys.len();
            keys.extend(wanted.map(str::to_owned));
            if keys.len() == before {
                let what = format!("{} names no public key", path.display());
                return Err(Failure::user(what).hint("it needs a line `age1…`"));
            }
        }
        for key in &keys {
            parse(key)?;
        }
        Ok(keys)
    }
}

fn parse(key: &str) -> Result<x25519::Recipient, Failure> {
    key.parse().map_err(|_| {
        Failure::user(format!("`{key}` is no public key of age"))
            .hint("it begins with `age1`; `age-keygen -y FILE` prints it")
    })
}

/// Has `work` write into `out`, encrypted to these keys, or as it is if there are none.
pub(super) fn sealed<T>(
    keys: &[String],
    out: &mut dyn Write,
    work: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if keys.is_empty() {
        return work(out);
    }
    let keys: Vec<_> = keys
        .iter()
        .map(|key| parse(key))
        .collect::<Result<_, _>>()?;
    let keys = keys.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(keys)
        .map_err(|error| Failure::user(format!("cannot encrypt the archive: {error}")))?;
    let mut writer = encryptor.wrap_output(out)?;
    let done = work(&mut writer)?;
    writer.finish()?;
    Ok(done)
}

/// What is in an encrypted archive.
pub(super) fn opened(
    cx: &Context,
    files: &[PathBuf],
    input: Box<dyn Read>,
) -> Result<Box<dyn Read>, Failure> {
    let mut identities = Vec::new();
    for file in identity_files(cx, files)? {
        let found = secrets::identities(&file);
        identities.extend(found.map_err(|(what, next)| Failure::user(what).hint(next))?);
    }
    let decryptor = Decryptor::new(ArmoredReader::new(input)).map_err(|error| told(&error))?;
    if decryptor.is_scrypt() {
        return Err(Failure::user("the archive is encrypted with a passphrase")
            .hint("decrypt it first: `age --decrypt FILE | buildkeep backup import -`"));
    }
    let keys = identities
        .iter()
        .map(|one| one.as_ref() as &dyn age::Identity);
    let reader = decryptor.decrypt(keys).map_err(|error| told(&error))?;
    Ok(Box::new(reader))
}

/// The files named, or the one that the keep reads its secrets with.
fn identity_files(cx: &Context, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named.iter().map(|path| cx.path(path)).collect());
    }
    if let Ok(keep) = cx.keep()
        && let Some(path) = crate::commands::secret::reveal::identity(cx, &keep)?
    {
        return Ok(vec![path]);
    }
    Err(
        Failure::user("the archive is encrypted, and no key is named")
            .hint("name the file of your key: `--identity FILE`")
            .hint("or set `identity` in `[secrets]` of buildkeep.toml"),
    )
}

fn told(error: &DecryptError) -> Failure {
    match error {
        DecryptError::NoMatchingKeys => {
            Failure::user("the archive is encrypted to other keys than yours")
                .hint("name another file with keys: `--identity FILE`")
        }
        DecryptError::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            Failure::user(format!("cannot read the archive: {error}")).hint("nothing was imported")
        }
        DecryptError::UnknownFormat => Failure::user("the archive is of a newer format of age")
            .hint("decrypt it first: `age --decrypt -i KEY FILE | buildkeep backup import -`"),
        _ => Failure::user("the archive is damaged where it says who may read it")
            .hint("nothing was imported"),
    }
}

/// Whether a file is encrypted, by how it begins.
pub(super) fn is_sealed(begin: &[u8]) -> bool {
    BEGIN.iter().any(|known| begin.starts_with(known))
}

/// Whether a path says that it is encrypted.
pub(super) fn says_sealed(path: &Path) -> bool {
    path.to_string_lossy().ends_with(super::format::SEALED)
}
