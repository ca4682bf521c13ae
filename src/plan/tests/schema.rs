//! plan.schema.json against what the code reads.
use serde_json::json;

use super::super::runs_as::RawRunsAs;
use super::super::settings::{DEFAULT_SCRIPTS, Raw, RawDefaults, RawStep, SCHEMA};
use super::*;
use crate::document::Schema;
use crate::document::fields::{fields_of, keys_of};

fn schema() -> Schema {
    Schema::parse("plan.schema.json", SCHEMA).unwrap()
}

#[test]
fn the_schema_knows_the_keys_that_are_read_and_no_others() {
    let schema = schema();
    let read = |mut own: Vec<&'static str>| {
        own.extend(fields_of::<RawRunsAs>());
        own.retain(|field| *field != "runs_as");
        own.sort_unstable();
        own
    };
    let mut plan = fields_of::<Raw>();
    plan.push("schema");
    assert_eq!(keys_of(&schema, ""), read(plan));
    assert_eq!(keys_of(&schema, "step[0]"), read(fields_of::<RawStep>()));
    let defaults = read(fields_of::<RawDefaults>());
    assert_eq!(keys_of(&schema, "defaults[0]"), defaults);
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
    assert_eq!(properties["throttle"]["default"], true);
    assert_eq!(properties["order"]["default"], "loose");
    assert_eq!(Counts::default(), Counts::Loose);
    let defaults = SCHEMA.matches("\"default\":").count();
    assert_eq!(defaults, 4, "each default is compared here");
}
