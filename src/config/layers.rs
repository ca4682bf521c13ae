//! Every layer's value of every key, those that do not hold too.
use serde::Serialize;
use serde_json::Value as Json;

use super::effective::strata_in;
use super::sources::{is_form, leaves, value_at};
use super::{Error, Origin, Scope, Sources};
use crate::document::KeyPath;

/// What one layer says of a key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Given {
    /// The key.
    pub key: String,
    /// The value in this layer.
    pub value: Json,
    /// Where it stands.
    pub origin: Origin,
    /// Whether it is the value that holds, or part of it.
    pub holds: bool,
}

/// What the layers in `scope` say of the keys at or below `table`: by key, the strongest last.
pub fn given(sources: &Sources, scope: &Scope, table: &KeyPath) -> Result<Vec<Given>, Error> {
    let strata = strata_in(sources, scope).map_err(Error::Invalid)?;
    let merged = strata.merged();
    let mut found: Vec<(KeyPath, usize, Given)> = Vec::new();
    for (at, stratum) in strata.iter().enumerate() {
        let keys = leaves(stratum.json()).into_iter();
        for key in keys.filter(|key| key.starts_with(table) && !is_form(key)) {
            let Some(value) = value_at(stratum.json(), &key) else {
                continue;
            };
            let given = Given {
                key: key.to_string(),
                value: value.clone(),
                origin: strata.origin(at, &key),
                holds: merged.from.get(&key).is_some_and(|from| from.has(at)),
            };
            found.push((key, at, given));
        }
    }
    found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    Ok(found.into_iter().map(|(_, _, given)| given).collect())
}
