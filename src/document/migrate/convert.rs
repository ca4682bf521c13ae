//! From a value to one of another type.
use serde::Deserialize;
use serde_json::Value as Json;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Integer,
    Number,
    Boolean,
    String,
    List,
}

/// The same value as another type; `by` stands between the items of a list that is one text.
///
/// The error is a fragment that says what the value is and cannot become.
pub(super) fn converted(value: &Json, to: Kind, by: Option<&str>) -> Result<Json, String> {
    let by = by.unwrap_or(" ");
    let found = match (to, value) {
        (Kind::List, Json::Array(_))
        | (Kind::String, Json::String(_))
        | (Kind::Boolean, Json::Bool(_))
        | (Kind::Number, Json::Number(_)) => Some(value.clone()),
        (Kind::List, Json::String(text)) => {
            let items = text
                .split(by)
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(items.map(Json::from).collect())
        }
        (Kind::List, Json::Bool(_) | Json::Number(_)) => Some(Json::Array(vec![value.clone()])),
        (Kind::String, Json::Array(items)) => {
            let items: Option<Vec<String>> = items.iter().map(single).collect();
            items.map(|items| Json::from(items.join(by)))
        }
        (Kind::String, other) => single(other).map(Json::from),
        (Kind::Integer, Json::Number(number)) => {
            whole(number.as_f64()).or(number.as_i64().map(Json::from))
        }
        (Kind::Integer, Json::String(text)) => text.trim().parse::<i64>().ok().map(Json::from),
        (Kind::Number, Json::String(text)) => {
            let number = text.trim().parse::<f64>().ok();
            number.filter(|number| number.is_finite()).map(Json::from)
        }
        (Kind::Boolean, other) => truth(other).map(Json::from),
        _ => None,
    };
    found.ok_or_else(|| format!("cannot become {}", to.words()))
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::String => "text",
            Self::List => "a list",
        }
    }
}

fn single(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn whole(number: Option<f64>) -> Option<Json> {
    let number = number.filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
    Some(Json::from(number as i64))
}

fn truth(value: &Json) -> Option<bool> {
    match single(value)?.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_what_they_can() {
        for (value, to, expected) in [
            (json!("8"), Kind::Integer, json!(8)),
            (json!(8.0), Kind::Integer, json!(8)),
            (json!("1.5"), Kind::Number, json!(1.5)),
            (json!("yes"), Kind::Boolean, json!(true)),
            (json!(0), Kind::Boolean, json!(false)),
            (json!(8), Kind::String, json!("8")),
            (json!("-O2  -g"), Kind::List, json!(["-O2", "-g"])),
            (json!(["-O2", "-g"]), Kind::String, json!("-O2 -g")),
        ] {
            assert_eq!(converted(&value, to, None), Ok(expected), "{value}");
        }
        assert_eq!(
            converted(&json!("a, b"), Kind::List, Some(",")),
            Ok(json!(["a", "b"]))
        );
    }

    #[test]
    fn what_cannot_become_it_says_so_without_the_value() {
        let error = converted(&json!("many"), Kind::Integer, None).unwrap_err();
        assert_eq!(error, "cannot become a whole number");
        assert!(converted(&json!(1.5), Kind::Integer, None).is_err());
        assert!(converted(&json!({}), Kind::List, None).is_err());
    }
}
