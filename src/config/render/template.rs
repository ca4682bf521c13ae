//! Templates, and what they may name.
use std::collections::{BTreeMap, HashSet};

use minijinja::value::{Serde, Value as Jinja};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value as Json};

use super::{From, Render, exports, quote};
use crate::config::Effective;
use crate::config::secrets::referred;
use crate::document::{KeyPath, Problem, code, nearest};

/// Instructions that a template may take; 64 bytes of text or of values count as one, so that it
/// stays below 256 MB.
const MOST_WORK: u64 = 4_000_000;

/// What a rendering may name.
pub struct Values<'a> {
    /// The configuration of this host.
    pub effective: &'a Effective,
    /// `host`, `root`, `keep`.
    pub places: BTreeMap<&'static str, String>,
    /// The variables there are, of which each rendering sees those it names.
    pub env: BTreeMap<String, String>,
    /// The value of a secret, or why there is none.
    pub reveal: &'a dyn Fn(&str) -> Result<String, String>,
}

impl Values<'_> {
    /// The text of a rendering; `template` is that of the template, if it has one.
    pub fn text(&self, render: &Render, template: &str) -> Result<String, Problem> {
        match &render.from {
            From::Template(file) => self.of_template(render, file, template),
            From::Exports(format, names) => {
                let reveal = |secret: &str, key: &KeyPath| {
                    if render.secrets {
                        (self.reveal)(secret)
                    } else {
                        Err(format!(
                            "`{key}` is a secret: say `secrets = true` to write it"
                        ))
                    }
                };
                exports::variables(names, self.effective)
                    .and_then(|variables| exports::text(*format, &variables, &reveal))
                    .map_err(|message| Problem::new(code::BAD_TEMPLATE_FILE, message))
            }
        }
    }

    fn of_template(&self, render: &Render, file: &str, text: &str) -> Result<String, Problem> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(MOST_WORK));
        engine.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        engine.add_filter("shquote", |value: Jinja| quote::shell(&shown(&value)));
        engine.add_filter("makequote", |value: Jinja| {
            let text = shown(&value);
            let oneline =
                || Error::new(ErrorKind::InvalidOperation, "a value for make is one line");
            quote::make(&text).ok_or_else(oneline)
        });
        let located = |error: &Error| self.located(render, (file, text), error);
        let compiled = engine.template_from_named_str(file, text);
        let compiled = compiled.map_err(|error| located(&error))?;
        let tree = self.tree(render, &compiled.undeclared_variables(true))?;
        let rendered = compiled.render(Jinja::from(Serde(tree)));
        let mut rendered = rendered.map_err(|error| located(&error))?;
        // The engine drops the last line end of a template.
        let end = &text[text.trim_end_matches(['\r', '\n']).len()..];
        let dropped = ["\r\n", "\n"]
            .into_iter()
            .find(|line_end| end.ends_with(line_end));
        rendered.push_str(dropped.unwrap_or_default());
        Ok(rendered)
    }

    /// The configuration, with what is ours beside its tables.
    fn tree(&self, render: &Render, named: &HashSet<String>) -> Result<Json, Problem> {
        let mut tree = self.effective.get(&KeyPath::root()).cloned();
        let tree = tree.get_or_insert_with(|| Json::Object(Map::new()));
        let is_named = |path: &str| named.iter().any(|name| is_within(path, name));
        let wanted = |path: &str| render.secrets && is_named(path);
        self.reveal_in("", tree, &wanted)?;
        if let Json::Object(fields) = tree {
            for (name, place) in &self.places {
                fields.insert((*name).to_owned(), Json::from(place.as_str()));
            }
            let seen = render.env.iter().filter_map(|name| {
                let value = self.env.get(name)?;
                Some((name.clone(), Json::from(value.as_str())))
            });
            fields.insert("env".to_owned(), Json::Object(seen.collect()));
        }
        Ok(std::mem::take(tree))
    }

    /// Puts secrets that are wanted in the place of their names, and takes the others away.
    fn reveal_in(
        &self,
        path: &str,
        json: &mut Json,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), Problem> {
        if let Some(fields) = json.as_object_mut() {
            let inside = |name: &str| match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            fields.retain(|name, value| referred(value).is_none() || wanted(&inside(name)));
            for (name, value) in fields {
                self.reveal_in(&inside(name), value, wanted)?;
            }
        } else if let Some(items) = json.as_array_mut() {
            items.retain(|value| referred(value).is_none() || wanted(path));
            for item in items {
                self.reveal_in(path, item, wanted)?;
            }
        } else if let Some(secret) = referred(json) {
            let value = (self.reveal)(secret);
            *json = value
                .map_err(|message| Problem::new(code::BAD_TEMPLATE_FILE, message))?
                .into();
        }
        Ok(())
    }

    fn located(&self, render: &Render, (file, text): (&str, &str), error: &Error) -> Problem {
        let line = error.line().unwrap_or(1);
        let start: usize = text
            .split_inclusive('\n')
            .take(line - 1)
            .map(str::len)
            .sum();
        let here = text[start..].lines().next().unwrap_or_default();
        let indent = here.len() - here.trim_start().len();
        let span = start + indent..start + here.trim_end().len();
        let said = match error.kind() {
            ErrorKind::UndefinedError => "a name in this line has no value".to_owned(),
            ErrorKind::OutOfFuel => "the template takes too long, or makes too much".to_owned(),
            kind => error
                .detail()
                .map_or_else(|| kind.to_string(), str::to_owned),
        };
        let problem = Problem::new(code::BAD_TEMPLATE_FILE, said);
        let unknown = (error.kind() == ErrorKind::UndefinedError)
            .then(|| self.unknown_in(render, here))
            .flatten();

        match unknown {
            Some((message, span_in_line, help)) => Problem::new(code::BAD_TEMPLATE_FILE, message)
                .found_in_text(
                    (file, text),
                    start + span_in_line.start..start + span_in_line.end,
                    &[],
                )
                .help(help),
            None => problem.found_in_text((file, text), span, &[]),
        }
    }

    /// The first dotted name in a line of a template that has no value.
    fn unknown_in(
        &self,
        render: &Render,
        line: &str,
    ) -> Option<(String, std::ops::Range<usize>, String)> {
        let in_name = |c: char| c.is_alphanumeric() || "_.".contains(c);
        let mut at = 0;
        for word in line.split_inclusive(|c| !in_name(c)) {
            let name = word.trim_end_matches(|c| !in_name(c));
            let span = at..at + name.len();
            at += word.len();
            let Ok(key) = KeyPath::parse(name) else {
                continue;
            };
            let is_inside = line[..span.start]
                .rfind('{')
                .is_some_and(|open| !line[open..span.start].contains('}'));
            let ours = self.places.contains_key(name) || name.starts_with("env.");
            if !is_inside || !name.contains('.') && !ours {
                continue;
            }
            let first = name.split('.').next().unwrap_or_default();
            if self.places.contains_key(first) && first != name {
                let message = format!("`{first}` has nothing inside: it is {}", self.places[first]);
                let help = "a template cannot name a table of the configuration that is called `env`, `host`, `keep` or `root`";
                return Some((message, span, help.to_owned()));
            }
            match self.effective.get(&key) {
                Some(value) if !render.secrets && referred(value).is_some() => {
                    let help = "say `secrets = true` in its `[[render]]` to write it";
                    return Some((format!("`{name}` is a secret"), span, help.to_owned()));
                }
                Some(_) => {}
                None if ours => {
                    let help = "name the variable in `env = [\"NAME\"]` of its `[[render]]`";
                    return Some((format!("`{name}` has no value here"), span, help.to_owned()));
                }
                None => {
                    let keys: Vec<String> = self
                        .effective
                        .entries()
                        .into_iter()
                        .map(|entry| entry.key)
                        .collect();
                    let near = nearest(name, keys.iter().map(String::as_str));
                    let help = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "`buildkeep config list` shows the keys; `| default(\"\")` lets one be missing".to_owned(),
                    };
                    return Some((format!("`{name}` has no value"), span, help));
                }
            }
        }
        None
    }
}

/// Whether one of two dotted names is the other, or goes on with it: `{{ net }}` shows `net.token`,
/// and `{{ net.token.upper() }}` too.
fn is_within(path: &str, name: &str) -> bool {
    let goes_on = |long: &str, short: &str| {
        let rest = long.strip_prefix(short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    goes_on(path, name) || goes_on(name, path)
}

/// A value as scripts want it.
fn shown(value: &Jinja) -> String {
    match serde_json::to_value(value) {
        Ok(json) => exports::plain(&json),
        Err(_) => value.to_string(),
    }
}
