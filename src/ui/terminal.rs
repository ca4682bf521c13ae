//! The two streams, and how loud we may be.
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use anstream::adapter::strip_str;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use super::style;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For scripts: one JSON object.
    Json,
}

/// The one printer.
pub struct Ui {
    format: Format,
    quiet: bool,
    colour: [bool; 2],
    live: Option<ProgressBar>,
    answered: bool,
}

impl Ui {
    /// Writes to stdout and stderr; `colour` says whether styles are wanted at all.
    pub fn new(format: Format, quiet: Quiet, colour: Colour) -> Self {
        let wanted = colour == Colour::Auto;
        Self {
            format,
            quiet: quiet == Quiet::Yes,
            colour: [
                wanted && io::stdout().is_terminal(),
                wanted && io::stderr().is_terminal(),
            ],
            live: None,
            answered: false,
        }
    }

    /// Whether a person sits in front of it: both input and messages are a terminal.
    pub fn is_interactive(&self) -> bool {
        self.format == Format::Human && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether results are wanted as JSON; only to choose between a stream and a summary.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether results are shown in colour.
    pub fn is_coloured(&self) -> bool {
        self.colour[0] && self.format == Format::Human
    }

    /// Writes a result.
    pub fn show<T: Serialize + Display>(&mut self, value: &T) -> io::Result<()> {
        let text = match self.format {
            Format::Human => value.to_string(),
            Format::Json => with_format(value)?,
        };
        self.answered = true;
        self.print(&text)
    }

    /// Writes a result as one JSON object, whatever was asked for.
    pub fn show_json<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.answered = true;
        self.print(&with_format(value)?)
    }

    /// Writes one of many results: a line for people, a JSON line for scripts.
    pub fn stream<T: Serialize + Display>(&mut self, value: &T) -> io::Result<()> {
        self.show(value)
    }

    /// Writes a result that has only one form, as bytes: a log, a diff, a man page.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Says what was done.
    pub fn status(&mut self, message: impl Display) {
        if !self.quiet {
            self.tell(&message.to_string());
        }
    }

    /// Warns of something that did not stop us.
    pub fn warn(&mut self, message: impl Display) {
        self.tell(&format!("{} {message}", style::notable("warning:")));
    }

    /// Says what to try next.
    pub fn hint(&mut self, message: impl Display) {
        if !self.quiet {
            self.tell(&format!("{} {message}", style::name("hint:")));
        }
    }

    /// Writes why there is no result: on stderr for people; for scripts on stdout too, unless a
    /// result is there already, which stays the last word.
    pub fn failure<T: Serialize + Display>(&mut self, failure: &T) {
        self.live_end();
        self.error(failure);
        if self.format == Format::Json && !self.answered {
            // A closed stdout changes nothing about the failure, which stderr has told.
            let _ = self.show(failure);
        }
    }

    /// Writes an error; the only message that `--quiet` and `--json` keep.
    pub fn error(&mut self, message: impl Display) {
        self.tell(&message.to_string());
    }

    /// Shows or replaces the live line at the bottom of a terminal; elsewhere nothing.
    pub fn live(&mut self, message: impl Display) {
        if self.quiet || !io::stderr().is_terminal() || self.format == Format::Json {
            return;
        }
        let bar = self.live.get_or_insert_with(spinner);
        bar.set_message(message.to_string());
    }

    /// Takes the live line away.
    pub fn live_end(&mut self) {
        if let Some(bar) = self.live.take() {
            bar.finish_and_clear();
        }
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let text = if self.colour[0] {
            text.to_owned()
        } else {
            strip_str(text).to_string()
        };
        let write = || {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            if !text.is_empty() && !text.ends_with('\n') {
                out.write_all(b"\n")?;
            }
            out.flush()
        };
        match &self.live {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn tell(&mut self, text: &str) {
        let text = if self.colour[1] {
            text.to_owned()
        } else {
            strip_str(text).to_string()
        };
        let write = || {
            // Nobody is left to be told about a closed stderr.
            let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
        };
        match &self.live {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Ui {
    fn drop(&mut self) {
        self.live_end();
    }
}

/// Whether messages that are not errors are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// They are not.
    Yes,
    /// They are.
    No,
}

/// Whether styles are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// On terminals.
    Auto,
    /// Nowhere: `NO_COLOR`, `TERM=dumb`.
    Never,
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// The value as one JSON object that begins with `"format": 1`.
fn with_format<T: Serialize>(value: &T) -> io::Result<String> {
    let mut object = serde_json::Map::new();
    object.insert("format".into(), Value::from(1));
    match serde_json::to_value(value)? {
        Value::Object(fields) => object.extend(fields),
        other => drop(object.insert("value".into(), other)),
    }
    Ok(serde_json::to_string(&object)?)
}
