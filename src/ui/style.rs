//! The few styles we use, as the `Display` of a result writes them.
use std::fmt;

use anstyle::{AnsiColor, Style};

/// Text with a style around it.
pub struct Styled<T>(Style, T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, text) = self;
        write!(f, "{style}{text}{style:#}")
    }
}

/// What went well.
pub fn good<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Green.on_default(), text)
}

/// What went wrong.
pub fn bad<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Red.on_default().bold(), text)
}

/// What came, within a line of which more is as it was.
pub fn good_marked<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Green.on_default().invert(), text)
}

/// What went, within a line of which more is as it was.
pub fn bad_marked<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Red.on_default().bold().invert(), text)
}

/// What is no longer there.
pub fn struck<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Red.on_default().strikethrough(), text)
}

/// What deserves a look.
pub fn notable<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Yellow.on_default(), text)
}

/// What a command or a name is.
pub fn name<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(AnsiColor::Cyan.on_default(), text)
}

/// What may be skipped when reading.
pub fn faint<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(Style::new().dimmed(), text)
}

/// A heading.
pub fn strong<T: fmt::Display>(text: T) -> Styled<T> {
    Styled(Style::new().bold(), text)
}
