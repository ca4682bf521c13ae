//! Which fields serde reads of a type: what a schema must have, and no more.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::{KeyPath, Schema};

/// A deserializer that only listens.
struct Listener<'a>(&'a mut &'static [&'static str]);

#[derive(Debug)]
struct Heard;

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("heard")
    }
}

impl std::error::Error for Heard {}

impl serde::de::Error for Heard {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Heard;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Heard> {
        Err(Heard)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Heard> {
        *self.0 = fields;
        Err(Heard)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The fields of a struct, by name.
pub(crate) fn fields_of<'de, T: Deserialize<'de>>() -> Vec<&'static str> {
    let mut fields: &'static [&'static str] = &[];
    drop(T::deserialize(Listener(&mut fields)));
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    fields
}

/// The keys that a schema knows of the table at `path`, by name.
pub(crate) fn keys_of<'a>(schema: &'a Schema, path: &str) -> Vec<&'a str> {
    let path = match path {
        "" => KeyPath::root(),
        path => KeyPath::parse(path).unwrap(),
    };
    let mut keys = schema.names(schema.at(&path).unwrap());
    keys.sort_unstable();
    keys
}

#[test]
fn fields_are_heard() {
    #[derive(serde::Deserialize)]
    #[expect(dead_code, reason = "only its fields are of interest")]
    struct Two {
        second: u8,
        #[serde(rename = "type")]
        first: u8,
    }
    assert_eq!(fields_of::<Two>(), ["second", "type"]);
}
