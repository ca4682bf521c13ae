//! `config`
mod apply;
mod blame;
mod by;
mod change;
mod diff;
mod drift;
mod edit;
mod editor;
mod get;
mod history;
mod list;
mod meanwhile;
mod migrate;
mod range;
pub(super) mod rendering;
mod rule;
mod schema;
mod set;
mod target;
mod unset;
mod validate;

use clap::Subcommand;

use super::{Answer, Context};
use crate::failure::Failure;

/// Read and change configuration, key by key
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(get::Args),
    Set(set::Args),
    Unset(unset::Args),
    Edit(edit::Args),
    List(list::Args),
    Validate(validate::Args),
    Diff(diff::Args),
    History(history::Args),
    Blame(blame::Args),
    Schema(schema::Args),
    Apply(apply::Args),
    Drift(drift::Args),
    Migrate(migrate::Args),
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.command {
        Command::Get(args) => get::run(cx, args),
        Command::Set(args) => set::run(cx, args),
        Command::Unset(args) => unset::run(cx, args),
        Command::Edit(args) => edit::run(cx, args),
        Command::List(args) => list::run(cx, args),
        Command::Validate(args) => validate::run(cx, args),
        Command::Diff(args) => diff::run(cx, args),
        Command::History(args) => history::run(cx, args),
        Command::Blame(args) => blame::run(cx, args),
        Command::Schema(args) => schema::run(cx, args),
        Command::Apply(args) => apply::run(cx, args),
        Command::Drift(args) => drift::run(cx, args),
        Command::Migrate(args) => migrate::run(cx, args),
    }
}
