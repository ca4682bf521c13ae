//! Random documents: what is set and unset again leaves no trace.
use proptest::prelude::*;
use toml_edit::Value;

use super::{set, unset};
use crate::document::{Document, KeyPath};

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]",
        1 => "[a-z][a-z_-]{0,6}",
        1 => r#""[ a-c.é#="]{0,4}""#.prop_map(|text| format!("\"{}\"", text.trim_matches('"').replace('"', ""))),
        1 => "'[a-c .]{0,3}'",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i16>().prop_map(|number| number.to_string()),
        Just("1.50".to_owned()),
        Just("true".to_owned()),
        Just("2026-01-31T12:00:00Z".to_owned()),
        Just("\"a # b = \\\"c\\\"\"".to_owned()),
        Just("'it'".to_owned()),
        Just("\"\"\"\none\n[two]\n\"\"\"".to_owned()),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let items = inner.clone();
        let list = || prop::collection::vec(items.clone(), 0..3);
        let pairs = prop::collection::vec((name(), inner), 0..3);
        prop_oneof![
            list().prop_map(|items| format!("[{}]", items.join(", "))),
            list().prop_map(|items| format!("[\n  {} # why\n]", items.join(",\n  "))),
            pairs.prop_map(|pairs| {
                let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k} = {v}")).collect();
                format!("{{ {} }}", pairs.join(", "))
            }),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    let key = || prop::collection::vec(name(), 1..3).prop_map(|names| names.join("."));
    prop_oneof![
        5 => (key(), value(), "( |\t)?(# c)?").prop_map(|(k, v, end)| format!("{k} = {v}{end}")),
        2 => key().prop_map(|key| format!("[{key}]")),
        1 => key().prop_map(|key| format!("[[{key}]]  # x")),
        1 => "( |\t)?#[ a-z]{0,5}",
        1 => "( |\t)?",
    ]
}

/// Documents that are TOML: of random lines, those that fit.
fn text() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(line(), 0..12);
    let ends = prop_oneof![Just("\n"), Just("\r\n")];
    (lines, ends, any::<bool>(), any::<bool>()).prop_map(|(lines, end, closed, marked)| {
        let mut kept: Vec<String> = Vec::new();
        for line in lines {
            kept.push(line.replace('\n', end));
            if Document::parse("f", &kept.join(end)).is_err() {
                kept.pop();
            }
        }
        let mark = if marked { "\u{feff}" } else { "" };
        let last = if closed { end } else { "" };
        format!("{mark}{}{last}", kept.join(end))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_set_and_taken_out_again_leaves_no_trace(text in text(), number in any::<i32>()) {
        let key = KeyPath::parse("quite-new").unwrap();
        let with = set("f", &text, &key, &Value::from(i64::from(number))).unwrap();
        prop_assert_eq!(unset("f", &with, &key).unwrap(), text);
    }

    #[test]
    fn what_is_changed_and_changed_back_is_as_it_was(text in text(), pick in any::<prop::sample::Index>()) {
        let document = Document::parse("f", &text).unwrap();
        let leaves = super::suite::leaves_of(&document);
        if leaves.is_empty() {
            return Ok(());
        }
        let key = pick.get(&leaves);
        let old = document.value(key).unwrap();
        let changed = set("f", &text, key, &Value::from("quite new")).unwrap();
        let back = set("f", &changed, key, &old).unwrap();
        // The style of a text or a list may differ: all else is the same.
        prop_assert_eq!(
            Document::parse("f", &back).unwrap().to_json(),
            document.to_json()
        );
        let again = set("f", &back, key, &Value::from("quite new")).unwrap();
        prop_assert_eq!(set("f", &again, key, &old).unwrap(), back);
    }

    #[test]
    fn a_key_anywhere_can_be_set_or_is_refused(text in text(), path in prop::collection::vec("[a-d]", 1..4)) {
        let key: KeyPath = path.iter().map(|name| name.as_str().into()).collect();
        if let Ok(edited) = set("f", &text, &key, &Value::from(7)) {
            let json = Document::parse("f", &edited).unwrap().to_json();
            let found = path.iter().try_fold(&json, |json, name| json.get(name));
            prop_assert_eq!(found, Some(&serde_json::json!(7)));
            unset("f", &edited, &key).unwrap();
        }
    }
}
