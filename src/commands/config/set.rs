//! `config set`
use super::super::configuration::key;
use super::super::{Answer, Context};
use super::change::{How, change};
use crate::config::edit::{Change, Wish};
use crate::failure::Failure;

/// Set keys: checked first, then written and committed together
///
/// Text needs no quotes; a list is written as `["a", "b"]`. The schema decides what a value is.
/// `KEY+=ITEM` adds an item to a list unless it has it, `KEY-=ITEM` takes it out.
#[derive(Debug, clap::Args)]
#[command(override_usage = "buildkeep config set [OPTIONS] KEY VALUE\n       \
                            buildkeep config set [OPTIONS] KEY=VALUE...\n       \
                            buildkeep config set [OPTIONS] KEY+=ITEM KEY-=ITEM...")]
pub(super) struct Args {
    /// A key, as `build.jobs`, or `KEY=VALUE`, `KEY+=ITEM`, `KEY-=ITEM`
    #[arg(value_name = "KEY")]
    first: String,
    /// The value of the key
    #[arg(allow_hyphen_values = true)]
    value: Option<String>,
    /// More keys, if the first is `KEY=VALUE`
    #[arg(value_name = "KEY=VALUE")]
    more: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let words = [&args.first]
        .into_iter()
        .chain(&args.value)
        .chain(&args.more);
    let words: Vec<String> = words.cloned().collect();
    let wishes = wishes(&words)?;
    change(cx, &wishes, &args.how)
}

/// Two words are a key and its value, unless the first one has a value already.
fn wishes(words: &[String]) -> Result<Vec<Wish>, Failure> {
    match words {
        [name, value] if equals(name).is_none() => Ok(vec![Wish {
            key: key(name)?,
            change: Change::Set(value.clone()),
        }]),
        pairs => pairs.iter().map(|pair| one(pair)).collect(),
    }
}

fn one(pair: &str) -> Result<Wish, Failure> {
    if let Some(at) = equals(pair) {
        let (name, value) = (pair[..at].trim_end(), pair[at + 1..].to_owned());
        let (name, change) = match (name.strip_suffix('+'), name.strip_suffix('-')) {
            (Some(list), _) => (list, Change::Add(value)),
            (_, Some(list)) => (list, Change::Take(value)),
            _ => (name, Change::Set(value)),
        };
        let key = key(name.trim_end())?;
        return Ok(Wish { key, change });
    }
    key(pair)?;
    Err(Failure::user(format!("`{pair}` has no value"))
        .hint(format!("give it one: `buildkeep config set {pair} VALUE`"))
        .hint("several keys at once: `buildkeep config set KEY=VALUE KEY=VALUE`"))
}

/// Where the `=` after the key stands: the first one outside of quotes.
fn equals(word: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in word.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '=') => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Vec<(String, String)>, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let pair = |wish: Wish| match wish.change {
            Change::Set(value) => (wish.key.to_string(), value),
            Change::Add(item) => (wish.key.to_string(), format!("+ {item}")),
            Change::Take(item) => (wish.key.to_string(), format!("- {item}")),
            Change::Unset => (wish.key.to_string(), String::new()),
        };
        let wishes = wishes(&words).map_err(|failure| failure.message().to_owned())?;
        Ok(wishes.into_iter().map(pair).collect())
    }

    #[test]
    fn pairs_and_single_keys_are_told_apart() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read(&["a.b", "c=d"]), Ok(vec![pair("a.b", "c=d")]));
        assert_eq!(read(&["a.b=c=d"]), Ok(vec![pair("a.b", "c=d")]));
        assert_eq!(
            read(&["a=1", "b=", "vars.\"x=y\"=[1, 2]"]),
            Ok(vec![
                pair("a", "1"),
                pair("b", ""),
                pair("vars.\"x=y\"", "[1, 2]")
            ])
        );
        assert_eq!(read(&["a.\"b=c\"", "d"]), Ok(vec![pair("a.\"b=c\"", "d")]));
        assert_eq!(
            read(&["a.b+=x=y", "a-b-= -1", "\"c-\"=1"]),
            Ok(vec![
                pair("a.b", "+ x=y"),
                pair("a-b", "-  -1"),
                pair("c-", "1")
            ])
        );
        assert_eq!(read(&["a"]), Err("`a` has no value".to_owned()));
        assert_eq!(read(&["a=1", "b"]), Err("`b` has no value".to_owned()));
        assert_eq!(read(&["a", "b", "c"]), Err("`a` has no value".to_owned()));
    }
}
