//! Values that have none of the forms that `anyOf` or `oneOf` allow.
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

use super::code;
use super::explain::{Case, named, type_name};
use super::fix;
use super::problem::Problem;
use super::schema::Schema;

type Branches<'a> = &'a [Vec<ValidationError<'static>>];

/// What is wrong with the one form that was probably meant: the only one that the value itself
/// could have, its parts apart; else the only one whose keys it has.
pub(super) fn meant<'a>(
    branches: Branches<'a>,
    at: &str,
) -> Option<&'a [ValidationError<'static>]> {
    let without = |is_against: &dyn Fn(&Kind) -> bool| -> Vec<_> {
        let against = |error: &ValidationError<'_>| {
            error.instance_path().to_string() == at && is_against(error.kind())
        };
        let fits = |branch: &&Vec<ValidationError<'static>>| !branch.iter().any(against);
        branches.iter().filter(fits).collect()
    };
    let possible = without(&is_about_the_value);
    let likely = without(&|kind| is_about_the_value(kind) || is_about_keys(kind));
    match (possible.as_slice(), likely.as_slice()) {
        ([one], _) | (_, [one]) => Some(one.as_slice()),
        _ => None,
    }
}

fn is_about_the_value(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. } | Kind::FalseSchema
    )
}

fn is_about_keys(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Required { .. } | Kind::AdditionalProperties { .. }
    )
}

/// One problem for all the forms that a value does not have.
pub(super) fn none_fits(schema: &Schema, case: &Case<'_>, branches: Branches<'_>) -> Problem {
    let types: Option<Vec<String>> = branches.iter().map(|branch| type_of(branch)).collect();
    if let Some(types) = types.filter(|types| !types.is_empty()) {
        let names: Vec<&str> = types.iter().map(|json| type_name(json)).collect();
        let message = format!("{} must be {}", named(case.path), names.join(" or "));
        let problem = Problem::new(code::WRONG_TYPE, message);
        let wanted: Vec<&str> = types.iter().map(String::as_str).collect();
        let help = case
            .value
            .and_then(|value| fix::retype(case.path, &wanted, value));
        return match help {
            Some(help) => problem.help(help),
            None => problem,
        };
    }
    let message = format!("{} has none of the allowed forms", named(case.path));
    let problem = Problem::new(code::OTHER_RULE, message);
    match forms(schema, case.schema) {
        Some(forms) => problem.help(format!("it may be {forms}")),
        None => problem,
    }
}

/// The type that a branch wanted, if that is all it has against the value.
fn type_of(branch: &[ValidationError<'_>]) -> Option<String> {
    match branch {
        [only] => match only.kind() {
            Kind::Type {
                kind: TypeKind::Single(one),
            } => Some(one.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The forms in words: their titles, else what they say, else their types.
fn forms(schema: &Schema, sub: &Json) -> Option<String> {
    let branches = sub.get("anyOf").or_else(|| sub.get("oneOf"))?.as_array()?;
    let in_words = |branch: &Json| {
        let branch = schema.resolved(branch);
        let text = |name: &str| branch.get(name).and_then(Json::as_str).map(str::to_owned);
        let value = || fix::toml(branch.get("const")?);
        let keys = || {
            let keys = branch.get("required")?.as_array()?.iter();
            let keys: Vec<String> = keys.map(|key| key.to_string().replace('"', "`")).collect();
            Some(format!("a table with {}", keys.join(" and ")))
        };
        let pattern = || Some(format!("text like {}", text("pattern")?));
        let kind = || text("type").map(|name| type_name(&name).to_owned());
        text("title")
            .or_else(|| text("description"))
            .or_else(value)
            .or_else(pattern)
            .or_else(keys)
            .or_else(kind)
    };
    let words: Vec<String> = branches.iter().filter_map(in_words).collect();
    (words.len() == branches.len() && words.len() > 1).then(|| words.join(", or "))
}
