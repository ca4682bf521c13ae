//! How a new value is written.
use toml_edit::Value;

/// The value on its own, without spaces around it.
pub(super) fn plain(value: &Value) -> String {
    value.clone().decorated("", "").to_string()
}

/// The value, written like the one it replaces: `'…'` stays `'…'`, a list of lines stays one.
pub(super) fn in_style_of(old: &str, value: &Value) -> String {
    match value {
        Value::String(text) if old.starts_with('\'') && !old.starts_with("'''") => {
            let text = text.value();
            let plain_enough = !text.contains('\'') && !text.contains(char::is_control);
            if plain_enough {
                format!("'{text}'")
            } else {
                plain(value)
            }
        }
        Value::Array(items) if old.starts_with('[') && old.contains('\n') => {
            one_a_line(old, items).unwrap_or_else(|| plain(value))
        }
        _ => plain(value),
    }
}

/// A list with the indentation and the line ends of `old`.
fn one_a_line(old: &str, items: &toml_edit::Array) -> Option<String> {
    let line_end = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let second = old.lines().nth(1)?;
    let indent = &second[..second.len() - second.trim_start().len()];
    let last = old.lines().last()?;
    let closing = &last[..last.len() - last.trim_start().len()];
    let one = |item| format!("{indent}{},{line_end}", plain(item));
    let lines: String = items.iter().map(one).collect();
    Some(format!("[{line_end}{lines}{closing}]"))
}
