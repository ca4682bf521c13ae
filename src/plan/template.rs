//! Values with `${…}` in them.
use std::fmt;

/// A text with places for values, as `-O${build.level} -I${root}/include`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// `${` without `}`.
    Unclosed,
    /// A dollar before something else than `{` or a dollar.
    Bare(String),
    /// `${}`, or a name with spaces or the shell's operators in it.
    BadName(String),
}

impl Template {
    /// Takes a text apart; `$$` is a dollar.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            parts.push(Part::Text(before.to_owned()));
            rest = if let Some(after) = after.strip_prefix('$') {
                parts.push(Part::Text("$".into()));
                after
            } else if let Some(inner) = after.strip_prefix('{') {
                let (name, after) = inner.split_once('}').ok_or(Problem::Unclosed)?;
                parts.push(Part::Name(checked(name)?.to_owned()));
                after
            } else {
                return Err(Problem::Bare(word(after)));
            };
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The names it asks for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with all names replaced; `Err` is a name that `value` does not know.
    pub(super) fn expand(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Name(name) => text.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(text)
    }
}

fn checked(name: &str) -> Result<&str, Problem> {
    let fine = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if name.is_empty() || !name.chars().all(fine) {
        return Err(Problem::BadName(name.to_owned()));
    }
    Ok(name)
}

fn word(after: &str) -> String {
    let in_word = |c: &char| c.is_alphanumeric() || *c == '_';
    after.chars().take_while(in_word).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("`${` without `}`"),
            Self::Bare(word) => write!(f, "`${word}` means nothing here"),
            Self::BadName(name) => write!(f, "`${{{name}}}` is not the name of a key"),
        }
    }
}

impl Problem {
    /// How to put it right.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Unclosed => "close it, as in `${build.cflags}`, or write `$$` for a dollar",
            Self::Bare(_) => {
                "write `${key}` for a configuration value, `$$` for a dollar; \
                 variables of the shell are not known here"
            }
            Self::BadName(_) => "name a configuration key, as in `${build.cflags}`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<String, String> {
        let known = |name: &str| (name == "a.b").then(|| "VALUE".to_owned());
        let template = Template::parse(text).map_err(|problem| problem.to_string())?;
        template.expand(known).map_err(str::to_owned)
    }

    #[test]
    fn names_are_replaced_once() {
        assert_eq!(expand("-I${a.b}/x"), Ok("-IVALUE/x".into()));
        assert_eq!(expand("$$x $${a.b} 5$$"), Ok("$x ${a.b} 5$".into()));
        assert_eq!(expand(""), Ok(String::new()));
        assert_eq!(expand("${c}"), Err("c".into()));
    }

    #[test]
    fn what_is_no_template_is_said() {
        for (text, problem) in [
            ("x${a", Problem::Unclosed),
            ("$HOME/x", Problem::Bare("HOME".into())),
            ("$", Problem::Bare(String::new())),
            ("${}", Problem::BadName(String::new())),
            ("${a:-b}", Problem::BadName("a:-b".into())),
        ] {
            assert_eq!(Template::parse(text), Err(problem), "{text}");
        }
    }
}
