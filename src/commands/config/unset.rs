//! `config unset`
use super::super::configuration::key;
use super::super::{Answer, Context};
use super::change::{How, change};
use crate::config::edit::{Change, Wish};
use crate::failure::Failure;

/// Take keys out of their files, and say what holds now
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The keys, as `build.jobs`
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let wish = |typed: &String| {
        let key = key(typed)?;
        Ok(Wish {
            key,
            change: Change::Unset,
        })
    };
    let wishes: Result<Vec<Wish>, Failure> = args.keys.iter().map(wish).collect();
    change(cx, &wishes?, &args.how)
}
