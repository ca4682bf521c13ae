//! Walking a parsed text: to JSON, and from a path to its place.
use std::ops::Range;

use serde_json::{Map, Value as Json, json};
use toml_edit::{Item, Table, TableLike, Value};

use super::key_path::{KeyPath, Segment};

/// A table, list or value somewhere in a text.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    Item(&'a Item),
    Table(&'a Table),
    Value(&'a Value),
}

/// What a path leads to.
pub(super) struct Found<'a> {
    /// Where the last key of the path stands; nothing for items of lists.
    pub(super) key: Option<Range<usize>>,
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn table(self) -> Option<&'a dyn TableLike> {
        match self {
            Self::Item(item) => item.as_table_like(),
            Self::Table(table) => Some(table),
            Self::Value(value) => value.as_inline_table().map(|table| table as _),
        }
    }

    pub(super) fn value(self) -> Option<&'a Value> {
        match self {
            Self::Item(item) => item.as_value(),
            Self::Table(_) => None,
            Self::Value(value) => Some(value),
        }
    }

    /// Where it stands: a value itself, a table's header.
    pub(super) fn span(self) -> Option<Range<usize>> {
        match self {
            Self::Item(item) => item.span(),
            Self::Table(table) => table.span(),
            Self::Value(value) => value.span(),
        }
    }

    pub(super) fn child(self, segment: &Segment) -> Option<Found<'a>> {
        match segment {
            Segment::Key(name) => {
                let (key, item) = self.table()?.get_key_value(name)?;
                Some(Found {
                    key: key.span(),
                    node: Node::Item(item),
                })
            }
            Segment::Index(index) => self.items().nth(*index),
            Segment::Named(name) => self.items().find(|item| item.node.is_named(name)),
        }
    }

    /// All that is right below: of a table by name, of a list by number.
    pub(super) fn children(self) -> impl Iterator<Item = (Segment, Node<'a>)> {
        let fields = self.table().into_iter().flat_map(|table| table.iter());
        let fields = fields.map(|(key, item)| (Segment::from(key), Node::Item(item)));
        let items = self.items().enumerate();
        fields.chain(items.map(|(index, found)| (Segment::from(index), found.node)))
    }

    /// The items of a list, of either kind.
    pub(super) fn items(self) -> Box<dyn Iterator<Item = Found<'a>> + 'a> {
        let found = |node| Found { key: None, node };
        let value = match self {
            Self::Item(Item::ArrayOfTables(tables)) => {
                return Box::new(tables.iter().map(move |table| found(Node::Table(table))));
            }
            other => other.value(),
        };
        match value {
            Some(Value::Array(array)) => {
                Box::new(array.iter().map(move |value| found(Node::Value(value))))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    fn is_named(self, name: &str) -> bool {
        let text = |key| self.table().and_then(|table| table.get(key)?.as_str());
        text("id").or_else(|| text("name")) == Some(name)
    }
}

/// Follows `path` as far as it leads: the last thing found, and how many segments led there.
pub(super) fn follow<'a>(root: &'a Table, path: &[Segment]) -> (Found<'a>, usize) {
    let mut found = Found {
        key: None,
        node: Node::Table(root),
    };
    for (depth, segment) in path.iter().enumerate() {
        match found.node.child(segment) {
            Some(child) => found = child,
            None => return (found, depth),
        }
    }
    (found, path.len())
}

/// Whether any number with a fraction, here or below, fulfils `is`.
pub(super) fn any_float(node: Node<'_>, is: &dyn Fn(f64) -> bool) -> bool {
    if let Some(table) = node.table() {
        return table
            .iter()
            .any(|(_, item)| any_float(Node::Item(item), is));
    }
    match node.value() {
        Some(Value::Float(number)) => is(*number.value()),
        Some(Value::Array(_)) | None => node.items().any(|item| any_float(item.node, is)),
        Some(_) => false,
    }
}

/// The value as JSON; date and time become text.
pub(super) fn to_json(node: Node<'_>) -> Json {
    if let Some(table) = node.table() {
        let fields = table.iter();
        let fields = fields.map(|(key, item)| (key.to_owned(), to_json(Node::Item(item))));
        return Json::Object(fields.collect::<Map<_, _>>());
    }
    match node.value() {
        Some(Value::String(text)) => json!(text.value()),
        Some(Value::Integer(number)) => json!(number.value()),
        Some(Value::Float(number)) => json!(number.value()),
        Some(Value::Boolean(flag)) => json!(flag.value()),
        Some(Value::Datetime(time)) => json!(time.value().to_string()),
        _ => node.items().map(|item| to_json(item.node)).collect(),
    }
}

/// The values of all keys; a list is one value.
pub(super) fn leaves(json: &Json) -> Vec<(KeyPath, Json)> {
    let mut found = Vec::new();
    collect(json, &KeyPath::root(), &mut found);
    found
}

fn collect(json: &Json, path: &KeyPath, found: &mut Vec<(KeyPath, Json)>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                collect(value, &path.clone().key(key), found);
            }
        }
        _ => found.push((path.clone(), json.clone())),
    }
}
