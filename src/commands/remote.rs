//! `remote`
use std::fmt;

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::ui::style;

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
        self.remotes
            .iter()
            .try_for_each(|remote| writeln!(f, "{:10} {}", style::name(&remote.name), remote.url))
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let git = cx.git()?;
    match args.command.as_ref().unwrap_or(&Verb::List) {
        Verb::Add { name, url } => {
            let _guard = cx.lock(&keep)?;
            git.run(keep.root(), &["remote", "add", "--", name, url])?;
            cx.ui.status(format!(
                "added; send everything there: `buildkeep push {name}`"
            ));
        }
        Verb::Remove { name } => {
            let _guard = cx.lock(&keep)?;
            git.run(keep.root(), &["remote", "remove", "--", name])?;
        }
        Verb::List => {
            let text = git.run(keep.root(), &["remote"])?;
            let mut remotes = Vec::new();
            for name in text.lines() {
                let url = git.run(keep.root(), &["remote", "get-url", "--", name])?;
                remotes.push(Remote {
                    name: name.to_owned(),
                    url: url.trim().to_owned(),
                });
            }
            cx.ui.show(&Remotes { remotes })?;
        }
    }
    Ok(Answer::Yes)
}
