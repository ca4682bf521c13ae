//! Files encrypted with age.
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor, Identity, IdentityFile, x25519};
use serde_json::Value as Json;

use super::resolve::Cause;
use crate::document::{Document, KeyPath, Segment};
use crate::fs::read_optional;

/// How armoured files begin.
const ARMOUR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
/// How binary files begin.
const BINARY: &[u8] = b"age-encryption.org/";

/// Whether a content is that of an age file.
fn is_encrypted(content: &[u8]) -> bool {
    content.trim_ascii_start().starts_with(ARMOUR) || content.starts_with(BINARY)
}

/// The private keys in a file.
pub(super) fn identities(path: &Path) -> Result<Vec<Box<dyn Identity + Send + Sync>>, Cause> {
    let shown = path.display();
    let content = read_optional(path)
        .map_err(|error| Cause::new(error.to_string(), "mend that and try again"))?;
    let content = content.ok_or_else(|| {
        let next = format!("make a key: `age-keygen -o {shown}`, and encrypt to its public key");
        Cause::new(format!("there is no identity file {shown}"), next)
    })?;
    if is_encrypted(&content) {
        let what = format!("the identity file {shown} is itself encrypted, which is not supported");
        return Err(Cause::new(
            what,
            "decrypt it, or use `command = [\"age\", \"--decrypt\", …]`",
        ));
    }
    let unusable = || {
        let what = format!("{shown} holds no identity that can be used");
        Cause::new(
            what,
            "it needs a line `AGE-SECRET-KEY-1…`; for plugins and SSH keys use `command`",
        )
    };
    let file = IdentityFile::from_buffer(content.as_slice()).map_err(|_| unusable())?;
    let found = file.into_identities().map_err(|_| unusable())?;
    if found.is_empty() {
        Err(unusable())
    } else {
        Ok(found)
    }
}

/// The text in an age file.
pub(super) fn decrypted(
    content: &[u8],
    identities: &[Box<dyn Identity + Send + Sync>],
) -> Result<String, Cause> {
    let damaged = |what: &str| Cause::new(what, "encrypt it anew: `buildkeep secret set NAME`");
    if !is_encrypted(content) {
        return Err(damaged("the file is not encrypted with age"));
    }
    let reader = ArmoredReader::new(BufReader::new(content));
    let decryptor = Decryptor::new_buffered(reader).map_err(|error| explained(&error))?;
    if decryptor.is_scrypt() {
        return Err(Cause::new(
            "it is encrypted with a passphrase, which is not supported",
            "encrypt it to a key: `age-keygen`, then `buildkeep secret set NAME`",
        ));
    }
    let keys = identities
        .iter()
        .map(|identity| identity.as_ref() as &dyn Identity);
    let mut reader = decryptor.decrypt(keys).map_err(|error| explained(&error))?;
    let mut text = String::new();
    match reader.read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(damaged("the file is damaged, or holds no text"))
        }
        Err(_) => Err(damaged("the file is damaged")),
    }
}

fn explained(error: &DecryptError) -> Cause {
    match error {
        DecryptError::NoMatchingKeys => Cause::new(
            "it is encrypted to other keys than those in the identity file",
            "name another `identity`, or have it encrypted to yours",
        ),
        DecryptError::UnknownFormat => Cause::new(
            "it is of a newer format of age",
            "upgrade buildkeep, or use `command`",
        ),
        _ => Cause::new(
            "the file is damaged",
            "encrypt it anew: `buildkeep secret set NAME`",
        ),
    }
}

/// The value at `key` of a text that is a table of several secrets.
pub(super) fn value_of(text: &str, key: &str) -> Result<String, Cause> {
    let next = "look at it: `age --decrypt --identity FILE FILE`";
    let document = Document::parse("the decrypted file", text)
        .map_err(|_| Cause::new("the decrypted text is not TOML, but `key` is given", next))?;
    let path = KeyPath::parse(key)
        .map_err(|reason| Cause::new(format!("`{key}` is not a key: {reason}"), "correct it"))?;
    let json = document.to_json();
    let found = path
        .segments()
        .iter()
        .try_fold(&json, |json, part| match part {
            Segment::Key(name) => json.get(name),
            Segment::Index(index) => json.get(index),
            Segment::Named(_) => None,
        });
    match found {
        Some(Json::String(value)) => Ok(value.clone()),
        Some(value @ (Json::Number(_) | Json::Bool(_))) => Ok(value.to_string()),
        Some(_) => Err(Cause::new(
            format!("`{key}` in it is a table or a list"),
            next,
        )),
        None => Err(Cause::new(format!("there is no `{key}` in it"), next)),
    }
}

