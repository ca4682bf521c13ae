//! Files made from the configuration, compared with what is there, and written.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::secret::reveal::resolver;
use super::super::{Context, versions};
use crate::config::render::{Applied, From, Places, Record, Render, State, Status, Target, Values};
use crate::config::secrets::{Revealed, Secrets};
use crate::config::{Effective, Error, Files, Role, Scope, Sources};
use crate::document::{Document, Problem, code};
use crate::failure::{Failure, Kind};
use crate::fs::{create_dirs_durable, read_optional, write_durable_mode};
use crate::report::diff::{FileDiff, Side};
use crate::store::{Batch, Keep, Message, Repo, WriteGuard};

/// A file that is made from the configuration.
pub(in crate::commands) struct Rendered {
    pub(super) render: Render,
    pub(super) target: Target,
    pub(super) state: State,
    /// What it held when we last agreed with it.
    pub(super) base: Option<Vec<u8>>,
}

/// All of them, with what is known of them.
pub(in crate::commands) struct Rendering {
    pub(super) files: Vec<Rendered>,
    pub(super) applied: Applied,
    pub(super) effective: Effective,
    /// All that buildkeep.toml asks for, where it goes.
    asked: Vec<(Render, PathBuf)>,
    /// What it was made from.
    sources: Files,
}

/// A file, as results name it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) path: String,
    pub(super) status: Status,
    pub(super) written: bool,
    /// Where what was replaced is kept.
    pub(super) replaced: Option<PathBuf>,
}

impl Rendering {
    /// Renders what buildkeep.toml asks for, and looks at what is there. Nothing is written.
    ///
    /// What holds for one command only is not rendered: the file stays for the next one.
    pub(in crate::commands) fn of(
        cx: &Context,
        keep: &Keep,
        root: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let files = Files::of_work_tree(keep)?;
        let sources = Sources::read(&files)?;
        let effective = Effective::of(&sources, &Scope::of_host(&keep.host()))?;
        let (renders, mut problems) = Render::all(&sources);
        let places = Places {
            keep: keep.root().to_owned(),
            root,
        };
        let mut rendering = Self {
            files: Vec::new(),
            applied: Applied::load(&keep.private("applied"))?,
            effective,
            asked: Vec::new(),
            sources: files,
        };
        let secrets = Secrets::of(&sources);
        let known = RefCell::new(BTreeMap::new());
        let reveal = |name: &str| {
            if let Some(value) = known.borrow().get(name) {
                return Ok(Revealed::expose(value).to_owned());
            }
            let found = resolver(cx, keep, &secrets).resolve(name);
            let value = found.map_err(|error| error.to_string())?;
            let text = value.expose().to_owned();
            known.borrow_mut().insert(name.to_owned(), value);
            Ok(text)
        };
        let settings = sources.document(&Role::Settings);
        for (render, settings) in renders
            .into_iter()
            .filter_map(|render| Some((render, settings?)))
        {
            match rendering.one(cx, keep, (&render, &places), &reveal)? {
                Ok((target, state)) => {
                    rendering.asked.push((render.clone(), target.path()));
                    rendering.take(render, target, state)?;
                }
                Err(wrong) => problems.push(wrong.located(&render, settings)),
            }
        }
        if problems.is_empty() {
            Ok(rendering)
        } else {
            Err(Failure::problems(&problems))
        }
    }

    fn take(&mut self, render: Render, target: Target, state: State) -> Result<(), Failure> {
        let base = match &state.record {
            Some(record) => self.applied.content(record)?,
            None => None,
        };
        self.files.push(Rendered {
            render,
            target,
            state,
            base,
        });
        Ok(())
    }

