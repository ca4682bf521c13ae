//! `config unset`
use super::super::{Answer, Context};
use super::set::{How, change};
use crate::config::edit::Wish;
use crate::failure::Failure;

/// Take a key out of its file, so that the default holds again
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The key, as `build.jobs`
    key: String,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    change(cx, &args.key, Wish::Unset, &args.how)
}
