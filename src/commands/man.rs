//! `man`
use std::path::PathBuf;

use super::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::fs::create_dirs_durable;

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one page per command into this folder
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Runs the command; `cli` is the whole command line.
pub fn run(cx: &mut Context, args: &Args, cli: clap::Command) -> Result<Answer, Failure> {
    let Some(dir) = &args.to else {
        let text = page(cli)?;
        cx.ui.raw(&text)?;
        return Ok(Answer::Yes);
    };
    let dir = cx.path(dir);
    create_dirs_durable(&dir)?;
    clap_mangen::generate_to(cli, &dir)?;
    cx.ui
        .status(format!("wrote the manual pages to {}", dir.display()));
    Ok(Answer::Yes)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(command);
    man.render(&mut text)
        .map_err(|error| Failure::new(Kind::Internal, &error))?;
    Ok(text)
}
