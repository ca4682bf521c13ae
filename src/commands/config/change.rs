//! What setting and unsetting have in common: planned, checked, written, committed, told.
use std::fmt;

use serde::Serialize;
use serde_json::Value as Json;

use super::super::stale::{self, Side as StaleSide, Stale};
use super::super::{Answer, Context, secret, versions};
use super::meanwhile;
use super::target::Where;
use crate::config::diff::KeyChange;
use crate::config::edit::{self, Edit, FileEdit, KeyEdit, Wish};
use crate::config::{Effective, Files, OldForm, Origin, Role, Scope, Sources};
use crate::document::hidden_lines;
use crate::failure::Failure;
use crate::report::diff::{Differences, FileDiff, Side};
use crate::store::{Keep, Message, WriteGuard};
use crate::ui::{clean, style};

/// Subjects are no longer than this.
const SUBJECT: usize = 72;

/// What setting and unsetting have in common.
#[derive(Debug, Default, clap::Args)]
pub(super) struct How {
    #[command(flatten)]
    pub(super) place: Where,
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl How {
    /// Where the key belongs, for a reason of ours.
    pub(super) fn saying(message: &str) -> Self {
        Self {
            message: Some(message.to_owned()),
            ..Self::default()
        }
    }
}

/// What changed, or would.
#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    first: Change,
    changes: Vec<Change>,
    commit: Option<String>,
    version: Option<u64>,
    #[serde(flatten)]
    stale: Stale,
    #[serde(skip)]
    files: Vec<String>,
    #[serde(skip)]
    in_force: Vec<String>,
    #[serde(skip)]
    diff: Option<Differences>,
}

/// A key in its file.
#[derive(Clone, Debug, Serialize)]
struct Change {
    key: String,
    before: Option<Json>,
    value: Option<Json>,
    file: String,
    changed: bool,
    now: Option<Now>,
    #[serde(skip)]
    is_unset: bool,
    #[serde(skip)]
    is_now_known: bool,
    /// Whether other layers have their part of it too, or a later change of the same command.
    #[serde(skip)]
    is_a_part: bool,
}

/// What holds in the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Now {
    value: Json,
    origin: Option<Origin>,
}

