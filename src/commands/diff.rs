//! `diff`
use super::steps::{Checkpoint, none};
use super::trees::{TreeDiff, Wanted};
use super::{Answer, Context, versions};
use crate::config::{Files, Role, Sources};
use crate::document::hidden_lines;
use crate::failure::Failure;
use crate::report::diff::{Differences, FileDiff, Side};
use crate::store::{Keep, ObjectId, WorkFile};

/// Show what changed: in the work tree, since a version, or between two; or what a step installed
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A version, tag or commit, without it the last commit; or a step with a checkpoint
    from: Option<String>,
    /// Another one; without it the work tree
    to: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let resolve = |spec: &Option<String>| -> Result<Option<ObjectId>, Failure> {
        let id = spec.as_deref().map(|spec| versions::resolve(&keep, spec));
        id.transpose()
    };
    let from = match (resolve(&args.from), &args.from, &args.to) {
        (Err(unknown), Some(name), None) => {
            return of_step(cx, &keep, (name, &args.wanted), unknown);
        }
        (from, ..) => from?.or(keep.repo().head()?),
    };
    let to = resolve(&args.to)?;
    let differences = between(&keep, from, to.map_or(End::WorkTree, End::Commit))?;
    if differences.files.is_empty() {
        cx.ui.status("no differences");
    }
    cx.ui.show(&differences)?;
    Ok(Answer::Yes)
}

/// What a step did to what is built, by its checkpoint; `unknown` if there is no such step.
fn of_step(
    cx: &mut Context,
    keep: &Keep,
    (name, wanted): (&str, &Wanted),
    unknown: Failure,
) -> Result<Answer, Failure> {
    let Some(found) = Checkpoint::in_keep(keep, name)? else {
        let is_step = super::plan::load(keep).is_ok_and(|plan| plan.find(name).is_ok());
        return Err(if is_step {
            none(Some(keep), name)
        } else {
            unknown.hint(
                "for what a step did, name one that has a checkpoint: `buildkeep checkpoint list`",
            )
        });
    };
    let sides = (found.before(), found.snapshot());
    let mut diff = TreeDiff::of(cx, (&found.vault, &found.all), sides, (&[], wanted))?;
    diff.step = Some(found.steps());
    cx.ui.show(&diff)?;
    found.warn(cx);
    Ok(Answer::Yes)
}

/// The newer side of a comparison.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// What is on disk.
    WorkTree,
    /// What was committed.
    Commit(ObjectId),
}

/// What changed from a commit, or from nothing, without secrets.
pub(super) fn between(
    keep: &Keep,
    from: Option<ObjectId>,
    to: End,
) -> Result<Differences, Failure> {
    let changes = match (from, to) {
        (Some(from), End::WorkTree) => keep.changes_since(from)?,
        (None, End::WorkTree) => keep.changes()?,
        (from, End::Commit(to)) => keep.changes_between(from, Some(to))?,
    };
    let secrets = Secrets::known(keep, from, to)?;
    let blob = |file: &WorkFile| keep.repo().read_blob(file.blob_id);
    let mut files = Vec::new();
    for change in changes {
        let path = change.path.to_string();
        let before = change.before.as_ref().map(blob).transpose()?;
        let after = match to {
            End::WorkTree => keep.work_file(&change.path)?,
            End::Commit(_) => change.after.as_ref().map(blob).transpose()?,
        };
        let side = |content| secrets.side(&path, content);
        let (before, after) = (before.map(side), after.map(side));
        files.push(FileDiff::new(path.clone(), before.as_ref(), after.as_ref()));
    }
    Ok(Differences { files })
}

/// The schemas that mark secrets: those of both sides, and those that hold now.
struct Secrets(Vec<Sources>);

impl Secrets {
    fn known(keep: &Keep, from: Option<ObjectId>, to: End) -> Result<Self, Failure> {
        let mut files = vec![Files::of_work_tree(keep)?];
        let to = match to {
            End::WorkTree => None,
            End::Commit(commit_id) => Some(commit_id),
        };
        for commit_id in from.into_iter().chain(to) {
            files.push(Files::of_commit(keep.repo(), commit_id)?);
        }
        // Schemas that fit together badly must not hide what somebody did to them.
        let known = files.iter().filter_map(|files| Sources::read(files).ok());
        Ok(Self(known.collect()))
    }

    fn side(&self, path: &str, content: Vec<u8>) -> Side {
        let text = String::from_utf8_lossy(&content);
        let is_toml = Role::of(path).is_some_and(|role| !matches!(role, Role::Schema(_)));
        let schemas = self.0.iter().filter(|_| is_toml);
        let hidden = schemas
            .flat_map(|sources| hidden_lines(&text, sources.schemas().combined()))
            .collect();
        Side { content, hidden }
    }
}
