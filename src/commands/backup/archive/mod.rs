//! `backup export`, `backup import` and `backup archive`: snapshots outside of vaults.
mod catalogue;
mod expire;
pub(super) mod export;
mod folder;
mod format;
pub(super) mod import;
mod input;
mod list;
mod output;
mod seal;
pub(super) mod stdin;
mod verify;

use crate::commands::{Answer, Context};
use crate::failure::Failure;

/// Look after what was exported: where it went, whether it is whole, when it expires
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(list::Args),
    Verify(verify::Args),
    Expire(expire::Args),
    Forget(expire::ForgetArgs),
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.verb {
        Verb::List(args) => list::run(cx, args),
        Verb::Verify(args) => verify::run(cx, args),
        Verb::Expire(args) => expire::run(cx, args),
        Verb::Forget(args) => expire::forget(cx, args),
    }
}
