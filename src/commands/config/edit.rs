//! `config edit`
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::super::configuration::key;
use super::super::stale::{self, Side, Stale};
use super::super::{Answer, Context, secret, versions};
use super::change::refuse_empty;
use super::editor::{self, Aside};
use super::target::Where;
use crate::config::diff::KeyChange;
use crate::config::edit::{check_file, file_of, keys_of_file, new_text, refuse_foreign};
use crate::config::{Effective, Error, Files, Role, Scope, Sources};
use crate::document::KeyPath;
use crate::failure::{Failure, Kind};
use crate::store::{FileChange, Keep, Message};
use crate::ui::{clean, quoted, style};

/// Edit a configuration file; it is checked before it is committed
///
/// `$VISUAL` or `$EDITOR` gets a copy. What is wrong is shown, and the copy can be opened again,
/// kept aside or forgotten; the file itself changes only when all is well.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file, or a key or table in it; may be left out if there is only one
    #[arg(value_name = "FILE or KEY")]
    what: Option<String>,
    #[command(flatten)]
    place: Where,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Go on with the text that was kept aside
    #[arg(long, conflicts_with = "anew")]
    resume: bool,
    /// Forget the text that was kept aside
    #[arg(long)]
    anew: bool,
}

/// What changed.
#[derive(Debug, Serialize)]
struct Edited {
    file: String,
    changed: bool,
    keys: Vec<KeyChange>,
    commit: Option<String>,
    version: Option<u64>,
    #[serde(flatten)]
    stale: Stale,
}

impl fmt::Display for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        let Some(commit) = &self.commit else {
            return writeln!(f, "{file} is as it was");
        };
        for key in &self.keys {
            writeln!(f, "{}", clean(&key.to_string()))?;
        }
        let version = self
            .version
            .map_or_else(String::new, |n| format!(", version {n}"));
        let commit = style::notable(&commit[..10]);
        writeln!(f, "  {file}{version}, committed {commit}")?;
        write!(f, "{}", self.stale)
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    refuse_empty(args.message.as_deref())?;
    secret::refuse_message(cx, args.message.as_deref())?;
    let keep = cx.keep()?;
    keep.branch()?;
    if keep.host().is_empty() {
        // A clone that has not written yet gets its name with its first lock.
        drop(cx.lock(&keep)?);
    }
    let files = Files::of_work_tree(&keep)?;
    let file = file(cx, &keep, &files, args)?;
    refuse_foreign(&files, &file)?;
    let editor = editor::named(cx)?;
    let before = match files.get(&file) {
        Some(bytes) => bytes.to_vec(),
        None => new_text(&files, &file).into_bytes(),
    };
    let aside = Aside::of(&keep, &file)?;
    if !is_resumed(cx, &aside, &before, args)? {
        aside.begin(&before)?;
    }
    let text = until_good(cx, &files, (&file, &before), (&editor, &aside))?;
    let mut edited = Edited {
        file,
        changed: false,
        keys: Vec::new(),
        commit: None,
        version: None,
        stale: Stale::default(),
    };
    if let Some(text) = text {
        commit(cx, &keep, (&files, text), (args, &mut edited))
            .map_err(|failure| failure.hint(kept(&aside, &edited.file)))?;
    }
    if aside.text()?.is_some() {
        aside.remove()?;
    }
    cx.ui.show(&edited)?;
    Ok(Answer::Yes)
}

/// The file that is meant.
fn file(cx: &Context, keep: &Keep, files: &Files, args: &Args) -> Result<String, Failure> {
    let what = args.what.as_deref();
    let is_path =
        |what: &&str| what.contains('/') || Path::new(what).extension() == Some("toml".as_ref());
    if let Some(path) = what.filter(is_path) {
        let inside = cx.in_keep(keep, path.as_ref());
        let from_root = keep.root().join(path).exists().then(|| path.to_owned());
        let inside = inside.map(|inside| inside.display().to_string());
        let known = inside.filter(|path| Role::of(path).is_some()).or(from_root);
        return Ok(known.unwrap_or_else(|| path.to_owned()));
    }
    let target = args.place.target(keep, files)?;
    let key: Option<KeyPath> = what.map(key).transpose()?;
    if let Some(key) = &key {
        refuse_unknown(cx, files, key)?;
    }
    file_of(files, key.as_ref(), &target)?.ok_or_else(|| {
        let names = files.iter().filter(|(_, role, _)| role.is_configuration());
        let names: Vec<&str> = names.map(|(path, ..)| path).collect();
        Failure::user("which file? there are several")
            .hint(format!("name one of {}", names.join(", ")))
    })
}

