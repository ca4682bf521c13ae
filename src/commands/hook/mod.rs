//! `hook`: what the Git hooks of a keep call. Takes no lock, because Git holds its own.
//!
//! Git says which repository it works on, so neither `-C` nor a keep around the current folder
//! counts; and a hook may run in a repository that is no keep, where it has nothing to say.
mod arrived;
mod commit;
mod message;
mod push;
mod receive;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Read as _};

use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::{Called, Error};

/// Check what Git is about to do, or has done
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What Git does
    event: Event,
    /// What Git tells the hook
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Event {
    /// Check the staged files
    PreCommit,
    /// Check the result of a merge
    PreMergeCommit,
    /// Check the message of a commit
    CommitMsg,
    /// Check the branches named on standard input
    PrePush,
    /// Say if what was merged is not valid
    PostMerge,
    /// Say if what was checked out is not valid
    PostCheckout,
    /// Say if what was rewritten is not valid
    PostRewrite,
    /// Check the branches that are pushed here
    PreReceive,
}

/// Runs the command; the answer is no if Git should stop.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let called = match (Called::by_git(&cx.world.env, cx.cwd()), args.event) {
        (Err(error), Event::PreReceive) => return Err(error.into()),
        // Not a repository that a keep can be in.
        (Err(Error::Unsupported { .. }), _) => return Ok(Answer::Yes),
        (called, _) => called?,
    };
    match args.event {
        Event::PreCommit | Event::PreMergeCommit => commit::check(cx, &called),
        Event::CommitMsg => message::check(cx, &called, args.args.first()),
        Event::PrePush => push::check(cx, &called, args.args.first()),
        Event::PreReceive => receive::check(cx, &called),
        Event::PostCheckout => Ok(arrived::after_checkout(cx, &called, &args.args)),
        Event::PostMerge => Ok(arrived::after_merge(cx, &called)),
        Event::PostRewrite => Ok(arrived::after_rewrite(cx, &called, args.args.first())),
    }
}

/// The lines that Git writes to a hook, in words; nothing if a person calls it by hand.
fn told() -> Result<Vec<Vec<String>>, Failure> {
    let mut text = String::new();
    let mut stdin = std::io::stdin();
    if !stdin.is_terminal() {
        stdin.read_to_string(&mut text)?;
    }
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    Ok(text.lines().map(words).collect())
}

/// Whether a ref holds configuration: a branch, and not one of states.
fn is_branch(name: &str) -> bool {
    name.starts_with("refs/heads/") && !name.starts_with("refs/heads/state/")
}

/// Whether Git means "none" by this id.
fn is_none(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}
