//! `config drift`
use std::fmt;

use serde::Serialize;

use super::super::{Answer, Context};
use super::change::{How, change};
use super::rendering::{Line, Rendered, Rendering};
use crate::config::edit::{Change, Wish};
use crate::config::render::{From, Status, changed_exports};
use crate::config::{Effective, Files, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::Failure;
use crate::report::diff::Differences;
use crate::store::{Keep, WriteGuard};
use crate::ui::{clean_line, counted, quoted, style};

/// Compare the files that scripts read with what the configuration makes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only these files
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// Keep what was changed by hand: in the configuration if that can be, else in the file
    #[arg(long, conflicts_with = "restore")]
    adopt: bool,
    /// Write the files as the configuration makes them; what they held is kept
    #[arg(long)]
    restore: bool,
    /// Do not ask
    #[arg(long, requires = "restore")]
    yes: bool,
}

/// What differs.
#[derive(Debug, Serialize)]
struct Drift {
    files: Vec<Line>,
    #[serde(skip)]
    diff: Differences,
    #[serde(skip)]
    hidden: Vec<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.diff)?;
        for path in &self.hidden {
            writeln!(f, "{} may hold secrets: not shown", clean_line(path))?;
        }
        for line in self.files.iter().filter(|line| line.status != Status::Same) {
            writeln!(f, "{}: {}", clean_line(&line.path), words(line.status))?;
        }
        let same = self
            .files
            .iter()
            .filter(|line| line.status == Status::Same)
            .count();
        if same > 0 || self.files.is_empty() {
            writeln!(
                f,
                "{} as the configuration makes {}",
                counted(same as u64, "file"),
                if same == 1 { "it" } else { "them" }
            )?;
        }
        Ok(())
    }
}

fn words(status: Status) -> String {
    let (word, next) = match status {
        Status::Same => return style::good("as the configuration makes it").to_string(),
        Status::Missing => ("not there", "`buildkeep config apply` writes it"),
        Status::Outdated => (
            "older than the configuration",
            "`buildkeep config apply` writes it",
        ),
        Status::Drifted => (
            "changed by hand",
            "keep that with `--adopt`, or take it back with `--restore`",
        ),
        Status::Conflict => (
            "changed by hand, and by the configuration",
            "choose: `--adopt` or `--restore`",
        ),
        Status::Foreign => (
            "there, and not written by buildkeep",
            "choose: `--adopt` or `--restore`",
        ),
        Status::Adopted => return "changed by hand, and adopted".to_owned(),
    };
    format!("{}; {next}", style::notable(word))
}

/// Runs the command; the answer is no if a file is not as the configuration makes it.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let guard = args.yes.then(|| cx.lock(&keep)).transpose()?;
    let root = super::super::plan::load(&keep)?.root;
    let mut rendering = Rendering::of(cx, &keep, root)?;
    rendering.only(cx, &args.files)?;
    if args.adopt {
        return adopt(cx, &keep, &mut rendering);
    }
    if args.restore {
        return restore(cx, &keep, rendering, guard);
    }
    let drift = shown(&rendering);
    let is_good = |line: &Line| matches!(line.status, Status::Same | Status::Adopted);
    let good = drift.files.iter().all(is_good);
    cx.ui.show(&drift)?;
    Ok(Answer::of(good))
}

fn shown(rendering: &Rendering) -> Drift {
    let differing = || {
        rendering
            .files
            .iter()
            .filter(|file| file.state.status != Status::Same)
    };
    let diffs = differing().filter_map(Rendered::diff).flatten();
    let hidden = differing().filter(|file| file.render.secrets);
    let line = |file: &Rendered| Line {
        path: file.render.to.clone(),
        status: file.state.status,
        written: false,
        replaced: None,
    };
    Drift {
        diff: Differences {
            files: diffs.collect(),
        },
        hidden: hidden.map(|file| file.render.to.clone()).collect(),
        files: rendering.files.iter().map(line).collect(),
    }
}

/// Takes changes by hand back into the configuration, or lets the files stay as they are.
fn adopt(cx: &mut Context, keep: &Keep, rendering: &mut Rendering) -> Result<Answer, Failure> {
    let is_theirs = |file: &Rendered| {
        matches!(
            file.state.status,
            Status::Drifted | Status::Conflict | Status::Foreign
        )
    };
    let theirs: Vec<usize> = (0..rendering.files.len())
        .filter(|at| is_theirs(&rendering.files[*at]))
        .collect();
    if theirs.is_empty() {
        cx.ui.status("nothing was changed by hand");
        return Ok(Answer::Yes);
    }
    let (mut wishes, mut back, mut pinned) = (Vec::new(), Vec::new(), Vec::new());
    for at in theirs {
        let file = &rendering.files[at];
        let path = file.render.to.clone();
        match taken_back(keep, rendering, file)? {
            Some(keys) => {
                back.push(path);
                wishes.extend(keys.into_iter().map(|(key, value)| Wish {
                    key,
                    change: Change::Set(value),
                }));
            }
            None => pinned.push((at, path)),
        }
    }
    let guard = cx.lock(keep)?;
    rendering.look_again(keep)?;
    for (at, path) in pinned {
        rendering.pin(cx, keep, at)?;
        cx.ui.status(format!(
            "{path} stays as it is: nothing of it can go into the configuration by itself. \
             If the configuration makes something else one day, `config apply` asks again"
        ));
    }
    drop(guard);
    if wishes.is_empty() {
        return rewrite(cx, keep, &back);
    }
    let how = How::saying("config: as it was changed by hand in a rendered file");
    let answer = change(cx, &wishes, &how)?;
    let _ = rewrite(cx, keep, &back)?;
    Ok(answer)
}

