//! `helper`: what our own processes start, never a person.
use std::path::PathBuf;

use clap::Subcommand;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::run::{Helper, StopReason};

/// Which helper, and for which attempt.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the attempt
    attempt: PathBuf,
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Start the attempt and keep its log
    Keeper,
    /// Take charge of an attempt that was left alone
    Adopt,
    /// Start the script and wait for it
    Shim {
        /// The process number of the keeper
        keeper: i32,
    },
    /// Become the script
    Launch,
    /// Stop the script
    Stop {
        /// Why
        #[arg(value_enum)]
        reason: Reason,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Reason {
    Asked,
    Timeout,
}

/// Does a helper's work; ends the process itself where the exit code is the script's.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the process stands in for a script and ends with its code; nothing is left to drop"
)]
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let helper = match args.role {
        Role::Keeper => Helper::Keeper,
        Role::Adopt => Helper::Adopt,
        Role::Shim { keeper } => Helper::Shim(keeper),
        Role::Launch => Helper::Launch,
        Role::Stop { reason } => Helper::Stop(match reason {
            Reason::Asked => StopReason::Asked,
            Reason::Timeout => StopReason::Timeout,
        }),
    };
    match helper.run(&args.attempt, &cx.world.clock) {
        0 => Ok(Answer::Yes),
        1 => Ok(Answer::No),
        code => std::process::exit(code.into()),
    }
}