/// A text that is a table of several secrets, with another `value` at `key`.
pub(super) fn text_with(text: &str, key: &str, value: &str) -> Result<String, Cause> {
    let path = KeyPath::parse(key)
        .map_err(|reason| Cause::new(format!("`{key}` is not a key: {reason}"), "correct it"))?;
    let value = crate::document::Value::from(value);
    crate::document::set("the decrypted file", text, &path, &value).map_err(|_| {
        Cause::new(
            format!("`{key}` cannot be set in the decrypted text"),
            "edit it by hand: `age --decrypt`",
        )
    })
}

/// The text, encrypted to `recipients` and armoured.
pub(super) fn encrypted(text: &str, recipients: &[String]) -> Result<Vec<u8>, Cause> {
    let mut keys = Vec::new();
    for recipient in recipients {
        let key: x25519::Recipient = recipient.parse().map_err(|_| {
            Cause::new(
                format!("`{recipient}` is no public key of age"),
                "`age-keygen -y FILE` prints it",
            )
        })?;
        keys.push(key);
    }
    let failed = |what: String| Cause::new(what, "try again");
    let all = keys.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(all).map_err(|_| {
        Cause::new(
            "nobody could read it",
            "add `recipients = [\"age1…\"]` to `[secrets]` in buildkeep.toml",
        )
    })?;
    let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor);
    let armour = armour.map_err(|error| failed(error.to_string()))?;
    let mut writer = encryptor
        .wrap_output(armour)
        .map_err(|error| failed(error.to_string()))?;
    writer
        .write_all(text.as_bytes())
        .and_then(|()| writer.finish())
        .and_then(ArmoredWriter::finish)
        .map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> (x25519::Identity, Vec<Box<dyn Identity + Send + Sync>>) {
        let key = x25519::Identity::generate();
        (key.clone(), vec![Box::new(key)])
    }

    fn what<T>(result: Result<T, Cause>) -> String {
        result.err().map(|cause| cause.what).unwrap_or_default()
    }

    #[test]
    fn what_is_encrypted_is_read_by_its_recipients_only() {
        let (key, mine) = identity();
        let (_, others) = identity();
        let content = encrypted("hush\n", &[key.to_public().to_string()])
            .ok()
            .unwrap();
        assert!(content.starts_with(ARMOUR));
        assert_eq!(decrypted(&content, &mine).ok().unwrap(), "hush\n");
        assert!(what(decrypted(&content, &others)).contains("other keys"));
        let binary = age::encrypt(&key.to_public(), b"hush").unwrap();
        assert_eq!(decrypted(&binary, &mine).ok().unwrap(), "hush");
        let mut damaged = binary.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(what(decrypted(&damaged, &mine)).contains("damaged"));
        assert!(what(decrypted(b"hush", &mine)).contains("not encrypted"));
    }

    #[test]
    fn passphrases_and_foreign_recipients_say_so() {
        let mut recipient = age::scrypt::Recipient::new("x".to_owned().into());
        recipient.set_work_factor(2);
        let content = age::encrypt(&recipient, b"hush").unwrap();
        let (_, mine) = identity();
        assert!(what(decrypted(&content, &mine)).contains("passphrase"));
        assert!(what(encrypted("x", &["age1nonsense".to_owned()])).contains("no public key"));
        assert!(what(encrypted("x", &[])).contains("nobody"));
    }

    #[test]
    fn one_of_several_is_found_by_its_key() {
        let text = "[mirror]\ntoken = 'hush'\nport = 1\n";
        assert_eq!(value_of(text, "mirror.token").ok().unwrap(), "hush");
        assert_eq!(value_of(text, "mirror.port").ok().unwrap(), "1");
        assert!(what(value_of(text, "mirror")).contains("a table"));
        assert!(what(value_of(text, "x")).contains("no `x`"));
        assert!(what(value_of("hush", "x")).contains("not TOML"));
    }
}
