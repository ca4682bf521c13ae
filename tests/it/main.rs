//! The one integration test binary.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests prepare their own world")]

mod apply;
mod apply_edges;
mod check;
mod commit;
mod config;
mod config_change;
mod config_edit;
mod config_items;
mod config_layers;
mod config_schema;
mod config_set;
mod config_values;
mod demo;
mod doctor;
mod env;
mod explain;
mod fuzz;
mod history;
mod hooks;
mod json;
mod keep;
mod kill;
mod layers;
mod migrate;
mod model;
mod modes;
mod parallel;
mod places;
mod plan;
mod quiet;
mod reference;
mod remote;
mod rollback;
mod run;
mod secret_programs;
mod secrets;
mod shallow;
mod site;
mod status;
mod supervise;
mod trouble;
mod undo;
mod undo_reach;
mod vault;