    fn one(
        &self,
        cx: &Context,
        keep: &Keep,
        (render, places): (&Render, &Places),
        reveal: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Result<(Target, State), Wrong>, Failure> {
        let target = match Target::of(render, places) {
            Ok(target) => target,
            Err(message) => return Ok(Err(Wrong::Place(message))),
        };
        if let Some(other) = self.files.iter().find(|file| file.target.is_same(&target)) {
            let message = format!("this is the same file as {}", other.render.to);
            return Ok(Err(Wrong::Place(message)));
        }
        if let Some(inside) = target.in_keep().filter(|_| render.secrets)
            && !keep.is_ignored(inside)?
        {
            let message = "Git would see this file, and it may hold secrets: name it in .gitignore, or put it elsewhere";
            return Ok(Err(Wrong::Place(message.to_owned())));
        }
        let text = match &render.from {
            From::Template(file) => template(keep, file)?,
            From::Exports(..) => Ok(String::new()),
        };
        let named = [
            ("host", keep.host()),
            ("keep", keep.root().display().to_string()),
        ];
        let root = places
            .root
            .as_ref()
            .map(|root| ("root", root.display().to_string()));
        let env = cx.world.env.iter();
        let env = env.filter_map(|(name, value)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        });
        let values = Values {
            effective: &self.effective,
            places: named.into_iter().chain(root).collect(),
            env: env.collect::<BTreeMap<_, _>>(),
            reveal,
        };
        let rendered = match text.and_then(|text| values.text(render, &text)) {
            Ok(rendered) => rendered.into_bytes(),
            Err(problem) => return Ok(Err(Wrong::Text(problem))),
        };
        let there = match target.read() {
            Ok(there) => there,
            Err(Error::Io(error)) if error.source.kind() == ErrorKind::PermissionDenied => {
                return Err(error.into());
            }
            Err(error) => return Ok(Err(Wrong::Place(error.to_string()))),
        };
        let content = there.as_ref().map(|there| there.content.as_slice());
        let record = self.applied.known(&target.path(), content)?;
        let mode = render.file_mode(there.as_ref());
        let state = State::of(there, (rendered, mode), record.as_ref())?;
        Ok(Ok((target, state)))
    }

    /// Leaves only the files that were named, if any were.
    pub(super) fn only(&mut self, cx: &Context, named: &[String]) -> Result<(), Failure> {
        for name in named {
            let is_it = |file: &Rendered| file.is_called(cx, name);
            if !self.files.iter().any(is_it) {
                let known = self.files.iter().map(|file| file.render.to.as_str());
                let known = known.collect::<Vec<_>>().join(", ");
                return Err(Failure::user(format!(
                    "no `[[render]]` in buildkeep.toml makes {name}"
                ))
                .hint(format!("there are: {known}")));
            }
        }
        if !named.is_empty() {
            self.files
                .retain(|file| named.iter().any(|name| file.is_called(cx, name)));
        }
        Ok(())
    }

    /// Refuses if anything is no longer as it was when it was shown; to be asked with the lock.
    pub(super) fn look_again(&self, keep: &Keep) -> Result<(), Failure> {
        let is_same = self.sources.is_same(&Files::of_work_tree(keep)?);
        let applied = Applied::load(&keep.private("applied"))?;
        for file in &self.files {
            let there = file.target.read()?;
            let content = there.as_ref().map(|there| there.content.as_slice());
            let is_known = applied.known(&file.target.path(), content)? == file.state.record;
            if !is_same || !is_known || there != file.state.there {
                let path = if is_same {
                    &file.render.to
                } else {
                    "the configuration"
                };
                return Err(
                    Failure::text(Kind::Conflict, format!("{path} was changed meanwhile"))
                        .hint("nothing was written; look again and repeat the command"),
                );
            }
        }
        Ok(())
    }

    /// Writes the files that `wants` chooses; what they replace is kept if somebody wrote it.
    pub(super) fn write(
        &mut self,
        cx: &Context,
        (keep, guard): (&Keep, &WriteGuard),
        wants: impl Fn(&Rendered) -> bool,
    ) -> Result<Vec<Line>, Failure> {
        self.look_again(keep)?;
        let mut lines = Vec::new();
        let wanted = self.files.iter().filter(|file| wants(file));
        let intended = wanted.map(|file| (file.target.path(), file.state.rendered.as_slice()));
        self.applied.intend(&intended.collect::<Vec<_>>())?;
        for file in &self.files {
            let is_wanted = wants(file);
            let replaced = if is_wanted {
                file.save_replaced(cx, keep)?
            } else {
                None
            };
            if is_wanted {
                file.refuse_changed()?;
                file.target.write(&file.state.rendered, file.state.mode)?;
            }
            if is_wanted || file.state.status == Status::Same {
                let record = file.agreed(cx, keep, &file.state.rendered)?;
                if self
                    .applied
                    .get(&file.target.path())
                    .map(|old| (&old.content, &old.rendered))
                    != Some((&record.content, &record.rendered))
                {
                    file.remember(&mut self.applied, &file.state.rendered, record)?;
                }
            }
            lines.push(Line {
                path: file.render.to.clone(),
                status: file.state.status,
                written: is_wanted,
                replaced,
            });
        }
        self.publish(cx, keep, guard, &lines)?;
        Ok(lines)
    }

