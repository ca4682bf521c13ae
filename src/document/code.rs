//! The stable codes of problems; `docs/guide/errors.md` explains each of them.

/// Not TOML.
pub const SYNTAX: &str = "K001";
/// A key that nothing reads.
pub const UNKNOWN_KEY: &str = "K002";
/// A key that must be there and is not.
pub const MISSING_KEY: &str = "K003";
/// A value of the wrong type.
pub const WRONG_TYPE: &str = "K004";
/// A value that is none of the allowed ones.
pub const NOT_ALLOWED: &str = "K005";
/// A number, text or list that is too small or too large.
pub const OUT_OF_RANGE: &str = "K006";
/// A text of the wrong form.
pub const WRONG_FORM: &str = "K007";
/// The same thing twice.
pub const DUPLICATE: &str = "K008";
/// A rule of the schema that none of the other codes names.
pub const OTHER_RULE: &str = "K009";
/// A value that TOML can write and we cannot keep: `nan`, `inf`.
pub const NOT_A_VALUE: &str = "K010";
/// A file that is not UTF-8 text.
pub const NOT_TEXT: &str = "K011";
/// An edit that the text does not allow.
pub const CANNOT_EDIT: &str = "K012";
/// A schema that cannot be used.
pub const BAD_SCHEMA: &str = "K013";
/// The same key in two configuration files.
pub const TWO_FILES: &str = "K014";
/// A profile that is named and does not exist.
pub const NO_PROFILE: &str = "K015";
/// An override from the environment or the command line that cannot be used.
pub const BAD_OVERRIDE: &str = "K016";
/// A symlink where a file should be.
pub const NOT_A_FILE: &str = "K017";
