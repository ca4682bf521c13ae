//! `hook`: what the Git hooks of a keep call. Takes no lock, because Git holds its own.
use std::io::Read as _;

use super::{Answer, Context};
use crate::config::{Files, Sources};
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::store::Repo;
use crate::ui::style;

/// Check what Git is about to commit or push
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check the staged files
    PreCommit,
    /// Check the branches named on standard input
    PrePush,
}

/// Runs the command; the answer is no if Git should stop.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let repo = match cx.keep() {
        Ok(keep) => keep.repo().clone(),
        Err(failure) => linked(cx)?.ok_or(failure)?,
    };
    match args.command {
        Command::PreCommit => pre_commit(cx, &repo),
        Command::PrePush => pre_push(cx, &repo),
    }
}

/// The repository of a work tree that `git worktree add` made: Git names it to its hooks.
fn linked(cx: &Context) -> Result<Option<Repo>, Failure> {
    let Some(git_dir) = cx.world.env.path("GIT_DIR").map(|dir| cx.path(&dir)) else {
        return Ok(None);
    };
    let Some(common) = read_optional(&git_dir.join("commondir"))? else {
        return Ok(None);
    };
    let common = String::from_utf8_lossy(&common);
    Ok(Some(Repo::open(&git_dir.join(common.trim()))?))
}

fn pre_commit(cx: &mut Context, repo: &Repo) -> Result<Answer, Failure> {
    let index = cx.world.env.path("GIT_INDEX_FILE");
    let index = index.map(|index| cx.path(&index));
    let files = Files::of_index(repo, index.as_deref())?;
    let good = is_good(cx, &files, "the commit was refused")?;
    if !good {
        cx.ui.hint("mend it, `git add` the file, and commit again");
    }
    Ok(Answer::of(good))
}

fn pre_push(cx: &mut Context, repo: &Repo) -> Result<Answer, Failure> {
    let mut refs = String::new();
    std::io::stdin().read_to_string(&mut refs)?;
    let mut good = true;
    for line in refs.lines() {
        let mut words = line.split(' ');
        let (Some(name), Some(id)) = (words.next(), words.next()) else {
            continue;
        };
        let is_branch = name.starts_with("refs/heads/") && !name.starts_with("refs/heads/state/");
        if is_branch && id.contains(|c| c != '0') {
            let files = Files::of_commit(repo, repo.resolve(id)?)?;
            good &= is_good(cx, &files, &format!("the push of {name} was refused"))?;
        }
    }
    if !good {
        cx.ui.hint("mend it, commit, and push again");
    }
    Ok(Answer::of(good))
}

fn is_good(cx: &mut Context, files: &Files, refused: &str) -> Result<bool, Failure> {
    let sources = Sources::read(files)?;
    if sources.problems().is_empty() {
        return Ok(true);
    }
    cx.ui.error(Failure::problems(sources.problems()));
    cx.ui.error(format!(
        "\n{} {refused}: the configuration is not valid",
        style::bad("buildkeep:")
    ));
    Ok(false)
}
