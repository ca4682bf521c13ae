//! `config apply`
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context};
use super::rendering::{Line, Rendered, Rendering};
use crate::config::render::Status;
use crate::failure::{Failure, Kind};
use crate::report::diff::Differences;
use crate::ui::{clean_line, quoted, style};

/// Write the files that scripts read: what `[[render]]` in buildkeep.toml asks for
///
/// A file that somebody changed by hand is left alone as long as the configuration makes what it
/// made before. If both changed, nothing is written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Write files that somebody changed, too; what they held is kept
    #[arg(long)]
    force: bool,
}

/// What was written, or would be.
#[derive(Debug, Serialize)]
struct Outcome {
    files: Vec<Line>,
    dry_run: bool,
    #[serde(skip)]
    diff: Differences,
    #[serde(skip)]
    hidden: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.diff)?;
        for path in &self.hidden {
            writeln!(f, "{} may hold secrets: not shown", clean_line(path))?;
        }
        for line in &self.files {
            let path = clean_line(&line.path);
            match (line.written, line.status) {
                (true, _) if self.dry_run => writeln!(f, "would write {path}")?,
                (true, _) => writeln!(f, "{} {path}", style::good("wrote"))?,
                (false, Status::Same) => writeln!(f, "{path} is as it should be")?,
                (false, Status::Adopted) => writeln!(f, "{path} was adopted as it is")?,
                (false, _) => writeln!(
                    f,
                    "{path} {}: left alone; see `buildkeep config drift`",
                    style::notable("was changed by hand")
                )?,
            }
            if let Some(replaced) = &line.replaced {
                writeln!(
                    f,
                    "  what it held is in {}",
                    clean_line(&replaced.display().to_string())
                )?;
            }
        }
        if self.files.is_empty() {
            writeln!(
                f,
                "nothing to write: `[[render]]` in buildkeep.toml says what is made of the configuration"
            )?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    // Nobody waits for a person to answer; whoever asks nobody sees what others just did.
    let locks_first = args.yes && !args.dry_run;
    let guard = locks_first.then(|| cx.lock(&keep)).transpose()?;
    let root = super::super::plan::load(&keep)?.root;
    let mut rendering = Rendering::of(cx, &keep, root)?;
    rendering.only(cx, &args.files)?;
    let wants =
        |file: &Rendered| file.state.is_due() || args.force && file.state.status != Status::Same;
    if !args.force {
        refuse(&rendering)?;
    }
    let changing: Vec<&Rendered> = rendering.files.iter().filter(|file| wants(file)).collect();
    let diffs = changing.iter().filter_map(|file| file.diff()).flatten();
    let mut outcome = Outcome {
        files: planned(&rendering, &wants),
        dry_run: args.dry_run,
        diff: Differences {
            files: diffs.collect(),
        },
        hidden: changing
            .iter()
            .filter(|file| file.render.secrets)
            .map(|file| file.render.to.clone())
            .collect(),
    };
    if !args.dry_run {
        if !changing.is_empty() && !args.yes && !confirmed(cx, &outcome)? {
            cx.ui.status("nothing was written");
            return Ok(Answer::No);
        }
        let guard = match guard {
            Some(guard) => guard,
            None => cx.lock(&keep)?,
        };
        outcome.files = rendering.write(cx, (&keep, &guard), wants)?;
        (outcome.diff, outcome.hidden) = Default::default();
    }
    cx.ui.show(&outcome)?;
    Ok(Answer::Yes)
}

fn planned(rendering: &Rendering, wants: &dyn Fn(&Rendered) -> bool) -> Vec<Line> {
    let line = |file: &Rendered| Line {
        path: file.render.to.clone(),
        status: file.state.status,
        written: wants(file),
        replaced: None,
    };
    rendering.files.iter().map(line).collect()
}

/// What somebody wrote is not overwritten: all sides are shown instead.
pub(super) fn refuse(rendering: &Rendering) -> Result<(), Failure> {
    let in_the_way: Vec<&Rendered> = rendering
        .files
        .iter()
        .filter(|file| file.state.is_in_the_way())
        .collect();
    let Some(first) = in_the_way.first() else {
        return Ok(());
    };
    let path = &first.render.to;
    let message = match first.state.status {
        Status::Foreign => format!("{path} is there, and buildkeep did not write it"),
        _ => format!("{path} was changed by hand, and by the configuration"),
    };
    let diffs = in_the_way.iter().filter_map(|file| file.diff()).flatten();
    let diff = Differences {
        files: diffs.collect(),
    };
    let detail = format!("{diff}{} {message}", style::bad("error:"));
    Err(Failure::text(Kind::Conflict, message)
        .detail(detail)
        .hint(format!(
            "write it all the same, keeping what it holds: `buildkeep config apply --force {}`",
            quoted(path)
        ))
        .hint(format!(
            "let it stay as it is: `buildkeep config drift --adopt {}`",
            quoted(path)
        )))
}

/// Shows what is about to be done, and asks.
fn confirmed(cx: &mut Context, outcome: &Outcome) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(
            Failure::user("this writes files, and nobody is there to ask")
                .hint("look at it first: add `--dry-run`")
                .hint("do it without a question: add `--yes`"),
        );
    }
    cx.ui.status(&outcome.diff);
    Ok(cx.ui.confirm("Write this?")?)
}
