//! What can be asked.
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::{self, Answer, Context};
use crate::commands::{
    Answer, Context, backup, checkpoint, commit, completions, diff, init, log, man, remote, show,
    tag, vault,
};
use crate::failure::Failure;

/// Git-backed configuration and state manager for long scripted builds
#[derive(Debug, Parser)]
#[command(name = "buildkeep", version, propagate_version = true)]
pub(super) struct Cli {
    /// Work on the keep in DIR, or above it
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) dir: Option<PathBuf>,
    /// Set a configuration key for this command only
    #[arg(short = 'c', value_name = "KEY=VALUE", global = true)]
    pub(super) overrides: Vec<String>,
    /// Write results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(commands::init::Args),
    Why(commands::why::Args),
    Status(commands::status::Args),
    Config(commands::config::Args),
    Rollback(commands::rollback::Args),
    Hooks(commands::hooks::Args),
    #[command(hide = true)]
    Hook(commands::hook::Args),
    Remote(commands::remote::Args),
    Run(commands::run::Args),
    Stop(commands::stop::Args),
    Logs(commands::logs::Args),
    Commit(commands::commit::Args),
    Log(commands::log::Args),
    Show(commands::show::Args),
    Diff(commands::diff::Args),
    Tag(commands::tag::Args),
    Plan(commands::plan::Args),
    #[command(hide = true)]
    Helper(commands::helper::Args),
    Check(commands::check::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    Init(init::Args),
    Remote(remote::Args),
    Commit(commit::Args),
    Log(log::Args),
    Show(show::Args),
    Diff(diff::Args),
    Tag(tag::Args),
    Backup(backup::Args),
    Checkpoint(checkpoint::Args),
    Vault(vault::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    /// Carries the command out.
    pub(super) fn run(&self, cx: &mut Context) -> Result<Answer, Failure> {
        match self {
            Self::Init(args) => commands::init::run(cx, args),
            Self::Why(args) => commands::why::run(cx, args),
            Self::Status(args) => commands::status::run(cx, args),
            Self::Config(args) => commands::config::run(cx, args),
            Self::Rollback(args) => commands::rollback::run(cx, args),
            Self::Hooks(args) => commands::hooks::run(cx, args),
            Self::Hook(args) => commands::hook::run(cx, args),
            Self::Remote(args) => commands::remote::run(cx, args),
            Self::Run(args) => commands::run::run(cx, args),
            Self::Stop(args) => commands::stop::run(cx, args),
            Self::Logs(args) => commands::logs::run(cx, args),
            Self::Commit(args) => commands::commit::run(cx, args),
            Self::Log(args) => commands::log::run(cx, args),
            Self::Show(args) => commands::show::run(cx, args),
            Self::Diff(args) => commands::diff::run(cx, args),
            Self::Tag(args) => commands::tag::run(cx, args),
            Self::Plan(args) => commands::plan::run(cx, args),
            Self::Helper(args) => commands::helper::run(cx, args),
            Self::Check(args) => commands::check::run(cx, args),
            Self::Completions(args) => commands::completions::run(cx, args, Cli::command()),
            Self::Man(args) => commands::man::run(cx, args, Cli::command()),
            Self::Init(args) => init::run(cx, args),
            Self::Remote(args) => remote::run(cx, args),
            Self::Commit(args) => commit::run(cx, args),
            Self::Log(args) => log::run(cx, args),
            Self::Show(args) => show::run(cx, args),
            Self::Diff(args) => diff::run(cx, args),
            Self::Tag(args) => tag::run(cx, args),
            Self::Backup(args) => backup::run(cx, args),
            Self::Checkpoint(args) => checkpoint::run(cx, args),
            Self::Vault(args) => vault::run(cx, args),
            Self::Completions(args) => completions::run(cx, args, Cli::command()),
            Self::Man(args) => man::run(cx, args, Cli::command()),
        }
    }
}
