//! The words for each broken rule.
use std::fmt::Write as _;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

use super::code;
use super::fix;
use super::key_path::{KeyPath, Segment};
use super::problem::Problem;
use super::schema::Schema;
use super::suggest::nearest;

/// A value that breaks a rule; the value is withheld if it is secret.
pub(super) struct Case<'a> {
    pub(super) path: &'a KeyPath,
    pub(super) schema: &'a Json,
    pub(super) value: Option<&'a Json>,
}

impl Case<'_> {
    /// `` `jobs` is "many" ``, or without the value if that is long or secret.
    fn subject(&self) -> String {
        let shown = self.value.map(Json::to_string);
        match shown.filter(|shown| shown.chars().count() <= 60) {
            Some(shown) if !self.value.is_some_and(is_compound) => {
                format!("`{}` is {shown}, but", self.path)
            }
            _ => named(self.path),
        }
    }
}

pub(super) fn unknown_key(schema: &Schema, sub: &Json, path: &KeyPath, name: &str) -> Problem {
    let known = schema.names(sub);
    let problem = Problem::new(
        code::UNKNOWN_KEY,
        format!("unknown key `{name}`{}", within(path)),
    )
    .label("nothing reads this");
    if let Some(near) = nearest(name, known.iter().copied()) {
        return problem.help(format!("did you mean `{near}`?"));
    }
    let elsewhere = schema.keys().into_iter().find(|key| {
        let last = key.segments().last();
        last == Some(&Segment::from(name)) && key.segments().len() > 1
    });
    match elsewhere.as_ref().and_then(KeyPath::split_last) {
        Some((table, _)) => problem.help(format!("`{name}` belongs in the table `[{table}]`")),
        None if known.is_empty() => problem.help("remove it"),
        None => problem.help(format!("known here: {}", list(&known))),
    }
}

/// `sub` describes the table at `path`, which is `table` and lacks `name`.
pub(super) fn missing_key(
    schema: &Schema,
    (sub, path): (&Json, &KeyPath),
    table: &Json,
    name: &str,
) -> Problem {
    let key = path.clone().key(name);
    let because = match asking(schema, sub, table, name) {
        Some(other) => format!(": `{other}` needs it"),
        None => String::new(),
    };
    let problem = Problem::new(code::MISSING_KEY, format!("`{key}` is missing{because}"));
    let sub = schema.at(&key).unwrap_or(&Json::Null);
    let example = fix::example(name, sub);
    match described(sub) {
        Some(what) => problem.help(format!("add `{example}`: {what}")),
        None => problem.help(format!("add `{example}`")),
    }
}

/// The key that is there and asks for `name`.
fn asking<'a>(schema: &'a Schema, sub: &'a Json, table: &Json, name: &str) -> Option<&'a str> {
    let forms = schema.forms(sub).into_iter();
    let rules = forms.filter_map(|form| form.get("dependentRequired")?.as_object());
    let asks = |wanted: &Json| {
        let wanted = wanted.as_array().into_iter().flatten();
        wanted.into_iter().any(|wanted| wanted == name)
    };
    let mut asking = rules.flatten().filter(|(_, wanted)| asks(wanted));
    asking
        .find(|(key, _)| table.get(key).is_some())
        .map(|(key, _)| key.as_str())
}

/// The table at `path` has a key `name`, which breaks the rule for names.
pub(super) fn bad_name(path: &KeyPath, name: &str, rule: &Kind) -> Problem {
    let message = format!(
        "`{name}` is not allowed as the name of a key{}",
        within(path)
    );
    let problem = Problem::new(code::OTHER_RULE, message);
    match rule {
        Kind::Pattern { pattern } => problem.help(format!("names here match `{pattern}`")),
        Kind::MaxLength { limit } => {
            problem.help(format!("names here have at most {limit} characters"))
        }
        Kind::MinLength { limit } => {
            problem.help(format!("names here have at least {limit} characters"))
        }
        Kind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let names: Vec<&str> = options.filter_map(Json::as_str).collect();
            match nearest(name, names.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("known here: {}", list(&names))),
            }
        }
        _ => problem,
    }
}

pub(super) fn fraction(path: &KeyPath, number: f64) -> Problem {
    Problem::new(
        code::WRONG_TYPE,
        format!("`{path}` must be a whole number, not a decimal one"),
    )
    .help(format!(
        "write it without the point: `{}`",
        fix::line(path, &format!("{number:.0}"))
    ))
}

