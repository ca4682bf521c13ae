//! What is wrong, where, and how to mend it.
use std::ops::Range;

use serde::Serialize;

use super::excerpt::{Excerpt, Source};
use super::key_path::KeyPath;

/// Which part of an entry a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Something wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The stable code, `K004`; `docs/guide/errors.md` explains it.
    pub code: &'static str,
    /// The file, as the person would name it.
    pub file: String,
    /// The line, from 1; 0 if the problem is with the file as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 if the problem is with the file as a whole.
    pub column: usize,
    /// The key, `build.jobs`; empty if the problem is with the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    #[serde(skip)]
    pub(super) is_warning: bool,
    #[serde(skip)]
    pub(super) label: Option<String>,
    #[serde(skip)]
    pub(super) excerpt: Option<Excerpt>,
}

impl Problem {
    /// A problem that has no place yet.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            file: String::new(),
            line: 0,
            column: 0,
            path: String::new(),
            message: message.into(),
            help: None,
            is_warning: false,
            label: None,
            excerpt: None,
        }
    }

    /// The same problem at a place of any text, as the message of a commit.
    #[must_use]
    pub fn in_text(self, name: &str, text: &str, span: Range<usize>) -> Self {
        self.found_in(&Source::new(name, text), span)
    }

    /// A problem with a file as a whole.
    pub fn in_file(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            ..Self::new(code, message)
        }
    }

    /// Makes it a warning: nothing is refused because of it.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.is_warning = true;
        self
    }

    /// The same problem for those who typed the value themselves: quotes were not theirs.
    #[must_use]
    pub fn as_typed(mut self) -> Self {
        let written = |help: &str| {
            let line = help
                .strip_prefix("remove the quotes: `")?
                .strip_suffix('`')?;
            let value = line.split_once(" = ").map_or(line, |(_, value)| value);
            Some(format!("write `{value}`"))
        };
        if let Some(help) = self.help.as_deref().and_then(written) {
            self.help = Some(help);
        }
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says a few words at the place itself.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    /// Says where it was found in a text that need not be TOML, given with the file's name; what
    /// stands at `hidden` is not shown.
    #[must_use]
    pub fn found_in_text(
        self,
        (file, text): (&str, &str),
        span: Range<usize>,
        hidden: &[Range<usize>],
    ) -> Self {
        self.found_in_hiding(&Source::new(file, text), span, hidden)
    }

    pub(super) fn path(mut self, path: &KeyPath) -> Self {
        self.path = path.to_string();
        self
    }

    pub(super) fn found_in(self, source: &Source, span: Range<usize>) -> Self {
        self.found_in_hiding(source, span, &[])
    }

    /// Hides what stands on the line shown, if that can be the value of one of `names`.
    pub(super) fn without_values_of(self, names: &[String]) -> Self {
        let Some(excerpt) = &self.excerpt else {
            return self;
        };
        let named = names
            .iter()
            .any(|name| excerpt.text.contains(name.as_str()));
        if named || !excerpt.text.contains('=') {
            return self.without_value();
        }
        self
    }

    /// Hides what stands on the line shown after its key.
    pub(super) fn without_value(mut self) -> Self {
        if let Some(excerpt) = &mut self.excerpt {
            let after_key = excerpt.text.find('=').map_or(0, |at| at + 1);
            let value = excerpt.text[after_key..].trim_start();
            excerpt.hide_from(excerpt.text.len() - value.len());
        }
        self
    }

    /// As [`Problem::found_in`], with the spans of secret values.
    pub(super) fn found_in_hiding(
        mut self,
        source: &Source,
        span: Range<usize>,
        secrets: &[Range<usize>],
    ) -> Self {
        (self.line, self.column) = source.position(span.start);
        self.file.clone_from(&source.name);
        self.excerpt = Some(source.excerpt(span, secrets));
        self
    }
}
