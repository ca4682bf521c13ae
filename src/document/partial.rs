//! What a schema says of a part of a document: one layer of several.
use serde_json::{Map, Value as Json};

/// Rules that only a whole document must fulfil.
const WHOLE: &[&str] = &[
    "required",
    "minProperties",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "then",
    "else",
];

/// Keywords that hold schemas by name.
const NAMED: &[&str] = &["properties", "patternProperties", "$defs", "definitions"];

/// Keywords that hold values, which may look like schemas.
const VALUES: &[&str] = &["default", "const", "enum", "examples"];

/// The schema without what a part need not fulfil. Keys that exclude one another, or that choose
/// between forms, may come from different layers too.
pub(super) fn partial(schema: &Json) -> Json {
    let Json::Object(fields) = schema else {
        return schema.clone();
    };
    let mut kept = Map::new();
    for (keyword, value) in fields {
        let keyword = keyword.as_str();
        match keyword {
            _ if WHOLE.contains(&keyword) => {}
            "not" if needs_whole(value) => {}
            "oneOf" if needs_whole(value) => {
                kept.insert("anyOf".to_owned(), each(value));
            }
            _ if VALUES.contains(&keyword) => {
                kept.insert(keyword.to_owned(), value.clone());
            }
            _ if NAMED.contains(&keyword) => {
                kept.insert(keyword.to_owned(), by_name(value));
            }
            _ => {
                kept.insert(keyword.to_owned(), each(value));
            }
        }
    }
    Json::Object(kept)
}

fn each(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(partial).collect(),
        other => partial(other),
    }
}

fn by_name(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, schema)| (name.clone(), partial(schema)));
            Json::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// Whether a rule that only a whole document must fulfil is in it.
fn needs_whole(schema: &Json) -> bool {
    match schema {
        Json::Object(fields) => fields
            .iter()
            .any(|(keyword, value)| WHOLE.contains(&keyword.as_str()) || needs_whole(value)),
        Json::Array(items) => items.iter().any(needs_whole),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_rules_about_the_whole_go() {
        let schema = json!({
            "required": ["a"], "additionalProperties": false,
            "properties": {
                "required": {"type": "integer", "default": {"required": ["x"]}},
                "if": {"oneOf": [{"required": ["b"]}, {"type": "integer"}]},
                "one": {"oneOf": [{"const": 1}, {"const": 2}]}
            },
            "not": {"required": ["a", "b"]},
            "allOf": [{"minProperties": 1, "maxProperties": 9}],
            "$defs": {"x": {"dependentRequired": {"a": ["b"]}, "not": {"const": 3}}}
        });
        let part = json!({
            "additionalProperties": false,
            "properties": {
                "required": {"type": "integer", "default": {"required": ["x"]}},
                "if": {"anyOf": [{}, {"type": "integer"}]},
                "one": {"oneOf": [{"const": 1}, {"const": 2}]}
            },
            "allOf": [{"maxProperties": 9}],
            "$defs": {"x": {"not": {"const": 3}}}
        });
        assert_eq!(partial(&schema), part);
    }
}
