//! What a schema has against a document.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use serde_json::Value as Json;
use toml_edit::Value;

use super::choice;
use super::code;
use super::explain::{self, Case};
use super::key_path::{KeyPath, Segment};
use super::parse::Document;
use super::places::{Places, Spot};
use super::problem::{Place, Problem};
use super::schema::Schema;
use super::tree::{Node, any_float};

/// More problems than this help nobody.
const MOST: usize = 200;

pub(super) fn validate(document: &Document, schema: &Schema) -> Vec<Problem> {
    let checked = Checked::new(document, schema);
    let mut problems = document.unusable();
    problems.extend(checked.broken_rules(document.json()));
    let root = Node::Table(document.root());
    if any_float(root, &|number| number.fract() == 0.0) {
        checked.find_fractions(root, &mut Vec::new(), &mut problems);
    }
    in_order(problems)
}

/// All that `schema` has against a value, told where its parts stand.
pub(super) fn validate_value(json: &Json, schema: &Schema, places: &dyn Places) -> Vec<Problem> {
    let problems = Checked::new(places, schema).broken_rules(json);
    in_order(problems)
}

/// A problem with the key or value at `path`, without what the schema marks secret.
pub(super) fn problem(
    schema: &Schema,
    document: &Document,
    (place, path): (Place, &KeyPath),
    problem: Problem,
) -> Problem {
    Checked::new(document, schema).placed(problem, place, path)
}

/// By file and place; of what is said twice about the same value, the plainest.
pub fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    // No value at all, or one of the wrong type, breaks other rules too, which says nothing more.
    let rank = |problem: &Problem| match problem.code {
        code::NOT_A_VALUE => "",
        code::WRONG_TYPE => "K",
        other => other,
    };
    problems.sort_by(|a, b| {
        let place = |problem: &Problem| {
            let Problem {
                file, line, column, ..
            } = problem;
            (file.clone(), *line, *column, problem.path.clone())
        };
        (place(a), rank(a)).cmp(&(place(b), rank(b)))
    });
    problems.dedup_by(|a, b| {
        let is_same = (&a.file, a.line, a.column, &a.path) == (&b.file, b.line, b.column, &b.path);
        is_same && (a.line > 0 || a.message == b.message)
    });
    problems
}

/// Where the values stand that the schema marks secret, in order.
pub(super) fn secrets(document: &Document, schema: &Schema) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    if schema.has_secrets() {
        let root = (Node::Table(document.root()), &mut Vec::new());
        find_secrets((document, schema), root, schema.root(), &mut secrets);
        secrets.sort_by_key(|span| span.start);
    }
    secrets
}

fn find_secrets(
    (document, schema): (&Document, &Schema),
    (node, path): (Node<'_>, &mut Vec<Segment>),
    sub: &Json,
    secrets: &mut Vec<Range<usize>>,
) {
    let all = Schema::marks_secret(sub);
    if all && node.value().is_some() {
        secrets.push(document.span(Place::Value, path));
        return;
    }
    for (segment, node) in node.children() {
        let inner = if all {
            Some(sub)
        } else {
            schema.child(sub, &segment)
        };
        if let Some(inner) = inner {
            path.push(segment);
            find_secrets((document, schema), (node, path), inner, secrets);
            path.pop();
        }
    }
}

/// What is checked, its schema, and where the secrets of each document stand.
struct Checked<'a> {
    places: &'a dyn Places,
    schema: &'a Schema,
    secrets: RefCell<BTreeMap<String, Vec<Range<usize>>>>,
}

impl<'a> Checked<'a> {
    fn new(places: &'a dyn Places, schema: &'a Schema) -> Self {
        Self {
            places,
            schema,
            secrets: RefCell::default(),
        }
    }

