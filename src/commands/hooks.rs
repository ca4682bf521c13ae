//! `hooks`
use std::fmt;

use serde::Serialize;

use super::{Answer, Context};
use crate::config::hooks::{self, Hook, State};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::style;

/// Install, show or remove the Git hooks that check what plain `git` commits and pushes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install the hooks beside your own, which go on to run first
    Install,
    /// Show which hooks are installed
    Status,
    /// Remove our hooks and give yours their names back
    Remove,
}

/// The hooks of a keep.
#[derive(Debug, Serialize)]
struct Hooks {
    hooks: Vec<Hook>,
}

impl fmt::Display for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hook in &self.hooks {
            let state = match hook.state {
                State::Installed => style::good("installed").to_string(),
                State::Missing => style::notable("not installed").to_string(),
                State::Outdated => {
                    style::notable("of another buildkeep: install it again").to_string()
                }
                State::Foreign => style::notable("yours, without ours").to_string(),
            };
            write!(f, "{:18}{state}", hook.name)?;
            match &hook.own {
                Some(own) => writeln!(f, ", after yours: {}", own.display())?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Runs the command; `status` answers no if a hook is missing.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let (git_dir, program) = (keep.repo().git_dir(), &cx.world.exe);
    let hooks = match args.command {
        Command::Install => hooks::install(git_dir, program)?,
        Command::Remove => hooks::remove(git_dir, program)?,
        Command::Status => hooks::status(git_dir, program)?,
    };
    let complete = hooks.iter().all(|hook| hook.state == State::Installed);
    cx.ui.show(&Hooks { hooks })?;
    if let Some(elsewhere) = keep.repo().setting("core.hooksPath") {
        cx.ui.warn(format!(
            "core.hooksPath is `{elsewhere}`: Git runs the hooks there, and not these"
        ));
    }
    Ok(match args.command {
        Command::Status => Answer::of(complete),
        Command::Install | Command::Remove => Answer::Yes,
    })
}

/// Installs the hooks of a new keep.
pub(super) fn install(cx: &Context, keep: &Keep) -> Result<(), Failure> {
    hooks::install(keep.repo().git_dir(), &cx.world.exe)?;
    Ok(())
}