    /// Writes what a run is to find, or says what it will not find.
    pub(in crate::commands) fn before_run(
        mut self,
        cx: &mut Context,
        (keep, guard): (&Keep, &WriteGuard),
    ) -> Result<(), Failure> {
        super::apply::refuse(&self)?;
        let lines = self.write(cx, (keep, guard), |file| file.state.is_due())?;
        for line in lines {
            if line.written {
                cx.ui.status(format!("wrote {} for the run", line.path));
            } else if line.status == Status::Drifted {
                cx.ui.warn(format!(
                    "{} was changed by hand, and is left so: `buildkeep config drift`",
                    line.path
                ));
            }
        }
        Ok(())
    }

    /// Files that are not as the configuration makes them.
    pub(in crate::commands) fn differing(&self) -> impl Iterator<Item = &str> {
        let is_good =
            |file: &&Rendered| matches!(file.state.status, Status::Same | Status::Adopted);
        let others = self.files.iter().filter(move |file| !is_good(file));
        others.map(|file| file.render.to.as_str())
    }

    /// Takes what is in a file for what it should be, until the configuration makes another.
    pub(super) fn pin(&mut self, cx: &Context, keep: &Keep, at: usize) -> Result<(), Failure> {
        let file = &self.files[at];
        if let Some(there) = &file.state.there {
            let record = file.agreed(cx, keep, &there.content)?;
            file.remember(&mut self.applied, &there.content, record)?;
        }
        Ok(())
    }

    /// Tells the history of this host what was written where, and what a command that died wrote.
    fn publish(
        &self,
        cx: &Context,
        keep: &Keep,
        guard: &WriteGuard,
        lines: &[Line],
    ) -> Result<(), Failure> {
        let mut text = String::from("# What was made from the configuration on this host.\n");
        for (render, path) in &self.asked {
            if let Some(record) = self.applied.get(path) {
                text += &entry(render, record);
            }
        }
        let told = told(keep)?;
        let is_untold = |file: &Rendered| {
            let record = self.applied.get(&file.target.path());
            record.is_some_and(|record| !told.contains(&entry(&file.render, record)))
        };
        let pairs = lines.iter().zip(&self.files);
        let is_news = |(line, file): &(&Line, &Rendered)| {
            line.written || line.status == Status::Same && is_untold(file)
        };
        let written: Vec<&Line> = pairs.filter(is_news).map(|(line, _)| line).collect();
        let Some(first) = written.first() else {
            return Ok(());
        };
        let subject = match written.len() {
            1 => format!("config: apply {}", first.path),
            more => format!("config: apply {} and {} more", first.path, more - 1),
        };
        let mut trailers = cx.trailers("apply", keep);
        for line in &written {
            trailers.push("Applied", &line.path);
        }
        if let Some(head) = keep.repo().head()? {
            trailers.push("Config", head);
            if let Some(newest) = versions::newest(keep)? {
                trailers.push("Version", newest);
            }
        }
        let batch = Batch {
            files: vec![("applied.toml".to_owned(), Some(text.into_bytes()))],
            message: Message::new(subject, trailers),
            ..Batch::default()
        };
        keep.publish(guard, &batch, &cx.signature(keep))?;
        Ok(())
    }
}

/// What the history of this host says of files that were made.
fn told(keep: &Keep) -> Result<String, Failure> {
    let state = format!("refs/heads/state/{}", keep.host());
    let Some(tip) = keep.repo().find_ref(&state)? else {
        return Ok(String::new());
    };
    let told = keep.repo().file_at(tip, "applied.toml")?;
    Ok(String::from_utf8_lossy(&told.unwrap_or_default()).into_owned())
}

/// Why a file cannot be made.
enum Wrong {
    Place(String),
    Text(Problem),
}

impl Wrong {
    /// As a problem at its place, which is in the settings if it is nowhere in a template.
    fn located(self, render: &Render, settings: &Document) -> Problem {
        match self {
            Self::Place(message) => render.problem(settings, "to", message),
            Self::Text(problem) if problem.line == 0 => {
                let key = match render.from {
                    From::Template(_) => "template",
                    From::Exports(..) => "exports",
                };
                let mut located = render.problem(settings, key, problem.message);
                located.code = code::BAD_TEMPLATE_FILE;
                located
            }
            Self::Text(problem) => problem,
        }
    }
}

