//! What can be asked.
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::{self, Answer, Context};
use crate::failure::Failure;

/// Git-backed configuration and state manager for long scripted builds
#[derive(Debug, Parser)]
#[command(name = "buildkeep", version, propagate_version = true)]
pub(super) struct Cli {
    /// Work on the keep in DIR, or above it
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        help_heading = "Options of every command"
    )]
    pub(super) dir: Option<PathBuf>,
    /// Set a configuration key for this command only
    #[arg(
        short = 'c',
        value_name = "KEY=VALUE",
        global = true,
        help_heading = "Options of every command"
    )]
    pub(super) overrides: Vec<String>,
    /// Write results as JSON
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(super) json: bool,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, help_heading = "Options of every command")]
    pub(super) quiet: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Demo(commands::demo::Args),
    Init(commands::init::Args),
    Clone(commands::clone::Args),
    Status(commands::status::Args),
    Check(commands::check::Args),
    Plan(commands::plan::Args),
    Run(commands::run::Args),
    Stop(commands::stop::Args),
    Logs(commands::logs::Args),
    Why(commands::why::Args),
    Config(commands::config::Args),
    Commit(commands::commit::Args),
    Log(commands::log::Args),
    Show(commands::show::Args),
    Diff(commands::diff::Args),
    Tag(commands::tag::Args),
    Rollback(commands::rollback::Args),
    Backup(commands::backup::Args),
    Checkpoint(commands::checkpoint::Args),
    Vault(commands::vault::Args),
    Remote(commands::remote::Args),
    Push(commands::push::Args),
    Hooks(commands::hooks::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    #[command(hide = true)]
    Hook(commands::hook::Args),
}

impl Command {
    /// Carries the command out.
    pub(super) fn run(&self, cx: &mut Context) -> Result<Answer, Failure> {
        match self {
            Self::Demo(args) => commands::demo::run(cx, args),
            Self::Init(args) => commands::init::run(cx, args),
            Self::Clone(args) => commands::clone::run(cx, args),
            Self::Status(args) => commands::status::run(cx, args),
            Self::Check(args) => commands::check::run(cx, args),
            Self::Plan(args) => commands::plan::run(cx, args),
            Self::Run(args) => commands::run::run(cx, args),
            Self::Stop(args) => commands::stop::run(cx, args),
            Self::Logs(args) => commands::logs::run(cx, args),
            Self::Why(args) => commands::why::run(cx, args),
            Self::Config(args) => commands::config::run(cx, args),
            Self::Commit(args) => commands::commit::run(cx, args),
            Self::Log(args) => commands::log::run(cx, args),
            Self::Show(args) => commands::show::run(cx, args),
            Self::Diff(args) => commands::diff::run(cx, args),
            Self::Tag(args) => commands::tag::run(cx, args),
            Self::Rollback(args) => commands::rollback::run(cx, args),
            Self::Backup(args) => commands::backup::run(cx, args),
            Self::Checkpoint(args) => commands::checkpoint::run(cx, args),
            Self::Vault(args) => commands::vault::run(cx, args),
            Self::Remote(args) => commands::remote::run(cx, args),
            Self::Push(args) => commands::push::run(cx, args),
            Self::Hooks(args) => commands::hooks::run(cx, args),
            Self::Completions(args) => commands::completions::run(cx, args, Cli::command()),
            Self::Man(args) => commands::man::run(cx, args, Cli::command()),
            Self::Hook(args) => commands::hook::run(cx, args),
        }
    }
}
