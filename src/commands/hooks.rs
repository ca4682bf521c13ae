//! `hooks`
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Answer, Context};
use crate::config::hooks::{Hook, KEEP, Place, SERVER, State, Theirs, Via};
use crate::failure::Failure;
use crate::store::{GitFacts, HooksPath, Keep, Repo, WriteGuard};
use crate::ui::{clean_line, style};

/// Install, show or remove the Git hooks that check what plain `git` commits and pushes
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install the hooks beside your own, which go on to run
    Install(Install),
    /// Show which hooks are installed, and how Git comes to run them
    Status(Where),
    /// Remove our hooks and give yours their places back
    Remove(Where),
}

#[derive(Debug, clap::Args)]
struct Install {
    #[command(flatten)]
    place: Where,
    /// Add a line to each hook in the folder that `core.hooksPath` names
    #[arg(long)]
    into_hooks_path: bool,
}

#[derive(Debug, clap::Args)]
struct Where {
    /// In this repository, to check what is pushed to it, and not in the keep
    #[arg(long, value_name = "REPO")]
    server: Option<PathBuf>,
}

/// The hooks of a repository.
#[derive(Debug, Serialize)]
struct Report {
    git: Option<String>,
    hooks_path: Option<String>,
    hooks: Vec<Hook>,
}

impl Report {
    fn of(git: &GitFacts, hooks: Vec<Hook>) -> Self {
        let path = git.hooks_path.as_ref();
        Self {
            git: git.version.map(|(major, minor)| format!("{major}.{minor}")),
            hooks_path: path.map(|path| path.value.clone()),
            hooks,
        }
    }

    fn is_complete(&self) -> bool {
        self.hooks.iter().all(|hook| hook.state == State::Installed)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hook in &self.hooks {
            write!(f, "{:18}{}", hook.name, described(hook))?;
            match (&hook.own, hook.via) {
                (Some(own), Some(Via::Script)) => write!(f, ", after yours: {}", shown(own))?,
                (Some(own), _) => write!(f, ", beside yours: {}", shown(own))?,
                (None, _) => {}
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn described(hook: &Hook) -> String {
    let notable = |text: &str| style::notable(text).to_string();
    match (hook.state, hook.via) {
        (State::Installed, Some(Via::PreCommit)) => {
            format!("{}, run by pre-commit", style::good("installed"))
        }
        (State::Installed, Some(Via::Config)) => {
            format!("{} in .git/config", style::good("installed"))
        }
        (State::Installed, Some(Via::Line)) => {
            format!("{} as a line of yours", style::good("installed"))
        }
        (State::Installed, _) => style::good("installed").to_string(),
        (State::Missing, _) => notable("not installed"),
        (State::Outdated, _) => notable("of another buildkeep: install it again"),
        (State::Foreign, _) => notable("yours, without ours"),
        (State::SetAside, _) => notable("put aside by another tool: install it again"),
        (State::NotRun, _) => notable("there, and not run by this Git"),
    }
}

fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy()).into_owned()
}

/// The hooks of a keep that do not run as this program would have them.
pub(super) fn missing(cx: &Context, keep: &Keep) -> Result<Vec<&'static str>, Failure> {
    let place = Place {
        git: GitFacts::read(&cx.world.env, keep.repo(), keep.root())?,
        events: KEEP,
        program: &cx.world.exe,
        root: keep.root(),
    };
    let hooks = place.status()?.into_iter();
    let missing = hooks.filter(|hook| hook.state != State::Installed);
    Ok(missing.map(|hook| hook.name).collect())
}

/// Runs the command; `status` answers no if a hook is missing.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let (repo, root, guard) = repository(cx, &args.command)?;
    let is_server = repo.git_dir() == root;
    let program = cx.world.exe.clone();
    let place = Place {
        git: GitFacts::read(&cx.world.env, &repo, &root)?,
        events: if is_server { SERVER } else { KEEP },
        program: &program,
        root: &root,
    };
    let before = place.status()?;
    let theirs = match &args.command {
        Command::Install(Install {
            into_hooks_path: true,
            ..
        }) => Theirs::Write,
        _ => Theirs::Leave,
    };
    let hooks = match args.command {
        Command::Install(_) => place.install(theirs)?,
        Command::Remove(_) => place.remove()?,
        Command::Status(_) => place.status()?,
    };
    if let Some(guard) = guard.filter(|_| hooks != before) {
        note(cx, (&root, &guard), &args.command)?;
    }
    let hooks = Report::of(&place.git, hooks);
    let is_aside = hooks.hooks.iter().any(|hook| hook.state == State::SetAside);
    let is_complete = hooks.is_complete();
    cx.ui.show(&hooks)?;
    if is_aside {
        cx.ui.hint(
            "lefthook does so whenever lefthook.yml changes; to stay, ours can be named there:",
        );
        cx.ui
            .hint("pre-commit: {commands: {buildkeep: {run: buildkeep hook pre-commit}}}");
    }
    let is_removed = matches!(args.command, Command::Remove(_));
    if let Some(path) = place.git.hooks_path.filter(|_| !is_complete && !is_removed) {
        explain(cx, &path);
    }
    Ok(match args.command {
        Command::Status(_) => Answer::of(is_complete),
        Command::Install(_) | Command::Remove(_) => Answer::Yes,
    })
}