impl Change {
    fn of(edit: &KeyEdit, wish: &Wish) -> Self {
        let value = |value: &Option<Json>| match value {
            Some(_) if edit.is_secret => Some(Json::from("(secret)")),
            other => other.clone(),
        };
        Self {
            key: edit.key.to_string(),
            before: value(&edit.before),
            value: value(&edit.after),
            file: edit.file.clone(),
            changed: !edit.is_noop(),
            now: None,
            is_unset: wish.change == edit::Change::Unset,
            is_now_known: false,
            is_a_part: false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.changed {
            let value = self.value.as_ref().map(Json::to_string);
            let value = value.unwrap_or_else(|| "not set".to_owned());
            return write!(f, "{} is {} already", self.key, clean(&value));
        }
        let change = KeyChange {
            key: self.key.clone(),
            before: self.before.clone(),
            after: self.value.clone(),
        };
        write!(f, "{}", clean(&change.to_string()))?;
        if !self.is_unset || !self.is_now_known {
            return Ok(());
        }
        match &self.now {
            Some(Now { value, origin }) => {
                let value = value.to_string();
                write!(f, "\n  now {}", clean(&value))?;
                match origin {
                    Some(origin) => write!(f, ", {}", style::faint(from(origin))),
                    None => Ok(()),
                }
            }
            None => write!(f, "\n  now without a value"),
        }
    }
}

fn from(origin: &Origin) -> String {
    match origin.layer {
        crate::config::Layer::Default => format!("the {origin}"),
        _ => format!("from {origin}"),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.changes.iter().any(|change| change.changed);
        for (at, change) in self.changes.iter().enumerate() {
            let is_last = at + 1 == self.changes.len();
            match &self.commit {
                Some(commit) if !any && is_last => {
                    let commit = style::notable(&commit[..10]);
                    writeln!(f, "{change}; committed {commit}")?;
                }
                _ => writeln!(f, "{change}")?,
            }
        }
        if !any {
            return Ok(());
        }
        let files = self.files.join(", ");
        match (&self.commit, self.version) {
            (Some(commit), version) => {
                let commit = style::notable(&commit[..10]);
                let version = version.map_or_else(String::new, |n| format!(", version {n}"));
                writeln!(f, "  {files}{version}, committed {commit}")?;
            }
            (None, _) if self.diff.is_some() => writeln!(f, "  would change {files}")?,
            (None, _) => writeln!(f, "  {files}: only in the work tree, nothing to commit")?,
        }
        write!(f, "{}", self.stale)?;
        match &self.diff {
            Some(diff) => write!(f, "\n{diff}"),
            None => Ok(()),
        }
    }
}

/// Carries wishes out in one commit.
pub(super) fn change(cx: &mut Context, wishes: &[Wish], how: &How) -> Result<Answer, Failure> {
    refuse_empty(how.message.as_deref())?;
    secret::refuse_message(cx, how.message.as_deref())?;
    let keep = cx.keep()?;
    let seen = keep.repo().head()?;
    let guard = cx.lock(&keep)?;
    for wish in wishes {
        meanwhile::tell(cx, &keep, seen, &wish.key)?;
    }
    let files = Files::of_work_tree(&keep)?;
    let committed = match keep.repo().head()? {
        Some(head) => Files::of_commit(keep.repo(), head)?,
        None => Files::default(),
    };
    let target = how.place.target(&keep, &files)?;
    let edit = Edit::plan((&files, &committed), wishes, &target);
    let edit = edit.map_err(|error| Failure::from(error).hint("nothing was changed"))?;
    secret::refuse(cx, &keep, &edit.work())
        .map_err(|failure| failure.hint("nothing was changed"))?;
    let mut outcome = outcome(cx, &keep, (&files, &edit), wishes)?;
    if how.dry_run {
        outcome.diff = Some(diff(&files, &edit)?);
    } else if edit.commits() {
        apply(cx, (&keep, &guard), (&edit, &mut outcome), how)?;
    } else if edit.writes() {
        keep.write_files(&guard, &edit.work())?;
    }
    cx.ui.show(&outcome)?;
    tell(cx, &edit, &outcome, how);
    Ok(Answer::Yes)
}

/// A message that is given should say something.
pub(super) fn refuse_empty(message: Option<&str>) -> Result<(), Failure> {
    if message.is_some_and(|text| text.trim().is_empty()) {
        return Err(Failure::user("the message is empty")
            .hint("say why, or leave -m out for a message of ours"));
    }
    Ok(())
}

fn outcome(
    cx: &Context,
    keep: &Keep,
    (files, edit): (&Files, &Edit),
    wishes: &[Wish],
) -> Result<Outcome, Failure> {
    let after = files.with(&edit.work());
    let changes = edit.keys.iter().zip(wishes);
    let mut changes: Vec<Change> = changes.map(|(key, wish)| Change::of(key, wish)).collect();
    let scope = Scope::new(&keep.host(), &cx.world.env, &cx.overrides)?;
    let sources = Sources::read(&after)?;
    // What is wrong elsewhere does not keep anybody from changing a key.
    if let Ok(effective) = Effective::of(&sources, &scope) {
        let schema = sources.schemas().combined();
        for (at, (change, key)) in changes.iter_mut().zip(&edit.keys).enumerate() {
            let mut later = edit.keys[at + 1..].iter();
            change.is_a_part =
                edit::is_joined(schema, &key.key) || later.any(|one| one.key == key.key);
            change.is_now_known = true;
            change.now = effective.get(&key.key).map(|value| Now {
                value: if key.is_secret {
                    Json::from("(secret)")
                } else {
                    value.clone()
                },
                origin: effective.origin(&key.key).cloned(),
            });
        }
    }
    Ok(Outcome {
        first: changes[0].clone(),
        changes,
        commit: None,
        version: None,
        stale: stale::by_change(cx, keep, &StaleSide::of(files), &StaleSide::of(&after)),
        files: edit.files.iter().map(|file| file.path.clone()).collect(),
        in_force: in_force(edit, &sources, &keep.host()),
        diff: None,
    })
}

/// The files among those that change whose values count on this host.
fn in_force(edit: &Edit, sources: &Sources, here: &str) -> Vec<String> {
    let profiles = sources.profiles();
    let counts = |role: Role| match role {
        Role::Profile(name) => profiles.contains(&name),
        Role::Host(host) => host == here,
        _ => true,
    };
    let files = edit.files.iter().map(|file| &file.path);
    let files = files.filter(|path| Role::of(path).is_some_and(counts));
    files.cloned().collect()
}

fn apply(
    cx: &Context,
    (keep, guard): (&Keep, &WriteGuard),
    (edit, outcome): (&Edit, &mut Outcome),
    how: &How,
) -> Result<(), Failure> {
    let mut message = message(cx, keep, edit, how)?;
    outcome.stale.record(&mut message.trailers);
    outcome.version = versions::number_in(&message.trailers);
    let signature = cx.signature(keep);
    let changes = (&*edit.committed(), &*edit.work());
    let commit_id = keep.commit_beside(guard, changes, &message, &signature)?;
    outcome.commit = Some(commit_id.to_string());
    Ok(())
}

/// What people should know besides.
fn tell(cx: &mut Context, edit: &Edit, outcome: &Outcome, how: &How) {
    let would = |done: &str, will: &str| {
        if how.dry_run {
            will.to_owned()
        } else {
            done.to_owned()
        }
    };
    for file in &edit.files {
        if let Some(OldForm { file, from, to }) = file.old_form.as_ref().filter(|_| file.is_written)
        {
            let was = would("was", "would be");
            cx.ui.warn(format!(
                "{file} {was} rewritten from form {from} to {to} on the way"
            ));
        }
        if let Some(Role::Profile(name)) = Role::of(&file.path)
            && !outcome.in_force.contains(&file.path)
        {
            cx.ui.hint(format!(
                "the profile {name} is not in force; to have it so: `buildkeep config set profiles+={name}`"
            ));
        }
        if outcome.commit.is_some() && file.leaves_others() {
            cx.ui.status(format!(
                "other changes of {} stay as they are, uncommitted",
                file.path
            ));
        }
    }
    for (change, key) in outcome.changes.iter().zip(&edit.keys) {
        if change.is_a_part || !outcome.in_force.contains(&key.file) {
            continue;
        }
        let now = change.now.as_ref();
        let Some(Now {
            value,
            origin: Some(origin),
        }) = now
        else {
            continue;
        };
        let is_else = change.value.is_some() && change.value.as_ref() != Some(value);
        // Of secrets only the place can be compared.
        let is_hidden = key.is_secret && origin.file.as_deref() != Some(&key.file);
        if is_else || is_hidden && !change.is_unset {
            let key = &change.key;
            cx.ui
                .warn(format!("on this host `{key}` is something else: {origin}"));
        }
    }
}

fn message(cx: &Context, keep: &Keep, edit: &Edit, how: &How) -> Result<Message, Failure> {
    let subject = how.message.clone().unwrap_or_else(|| subject(edit));
    let mut trailers = cx.trailers("config", keep);
    for key in &edit.keys {
        trailers.push("Key", &key.key);
    }
    let is_version =
        |file: &FileEdit| Role::of(&file.path).is_some_and(|role| role.is_configuration());
    if edit.files.iter().any(is_version) {
        versions::add_next(keep, &mut trailers)?;
    }
    Ok(Message::new(subject, trailers))
}

fn subject(edit: &Edit) -> String {
    if let [only] = edit.keys.as_slice() {
        return subject_of(only);
    }
    let all_gone = edit.keys.iter().all(|key| key.after.is_none());
    let verb = if all_gone { "unset" } else { "set" };
    let mut names: Vec<String> = edit.keys.iter().map(|key| key.key.to_string()).collect();
    let all = names.len();
    let written = |names: &[String]| match all - names.len() {
        0 => format!("config: {verb} {}", names.join(", ")),
        more => format!("config: {verb} {} and {more} more", names.join(", ")),
    };
    while names.len() > 1 && written(&names).chars().count() > SUBJECT {
        names.pop();
    }
    written(&names)
}

fn subject_of(edit: &KeyEdit) -> String {
    let key = &edit.key;
    match &edit.after {
        None => format!("config: unset {key}"),
        Some(_) if edit.is_secret => format!("config: set {key}"),
        Some(value) => {
            let value = value.to_string();
            let short: String = value.chars().take(40).collect();
            let more = if short.len() < value.len() { "…" } else { "" };
            format!("config: set {key} to {short}{more}")
        }
    }
}

/// The lines that change in the work tree, without secrets.
fn diff(files: &Files, edit: &Edit) -> Result<Differences, Failure> {
    let after = Sources::read(&files.with(&edit.work()))?;
    let schema = after.schemas().combined();
    let side = |bytes: &[u8]| Side {
        hidden: std::str::from_utf8(bytes)
            .map(|text| hidden_lines(text, schema))
            .unwrap_or_default(),
        content: bytes.to_vec(),
    };
    let changed = edit
        .files
        .iter()
        .filter(|file| files.get(&file.path) != Some(file.text.as_bytes()));
    let one = |file: &FileEdit| {
        let old = files.get(&file.path).map(side);
        let new = side(file.text.as_bytes());
        FileDiff::new(file.path.clone(), old.as_ref(), Some(&new))
    };
    Ok(Differences {
        files: changed.map(one).collect(),
    })
}
