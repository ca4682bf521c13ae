//! What can be asked.
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{self, Answer, Context};
use crate::failure::Failure;

/// Git-backed configuration and state manager for long scripted builds
#[derive(Debug, Parser)]
#[command(name = "buildkeep", version, propagate_version = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The options of every command.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Globals {
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
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Demo(commands::demo::Args),
    Init(commands::init::Args),
    Clone(commands::clone::Args),
    Status(commands::status::Args),
    Top(commands::top::Args),
    Check(commands::check::Args),
    Plan(commands::plan::Args),
    Run(commands::run::Args),
    Attach(commands::attach::Args),
    Pause(commands::pause::Args),
    Resume(commands::pause::ResumeArgs),
    Stop(commands::stop::Args),
    Mark(commands::mark::Args),
    Step(commands::step::Args),
    Logs(commands::logs::Args),
    Events(commands::events::Args),
    Why(commands::why::Args),
    Accuracy(commands::accuracy::Args),
    Import(commands::import::Args),
    Config(commands::config::Args),
    Secret(commands::secret::Args),
    Commit(commands::commit::Args),
    Log(commands::log::Args),
    Show(commands::show::Args),
    Diff(commands::diff::Args),
    Tag(commands::tag::Args),
    Rollback(commands::rollback::Args),
    Undo(commands::undo::Args),
    Redo(commands::undo::RedoArgs),
    Backup(commands::backup::Args),
    Checkpoint(commands::checkpoint::Args),
    Owns(commands::owns::Args),
    Manifest(commands::manifest::Args),
    Vault(commands::vault::Args),
    Remote(commands::remote::Args),
    Push(commands::push::Args),
    Hooks(commands::hooks::Args),
    Doctor(commands::doctor::Args),
    Explain(commands::explain::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
    #[command(hide = true)]
    Hook(commands::hook::Args),
}

/// Adds the arguments of a command to its empty description.
type Describe = fn(clap::Command) -> clap::Command;

/// The commands that scripts and hooks call often.
const OFTEN: &[(&str, Describe)] = &[
    ("status", commands::status::Args::augment_args),
    ("config", commands::config::Args::augment_args),
    ("commit", commands::commit::Args::augment_args),
    ("log", commands::log::Args::augment_args),
    ("diff", commands::diff::Args::augment_args),
    ("hook", commands::hook::Args::augment_args),
    ("step", commands::step::Args::augment_args),
];

impl Cli {
    /// Reads what was typed; help is an error too.
    pub(super) fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        let quick = || {
            let matches = Self::quick(arguments)?.try_get_matches_from(arguments);
            Self::from_arg_matches(&matches.ok()?).ok()
        };
        quick().map_or_else(|| Self::try_parse_from(arguments), Ok)
    }

    /// A command line that knows one command only: to describe all of them takes longer than most
    /// commands do. Whatever it does not understand is read again by the whole.
    fn quick(arguments: &[OsString]) -> Option<clap::Command> {
        let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
        let asked = |word| OFTEN.iter().find(|(name, _)| *name == word);
        let (name, describe) = words.find_map(asked)?;
        let command = describe(clap::Command::new(*name));
        let whole = clap::Command::new("buildkeep").propagate_version(true);
        let whole = whole.version(env!("CARGO_PKG_VERSION")).subcommand(command);
        Some(Globals::augment_args(whole).subcommand_required(true))
    }
}

impl Command {
    /// Carries the command out.
    pub(super) fn run(&self, cx: &mut Context) -> Result<Answer, Failure> {
        match self {
            Self::Demo(args) => commands::demo::run(cx, args),
            Self::Init(args) => commands::init::run(cx, args),
            Self::Clone(args) => commands::clone::run(cx, args),
            Self::Status(args) => commands::status::run(cx, args),
            Self::Top(args) => commands::top::run(cx, args),
            Self::Check(args) => commands::check::run(cx, args),
            Self::Plan(args) => commands::plan::run(cx, args),
            Self::Run(args) => commands::run::run(cx, args),
            Self::Attach(args) => commands::attach::run(cx, args),
            Self::Pause(args) => commands::pause::run(cx, args),
            Self::Resume(args) => commands::pause::resume(cx, args),
            Self::Stop(args) => commands::stop::run(cx, args),
            Self::Mark(args) => commands::mark::run(cx, args),
            Self::Step(args) => {
                commands::step::run(args, &cx.world.env, &cx.world.clock);
                Ok(Answer::Yes)
            }
            Self::Logs(args) => commands::logs::run(cx, args),
            Self::Events(args) => commands::events::run(cx, args),
            Self::Why(args) => commands::why::run(cx, args),
            Self::Accuracy(args) => commands::accuracy::run(cx, args),
            Self::Import(args) => commands::import::run(cx, args),
            Self::Config(args) => commands::config::run(cx, args),
            Self::Secret(args) => commands::secret::run(cx, args),
            Self::Commit(args) => commands::commit::run(cx, args),
            Self::Log(args) => commands::log::run(cx, args),
            Self::Show(args) => commands::show::run(cx, args),
            Self::Diff(args) => commands::diff::run(cx, args),
            Self::Tag(args) => commands::tag::run(cx, args),
            Self::Rollback(args) => commands::rollback::run(cx, args),
            Self::Undo(args) => commands::undo::run(cx, args),
            Self::Redo(args) => commands::undo::redo(cx, args),
            Self::Backup(args) => commands::backup::run(cx, args),
            Self::Checkpoint(args) => commands::checkpoint::run(cx, args),
            Self::Owns(args) => commands::owns::run(cx, args),
            Self::Manifest(args) => commands::manifest::run(cx, args),
            Self::Vault(args) => commands::vault::run(cx, args),
            Self::Remote(args) => commands::remote::run(cx, args),
            Self::Push(args) => commands::push::run(cx, args),
            Self::Hooks(args) => commands::hooks::run(cx, args),
            Self::Doctor(args) => commands::doctor::run(cx, args),
            Self::Explain(args) => commands::explain::run(cx, args),
            Self::Completions(args) => commands::completions::run(cx, args, Cli::command()),
            Self::Man(args) => commands::man::run(cx, args, Cli::command()),
            Self::Hook(args) => commands::hook::run(cx, args),
        }
    }
}
