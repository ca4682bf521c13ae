//! The stable codes of problems, and what each of them means.
//!
//! `buildkeep explain CODE` and `docs/guide/errors.md` are made from [`all`]. A code never changes
//! its meaning: what is no longer said keeps its number. K0xx are about documents, K1xx about the
//! plan, K2xx about hooks and policy, K3xx about secrets, K4xx about migrations, K5xx about checks.

mod checks;
mod documents;
mod layers;
mod migrations;
mod plan;
mod policy;
mod secrets;

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
/// A key that may not be set in this layer.
pub const WRONG_LAYER: &str = "K018";
/// A key that goes away: a warning.
pub const DEPRECATED: &str = "K019";

/// A need that leads to no step.
pub const NO_SUCH_STEP: &str = "K101";
/// Steps that need one another.
pub const CIRCLE: &str = "K102";
/// The same step twice.
pub const SAME_STEP: &str = "K103";
/// A script that does not exist.
pub const NO_SCRIPT: &str = "K104";
/// Neither a duration nor a size.
pub const NOT_AN_AMOUNT: &str = "K105";
/// A value with a `$` that means nothing.
pub const BAD_TEMPLATE: &str = "K106";
/// A configuration key that has no value.
pub const NO_VALUE: &str = "K107";
/// A root that must not be one.
pub const BAD_ROOT: &str = "K108";
/// A variable that cannot be set.
pub const BAD_VARIABLE: &str = "K109";
/// No root where one is needed.
pub const NO_ROOT: &str = "K110";
/// A folder that does not exist.
pub const NO_FOLDER: &str = "K111";
/// A name that no step can have.
pub const BAD_STEP_NAME: &str = "K112";
/// A script that cannot be run.
pub const UNFIT_SCRIPT: &str = "K113";
/// A user that the system does not know.
pub const NO_SUCH_USER: &str = "K114";
/// What only root may do.
pub const NEEDS_ROOT: &str = "K115";

/// A message that claims to be of a commit of ours.
pub const FORGED: &str = "K201";
/// A line of a message that looks like one of ours, and cannot be read.
pub const GARBLED: &str = "K202";
/// A private key in a file.
pub const PRIVATE_KEY: &str = "K301";
/// A token of a service in a file.
pub const TOKEN: &str = "K302";
/// A password in a file.
pub const PASSWORD: &str = "K303";
/// A key that is marked secret has a value of its own, and no reference.
pub const LITERAL: &str = "K304";
/// A reference to a secret that no table describes.
pub const NO_SECRET: &str = "K305";
/// A secret whose source cannot be used.
pub const BAD_SOURCE: &str = "K306";
/// A template that cannot be rendered.
pub const BAD_TEMPLATE_FILE: &str = "K320";
/// A rendering that may not be written where it should.
pub const BAD_TARGET: &str = "K321";

/// A file's form is not said as a whole number.
pub const BAD_FORM: &str = "K401";
/// A file of a form that its schema does not know yet.
pub const NEWER_FORM: &str = "K402";
/// A file of an old form that cannot be read as the new one.
pub const CANNOT_MIGRATE: &str = "K403";
/// An overlay that says one form for tables of several schemas.
pub const UNCLEAR_FORM: &str = "K404";
/// Migrations in a schema that cannot be used.
pub const BAD_MIGRATIONS: &str = "K405";

/// A key that checks of this kind do not read.
pub const UNREAD_KEY: &str = "K501";
/// A key that checks of this kind need.
pub const KIND_NEEDS: &str = "K502";
/// What does not limit a version.
pub const BAD_LIMIT: &str = "K503";
/// The same check twice.
pub const SAME_CHECK: &str = "K504";
/// A set of checks that does not exist.
pub const NO_SUCH_SET: &str = "K505";
/// A check to waive or to build on that does not exist.
pub const NO_SUCH_CHECK: &str = "K506";
/// A day that no calendar has.
pub const NOT_A_DAY: &str = "K507";
/// A fix that nobody can carry out.
pub const BAD_FIX: &str = "K508";

/// Files by path, as an example shows them.
pub type Sample = &'static [(&'static str, &'static str)];

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// The code.
    pub code: &'static str,
    /// What is wrong, in a few words.
    pub means: &'static str,
    /// What usually mends it, in a few words.
    pub remedy: &'static str,
    /// Why it is refused, and what else there is to know.
    pub text: &'static str,
    /// Files that have the problem.
    pub wrong: Sample,
    /// The files that differ once it is mended.
    pub right: Sample,
}

/// All codes in order.
pub fn all() -> impl Iterator<Item = &'static Explained> {
    let tables = [
        documents::TABLE,
        layers::TABLE,
        plan::TABLE,
        policy::TABLE,
        secrets::TABLE,
        migrations::TABLE,
        checks::TABLE,
    ];
    tables.into_iter().flatten()
}

/// What a code means; case does not count.
pub fn explained(code: &str) -> Option<&'static Explained> {
    all().find(|one| one.code.eq_ignore_ascii_case(code.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_once_and_in_order() {
        let source = include_str!("code.rs");
        let constants = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1));
        let listed: Vec<&str> = all().map(|one| one.code).collect();
        assert_eq!(constants.collect::<Vec<_>>(), listed);
        assert!(listed.is_sorted());
    }

    #[test]
    fn a_code_is_found_as_people_type_it() {
        assert_eq!(explained("k004").unwrap().code, WRONG_TYPE);
        assert!(explained("K999").is_none());
    }
}
