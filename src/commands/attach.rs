//! `attach`
use super::{Answer, Context, run};
use crate::failure::Failure;

/// Watch the run that goes on; Ctrl-C leaves it alone again
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(cx: &mut Context, Args {}: &Args) -> Result<Answer, Failure> {
    run::attach(cx)
}