/// Writes files anew whose values the configuration has by now, however they were written.
fn rewrite(cx: &mut Context, keep: &Keep, back: &[String]) -> Result<Answer, Failure> {
    let root = super::super::plan::load(keep)?.root;
    let mut after = Rendering::of(cx, keep, root)?;
    let is_known: Vec<String> = after
        .files
        .iter()
        .filter_map(|file| {
            let From::Exports(format, names) = &file.render.from else {
                return None;
            };
            let there = String::from_utf8_lossy(&file.state.there.as_ref()?.content).into_owned();
            let left = changed_exports(*format, names, &after.effective, &there).ok()?;
            (left.is_empty() && back.contains(&file.render.to)).then(|| file.render.to.clone())
        })
        .collect();
    let guard = cx.lock(keep)?;
    after.write(cx, (keep, &guard), |file| {
        file.state.status != Status::Same && is_known.contains(&file.render.to)
    })?;
    Ok(Answer::Yes)
}

/// What the last commit makes of the configuration, if it is valid.
fn committed(keep: &Keep) -> Result<Option<Effective>, Failure> {
    let Some(head) = keep.repo().head()? else {
        return Ok(None);
    };
    let sources = Sources::read(&Files::of_commit(keep.repo(), head)?)?;
    Ok(Effective::of(&sources, &Scope::of_host(&keep.host())).ok())
}

/// The keys that a change by hand in a file of variables stands for.
fn taken_back(
    keep: &Keep,
    rendering: &Rendering,
    file: &Rendered,
) -> Result<Option<Vec<(KeyPath, String)>>, Failure> {
    let From::Exports(format, names) = &file.render.from else {
        return Ok(None);
    };
    let there = file
        .state
        .there
        .as_ref()
        .map_or(&[][..], |there| &there.content);
    let text = String::from_utf8_lossy(there);
    let mut keys = changed_exports(*format, names, &rendering.effective, &text);
    match (file.state.status, &keys) {
        (Status::Drifted, _) => {}
        // The configuration has the values, perhaps from a command that died before it committed
        // them; and what is left is how the file writes them.
        (Status::Conflict, Ok(left)) if left.is_empty() => {
            if let Some(committed) = committed(keep)? {
                keys = changed_exports(*format, names, &committed, &text);
            }
        }
        _ => return Ok(None),
    }
    keys.map(Some).map_err(|reason| {
        Failure::user(format!(
            "{} cannot be taken back into the configuration: {reason}",
            file.render.to
        ))
        .hint("set the keys yourself: `buildkeep config set KEY VALUE`")
        .hint(format!(
            "or give up what was changed: `buildkeep config drift --restore {}`",
            quoted(&file.render.to)
        ))
    })
}

/// Writes what the configuration makes over what is there.
fn restore(
    cx: &mut Context,
    keep: &Keep,
    mut rendering: Rendering,
    guard: Option<WriteGuard>,
) -> Result<Answer, Failure> {
    let wants = |file: &Rendered| file.state.status != Status::Same;
    let drift = shown(&rendering);
    if !rendering.files.iter().any(wants) {
        // What a command wrote that died is noted now.
        let guard = guard.map_or_else(|| cx.lock(keep), Ok)?;
        rendering.write(cx, (keep, &guard), wants)?;
        cx.ui.show(&drift)?;
        return Ok(Answer::Yes);
    }
    if guard.is_none() {
        if !cx.ui.is_interactive() {
            return Err(
                Failure::user("this writes over files, and nobody is there to ask")
                    .hint("do it without a question: add `--yes`"),
            );
        }
        cx.ui.status(&drift);
        if !cx.ui.confirm("Write what the configuration makes?")? {
            cx.ui.status("nothing was written");
            return Ok(Answer::No);
        }
    }
    let guard = guard.map_or_else(|| cx.lock(keep), Ok)?;
    let lines = rendering.write(cx, (keep, &guard), wants)?;
    for line in lines.iter().filter(|line| line.written) {
        let kept = line
            .replaced
            .as_ref()
            .map(|path| format!("; what it held is in {}", path.display()));
        cx.ui
            .status(format!("wrote {}{}", line.path, kept.unwrap_or_default()));
    }
    cx.ui.show(&Drift {
        files: lines
            .into_iter()
            .map(|line| Line {
                status: Status::Same,
                ..line
            })
            .collect(),
        diff: Differences::default(),
        hidden: Vec::new(),
    })?;
    Ok(Answer::Yes)
}
