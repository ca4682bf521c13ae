//! plan.schema.json against what the code reads.
use serde_json::json;

use super::super::settings::{DEFAULT_SCRIPTS, Raw, RawStep, SCHEMA};
use super::*;
use crate::document::Schema;
use crate::document::fields::{fields_of, keys_of};

fn schema() -> Schema {
    Schema::parse("plan.schema.json", SCHEMA).unwrap()
}

#[test]
fn the_schema_knows_the_keys_that_are_read_and_no_others() {
    let schema = schema();
    let mut read = fields_of::<Raw>();
    read.push("schema");
    read.sort_unstable();
    assert_eq!(keys_of(&schema, ""), read);
    assert_eq!(keys_of(&schema, "step[0]"), fields_of::<RawStep>());
}

#[test]
fn choices_and_defaults_are_those_of_the_code() {
    let schema = schema();
    let json = schema.json();
    let all = [Checkpoint::After, Checkpoint::Never];
    assert_eq!(json["$defs"]["checkpoint"]["enum"], json!(all));
    let properties = &json["properties"];
    assert_eq!(
        properties["checkpoint"]["default"],
        json!(Checkpoint::default())
    );
    assert_eq!(properties["scripts"]["default"], DEFAULT_SCRIPTS);
    let defaults = SCHEMA.matches("\"default\":").count();
    assert_eq!(defaults, 2, "each default is compared here");
}
