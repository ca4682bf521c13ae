//! `secret`
mod guard;
mod list;
pub(super) mod reveal;
mod scan;
mod set;

pub(super) use guard::{
    found_in, in_message, refuse, refuse_among, refuse_changes, refuse_message,
};

use clap::Subcommand;

use super::{Answer, Context};
use crate::failure::Failure;

/// Look after secrets: where they come from, and that none is committed
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Set(set::Args),
    Scan(scan::Args),
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.command {
        Command::List(args) => list::run(cx, args),
        Command::Set(args) => set::run(cx, args),
        Command::Scan(args) => scan::run(cx, args),
    }
}
