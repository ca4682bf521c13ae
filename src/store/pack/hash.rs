//! Object ids, with detection of content that was built to collide.
use gix::ObjectId;

use super::{Kind, PackError};

/// The id of an object with this content.
pub fn object_id(kind: Kind, content: &[u8]) -> Result<ObjectId, PackError> {
    let mut hasher = Hasher::default();
    hasher.update(kind.name().as_bytes());
    hasher.update(format!(" {}\0", content.len()).as_bytes());
    hasher.update(content);
    hasher.checked()
}

/// A running SHA-1.
#[derive(Debug, Default)]
pub(super) struct Hasher(sha1dc::Hasher);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The id, unless the content was built to collide.
    pub(super) fn checked(self) -> Result<ObjectId, PackError> {
        match self.0.finalize() {
            Ok(digest) => Ok(ObjectId::Sha1(digest.to_bytes())),
            Err(collision) => Err(PackError::Collision(ObjectId::Sha1(
                collision.digest().to_bytes(),
            ))),
        }
    }

    /// The sum, as a checksum against accidents.
    pub(super) fn sum(self) -> [u8; 20] {
        match self.0.finalize() {
            Ok(digest) => digest.to_bytes(),
            Err(collision) => collision.digest().to_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        let id = object_id(Kind::Blob, b"hello\n").unwrap();
        assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert!(object_id(Kind::Tree, b"").unwrap().is_empty_tree());
    }
}
