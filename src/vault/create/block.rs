//! What the cache knows of one folder, as bytes.
use crate::store::ObjectId;
use crate::store::pack::Mode;
use crate::vault::meta;
use crate::vault::stat::Key;

/// Length of the block, length of the path.
const BEFORE_PATH: usize = 8;
/// The id of the tree.
const AFTER_PATH: usize = 20;
/// Key, mode, id, length of the record.
const BEFORE_RECORD: usize = 40 + 1 + 20 + 4;

/// A folder as it was in the last snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'c>(&'c [u8]);

/// An entry of such a folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'c> {
    /// What the file looked like.
    pub(super) key: &'c Key,
    /// Its content; nothing for devices and pipes.
    pub(super) object: Option<(Mode, ObjectId)>,
    /// Its metadata, encoded.
    pub(super) record: &'c [u8],
}

impl Known<'_> {
    pub(super) fn name(&self) -> &[u8] {
        meta::record_name(self.record)
    }

    pub(super) fn is_folder(&self) -> bool {
        meta::record_is_folder(self.record)
    }
}

impl<'c> Block<'c> {
    /// A block whose bytes were checked against a sum, if they are shaped like one.
    pub(super) fn read(bytes: &'c [u8]) -> Option<Self> {
        let path = BEFORE_PATH.checked_add(number(bytes.get(4..)?))?;
        let mut rest = bytes.get(path.checked_add(AFTER_PATH)?..)?;
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(BEFORE_RECORD)?;
            let (record, next) = tail.split_at_checked(number(&head[61..]))?;
            if !meta::is_one_record(record) {
                return None;
            }
            rest = next;
        }
        let block = Self(bytes);
        block.entries().next().is_some().then_some(block)
    }

    /// A block that was read before.
    pub(super) fn again(bytes: &'c [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &'c [u8] {
        self.0
    }

    pub(super) fn path(&self) -> &'c [u8] {
        &self.0[BEFORE_PATH..self.path_end()]
    }

    /// The tree that the folder was.
    pub(super) fn tree_id(&self) -> ObjectId {
        let at = self.path_end();
        ObjectId::from_bytes_or_panic(&self.0[at..at + 20])
    }

    /// The folder itself and then its entries, by name.
    pub(super) fn entries(&self) -> impl Iterator<Item = Known<'c>> + use<'c> {
        let mut rest = &self.0[self.path_end() + AFTER_PATH..];
        std::iter::from_fn(move || {
            let (head, tail) = rest.split_at_checked(BEFORE_RECORD)?;
            let (record, next) = tail.split_at_checked(number(&head[61..]))?;
            rest = next;
            let mode = Mode::from_number(head[40]);
            Some(Known {
                key: head.first_chunk()?,
                object: mode.map(|mode| (mode, ObjectId::from_bytes_or_panic(&head[41..61]))),
                record,
            })
        })
    }

    fn path_end(&self) -> usize {
        BEFORE_PATH + number(&self.0[4..])
    }
}

/// Four bytes as a length.
fn number(bytes: &[u8]) -> usize {
    bytes
        .first_chunk()
        .map_or(0, |four| u32::from_le_bytes(*four) as usize)
}

/// Writes a block.
#[derive(Debug)]
pub(super) struct BlockWriter(Vec<u8>);

impl BlockWriter {
    pub(super) fn new(path: &[u8], tree_id: ObjectId) -> Self {
        let mut out = vec![0; 4];
        out.extend_from_slice(&(path.len() as u32).to_le_bytes());
        out.extend_from_slice(path);
        out.extend_from_slice(tree_id.as_slice());
        Self(out)
    }

    pub(super) fn add(&mut self, key: &Key, object: Option<(Mode, ObjectId)>, record: &[u8]) {
        self.0.extend_from_slice(key);
        self.0.push(object.map_or(0, |(mode, _)| mode.number()));
        match object {
            Some((_, id)) => self.0.extend_from_slice(id.as_slice()),
            None => self.0.extend_from_slice(&[0; 20]),
        }
        self.0
            .extend_from_slice(&(record.len() as u32).to_le_bytes());
        self.0.extend_from_slice(record);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = self.0.len() as u32;
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}
