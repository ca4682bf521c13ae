//! What a commit says: a line for people, a body, and facts for machines.
//!
//! Facts are lines `Buildkeep-Key: value` in the last paragraph. We scan for them ourselves,
//! because the trailer rules of Git and gix differ, and write them so that both agree.
use std::fmt;

/// The newest commit format that we read and write.
pub const FORMAT: u32 = 1;

const PREFIX: &str = "Buildkeep-";
/// Longer values are cut: a trailer is a fact, not a store of data.
const LONGEST: usize = 100;

/// Ordered facts of a commit, keys without their `Buildkeep-`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers(Vec<(String, String)>);

impl Trailers {
    /// The facts that every commit of ours carries.
    ///
    /// `kind` is one of the kinds of DESIGN §5, `op` the ULID shared by all commits of a command.
    pub fn new(kind: &str, op: &str, host: &str) -> Self {
        let mut trailers = Self::default();
        trailers.push("Format", FORMAT);
        trailers.push("Kind", kind);
        trailers.push("Op", op);
        trailers.push("Host", host);
        trailers
    }

    /// Adds a fact; its value is made a single line of at most 100 characters.
    pub fn push(&mut self, key: &str, value: impl fmt::Display) {
        let line = value.to_string();
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        self.0
            .push((key.to_owned(), line.chars().take(LONGEST).collect()));
    }

    /// Adds a fact that is worth nothing if it is cut: it has no line ends.
    pub fn push_whole(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }

    /// Adds a fact and returns the whole.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.push(key, value);
        self
    }

    /// The first value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of `key`.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        let wanted = move |(k, _): &&(String, String)| k == key;
        self.0
            .iter()
            .filter(wanted)
            .map(|(_, value)| value.as_str())
    }

    /// All facts in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none: a commit made without us.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(key, value)| writeln!(f, "{PREFIX}{key}: {value}"))
    }
}

/// What a commit says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// One line, `topic: what happened`.
    pub subject: String,
    /// More, for people; may be empty.
    pub body: String,
    /// Facts for machines.
    pub trailers: Trailers,
}

impl Message {
    /// A message from a text: its first line is the subject, what follows is the body.
    ///
    /// Control characters, which a terminal would obey when it shows the history, become spaces.
    pub fn new(text: impl Into<String>, trailers: Trailers) -> Self {
        let text: String = text.into();
        let harmless = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
        let text: String = text.trim().chars().map(harmless).collect();
        let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
        Self {
            subject: subject.trim_end().to_owned(),
            body: body.trim().to_owned(),
            trailers,
        }
    }

    /// Reads the text of a commit.
    pub fn parse(text: &str) -> Self {
        let text = text.trim_end();
        let (subject, rest) = text.split_once('\n').unwrap_or((text, ""));
        let rest = rest.trim_matches('\n');
        let (body, last) = match rest.rsplit_once("\n\n") {
            Some((body, last)) => (body, last),
            None => ("", rest),
        };
        let trailers = parse_trailers(last);
        let body = if trailers.is_empty() { rest } else { body };
        Self {
            subject: subject.to_owned(),
            body: body.trim_matches('\n').to_owned(),
            trailers,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.subject)?;
        if !self.body.is_empty() {
            writeln!(f, "\n{}", self.body)?;
        }
        if !self.trailers.is_empty() {
            write!(f, "\n{}", self.trailers)?;
        }
        Ok(())
    }
}

fn parse_trailers(paragraph: &str) -> Trailers {
    Trailers(paragraph.lines().filter_map(parse_trailer).collect())
}

/// `Buildkeep-Key: value`, where the key is of letters and hyphens.
fn parse_trailer(line: &str) -> Option<(String, String)> {
    let fact = line.strip_prefix(PREFIX)?;
    // The space after the last key may be gone: Git trims messages.
    let without_value = || Some((fact.strip_suffix(':')?, ""));
    let (key, value) = fact.split_once(": ").or_else(without_value)?;
    let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    named.then(|| (key.to_owned(), value.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts as people and programs make them: lines, blank lines, what looks like facts.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-zA-Z0-9 äß:\u{7f}\u{1b}\t\r-]{0,12}",
            2 => Just("\n".to_owned()),
            1 => Just("\n\n".to_owned()),
            1 => Just("Buildkeep-Kind: run".to_owned()),
            1 => Just("Signed-off-by: A <a@b>".to_owned()),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn facts() -> impl Strategy<Value = Trailers> {
        let fact = ("[A-Z][a-z]{0,6}(-[A-Z][a-z]{0,4})?", any::<String>());
        proptest::collection::vec(fact, 0..5).prop_map(|facts| {
            let first = Trailers::new("config", "OP", "h");
            facts
                .iter()
                .fold(first, |all, (key, value)| all.with(key, value))
        })
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_read_back(text in text(), trailers in facts()) {
            let message = Message::new(text, trailers);
            let printed = message.to_string();
            prop_assert_eq!(Message::parse(&printed), message);
        }

        #[test]
        fn no_text_is_too_odd_to_be_read(text in ".*") {
            Message::parse(&text);
        }
    }

    #[test]
    fn a_message_is_read_back() {
        let mut message = Message::new("config: set jobs", Trailers::new("config", "OP", "h"));
        message.trailers.push("Key", "build.jobs");
        assert_eq!(Message::parse(&message.to_string()), message);
        message.body = "Because.\n\nAnd so on.".into();
        assert_eq!(Message::parse(&message.to_string()), message);
    }

    #[test]
    fn a_typed_text_cannot_pass_for_facts_or_move_the_cursor() {
        let typed = "one\x1b[2J\r\n\nwhy\n\nBuildkeep-Kind: run\n";
        let message = Message::new(typed, Trailers::new("config", "OP", "h"));
        assert_eq!(message.subject, "one [2J");
        assert_eq!(message.body, "why\n\nBuildkeep-Kind: run");
        let read = Message::parse(&message.to_string());
        assert_eq!(read.trailers.get("Kind"), Some("config"));
        assert_eq!(read, message);
    }

    #[test]
    fn a_message_without_facts_keeps_its_body() {
        let message = Message::parse("one\n\ntwo\n\nthree: four\n");
        assert_eq!(message.body, "two\n\nthree: four");
        assert!(message.trailers.is_empty());
    }

    #[test]
    fn foreign_trailers_among_ours_are_left_out() {
        let message = Message::parse("s\n\nBuildkeep-Kind: run\nSigned-off-by: A <a@b>\n");
        assert_eq!(message.trailers.get("Kind"), Some("run"));
        assert_eq!(message.trailers.iter().count(), 1);
    }

    #[test]
    fn values_are_one_short_line() {
        let trailers = Trailers::default().with("Reason", format!("a\nb {}", "x".repeat(200)));
        let value = trailers.get("Reason").unwrap();
        assert!(value.starts_with("a b x") && value.len() == 100);
    }
}
