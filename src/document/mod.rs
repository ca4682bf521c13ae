//! A TOML text with spans: checked by a JSON Schema, every problem led back to its place.
