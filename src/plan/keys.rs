//! The configuration, as the plan sees it.
use std::collections::BTreeMap;

use super::name::is_meant;

/// What a configuration value means to a step that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Another value builds another result.
    #[default]
    Builds,
    /// As `Builds`, and the value must not be written down: its hash is.
    Secret,
    /// The result is the same, whatever the value (`"x-buildkeep-affects": "nothing"`).
    Nothing,
}

/// An effective configuration value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// As a script gets to see it: strings without quotes.
    pub text: String,
    /// What it means to a step.
    pub effect: Effect,
    /// The steps that it makes stale, whether they read it or not; without a list those that read
    /// it. `*` stands for anything (`"x-buildkeep-affects": ["kernel", "chapter10/*"]`).
    pub steps: Option<Vec<String>>,
    /// What is written down of a secret in place of its value.
    pub mark: Option<String>,
}

impl Value {
    /// Whether a step that reads it is built from it.
    pub(super) fn counts_for(&self, step: &str) -> bool {
        let named = self.steps.as_ref();
        named.is_none_or(|steps| steps.iter().any(|pattern| is_meant(step, pattern)))
    }
}

/// The effective configuration: all keys that have a value, by dotted name.
#[derive(Clone, Debug, Default)]
pub struct Keys(BTreeMap<String, Value>);

impl Keys {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// All keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The keys that name the steps they make stale.
    pub(super) fn with_steps(&self) -> impl Iterator<Item = (&str, &Value)> {
        let named = self.0.iter().filter(|(_, value)| value.steps.is_some());
        named.map(|(key, value)| (key.as_str(), value))
    }

    /// `prefix` itself, and all keys below it.
    pub(super) fn below<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let is_below = move |key: &str| {
            key.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.0
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix))
            .filter(move |(key, _)| is_below(key))
            .map(|(key, value)| (key.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for Keys {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_ends_at_dots() {
        let keys: Keys = ["build", "build-x", "build.a", "build.b.c", "builder", "c"]
            .map(|key| {
                let value = Value {
                    text: String::new(),
                    effect: Effect::Builds,
                    steps: None,
                    mark: None,
                };
                (key.to_owned(), value)
            })
            .into_iter()
            .collect();
        let below: Vec<_> = keys.below("build").map(|(key, _)| key).collect();
        assert_eq!(below, ["build", "build.a", "build.b.c"]);
    }
}
