//! Folders as Git stores them.
use gix::ObjectId;

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A folder.
    Tree,
    /// A file.
    File,
    /// A file that can be executed.
    Executable,
    /// A symbolic link.
    Link,
}

impl Mode {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Tree => b"40000",
            Self::File => b"100644",
            Self::Executable => b"100755",
            Self::Link => b"120000",
        }
    }

    /// A small number for it, never 0.
    pub fn number(self) -> u8 {
        match self {
            Self::Tree => 1,
            Self::File => 2,
            Self::Executable => 3,
            Self::Link => 4,
        }
    }

    /// What [`Mode::number`] gave this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Tree, Self::File, Self::Executable, Self::Link]
            .into_iter()
            .find(|mode| mode.number() == number)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"40000" | b"040000" => Some(Self::Tree),
            b"100755" => Some(Self::Executable),
            b"120000" => Some(Self::Link),
            _ if text.starts_with(b"100") => Some(Self::File),
            _ => None,
        }
    }
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// What it is.
    pub mode: Mode,
    /// Its name in Git.
    pub name: Vec<u8>,
    /// Its content.
    pub id: ObjectId,
}

/// A folder that cannot be parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the folder is damaged at byte {0}")]
pub struct TreeError(pub usize);

/// The content of a tree object; sorts the entries as Git wants them.
pub fn encode_tree(entries: &mut [TreeEntry]) -> Vec<u8> {
    entries.sort_unstable_by(|a, b| sort_key(a).cmp(sort_key(b)));
    let mut out = Vec::with_capacity(entries.iter().map(|entry| entry.name.len() + 28).sum());
    for entry in entries {
        out.extend_from_slice(entry.mode.text());
        out.push(b' ');
        out.extend_from_slice(&entry.name);
        out.push(0);
        out.extend_from_slice(entry.id.as_slice());
    }
    out
}

/// Git compares names as if those of folders ended in a slash.
fn sort_key(entry: &TreeEntry) -> impl Iterator<Item = u8> {
    let slash = (entry.mode == Mode::Tree).then_some(b'/');
    entry.name.iter().copied().chain(slash)
}

/// Parses the content of a tree object.
pub fn decode_tree(bytes: &[u8]) -> Result<Vec<TreeEntry>, TreeError> {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = TreeError(bytes.len() - rest.len());
        let (entry, next) = decode_entry(rest).ok_or(at)?;
        entries.push(entry);
        rest = next;
    }
    Ok(entries)
}

fn decode_entry(bytes: &[u8]) -> Option<(TreeEntry, &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let zero = space + bytes[space..].iter().position(|byte| *byte == 0)?;
    let id = bytes.get(zero + 1..zero + 21)?;
    let entry = TreeEntry {
        mode: Mode::parse(&bytes[..space])?,
        name: bytes[space + 1..zero].to_vec(),
        id: ObjectId::from_bytes_or_panic(id),
    };
    Some((entry, &bytes[zero + 21..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mode: Mode, name: &str) -> TreeEntry {
        TreeEntry {
            mode,
            name: name.into(),
            id: ObjectId::Sha1([1; 20]),
        }
    }

    #[test]
    fn folders_sort_as_if_they_ended_in_a_slash() {
        let mut entries = [
            entry(Mode::Tree, "a"),
            entry(Mode::File, "a.b"),
            entry(Mode::File, "a0"),
        ];
        let bytes = encode_tree(&mut entries);
        let back = decode_tree(&bytes).unwrap();
        let names: Vec<_> = back.iter().map(|e| e.name.as_slice()).collect();
        assert_eq!(names, [&b"a.b"[..], b"a", b"a0"]);
        assert_eq!(back, entries);
    }

    #[test]
    fn a_cut_tree_is_an_error_at_every_length() {
        let bytes = encode_tree(&mut [entry(Mode::Link, "l"), entry(Mode::Executable, "x")]);
        let whole = [0, bytes.len() / 2, bytes.len()];
        for length in (0..bytes.len()).filter(|length| !whole.contains(length)) {
            assert!(decode_tree(&bytes[..length]).is_err(), "{length}");
        }
    }
}
