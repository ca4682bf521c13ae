//! `mark`
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::run::{
    Reason, active, fingerprints, manifests, publish_finished, reason, running, runs_of,
};
use super::{Answer, Context, project::Project};
use crate::failure::{Failure, Kind};
use crate::plan::{Fingerprint, Step};
use crate::run::{Attempt, Manifest, Mark};
use crate::store::journal::{Event, Journal};
use crate::store::{Batch, JournalRef, Keep, Message};
use crate::ui::{clean, style};

/// Say by hand that a step is done, or is to be built again
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Args {
    /// The steps
    #[arg(value_name = "STEP", required = true)]
    steps: Vec<String>,
    /// They are done, from what is there now: you built them yourself, say
    #[arg(long, group = "what")]
    done: bool,
    /// They are not done, whatever is known of them: the next run builds them
    #[arg(long, group = "what")]
    undone: bool,
    /// Why
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    reason: String,
    /// Show what would be marked
    #[arg(long)]
    dry_run: bool,
}

/// What was marked.
#[derive(Debug, Serialize)]
struct Marked {
    done: bool,
    reason: String,
    steps: Vec<String>,
    /// Those that were so already.
    already: Vec<String>,
    commit: Option<String>,
}

impl Marked {
    fn word(&self) -> &'static str {
        if self.done { "done" } else { "not done" }
    }
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        for step in &self.steps {
            let step = style::name(clean(step));
            writeln!(f, "{step} marked as {word}: {}", clean(&self.reason))?;
        }
        for step in &self.already {
            writeln!(f, "{} is {word} already", style::name(clean(step)))?;
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    if args.reason.trim().is_empty() {
        return Err(Failure::user("the reason is empty").hint("say why: `-m REASON`"));
    }
    let keep = cx.keep()?;
    publish_finished(cx, &keep)?;
    let project = Project::of(cx, keep.clone())?;
    let found = args.steps.iter().map(|name| project.plan.find(name));
    let steps: Vec<&Step> = found.collect::<Result<_, _>>()?;
    refuse_what_runs(cx, &keep, &steps)?;
    let now = fingerprints(cx, &project)?;
    let known = manifests(&keep)?;
    let mut marked = Marked {
        done: args.done,
        reason: args.reason.clone(),
        steps: Vec::new(),
        already: Vec::new(),
        commit: None,
    };
    let mut files = Vec::new();
    for step in steps {
        let (manifest, now) = (known.get(&step.id), &now[&step.id]);
        let is_done = reason(step, manifest, now) == Reason::Done;
        if is_done == args.done {
            marked.already.push(step.id.clone());
            continue;
        }
        let manifest = changed(cx, &marked, (step, manifest), now);
        marked.steps.push(step.id.clone());
        let text = manifest.print().into_bytes();
        files.push((Manifest::path(&step.id), Some(text)));
    }
    if !files.is_empty() && !args.dry_run {
        marked.commit = Some(publish(cx, &keep, &marked, files)?);
        tell_run(cx, &keep, &marked);
    }
    cx.ui.show(&marked)?;
    Ok(Answer::Yes)
}

/// Marks steps as not done, all at once.
pub(super) fn undone(
    cx: &mut Context,
    keep: &Keep,
    manifests: Vec<Manifest>,
    reason: &str,
) -> Result<(), Failure> {
    let marked = Marked {
        done: false,
        reason: reason.to_owned(),
        steps: manifests.iter().map(|known| known.step.clone()).collect(),
        already: Vec::new(),
        commit: None,
    };
    let mark = Mark {
        done: false,
        reason: marked.reason.clone(),
        by: cx.world.person.name.clone(),
        time: cx.world.clock.stamp(),
    };
    let files = manifests.into_iter().map(|known| {
        let path = Manifest::path(&known.step);
        let manifest = known.marked(mark.clone(), &BTreeMap::new());
        (path, Some(manifest.print().into_bytes()))
    });
    publish(cx, keep, &marked, files.collect())?;
    Ok(())
}

/// A run knows what the root was like when it began.
pub(super) fn refuse_while_it_runs(cx: &Context, keep: &Keep) -> Result<(), Failure> {
    if runs_of(keep).is_active()? || !running(cx, keep)?.is_empty() {
        return Err(Failure::text(Kind::Busy, "a run is going on")
            .hint("watch it: `buildkeep attach`")
            .hint("end it: `buildkeep stop`"));
    }
    Ok(())
}

/// What comes of a step that runs is known soon, and would take the mark away.
fn refuse_what_runs(cx: &Context, keep: &Keep, steps: &[&Step]) -> Result<(), Failure> {
    let running = running(cx, keep)?;
    let is_meant = |attempt: &&Attempt| steps.iter().any(|step| step.id == attempt.spec.step);
    match running.iter().find(is_meant) {
        None => Ok(()),
        Some(attempt) => Err(Failure::text(
            Kind::Busy,
            format!("{} is running", attempt.spec.name()),
        )
        .hint("watch it: `buildkeep attach`")
        .hint(format!("end it: `buildkeep stop {}`", attempt.spec.step))),
    }
}

/// Tells the run that goes on, if one does; it looks at marks before each step.
fn tell_run(cx: &mut Context, keep: &Keep, marked: &Marked) {
    let told = active(cx, keep).and_then(|run| {
        let Some(run) = run else { return Ok(()) };
        for step in &marked.steps {
            let data = json!({ "step": step, "done": marked.done, "reason": marked.reason });
            run.event("marked", data)?;
        }
        Ok(())
    });
    if let Err(failure) = told {
        cx.ui.warn(failure.message());
    }
}

fn changed(
    cx: &Context,
    marked: &Marked,
    (step, known): (&Step, Option<&Manifest>),
    now: &Fingerprint,
) -> Manifest {
    let mark = Mark {
        done: marked.done,
        reason: marked.reason.clone(),
        by: cx.world.person.name.clone(),
        time: cx.world.clock.stamp(),
    };
    let known = known
        .cloned()
        .unwrap_or_else(|| Manifest::unbuilt(&step.id, &step.file));
    known.marked(mark, &now.parts)
}

/// Commits what was marked, with an event.
fn publish(
    cx: &mut Context,
    keep: &Keep,
    marked: &Marked,
    files: Vec<(String, Option<Vec<u8>>)>,
) -> Result<String, Failure> {
    let guard = cx.lock(keep)?;
    let path = keep.private("marks.jsonl");
    Journal::open(&path)?.append(Event {
        seq: 0,
        time: cx.world.clock.stamp(),
        boot_s: cx.world.clock.since_boot().as_secs_f64(),
        kind: "marked".into(),
        data: json!({ "steps": marked.steps, "done": marked.done, "reason": marked.reason }),
    })?;
    let mut trailers = cx.trailers("mark", keep).with("Reason", &marked.reason);
    for step in &marked.steps {
        trailers.push("Step", step);
    }
    let what = match marked.steps.as_slice() {
        [only] => only.clone(),
        many => format!("{} steps", many.len()),
    };
    let subject = format!("mark: {what} {}", marked.word());
    let batch = Batch {
        journals: vec![JournalRef {
            name: "marks".into(),
            path,
            complete: false,
        }],
        files,
        message: Message::new(subject.clone(), trailers),
    };
    let commit = keep.publish(&guard, &batch, &cx.signature(keep))?;
    let opposite = if marked.done { "--undone" } else { "--done" };
    let back = format!(
        "buildkeep mark {} {opposite} -m REASON",
        marked.steps.join(" ")
    );
    cx.note_beyond((keep, &guard), subject, &back)?;
    Ok(commit.map(|id| id.to_string()).unwrap_or_default())
}
