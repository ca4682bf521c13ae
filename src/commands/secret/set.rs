//! `secret set`
use std::fmt;
use std::io::{self, IsTerminal as _, Read as _};

use serde::Serialize;

use super::refuse_message;
use super::reveal::resolver;
use crate::commands::{Answer, Context, versions};
use crate::config::secrets::{Secrets, Source, is_reserved};
use crate::config::{Files, Sources};
use crate::document::{self, KeyPath};
use crate::failure::{Failure, Kind};
use crate::store::{FileChange, Keep, Message};
use crate::ui::style;

/// Encrypt a value into an age file of the keep, and name it
///
/// The value is asked for without being shown, or read from standard input. It is encrypted to the
/// `recipients` of `[secrets]` in buildkeep.toml; a new secret goes to secrets/NAME.age.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name that `secret:NAME` refers to
    name: String,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// What was set.
#[derive(Debug, Serialize)]
struct Outcome {
    name: String,
    file: String,
    recipients: usize,
    commit: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = style::notable(&self.commit[..10]);
        writeln!(
            f,
            "{}: encrypted into {}, committed {commit}",
            self.name, self.file
        )?;
        writeln!(
            f,
            "  refer to it: `buildkeep config set KEY secret:{}`",
            self.name
        )
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    refuse_message(cx, args.message.as_deref())?;
    let keep = cx.keep()?;
    let sources = Sources::read(&Files::of_work_tree(&keep)?)?;
    let secrets = Secrets::of(&sources);
    let (file, key, is_new) = place(&secrets, &args.name)?;
    if secrets.recipients.is_empty() {
        return Err(Failure::user("`[secrets]` in buildkeep.toml names no `recipients`: nobody could read it")
            .hint("make a key: `age-keygen -o ~/.config/age/key.txt`")
            .hint("name it: `recipients = [\"age1…\"]` and `identity = \"~/.config/age/key.txt\"` in `[secrets]`"));
    }
    let value = read_value(cx, &args.name)?;
    let guard = cx.lock(&keep)?;
    let resolver = resolver(cx, &keep, &secrets);
    let content = resolver.encrypt(&args.name, (&file, key.as_deref()), &value)?;
    let mut changes = vec![FileChange::put(file.as_str(), content)];
    let is_new = is_new || !is_committed(&keep, &args.name)?;
    if is_new {
        changes.push(named(&keep, &args.name, &file)?);
    }
    let text = args.message.clone();
    let text = text.unwrap_or_else(|| format!("secrets: set {}", args.name));
    let mut trailers = cx.trailers("config", &keep);
    if is_new {
        versions::add_next(&keep, &mut trailers)?;
    }
    let message = Message::new(text, trailers);
    let commit_id = keep.commit_contents(&guard, &changes, &message, &cx.signature(&keep))?;
    cx.ui.show(&Outcome {
        name: args.name.clone(),
        file,
        recipients: secrets.recipients.len(),
        commit: commit_id.to_string(),
    })?;
    Ok(Answer::Yes)
}

/// The file that a secret is kept in, its key there, and whether the name is new.
fn place(secrets: &Secrets, name: &str) -> Result<(String, Option<String>, bool), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match secrets.get(name) {
        Some(Source::Age { file, .. }) if file.starts_with(['/', '~']) || file.contains("..") => {
            Err(Failure::user(format!("{file} lies outside of the keep"))
                .hint(format!("write it yourself: `age --encrypt … -o {file}`")))
        }
        Some(Source::Age { file, key, .. }) => Ok((file.clone(), key.clone(), false)),
        Some(source) => Err(Failure::user(format!(
            "`{name}` comes from {source}: set it there"
        ))),
        None if name.is_empty() || !name.chars().all(plain) => Err(Failure::user(format!(
            "`{name}` cannot be the name of a secret"
        ))
        .hint("use letters, digits, `-` and `_`")),
        None if is_reserved(name) => Err(Failure::user(format!(
            "`{name}` cannot be the name of a secret: `[secrets]` means something else by it"
        ))),
        None => Ok((format!("secrets/{name}.age"), None, true)),
    }
}

/// Whether the last commit knows the name: a command that died may have written it down only.
fn is_committed(keep: &Keep, name: &str) -> Result<bool, Failure> {
    let Some(head) = keep.repo().head()? else {
        return Ok(false);
    };
    let sources = Sources::read(&Files::of_commit(keep.repo(), head)?)?;
    Ok(Secrets::of(&sources).get(name).is_some())
}

/// buildkeep.toml with the name of a new secret, which may have it already.
fn named(keep: &Keep, name: &str, file: &str) -> Result<FileChange, Failure> {
    let files = Files::of_work_tree(keep)?;
    let settings = "buildkeep.toml";
    let text = files
        .text(settings)
        .map_err(|problem| Failure::problems(&[problem]))?;
    if Secrets::of(&Sources::read(&files)?).get(name).is_some() {
        return Ok(FileChange::put(settings, text));
    }
    let key = KeyPath::root().key("secrets").key(name);
    let value = [("age", document::Value::from(file))].into_iter().collect();
    let value = document::Value::InlineTable(value);
    let text = document::set(settings, text, &key, &value)
        .map_err(|problem| Failure::problems(&[problem]))?;
    let change = FileChange::put(settings, text);
    let sources = Sources::read(&files.with(std::slice::from_ref(&change)))?;
    match sources.problems() {
        [] => Ok(change),
        problems => Err(Failure::problems(problems).hint("nothing was changed")),
    }
}

fn unusable(why: &str) -> Failure {
    Failure::user(format!("the value {why}")).hint("encode it, as with base64")
}

fn read_value(cx: &mut Context, name: &str) -> Result<String, Failure> {
    let value = if io::stdin().is_terminal() {
        let value = cx.ui.ask_hidden(&format!("value of {name} (not shown)"))?;
        if value != cx.ui.ask_hidden("once more")? {
            return Err(Failure::text(Kind::User, "the two values differ"));
        }
        value
    } else {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| unusable("is not UTF-8 text"))?
    };
    if value.contains('\0') {
        return Err(unusable("has a NUL byte, which no variable can hold"));
    }
    let value = value.strip_suffix('\n').unwrap_or(&value).to_owned();
    if value.is_empty() {
        return Err(Failure::user("the value is empty")
            .hint(format!("`printf %s VALUE | buildkeep secret set {name}`")));
    }
    Ok(value)
}