fn entry(render: &Render, record: &Record) -> String {
    let text = |value: &str| crate::document::Value::from(value).to_string();
    // The hash of a content with secrets would be something to try passwords against.
    let content = if render.secrets {
        String::new()
    } else {
        format!("content = {}\n", text(&record.content))
    };
    let commit = record
        .commit
        .as_deref()
        .map(|commit| format!("commit = {}\n", text(commit)));
    format!(
        "\n[[file]]\npath = {}\n{content}{}time = {}\n",
        text(&render.to),
        commit.unwrap_or_default(),
        text(&record.time)
    )
}

fn template(keep: &Keep, file: &str) -> Result<Result<String, Problem>, Failure> {
    let wrong = |message: &str| Ok(Err(Problem::new(code::BAD_TEMPLATE_FILE, message)));
    let path = Path::new(file);
    let is_inside = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !is_inside {
        return wrong("a template is a file in the keep");
    }
    let is_link = |part: &Path| !part.as_os_str().is_empty() && keep.root().join(part).is_symlink();
    if path.ancestors().any(is_link) {
        return wrong("a template is a file in the keep, and no symlink");
    }
    match read_optional(&keep.root().join(path))? {
        None => wrong(&format!("there is no template {file}")),
        Some(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Ok(text)),
            Err(_) => wrong(&format!("{file} is not UTF-8 text")),
        },
    }
}

impl Rendered {
    fn is_called(&self, cx: &Context, name: &str) -> bool {
        self.render.to == name || self.target.path() == cx.path(Path::new(name))
    }

    /// How it differs from what the configuration makes, for people; a file with secrets is not
    /// shown.
    pub(super) fn diff(&self) -> Option<Vec<FileDiff>> {
        if self.render.secrets {
            return None;
        }
        let side = |content: &[u8]| Side::open(content.to_vec());
        let there = self.state.there.as_ref().map(|there| side(&there.content));
        let rendered = side(&self.state.rendered);
        let to = &self.render.to;
        let diff = |title: &str, a: Option<&Side>, b: Option<&Side>| {
            FileDiff::new(format!("{to}{title}"), a, b)
        };
        Some(match (self.state.status, &self.base) {
            (Status::Same, _) => Vec::new(),
            (Status::Drifted | Status::Adopted, _) => {
                vec![diff(": changed by hand", Some(&rendered), there.as_ref())]
            }
            (Status::Conflict, Some(base)) => {
                let base = side(base);
                vec![
                    diff(": changed by hand", Some(&base), there.as_ref()),
                    diff(
                        ": changed by the configuration",
                        Some(&base),
                        Some(&rendered),
                    ),
                ]
            }
            _ => vec![diff("", there.as_ref(), Some(&rendered))],
        })
    }

    /// Somebody may have written while the question was open.
    fn refuse_changed(&self) -> Result<(), Failure> {
        if self.target.read()? == self.state.there {
            return Ok(());
        }
        let path = &self.render.to;
        Err(
            Failure::text(Kind::Conflict, format!("{path} was changed meanwhile"))
                .hint("it was not written; look again: `buildkeep config drift`"),
        )
    }

    /// Keeps what somebody wrote before it is replaced; says where.
    fn save_replaced(&self, cx: &Context, keep: &Keep) -> Result<Option<PathBuf>, Failure> {
        let is_theirs = matches!(
            self.state.status,
            Status::Drifted | Status::Conflict | Status::Foreign | Status::Adopted
        );
        let Some(there) = self.state.there.as_ref().filter(|_| is_theirs) else {
            return Ok(None);
        };
        let folder = keep.private("trash/apply").join(&cx.op);
        let path = folder.join(self.target.aside());
        create_dirs_durable(path.parent().unwrap_or(&folder))?;
        write_durable_mode(&path, &there.content, 0o600)?;
        let shown = path.strip_prefix(keep.root()).map(Path::to_owned);
        Ok(Some(shown.unwrap_or(path)))
    }

    /// What is known once the file holds `content`.
    fn agreed(&self, cx: &Context, keep: &Keep, content: &[u8]) -> Result<Record, Failure> {
        let hash = |content: &[u8]| Repo::blob_id(content).map(|id| id.to_string());
        Ok(Record {
            content: hash(content)?,
            rendered: hash(&self.state.rendered)?,
            commit: keep.repo().head()?.map(|id| id.to_string()),
            time: cx.world.clock.stamp(),
        })
    }

    fn remember(
        &self,
        applied: &mut Applied,
        content: &[u8],
        record: Record,
    ) -> Result<(), Failure> {
        if !self.render.secrets {
            applied.keep(content)?;
        }
        Ok(applied.note(&self.target.path(), record)?)
    }
}
