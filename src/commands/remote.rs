//! `remote`
use std::fmt;

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::{GitProgram, Keep, without_password};
use crate::ui::{Format, clean_line, style};

/// Name the places off site that the keep is pushed to
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Add a remote: any Git URL or folder
    Add {
        /// Its name
        name: String,
        /// Where it is
        url: String,
    },
    /// Forget a remote
    Remove {
        /// Its name
        name: String,
    },
    /// List the remotes
    List,
}

/// A place off site.
#[derive(Debug, Serialize)]
struct Remote {
    name: String,
    url: String,
}

/// All of them.
#[derive(Debug, Serialize)]
struct Remotes {
    remotes: Vec<Remote>,
}

impl fmt::Display for Remotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.remotes.is_empty() {
            return writeln!(
                f,
                "no remotes yet; add one: buildkeep remote add origin URL"
            );
        }
        self.remotes.iter().try_for_each(|remote| {
            writeln!(
                f,
                "{:10} {}",
                style::name(clean_line(&remote.name)),
                clean_line(&remote.url)
            )
        })
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let git = cx.git()?;
    match args.command.as_ref().unwrap_or(&Verb::List) {
        Verb::Add { name, url } => {
            let guard = cx.lock(&keep)?;
            if let Some(there) = url_of(&git, &keep, name)? {
                return Err(
                    Failure::user(format!("there is a remote `{name}` already: {there}"))
                        .hint(format!("forget it first: `buildkeep remote remove {name}`")),
                );
            }
            refuse_unfit(name)?;
            let url = from_here(cx, url);
            git.run(keep.root(), &["remote", "add", "--", name, &url])?;
            let back = format!("`buildkeep remote remove {name}`");
            cx.note_beyond((&keep, &guard), format!("remote: add {name}"), &back)?;
            cx.ui.status(format!(
                "added; send everything there: `buildkeep push {name}`"
            ));
            shown(cx, name, &url)?;
        }
        Verb::Remove { name } => {
            let guard = cx.lock(&keep)?;
            let Some(url) = url_of(&git, &keep, name)? else {
                return Err(Failure::user(format!("there is no remote `{name}`"))
                    .hint("list them: `buildkeep remote`"));
            };
            git.run(keep.root(), &["remote", "remove", "--", name])?;
            let back = format!("`buildkeep remote add {name} {url}`");
            cx.note_beyond((&keep, &guard), format!("remote: remove {name}"), &back)?;
            cx.ui.status("forgotten; what is there stays there");
            shown(cx, name, &url)?;
        }
        Verb::List => {
            let names = git.run(keep.root(), &["remote"])?;
            let mut remotes = Vec::new();
            for name in names.lines() {
                remotes.push(Remote {
                    name: name.to_owned(),
                    url: url_of(&git, &keep, name)?.unwrap_or_default(),
                });
            }
            cx.ui.show(&Remotes { remotes })?;
        }
    }
    Ok(Answer::Yes)
}

/// The remote that was added or forgotten, for scripts; people were told already.
fn shown(cx: &mut Context, name: &str, url: &str) -> Result<(), Failure> {
    if cx.ui.format() == Format::Json {
        let remotes = vec![Remote {
            name: name.to_owned(),
            url: without_password(url),
        }];
        cx.ui.show(&Remotes { remotes })?;
    }
    Ok(())
}

/// Where a remote is, without a password; nothing if there is none of that name.
fn url_of(git: &GitProgram, keep: &Keep, name: &str) -> Result<Option<String>, Failure> {
    let names = git.run(keep.root(), &["remote"])?;
    if !names.lines().any(|there| there == name) {
        return Ok(None);
    }
    let url = git.run(keep.root(), &["remote", "get-url", "--", name])?;
    Ok(Some(without_password(url.trim())))
}

fn refuse_unfit(name: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let is_fit = name.starts_with(char::is_alphanumeric) && name.chars().all(plain);
    if is_fit {
        return Ok(());
    }
    Err(
        Failure::user(format!("`{name}` cannot be the name of a remote"))
            .hint("use letters, digits, `.`, `-` and `_`; the usual one is `origin`"),
    )
}

/// A folder as it is seen from here; what is no folder is a URL, or will be one.
fn from_here(cx: &Context, url: &str) -> String {
    let folder = cx.path(url.as_ref());
    if url.contains("://") || !folder.is_dir() {
        return url.to_owned();
    }
    let folder = std::fs::canonicalize(&folder).unwrap_or(folder);
    folder.to_string_lossy().into_owned()
}
