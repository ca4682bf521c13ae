//! What must hold for any input: called by the fuzz targets, and by `tests/it/fuzz.rs` for every
//! file of the corpus.
use buildkeep::document::{Document, KeyPath, Problem, Schema, Value, hidden_lines, render};
use buildkeep::document::{set, unset};
use buildkeep::store::{Message, journal};

/// A schema with a rule of every sort, for inputs that bring none.
const SCHEMA: &str = r##"{
  "type": "object", "additionalProperties": false, "required": ["schema"],
  "properties": {
    "schema": {"const": 1},
    "mode": {"enum": ["fast", "careful"]},
    "build": {"type": "object", "minProperties": 1, "properties": {
      "jobs": {"type": "integer", "minimum": 1, "maximum": 64, "multipleOf": 2},
      "flags": {"type": "array", "items": {"type": "string", "minLength": 2}, "uniqueItems": true, "contains": {"const": "-O2"}},
      "target": {"type": "string", "pattern": "^[a-z0-9_-]+$", "format": "hostname"},
      "source": {"anyOf": [{"type": "string"}, {"type": "array", "prefixItems": [{"type": "integer"}]}]}
    }, "dependentRequired": {"jobs": ["target"]}, "not": {"required": ["flags", "source"]}},
    "mirror": {"type": "object", "patternProperties": {"^t": {"type": "string", "x-buildkeep-secret": true}},
      "propertyNames": {"maxLength": 9}},
    "host": {"type": "array", "items": {"$ref": "#/$defs/host"}}
  },
  "if": {"properties": {"mode": {"const": "fast"}}}, "then": {"required": ["build"]},
  "$defs": {"host": {"oneOf": [
    {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}, "unevaluatedProperties": false},
    {"type": "object", "required": ["port"], "properties": {"port": {"exclusiveMaximum": 65536}}}]}}
}"##;

/// Stands between a TOML text and a schema of its own.
const BETWEEN: &str = "\n%%\n";

/// A TOML text, perhaps with its schema: every problem has a place, and nothing panics.
pub(crate) fn validator(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (toml, schema) = text.split_once(BETWEEN).unwrap_or((&text, SCHEMA));
    let bytes = if schema == SCHEMA {
        data
    } else {
        toml.as_bytes()
    };
    let Ok(schema) = Schema::parse("s.schema.json", schema) else {
        return;
    };
    let partial = schema.partial();
    for schema in [&schema, &partial] {
        let problems = match Document::parse_bytes("f.toml", bytes) {
            Ok(document) => document.validate(schema),
            Err(problem) => vec![schema.redact(problem)],
        };
        shown(&problems);
    }
    hidden_lines(toml, &schema);
    schema.defaults();
    schema.keys();
}

fn shown(problems: &[Problem]) {
    for problem in problems {
        assert!(problem.line > 0 && problem.column > 0, "{problem:?}");
        assert!(!problem.code.is_empty() && !problem.message.is_empty());
    }
    let text = render(problems);
    assert_eq!(text.is_empty(), problems.is_empty());
}

/// A key, a value and a text, a line each but for the text: an edit changes that key only.
pub(crate) fn edit(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\n');
    let (Some(key), Some(value), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    let Ok(key) = KeyPath::parse(key) else { return };
    assert_eq!(KeyPath::parse(&key.to_string()), Ok(key.clone()));
    let value: Value = value.parse().unwrap_or_else(|_| Value::from(value));
    let Ok(before) = Document::parse("f", text) else {
        assert!(set("f", text, &key, &value).is_err());
        return;
    };
    if let Ok(edited) = set("f", text, &key, &value) {
        let after = Document::parse("f", &edited).expect("an edited text can be read");
        assert!(after.json_at(&key).is_some());
        assert_eq!(
            set("f", &edited, &key, &value),
            Ok(edited.clone()),
            "once is enough"
        );
        if before.json_at(&key).is_none() {
            let back = unset("f", &edited, &key).expect("what was added can be taken out");
            let back = Document::parse("f", &back).expect("and the text still be read");
            assert!(back.json_at(&key).is_none());
        }
    }
    if let Ok(edited) = unset("f", text, &key) {
        let after = Document::parse("f", &edited).expect("an edited text can be read");
        assert!(after.json_at(&key).is_none());
    }
}

/// The text of a commit: what is read prints as something that is read the same.
pub(crate) fn trailers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let message = Message::parse(&text);
    // Every commit of ours has facts, so that what people write is never the last paragraph.
    let facts = message.trailers.clone().with("Kind", "config");
    let ours = Message::new(text.as_ref(), facts);
    let again = Message::parse(&ours.to_string());
    assert_eq!(again.trailers, ours.trailers);
    for (key, _) in message.trailers.iter() {
        assert!(message.trailers.get(key).is_some());
    }
}

/// The bytes of a journal: whole events only, numbered from 1, which print as they were read.
pub(crate) fn journal(data: &[u8]) {
    let (events, whole) = journal::parse(data);
    assert!(whole <= data.len());
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    let printed: String = events.iter().map(journal::print).collect();
    let (again, length) = journal::parse(printed.as_bytes());
    assert_eq!(again, events);
    assert_eq!(length, printed.len());
}
