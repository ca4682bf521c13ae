//! A text that is TOML.
use std::ops::Range;
use std::sync::OnceLock;

use serde_json::Value as Json;

use super::code;
use super::key_path::{KeyPath, Segment};
use super::migrate::Before;
use super::problem::{Place, Problem};
use super::tree::{self, Node};
use super::validate;
use super::{Schema, excerpt::Source};

/// What some editors put before the text of a file; no part of it.
pub(super) const BOM: char = '\u{feff}';

/// A TOML text that knows where each of its keys and values stands.
#[derive(Debug)]
pub struct Document {
    source: Source,
    toml: toml_edit::Document<String>,
    json: OnceLock<Json>,
    before: Option<Box<Before>>,
}

impl Document {
    /// Reads `text`; `name` is what problems call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let unmarked = text.strip_prefix(BOM);
        let text = unmarked
            .filter(|rest| !rest.starts_with(BOM))
            .unwrap_or(text);
        let source = Source::new(name, text);
        let toml = toml_edit::Document::parse(text.to_owned())
            .map_err(|error| syntax_problem(&source, &error))?;
        Ok(Self {
            source,
            toml,
            json: OnceLock::new(),
            before: None,
        })
    }

    /// Reads `bytes`, which should be UTF-8.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Self, Problem> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(name, text),
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let end = good.len();
                let source = Source::new(name, &good);
                let message = "the file is not UTF-8 text from here on";
                Err(Problem::new(code::NOT_TEXT, message)
                    .found_in(&source, end..end)
                    .help("save it as UTF-8; `iconv -f latin1 -t utf-8` converts old files"))
            }
        }
    }

    /// What problems call the file.
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The text itself, without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// The values, for those who do not care where they stand; dates and times are text.
    pub fn to_json(&self) -> Json {
        self.json().clone()
    }

    /// The same, lent.
    pub fn json(&self) -> &Json {
        self.json
            .get_or_init(|| tree::to_json(Node::Table(self.toml.as_table())))
    }

    /// The value of each key; a list is one value.
    pub fn values(&self) -> Vec<(KeyPath, Json)> {
        tree::leaves(&self.to_json())
    }

    /// All that `schema` has against this document, and what no document may hold, by position.
    pub fn validate(&self, schema: &Schema) -> Vec<Problem> {
        validate::validate(self, schema)
    }

    /// A problem with the key or the value at `path`, without what `schema` marks secret.
    pub fn problem_by(
        &self,
        schema: &Schema,
        (place, path): (Place, &KeyPath),
        problem: Problem,
    ) -> Problem {
        validate::problem(schema, self, (place, path), problem)
    }

    /// What no document may hold, whatever its schema: numbers that are none.
    pub fn unusable(&self) -> Vec<Problem> {
        let mut unusable = Vec::new();
        let root = Node::Table(self.toml.as_table());
        if !tree::any_float(root, &|number| !number.is_finite()) {
            return unusable;
        }
        self.find_unusable(root, &mut Vec::new(), &mut unusable);
        unusable
    }

    /// The value at `path` as it is written; nothing for tables.
    pub fn value(&self, path: &KeyPath) -> Option<toml_edit::Value> {
        let (found, depth) = tree::follow(self.toml.as_table(), path.segments());
        let span = found.node.value()?.span()?;
        let whole = depth == path.segments().len();
        self.text().get(span).filter(|_| whole)?.parse().ok()
    }

    /// The value or table at `path`; items of lists may be named.
    pub fn json_at(&self, path: &KeyPath) -> Option<Json> {
        let (found, depth) = tree::follow(self.toml.as_table(), path.segments());
        (depth == path.segments().len()).then(|| tree::to_json(found.node))
    }

    /// Where the key at `path` stands, as line and column, both from 1.
    pub fn line_of(&self, path: &KeyPath) -> Option<(usize, usize)> {
        if let Some(before) = &self.before {
            return before.document.line_of(&before.old_name(path.segments()));
        }
        let (found, depth) = tree::follow(self.toml.as_table(), path.segments());
        let span = found.key.or_else(|| found.node.span())?;
        (depth == path.segments().len()).then(|| self.source.position(span.start))
    }

    /// Where the value at `path` stands in the text that was read.
    pub fn place_of(&self, path: &KeyPath) -> Option<Range<usize>> {
        self.line_of(path)?;
        Some(self.span(Place::Value, path.segments()))
    }

    /// A problem with the value at `path`; what does not exist is shown where it should be.
    pub fn problem(
        &self,
        path: &KeyPath,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        self.problem_at(Place::Value, path, code, message)
    }

    /// A problem with the key or the value at `path`.
    pub fn problem_at(
        &self,
        place: Place,
        path: &KeyPath,
        code: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        let problem = Problem::new(code, message).path(path);
        let problem = problem.found_in(self.source(), self.span(place, path.segments()));
        self.in_names_as_written(problem)
    }

    /// The form of the text that was read and the one it was migrated to, if they differ.
    pub fn old_form(&self) -> Option<(u64, u64)> {
        self.before.as_ref().map(|before| before.forms)
    }

    /// The same document as a migration made it from an older one.
    pub(super) fn migrated(self, before: Before) -> Self {
        Self {
            before: Some(Box::new(before)),
            ..self
        }
    }

    /// The text that people see: of an old form, the old one.
    pub(super) fn source(&self) -> &Source {
        match &self.before {
            Some(before) => before.document.source(),
            None => &self.source,
        }
    }

    /// A problem with its keys called as they are in the text that people see.
    pub(super) fn in_names_as_written(&self, problem: Problem) -> Problem {
        match &self.before {
            Some(before) => before.in_old_names(problem),
            None => problem,
        }
    }

    pub(super) fn root(&self) -> &toml_edit::Table {
        self.toml.as_table()
    }

    /// The span of the key or value at `path`, or of the nearest thing around it.
    pub(super) fn span(&self, place: Place, path: &[Segment]) -> Range<usize> {
        if let Some(before) = &self.before {
            return before.span(place, path);
        }
        let (found, depth) = tree::follow(self.toml.as_table(), path);
        let value = found.node.span();
        let span = match place {
            Place::Key => found.key.or(value),
            Place::Value => value.or(found.key),
        };
        match span {
            Some(span) => span,
            None if depth == 0 => 0..0,
            None => self.span(place, &path[..depth.min(path.len()).saturating_sub(1)]),
        }
    }

    /// Collects what TOML can write and JSON cannot.
    fn find_unusable(&self, node: Node<'_>, path: &mut Vec<Segment>, unusable: &mut Vec<Problem>) {
        for (segment, node) in node.children() {
            path.push(segment);
            self.find_unusable(node, path, unusable);
            path.pop();
        }
        let number = node.value().and_then(toml_edit::Value::as_float);
        if number.is_some_and(|number| !number.is_finite()) {
            let path = KeyPath::from(path.as_slice());
            let message = format!("`{path}` must be a finite number");
            let problem = Problem::new(code::NOT_A_VALUE, message).path(&path);
            let span = self.span(Place::Value, path.segments());
            let problem = problem.found_in(self.source(), span);
            unusable.push(self.in_names_as_written(problem));
        }
    }
}

