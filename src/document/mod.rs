//! A TOML text with spans: checked by a JSON Schema, every problem led back to its place.
//!
//! The model: a [`Document`] is parsed once and keeps where each key and value stands. A
//! [`Schema`] says what may be in it. What is wrong becomes a [`Problem`]: a stable code, a place,
//! a message, and how to mend it; [`render`] shows them with the lines concerned. [`edit`] changes
//! one key of a text and leaves every other byte alone.
//!
//! No text can make this module panic, and values of keys that the schema marks secret never
//! appear in a problem.

mod amount;
mod choice;
pub mod code;
mod edit;
mod excerpt;
mod explain;
#[cfg(test)]
pub(crate) mod fields;
mod fix;
mod hide;
mod key_path;
pub mod migrate;
mod parse;
mod partial;
mod places;
mod problem;
mod render;
mod schema;
mod suggest;
mod tree;
mod validate;

#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod render_tests;
#[cfg(test)]
mod tests;

pub use amount::{as_duration, as_sbu, as_size};
pub use edit::{push, set, take, transplant, unset};
pub use hide::{hidden_lines, hidden_lines_of};
pub use key_path::{KeyPath, Segment};
pub use parse::Document;
pub use places::{Places, Spot};
pub use problem::{Place, Problem};
pub use render::render;
pub use schema::Schema;
pub use suggest::nearest;
pub use toml_edit::Value;
pub use validate::in_order;

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not JSON.
    #[error("schema {name} is not JSON: {source}")]
    NotJson {
        /// The schema's file name.
        name: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// The file is JSON, but not a JSON Schema.
    #[error("schema {name} is not a JSON Schema: {reason}")]
    NotSchema {
        /// The schema's file name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}
