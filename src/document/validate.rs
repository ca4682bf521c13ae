//! What a schema has against a document.
use std::ops::Range;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use serde_json::Value as Json;

use super::choice;
use super::code;
use super::explain::{self, Case};
use super::key_path::{KeyPath, Segment};
use super::parse::Document;
use super::problem::{Place, Problem};
use super::schema::Schema;
use super::tree::{Node, any_float};

/// More problems than this help nobody.
const MOST: usize = 200;

pub(super) fn validate(document: &Document, schema: &Schema) -> Vec<Problem> {
    let validator = match schema.compiled() {
        Ok(validator) => validator,
        Err(error) => {
            return vec![Problem::in_file(
                code::BAD_SCHEMA,
                schema.name(),
                error.to_string(),
            )];
        }
    };
    let checked = Checked::new(document, schema);
    let mut problems = document.unusable();
    for error in validator.iter_errors(document.json()).take(MOST) {
        checked.explain(&error, &mut problems);
    }
    let root = Node::Table(document.root());
    if any_float(root, &|number| number.fract() == 0.0) {
        checked.find_fractions(root, &mut Vec::new(), &mut problems);
    }
    in_order(problems)
}

/// By place; of what is said twice about the same value, the plainest.
pub(super) fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    // No value at all, or one of the wrong type, breaks other rules too, which says nothing more.
    let rank = |problem: &Problem| match problem.code {
        code::NOT_A_VALUE => "",
        code::WRONG_TYPE => "K",
        other => other,
    };
    problems.sort_by(|a, b| {
        let place = |problem: &Problem| (problem.line, problem.column, problem.path.clone());
        (place(a), rank(a)).cmp(&(place(b), rank(b)))
    });
    problems.dedup_by(|a, b| (a.line, a.column, &a.path) == (b.line, b.column, &b.path));
    problems
}

/// Where the values stand that the schema marks secret, in order.
pub(super) fn secrets(document: &Document, schema: &Schema) -> Vec<Range<usize>> {
    Checked::new(document, schema).secrets
}

/// A document, its schema, and where its secrets stand.
struct Checked<'a> {
    document: &'a Document,
    schema: &'a Schema,
    secrets: Vec<Range<usize>>,
}

impl<'a> Checked<'a> {
    fn new(document: &'a Document, schema: &'a Schema) -> Self {
        let mut checked = Self {
            document,
            schema,
            secrets: Vec::new(),
        };
        if schema.has_secrets() {
            let mut secrets = Vec::new();
            let root = (Node::Table(document.root()), &mut Vec::new());
            checked.find_secrets(root, schema.root(), &mut secrets);
            secrets.sort_by_key(|span| span.start);
            checked.secrets = secrets;
        }
        checked
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
        let number = node.value().and_then(toml_edit::Value::as_float);
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

    fn find_secrets(
        &self,
        (node, path): (Node<'_>, &mut Vec<Segment>),
        sub: &Json,
        secrets: &mut Vec<Range<usize>>,
    ) {
        let all = Schema::marks_secret(sub);
        if all && node.value().is_some() {
            secrets.push(self.document.span(Place::Value, path));
            return;
        }
        for (segment, node) in node.children() {
            let sub = if all {
                Some(sub)
            } else {
                self.schema.child(sub, &segment)
            };
            if let Some(sub) = sub {
                path.push(segment);
                self.find_secrets((node, path), sub, secrets);
                path.pop();
            }
        }
    }

    fn placed(&self, problem: Problem, place: Place, path: &KeyPath) -> Problem {
        let span = self.document.span(place, path.segments());
        let problem = problem.path(path);
        let problem = problem.found_in_hiding(self.document.source(), span, &self.secrets);
        self.document.in_names_as_written(problem)
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
