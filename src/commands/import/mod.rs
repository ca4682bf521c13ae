//! `import`
mod jhalfs;
mod log;

use super::{Answer, Context};
use crate::failure::Failure;

/// Take over what is known from elsewhere
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    Jhalfs(jhalfs::Args),
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    match &args.from {
        From::Jhalfs(args) => jhalfs::run(cx, args),
    }
}