/// The repository that is meant with its root, and the lock if it is a keep that changes.
fn repository(
    cx: &mut Context,
    command: &Command,
) -> Result<(Repo, PathBuf, Option<WriteGuard>), Failure> {
    let server = match command {
        Command::Install(install) => &install.place.server,
        Command::Status(place) | Command::Remove(place) => &place.server,
    };
    if let Some(dir) = server {
        let (repo, root) = open_server(cx, dir)?;
        return Ok((repo, root, None));
    }
    let keep = cx.keep()?;
    // Under the lock what a command left that died is out of the way.
    let is_second = keep.repo().common_dir() != keep.repo().git_dir();
    let guard = match command {
        Command::Install(_) | Command::Remove(_) if !is_second => Some(cx.lock(&keep)?),
        _ => None,
    };
    Ok((keep.repo().clone(), keep.root().to_owned(), guard))
}

/// Tells the operation log, so that `undo` can say that it does not take this back.
fn note(
    cx: &mut Context,
    (root, guard): (&Path, &WriteGuard),
    command: &Command,
) -> Result<(), Failure> {
    let (did, back) = match command {
        Command::Install(_) => ("hooks: install", "`buildkeep hooks remove`"),
        Command::Remove(_) => ("hooks: remove", "`buildkeep hooks install`"),
        Command::Status(_) => return Ok(()),
    };
    let keep = Keep::open(root)?;
    cx.note_beyond((&keep, guard), did.to_owned(), back)
}

/// Says why Git looks elsewhere, for those who wonder.
fn explain(cx: &mut Context, path: &HooksPath) {
    let (value, origin) = (clean_line(&path.value), clean_line(&path.origin));
    cx.ui.warn(format!(
        "Git looks for hooks in {value} only, which is yours (core.hooksPath, set in {origin})"
    ));
    cx.ui
        .hint("see which lines are wanted there: `buildkeep hooks install`");
}

/// The repository at a path that was typed; of a work tree, the one in it.
fn open_server(cx: &Context, typed: &Path) -> Result<(Repo, PathBuf), Failure> {
    let dir = cx.path(typed);
    let inner = dir.join(".git");
    let repo = Repo::open(if inner.is_dir() { &inner } else { &dir })?;
    let git_dir = repo.git_dir().to_owned();
    Ok((repo, git_dir))
}

/// Installs the hooks of a new keep; where they would go to a folder of the user's, says so.
pub(super) fn install(cx: &mut Context, keep: &Keep) -> Result<(), Failure> {
    let place = Place {
        git: GitFacts::read(&cx.world.env, keep.repo(), keep.root())?,
        events: KEEP,
        program: &cx.world.exe,
        root: keep.root(),
    };
    match place.install(Theirs::Leave) {
        Ok(_) => Ok(()),
        Err(error @ crate::config::Error::HooksPath { .. }) => {
            let message = format!("{error}: plain `git commit` is not checked here");
            cx.ui.warn(message);
            cx.ui
                .hint("see which lines are wanted there: `buildkeep hooks install`");
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}