/// The parser's words where they help, ours where they would not.
fn syntax_problem(source: &Source, error: &toml_edit::TomlError) -> Problem {
    if let Some(marker) = conflict_in(&source.text) {
        return Problem::new(code::SYNTAX, "a merge left two versions here, and nobody chose yet")
            .help("keep what is meant, take the lines `<<<<<<<`, `=======` and `>>>>>>>` out, and `git add` the file")
            .found_in(source, marker);
    }
    let said = error.message().trim();
    let end = source.text.len();
    let span = error.span().unwrap_or(end..end);
    let marked = source.text.get(span.clone()).unwrap_or_default();
    let syntax = |message: &str| Problem::new(code::SYNTAX, message);
    let bare = is_bare_word(marked) && said.starts_with("invalid");
    let problem = if said.contains("duplicate key") {
        let message = format!("`{}` is set a second time", first_line(marked));
        Problem::new(code::DUPLICATE, message).help("keep one of the two")
    } else if bare || said.starts_with("string values must be quoted") {
        syntax("this is not a value").help(
            "text must be in quotes: `\"like this\"`; other values are numbers, `true`, `false`, dates, `[lists]`",
        )
    } else if let Some(control) = control_at(&source.text, span.start) {
        let code = u32::from(control);
        syntax("a control character")
            .help(format!("in text in double quotes write `\\u{code:04x}`"))
    } else if said.starts_with("key with no value") {
        syntax("this key has no value").help("write `key = value`, or put `#` before a comment")
    } else if let Some((message, missing)) = said.split_once(", expected ") {
        syntax(message).help(format!("expected {missing}"))
    } else {
        syntax(said)
    };
    problem.found_in(source, span)
}

/// The line with which Git begins a conflict, if there is a whole one.
fn conflict_in(text: &str) -> Option<Range<usize>> {
    let is_line = |at: usize| at == 0 || text[..at].ends_with('\n');
    let mut begins = text.match_indices("<<<<<<< ").map(|(at, _)| at);
    let start = begins.find(|at| is_line(*at))?;
    let mut ends = text[start..].match_indices(">>>>>>> ");
    ends.find(|(at, _)| is_line(start + at))?;
    Some(start..start + first_line(&text[start..]).len())
}

fn control_at(text: &str, at: usize) -> Option<char> {
    let first = text.get(at..)?.chars().next()?;
    (first.is_control() && !matches!(first, '\n' | '\r' | '\t')).then_some(first)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn is_bare_word(text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || "-_./+:$~@%".contains(c);
    text.starts_with(|c: char| c.is_alphabetic() || "/$~.".contains(c)) && text.chars().all(word)
}
