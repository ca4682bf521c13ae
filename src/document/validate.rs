//! What a schema has against a document.
use std::ops::Range;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use serde_json::Value as Json;

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
        checked.find_fractions(root, &KeyPath::root(), &mut problems);
    }
    problems.sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
    problems.dedup();
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
            checked.find_secrets(Node::Table(document.root()), &KeyPath::root(), &mut secrets);
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
                let said = explain::missing_key(self.schema, &path, name);
                problems.push(self.placed(said, Place::Key, &path.key(name)));
            }
            _ => {
                let secret = self.schema.is_secret(&path);
                let case = Case {
                    path: &path,
                    schema: sub,
                    value: (!secret).then(|| error.instance().as_ref()),
                };
                let said = explain::broken_rule(&case, error.kind());
                problems.push(self.placed(said, Place::Value, &path));
            }
        }
    }

    /// `2.0` is an integer for JSON Schema, but not for whoever reads it as one.
    fn find_fractions(&self, node: Node<'_>, path: &KeyPath, problems: &mut Vec<Problem>) {
        let whole = |number: &f64| number.fract() == 0.0;
        let number = node.value().and_then(toml_edit::Value::as_float);
        if let Some(number) = number.filter(whole) {
            let sub = self.schema.at(path);
            if sub.and_then(|sub| sub.get("type")) == Some(&Json::from("integer")) {
                let said = explain::fraction(path, number);
                problems.push(self.placed(said, Place::Value, path));
            }
        }
        each_child(node, path, |node, path| {
            self.find_fractions(node, path, problems);
        });
    }

    fn find_secrets(&self, node: Node<'_>, path: &KeyPath, secrets: &mut Vec<Range<usize>>) {
        let value = node.value().filter(|_| self.schema.is_secret(path));
        match value.and_then(toml_edit::Value::span) {
            Some(span) => secrets.push(span),
            None => each_child(node, path, |node, path| {
                self.find_secrets(node, path, secrets);
            }),
        }
    }

    fn placed(&self, problem: Problem, place: Place, path: &KeyPath) -> Problem {
        let span = self.document.span(place, path.segments());
        problem
            .path(path)
            .found_in_hiding(self.document.source(), span, &self.secrets)
    }
}

fn each_child(node: Node<'_>, path: &KeyPath, mut visit: impl FnMut(Node<'_>, &KeyPath)) {
    if let Some(table) = node.table() {
        for (key, item) in table.iter() {
            visit(Node::Item(item), &path.clone().key(key));
        }
    }
    for (index, item) in node.items().enumerate() {
        visit(item.node, &path.clone().item(index));
    }
}

fn segment(segment: LocationSegment<'_>) -> Segment {
    match segment {
        LocationSegment::Property(name) => Segment::Key(name.into_owned()),
        LocationSegment::Index(index) => Segment::Index(index),
    }
}
