//! `secret list`
use std::fmt;

use serde::Serialize;

use super::reveal::{keys_by_secret, resolver, seen};
use crate::commands::{Answer, Context};
use crate::config::secrets::{Secrets, Source};
use crate::config::{Effective, Files, Sources};
use crate::failure::Failure;
use crate::ui::{clean_line, style};

/// List the secrets by name: where they come from, and which keys refer to them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Try whether each has a value now; steps that read a changed one become stale
    #[arg(long)]
    check: bool,
}

/// All secrets.
#[derive(Debug, Serialize)]
struct Listed {
    secrets: Vec<Entry>,
}

/// A secret.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
    source: String,
    keys: Vec<String>,
    resolves: Option<bool>,
    problem: Option<String>,
    #[serde(skip)]
    next: Option<String>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secrets.is_empty() {
            return writeln!(
                f,
                "no secrets: name one in `[secrets]` of buildkeep.toml, or `buildkeep secret set NAME`"
            );
        }
        let width = self
            .secrets
            .iter()
            .map(|one| one.name.len())
            .max()
            .unwrap_or(0);
        for one in &self.secrets {
            let state = match one.resolves {
                None => String::new(),
                Some(true) => format!("  {}", style::good("has a value")),
                Some(false) => format!("  {}", style::bad("has none")),
            };
            let gap = " ".repeat(width - one.name.len());
            let (name, source) = (style::name(&one.name), clean_line(&one.source));
            writeln!(f, "{name}{gap}  {source}{state}")?;
            for key in &one.keys {
                writeln!(f, "{:width$}  {}", "", style::faint(format!("for {key}")))?;
            }
            if let (Some(problem), Some(next)) = (&one.problem, &one.next) {
                writeln!(
                    f,
                    "{:width$}  {}\n{:width$}  to mend it: {next}",
                    "",
                    clean_line(problem),
                    ""
                )?;
            }
        }
        Ok(())
    }
}

/// Runs the command; the answer is no if one that was tried has no value.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let sources = Sources::read(&Files::of_work_tree(&keep)?)?;
    let secrets = Secrets::of(&sources);
    let effective = Effective::of_files(&sources, &keep.host());
    let by_secret = keys_by_secret(&effective);
    let mut listed = Listed {
        secrets: Vec::new(),
    };
    for (name, source) in secrets.iter() {
        listed.secrets.push(Entry {
            name: name.to_owned(),
            kind: kind(source),
            source: source.to_string(),
            keys: by_secret.get(name).cloned().unwrap_or_default(),
            resolves: None,
            problem: None,
            next: None,
        });
    }
    if args.check {
        let resolver = resolver(cx, &keep, &secrets);
        let mut seen = seen(cx, &keep)?;
        for entry in &mut listed.secrets {
            match resolver.resolve(&entry.name) {
                Ok(value) => {
                    entry.resolves = Some(true);
                    seen.note(&entry.name, &value)?;
                }
                Err(error) => {
                    entry.resolves = Some(false);
                    entry.problem = Some(error.cause);
                    entry.next = Some(error.next);
                }
            }
        }
        seen.save()?;
    }
    cx.ui.show(&listed)?;
    let missing = listed.secrets.iter().any(|one| one.resolves == Some(false));
    Ok(Answer::of(!missing))
}

fn kind(source: &Source) -> &'static str {
    match source {
        Source::Env(_) => "env",
        Source::Command { .. } => "command",
        Source::Age { .. } => "age",
    }
}
