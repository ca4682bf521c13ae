//! Where the parts of a value stand, if it was put together from several documents.
use super::Document;
use super::key_path::KeyPath;
use super::problem::Place;

/// Where a part of a value stands.
#[derive(Clone, Debug)]
pub enum Spot<'a> {
    /// In a document, under this path.
    In(&'a Document, KeyPath),
    /// In no document: this file is to blame as a whole.
    File(String),
}

/// A value that knows where its parts come from.
pub trait Places {
    /// Where the key or value at `path` stands; what does not exist, where it should be.
    fn find(&self, place: Place, path: &KeyPath) -> Spot<'_>;
}

impl Places for Document {
    fn find(&self, _: Place, path: &KeyPath) -> Spot<'_> {
        Spot::In(self, path.clone())
    }
}