    fn broken_rules(&self, json: &Json) -> Vec<Problem> {
        let validator = match self.schema.compiled() {
            Ok(validator) => validator,
            Err(error) => {
                let name = self.schema.name();
                return vec![Problem::in_file(code::BAD_SCHEMA, name, error.to_string())];
            }
        };
        let mut problems = Vec::new();
        for error in validator.iter_errors(json).take(MOST) {
            self.explain(&error, &mut problems);
        }
        problems
    }

    fn explain(&self, error: &ValidationError<'_>, problems: &mut Vec<Problem>) {
        let path: KeyPath = error.instance_path().into_iter().map(segment).collect();
        let sub = self.schema.at(&path).unwrap_or(&Json::Null);
        match error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                for name in unexpected {
                    let said = explain::unknown_key(self.schema, sub, &path, name);
                    problems.push(self.placed(said, Place::Key, &path.clone().key(name)));
                }
            }
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let said = explain::missing_key(self.schema, (sub, &path), error.instance(), name);
                problems.push(self.placed(said, Place::Key, &path.key(name)));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                if let Some(meant) = choice::meant(context, &error.instance_path().to_string()) {
                    for error in meant {
                        self.explain(error, problems);
                    }
                    return;
                }
                let case = self.case(&path, sub, error);
                let said = choice::none_fits(self.schema, &case, context);
                problems.push(self.placed(said, Place::Value, &path));
            }
            Kind::PropertyNames { error } => {
                let name = error.instance().as_str().unwrap_or_default().to_owned();
                let said = explain::bad_name(&path, &name, error.kind());
                problems.push(self.placed(said, Place::Key, &path.key(name)));
            }
            _ => {
                let case = self.case(&path, sub, error);
                let said = explain::broken_rule(&case, error.kind());
                problems.push(self.placed(said, Place::Value, &path));
            }
        }
    }

    fn case<'c>(
        &self,
        path: &'c KeyPath,
        schema: &'c Json,
        error: &'c ValidationError<'_>,
    ) -> Case<'c> {
        let secret = self.schema.is_secret(path);
        Case {
            path,
            schema,
            value: (!secret).then(|| error.instance().as_ref()),
        }
    }

    /// `2.0` is an integer for JSON Schema, but not for whoever reads it as one.
    fn find_fractions(&self, node: Node<'_>, path: &mut Vec<Segment>, found: &mut Vec<Problem>) {
        let whole = |number: &f64| number.fract() == 0.0;
        let number = node.value().and_then(Value::as_float);
        if let Some(number) = number.filter(whole) {
            let path = KeyPath::from(path.as_slice());
            if self.schema.at(&path).is_some_and(is_whole) {
                let said = explain::fraction(&path, number);
                found.push(self.placed(said, Place::Value, &path));
            }
        }
        for (segment, node) in node.children() {
            path.push(segment);
            self.find_fractions(node, path, found);
            path.pop();
        }
    }

    fn placed(&self, problem: Problem, place: Place, path: &KeyPath) -> Problem {
        let problem = problem.path(path);
        match self.places.find(place, path) {
            Spot::In(document, path) => {
                let span = document.span(place, path.segments());
                let mut known = self.secrets.borrow_mut();
                let secrets = known
                    .entry(document.name().to_owned())
                    .or_insert_with(|| secrets(document, self.schema));
                let problem = problem.found_in_hiding(document.source(), span, secrets);
                document.in_names_as_written(problem)
            }
            Spot::File(file) => Problem { file, ..problem },
        }
    }
}

/// Whether only whole numbers are allowed.
fn is_whole(sub: &Json) -> bool {
    match sub.get("type") {
        Some(Json::String(one)) => one == "integer",
        Some(Json::Array(many)) => {
            let has = |name: &str| many.iter().any(|one| one == name);
            has("integer") && !has("number")
        }
        _ => false,
    }
}

fn segment(segment: LocationSegment<'_>) -> Segment {
    match segment {
        LocationSegment::Property(name) => Segment::Key(name.into_owned()),
        LocationSegment::Index(index) => Segment::Index(index),
    }
}
