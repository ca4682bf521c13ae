//! Names of keys: `build.jobs`, `step[2].needs`, `env."a.b"`, `step[libs].needs`.
use std::fmt;

/// One part of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a table.
    Key(String),
    /// An item of a list, from 0.
    Index(usize),
    /// The item of a list of tables whose `id` or `name` is this.
    Named(String),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where a value is in a document: `["step".into(), 2.into(), "needs".into()]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The path of the document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of `key`, in this table.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// The path of item `index`, in this list.
    #[must_use]
    pub fn item(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// The parts, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The path of what holds this, and the last part; nothing for the document itself.
    pub fn split_last(&self) -> Option<(Self, &Segment)> {
        let (last, rest) = self.0.split_last()?;
        Some((Self(rest.to_vec()), last))
    }

    /// Whether this is `other` or inside it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Reads a path as people type it.
    ///
    /// The error is a fragment that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut path = Vec::new();
        let mut rest = text;
        loop {
            let (key, after) = one_key(rest)?;
            path.push(Segment::Key(key));
            rest = after;
            while let Some(inner) = rest.strip_prefix('[') {
                let (item, after) = inner.split_once(']').ok_or("a `[` is not closed")?;
                path.push(item_segment(item)?);
                rest = after;
            }
            if rest.is_empty() {
                return Ok(Self(path));
            }
            rest = rest
                .strip_prefix('.')
                .ok_or_else(|| format!("expected `.` before `{rest}`"))?;
        }
    }
}

impl<const N: usize> From<[Segment; N]> for KeyPath {
    fn from(segments: [Segment; N]) -> Self {
        Self(segments.into())
    }
}

impl From<&[Segment]> for KeyPath {
    fn from(segments: &[Segment]) -> Self {
        Self(segments.to_vec())
    }
}

impl FromIterator<Segment> for KeyPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) => {
                    let dot = if at == 0 { "" } else { "." };
                    write!(f, "{dot}{}", written_key(key))?;
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Named(name) => write!(f, "[{name}]")?,
            }
        }
        Ok(())
    }
}

/// A key as TOML wants it written: bare if it may be, else quoted.
pub(super) fn written_key(key: &str) -> String {
    toml_edit::Key::new(key).to_string().trim().to_owned()
}

/// Takes one key, bare or quoted, from the front.
fn one_key(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => closing_quote(text, quote).ok_or("a quote is not closed")?,
        None => text.find(['.', '[']).unwrap_or(text.len()),
    };
    let (written, rest) = text.split_at(end);
    let key = if quote.is_some() {
        unquoted(written)?
    } else {
        bare(written)?
    };
    Ok((key, rest))
}

fn bare(key: &str) -> Result<String, String> {
    if key.is_empty() {
        return Err("a name is missing".to_owned());
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "\"'=]#{}".contains(c);
    match key.find(odd) {
        Some(_) => Err(format!("`{key}` must be quoted: `{}`", written_key(key))),
        None => Ok(key.to_owned()),
    }
}

fn unquoted(written: &str) -> Result<String, String> {
    let keys = toml_edit::Key::parse(written).map_err(|error| error.message().to_owned())?;
    match keys.as_slice() {
        [key] => Ok(key.get().to_owned()),
        _ => Err(format!("{written} is not a name")),
    }
}

/// The position after the quote that closes the one at the front.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn item_segment(item: &str) -> Result<Segment, String> {
    if item.is_empty() {
        return Err("`[]` needs a number or a name".to_owned());
    }
    match item.parse() {
        Ok(index) => Ok(Segment::Index(index)),
        Err(_) => Ok(Segment::Named(item.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn a_path_prints_as_it_is_read() {
        for text in [
            "build.jobs",
            "step[2].needs",
            "env.\"a.b\"",
            "a-b_c.d",
            "step[libs].env.X",
            "\"\"",
        ] {
            assert_eq!(KeyPath::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            KeyPath::parse("env.'a.b'").unwrap().to_string(),
            "env.\"a.b\""
        );
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (text, why) in [
            ("", "a name is missing"),
            ("a..b", "a name is missing"),
            ("a.", "a name is missing"),
            ("a[1", "a `[` is not closed"),
            ("a[]", "`[]` needs a number or a name"),
            ("a[1]b", "expected `.` before `b`"),
            ("a.\"b", "a quote is not closed"),
            ("a b", "`a b` must be quoted: `\"a b\"`"),
        ] {
            assert_eq!(KeyPath::parse(text).unwrap_err(), why, "{text}");
        }
    }
}