pub(super) fn broken_rule(case: &Case<'_>, rule: &Kind) -> Problem {
    let (code, message, help) = match rule {
        Kind::Type { kind } => wrong_type(case, kind),
        Kind::Enum { options } => not_allowed(case, options),
        Kind::Constant { expected_value } => not_constant(case, expected_value),
        Kind::Pattern { pattern } => {
            let message = format!("{} must match the pattern {pattern}", case.subject());
            (code::WRONG_FORM, message, None)
        }
        Kind::Format { format } => {
            let message = format!("{} must be of the form `{format}`", case.subject());
            (code::WRONG_FORM, message, fix::form(format))
        }
        Kind::UniqueItems => {
            let message = format!("`{}` names the same thing twice", case.path);
            (
                code::DUPLICATE,
                message,
                Some("remove one of them".to_owned()),
            )
        }
        other => match limit(other) {
            Some(limit) => {
                let message = format!("{} must {limit}", case.subject());
                (code::OUT_OF_RANGE, message, may_be(case))
            }
            None => other_rule(case, other),
        },
    };
    let help = help.or_else(|| meaning(case));
    let problem = Problem::new(code, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn wrong_type(case: &Case<'_>, kind: &TypeKind) -> (&'static str, String, Option<String>) {
    let wanted: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
    };
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let names: Vec<&str> = wanted.iter().map(|json| type_name(json)).collect();
    let mut message = format!("{} must be {}", named(case.path), names.join(" or "));
    if let Some(value) = case.value {
        let _ = write!(message, ", not {}", type_of(value));
    }
    let help = case
        .value
        .and_then(|value| fix::retype(case.path, &wanted, value));
    (code::WRONG_TYPE, message, help)
}

fn not_allowed(case: &Case<'_>, options: &Json) -> (&'static str, String, Option<String>) {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<String> = options.iter().map(Json::to_string).collect();
    if shown.is_empty() {
        let message = format!("{} allows no value: its `enum` is empty", named(case.path));
        let help = "name the values in the schema, or take the key out".to_owned();
        return (code::NOT_ALLOWED, message, Some(help));
    }
    let message = format!("{} must be one of {}", case.subject(), shown.join(", "));
    let texts = options.iter().filter_map(Json::as_str);
    let near = case
        .value
        .and_then(Json::as_str)
        .and_then(|text| nearest(text, texts));
    let help = near.map(|near| format!("did you mean \"{near}\"?"));
    (code::NOT_ALLOWED, message, help)
}

fn not_constant(case: &Case<'_>, expected: &Json) -> (&'static str, String, Option<String>) {
    let message = format!("{} must be {expected}", case.subject());
    let help = fix::toml(expected).map(|text| format!("write `{}`", fix::line(case.path, &text)));
    (code::NOT_ALLOWED, message, help)
}

fn other_rule(case: &Case<'_>, rule: &Kind) -> (&'static str, String, Option<String>) {
    let message = match rule {
        Kind::Not { schema } => return excluded(case, schema),
        Kind::OneOfMultipleValid { .. } => {
            format!(
                "{} has more than one of the allowed forms",
                named(case.path)
            )
        }
        Kind::FalseSchema => format!("{} must not be there", named(case.path)),
        other => format!(
            "{} breaks the rule `{}` of its schema",
            named(case.path),
            other.keyword()
        ),
    };
    (code::OTHER_RULE, message, None)
}

/// What must not be, or not together.
fn excluded(case: &Case<'_>, not: &Json) -> (&'static str, String, Option<String>) {
    let together = not.get("required").and_then(Json::as_array);
    let names: Vec<&str> = together
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let (message, help) = match names.as_slice() {
        [] => (
            format!("{} has a form that is excluded", named(case.path)),
            None,
        ),
        [one] => (
            format!("`{}` must not be set here", case.path.clone().key(*one)),
            Some("take it out".to_owned()),
        ),
        _ => (
            format!(
                "{}{} exclude one another",
                all_of(&names),
                within(case.path)
            ),
            Some("take one of them out".to_owned()),
        ),
    };
    (code::OTHER_RULE, message, help)
}

/// What a rule about size demands.
fn limit(rule: &Kind) -> Option<String> {
    Some(match rule {
        Kind::Minimum { limit } => format!("be at least {limit}"),
        Kind::Maximum { limit } => format!("be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("be a multiple of {multiple_of}"),
        Kind::MinLength { limit: 1 } => "not be empty".to_owned(),
        Kind::MinLength { limit } => format!("have at least {}", count(*limit, "character")),
        Kind::MaxLength { limit } => format!("have at most {}", count(*limit, "character")),
        Kind::MinItems { limit } => format!("have at least {}", count(*limit, "item")),
        Kind::MaxItems { limit } => format!("have at most {}", count(*limit, "item")),
        Kind::AdditionalItems { limit } => {
            format!("have at most {}", count(*limit as u64, "item"))
        }
        Kind::MinProperties { limit } => format!("have at least {}", count(*limit, "key")),
        Kind::MaxProperties { limit } => format!("have at most {}", count(*limit, "key")),
        _ => return None,
    })
}

fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

pub(super) fn named(path: &KeyPath) -> String {
    if path.segments().is_empty() {
        "the document".to_owned()
    } else {
        format!("`{path}`")
    }
}

fn within(path: &KeyPath) -> String {
    if path.segments().is_empty() {
        String::new()
    } else {
        format!(" in `{path}`")
    }
}

fn may_be(case: &Case<'_>) -> Option<String> {
    let range = fix::range(case.schema)?;
    Some(format!("`{}` may be {range}", case.path))
}

/// What the key is for, as its schema says.
fn meaning(case: &Case<'_>) -> Option<String> {
    let what = described(case.schema)?;
    let range = fix::range(case.schema).map(|range| format!(" ({range})"));
    Some(format!(
        "`{}`: {what}{}",
        case.path,
        range.unwrap_or_default()
    ))
}

fn described(sub: &Json) -> Option<&str> {
    let text = sub.get("description")?.as_str()?;
    text.lines().next().map(|line| line.trim_end_matches('.'))
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(12)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if names.len() > 12 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn all_of(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    shown.join(" and ")
}

fn is_compound(value: &Json) -> bool {
    value.is_object() || value.is_array()
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(number) if number.is_f64() => "a decimal number",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
    }
}

pub(super) fn type_name(json: &str) -> &'static str {
    match json {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a table",
        _ => "nothing",
    }
}