/// A name that nothing knows is a slip, unless nothing can be said about it while a file is broken.
fn refuse_unknown(cx: &Context, files: &Files, key: &KeyPath) -> Result<(), Failure> {
    let file = format!("config/{key}.toml");
    let settings = KeyPath::root().key("profiles");
    if files.get(&file).is_some() || *key == settings {
        return Ok(());
    }
    let sources = Sources::read(files)?;
    let scope = Scope::new("", &cx.world.env, &cx.overrides)?;
    match Effective::of(&sources, &scope) {
        Ok(effective) if !effective.knows(key) => Err(Error::UnknownKey {
            key: key.to_string(),
            near: effective.nearest(key),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Whether a text that was kept aside is gone on with.
fn is_resumed(
    cx: &mut Context,
    aside: &Aside,
    before: &[u8],
    args: &Args,
) -> Result<bool, Failure> {
    let left = aside.text()?.filter(|left| left != before);
    if args.resume && left.is_none() {
        return Err(
            Failure::user("no text of this file is kept aside").hint("leave `--resume` out")
        );
    }
    if left.is_none() || args.anew || args.resume {
        return Ok(args.resume);
    }
    if cx.ui.is_interactive() {
        return Ok(cx
            .ui
            .confirm("a text of this file is kept aside: go on with it?")?);
    }
    let path = aside.path().display().to_string();
    Err(
        Failure::user(format!("a text of this file is kept aside: {path}"))
            .hint("go on with it: `--resume`; forget it: `--anew`"),
    )
}

/// Opens the copy until what is in it is good; nothing if it is to be as it was.
fn until_good(
    cx: &mut Context,
    files: &Files,
    (file, before): (&str, &[u8]),
    (editor, aside): (&str, &Aside),
) -> Result<Option<Vec<u8>>, Failure> {
    loop {
        cx.ui.live_end();
        let opened = editor::open(editor, aside.path());
        let Some(text) = aside.text()? else {
            opened?;
            let message = format!("the editor `{editor}` took its copy of {file} away");
            return Err(Failure::user(message).hint("nothing was changed"));
        };
        if text == before {
            aside.remove()?;
            return opened.map(|()| None);
        }
        opened.map_err(|failure| failure.hint(kept(aside, file)))?;
        let change = [FileChange::put(file, text.as_slice())];
        let checked = check_file(files, file, &text).map_err(Failure::from);
        let checked =
            checked.and_then(|()| secret::refuse_among(cx, &files.with(&change), &change));
        let Err(failure) = checked else {
            return Ok(Some(text));
        };
        if !cx.ui.is_interactive() {
            return Err(failure.hint("nothing was changed").hint(kept(aside, file)));
        }
        cx.ui.error(&failure);
        let choices = [
            "open it again",
            "keep it aside: nothing changes",
            "forget it: the file stays as it was",
        ];
        match cx.ui.choose("This cannot be committed", &choices)? {
            0 => {}
            1 => return Err(Failure::user("nothing was changed").hint(kept(aside, file))),
            _ => return Ok(None),
        }
    }
}

fn kept(aside: &Aside, file: &str) -> String {
    let path = aside.path().display().to_string();
    format!(
        "your text is in {}; go on with it: `buildkeep config edit {file} --resume`",
        quoted(&path)
    )
}

fn commit(
    cx: &mut Context,
    keep: &Keep,
    (files, text): (&Files, Vec<u8>),
    (args, edited): (&Args, &mut Edited),
) -> Result<(), Failure> {
    let guard = cx.lock(keep)?;
    let file = edited.file.as_str();
    let now = Files::of_work_tree(keep)?;
    if now.get(file) != files.get(file) {
        let message = format!("{file} was changed by somebody else in the meantime");
        return Err(Failure::text(Kind::Conflict, message).hint("nothing was changed"));
    }
    check_file(&now, file, &text)?;
    let committed = match keep.repo().head()? {
        Some(head) => Files::of_commit(keep.repo(), head)?,
        None => Files::default(),
    };
    if !now.is_same(&committed) {
        check_file(&committed, file, &text).map_err(|error| {
            Failure::from(error).hint("the work tree has changes that are not committed: without them this one is not valid")
        })?;
    }
    let change = FileChange::put(file, text.as_slice());
    let after = now.with(std::slice::from_ref(&change));
    edited.stale = stale::by_change(cx, keep, &Side::of(&now), &Side::of(&after));
    edited.keys = keys_of_file(&now, &after, file)?;
    edited.changed = true;
    let mut trailers = cx.trailers("config", keep);
    for key in &edited.keys {
        trailers.push("Key", &key.key);
    }
    if Role::of(file).is_some_and(|role| role.is_configuration()) {
        edited.version = versions::add_next(keep, &mut trailers)?;
    }
    edited.stale.record(&mut trailers);
    let subject = args
        .message
        .clone()
        .unwrap_or_else(|| format!("config: edit {file}"));
    let message = Message::new(subject, trailers);
    let signature = cx.signature(keep);
    let commit_id = keep.commit_contents(&guard, &[change], &message, &signature)?;
    edited.commit = Some(commit_id.to_string());
    Ok(())
}
