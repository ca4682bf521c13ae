//! `explain`
use std::fmt;

use serde::Serialize;

use super::{Answer, Context};
use crate::document::code::{self, Explained, Sample};
use crate::document::nearest;
use crate::failure::Failure;
use crate::ui::style;

/// Lines of text are no longer than this.
const WIDTH: usize = 80;

/// Explain an error code: what it means, an example, how to mend it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, as K004; without it all codes are listed
    code: Option<String>,
}

/// One code, or all of them.
#[derive(Debug, Serialize)]
struct Codes {
    codes: Vec<Meaning>,
    #[serde(skip)]
    is_list: bool,
}

/// What a code means.
#[derive(Debug, Serialize)]
struct Meaning {
    code: &'static str,
    means: &'static str,
    remedy: &'static str,
    text: &'static str,
    wrong: Vec<File>,
    right: Vec<File>,
}

/// A file of an example.
#[derive(Debug, Serialize)]
struct File {
    file: &'static str,
    text: &'static str,
}

impl From<&Explained> for Meaning {
    fn from(one: &Explained) -> Self {
        let files = |sample: Sample| sample.iter().map(|&(file, text)| File { file, text });
        Self {
            code: one.code,
            means: one.means,
            remedy: one.remedy,
            text: one.text,
            wrong: files(one.wrong).collect(),
            right: files(one.right).collect(),
        }
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_list {
            let line = |one: &Meaning| format!("{}  {}", style::name(one.code), one.means);
            return self
                .codes
                .iter()
                .try_for_each(|one| writeln!(f, "{}", line(one)));
        }
        self.codes.iter().try_for_each(|one| one.fmt(f))
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {}\n",
            style::name(self.code),
            style::strong(self.means)
        )?;
        writeln!(f, "{}\n", wrapped(self.text))?;
        if !self.wrong.is_empty() {
            writeln!(f, "{}", style::strong("Wrong"))?;
            write_files(f, &self.wrong)?;
            writeln!(f, "{}", style::strong("Mended"))?;
            write_files(f, &self.right)?;
        }
        writeln!(f, "{}", wrapped(&format!("To mend it: {}.", self.remedy)))
    }
}

fn write_files(f: &mut fmt::Formatter<'_>, files: &[File]) -> fmt::Result {
    for file in files {
        writeln!(f, "  {}", style::faint(file.file))?;
        for line in file.text.lines() {
            writeln!(f, "{}", format!("      {line}").trim_end())?;
        }
    }
    writeln!(f)
}

/// The text in lines that are not too long.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let codes = match &args.code {
        Some(typed) => vec![Meaning::from(
            code::explained(typed).ok_or_else(|| unknown(typed))?,
        )],
        None => code::all().map(Meaning::from).collect(),
    };
    let is_list = args.code.is_none();
    cx.ui.show(&Codes { codes, is_list })?;
    if is_list {
        cx.ui.hint("`buildkeep explain K004` says more of one");
    }
    Ok(Answer::Yes)
}

fn unknown(typed: &str) -> Failure {
    let wanted = typed.to_uppercase();
    let failure = Failure::user(format!("there is no code `{typed}`"));
    match nearest(&wanted, code::all().map(|one| one.code)) {
        Some(near) => failure.hint(format!("did you mean {near}?")),
        None => failure.hint("list all codes: `buildkeep explain`"),
    }
}
