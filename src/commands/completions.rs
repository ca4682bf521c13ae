//! `completions`
use clap_complete::Shell;

use super::{Answer, Context};
use crate::failure::Failure;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell
    shell: Shell,
}

/// Runs the command; `cli` is the whole command line.
pub fn run(cx: &mut Context, args: &Args, mut cli: clap::Command) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "buildkeep", &mut script);
    cx.ui.raw(&script)?;
    Ok(Answer::Yes)
}
