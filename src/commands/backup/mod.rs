//! `backup`
mod archive;
mod cat;
mod create;
mod diff;
mod find;
mod forget;
mod hooks;
mod list;
mod optimize;
mod push;
mod repair;
mod restore;
mod sets;
mod show;
mod verify;

pub(super) use list::Snapshots;
pub(super) use restore::{
    Args as RestoreArgs, examples, refuse_of_other, refuse_partial, run as restore,
};

use super::{Answer, Context};
use crate::failure::Failure;

/// Take, look into, verify and restore snapshots of whole folders
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Diff(diff::Args),
    Find(find::Args),
    Cat(cat::Args),
    Verify(verify::Args),
    Repair(repair::Args),
    Restore(restore::Args),
    Forget(forget::Args),
    Optimize(optimize::Args),
    Push(push::Args),
    Export(Box<archive::export::Args>),
    Import(archive::import::Args),
    Archive(archive::Args),
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.verb {
        Verb::Create(args) => create::run(cx, args),
        Verb::List(args) => list::run(cx, args),
        Verb::Show(args) => show::run(cx, args),
        Verb::Diff(args) => diff::run(cx, args),
        Verb::Find(args) => find::run(cx, args),
        Verb::Cat(args) => cat::run(cx, args),
        Verb::Verify(args) => verify::run(cx, args),
        Verb::Repair(args) => repair::run(cx, args),
        Verb::Restore(args) => restore::run(cx, args),
        Verb::Forget(args) => forget::run(cx, args),
        Verb::Optimize(args) => optimize::run(cx, args),
        Verb::Push(args) => push::run(cx, args),
        Verb::Export(args) => archive::export::run(cx, args),
        Verb::Import(args) => archive::import::run(cx, args),
        Verb::Archive(args) => archive::run(cx, args),
    }
}
