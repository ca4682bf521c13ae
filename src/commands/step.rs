//! `step`: what scripts call, to tell how far they are.
//!
//! It is answered without a keep, a configuration or even a current folder: whatever is wrong with
//! those is no reason for a build to fail.
use std::ffi::OsString;

use crate::run::{Told, tell_substep};
use crate::world::{Clock, Env};

/// In a script: tell that a part of the step begins
///
/// What runs, and what it takes, is then shown by name, and the time left known better. Does nothing
/// where no buildkeep listens, and never fails. Where there is no buildkeep, in a chroot say, this does
/// the same: echo NAME >> "${BUILDKEEP_EVENTS:-/dev/null}"
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What begins
    #[arg(value_name = "NAME", allow_hyphen_values = true)]
    name: Option<OsString>,
    /// More words of its name
    #[arg(value_name = "WORD", hide = true)]
    words: Vec<OsString>,
    /// How many parts there are in all
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    of: Option<OsString>,
    /// The part is over, and none begins
    #[arg(long)]
    done: bool,
}

/// Tells it to whoever listens.
pub fn run(args: &Args, env: &Env, clock: &Clock) {
    let Some(events) = env.path("BUILDKEEP_EVENTS") else {
        return;
    };
    let words = args.name.iter().chain(&args.words);
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let of = args.of.as_ref().and_then(|of| of.to_str());
    let told = Told {
        name: &words.join(" "),
        of: of.and_then(|of| of.trim().parse().ok()),
        is_end: args.done,
    };
    // A script has no use for knowing that it was not heard.
    let _ = tell_substep(&events, &told, clock.since_boot());
}
