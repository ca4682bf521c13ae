//! Odd lines, as they are shown.
use snapbox::{assert_data_eq, str};

use super::{Document, Schema, render};

fn shown(text: &str) -> String {
    let json = serde_json::json!({"properties": {"a": {"type": "integer"}, "x": {}}});
    let schema = Schema::from_json("s", json).unwrap();
    let problems = match Document::parse("f.toml", text) {
        Ok(document) => document.validate(&schema),
        Err(problem) => vec![problem],
    };
    anstream::adapter::strip_str(&render(&problems)).to_string()
}

#[test]
fn tabs_and_wide_characters_are_marked_where_they_are() {
    assert_data_eq!(
        shown("x = \"日本語\"\n\ta\t=\t\"日本\" # 語\r\n"),
        str![[r#"
error[K004]: `a` must be a whole number, not text
 --> f.toml:2:6
  |
2 |     a    =    "日本" # 語
  |               ^^^^^^
"#]]
    );
    assert_data_eq!(
        shown("\u{feff}a = \"ä\"\r\nx = 1\r\n"),
        str![[r#"
error[K004]: `a` must be a whole number, not text
 --> f.toml:1:5
  |
1 | a = "ä"
  |     ^^^
"#]]
    );
}

#[test]
fn a_long_line_is_shown_around_its_place() {
    let text = format!(
        "x = {{ y = \"{}\", a = 1 }}\na = \"{}\"\n",
        "z".repeat(5000),
        "y".repeat(9000)
    );
    assert_data_eq!(
        shown(&text),
        str![[r#"
error[K004]: `a` must be a whole number, not text
 --> f.toml:2:5
  |
2 | a = "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
"#]]
    );
    let far = format!(
        "x = [{}, nan, {}]\n",
        "1, ".repeat(3000).trim_end_matches(", "),
        "2, ".repeat(3000)
    );
    assert_data_eq!(
        shown(&far),
        str![[r#"
error[K010]: `x[3000]` must be a finite number
 --> f.toml:1:9006
  |
1 | ...1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, nan, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,...
  |                                                                   ^^^
"#]]
    );
}

#[test]
fn control_characters_and_what_is_no_number() {
    assert_data_eq!(
        shown("x = [nan]\n"),
        str![[r#"
error[K010]: `x[0]` must be a finite number
 --> f.toml:1:6
  |
1 | x = [nan]
  |      ^^^
"#]]
    );
    assert_data_eq!(
        shown("a = \"\u{1b}[31m\"\n"),
        str![[r#"
error[K001]: a control character
 --> f.toml:1:6
  |
1 | a = "␛[31m"
  |      ^
  |
  = help: in text in double quotes write `/u001b`
"#]]
    );
    assert_data_eq!(
        shown("a = \"\\u001b[31m\u{202e}\"\n"),
        str![[r#"
error[K004]: `a` must be a whole number, not text
 --> f.toml:1:5
  |
1 | a = "/u001b[31m�"
  |     ^^^^^^^^^^^^^
"#]]
    );
}
