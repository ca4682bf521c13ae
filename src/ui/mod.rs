//! Everything a person or a script reads from us.
//!
//! Results go to stdout, everything said about them to stderr. A result is `Serialize + Display`;
//! only this module knows which of the two is asked for. `Display` may style with [`style`]; the
//! styles are dropped where there is no colour.

mod clean;
mod hidden;
mod prompt;
mod quote;
mod screen;
mod size;
pub mod style;
mod terminal;

pub use clean::{clean, clean_line};
pub use quote::quoted;
pub use screen::{Key, Screen};
pub use size::{counted, duration, seconds, size};
pub use terminal::{Colour, Format, Quiet, Ui};
