//! `run`
mod active;
mod adhoc;
mod attached;
mod checkpoint;
mod choose;
mod lines;
mod post;
mod prepare;
mod room;
mod runs_as;
mod schedule;
mod secrets;
mod session;
mod settle;
mod telling;
mod tidy;
mod watch;

pub(super) use attached::attach;
pub(super) use choose::{Reason, reason};
pub use post::go_on;
pub(super) use runs_as::{apart, surroundings};
pub(super) use secrets::fingerprints;
pub(super) use settle::{active, latest, manifests, publish_finished, running};
pub(super) use watch::await_record;

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

use super::check::Consent;
use super::preflight::Manner;
use super::project::Project;
use super::{Answer, Context, check, facts, preflight, renamed};
use crate::failure::{Failure, Kind};
use crate::fs::{Holder, Lock};
use crate::plan::{Apply, Plan};
use crate::run::{Asked, Manifest, Mended, Runs};
use crate::store::Keep;
use choose::{Choice, Wanted, choose};
use lines::{Planned, Summary};
use post::Post;
use secrets::Giver;
use session::{Ground, Outcome, Session, begin_run};

/// Run the steps that are not done, in order; or one command, under the same supervision
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these steps, and what they need
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Begin with this step
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// End with this step
    #[arg(long, value_name = "STEP")]
    until: Option<String>,
    /// Only the named steps, not what they need
    #[arg(long, requires = "steps", conflicts_with_all = ["from", "until"])]
    only: bool,
    /// How many steps may run at once; as plan.toml says by default, else 1
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    jobs: Option<u32>,
    /// In an order of chance, as far as needs allow: finds needs that the plan does not name
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "any", value_parser = seed)]
    shuffle: Option<Seed>,
    /// Run steps again that are done
    #[arg(long)]
    force: bool,
    /// After a failure, go on with what does not need the failed step
    #[arg(long)]
    keep_going: bool,
    /// Run in the background; `attach` shows it, `stop` ends it
    #[arg(short, long, conflicts_with = "dry_run")]
    detach: bool,
    /// Go on even if what was found before makes that unwise
    #[arg(long)]
    unchecked: bool,
    /// First put right what was found and can be, each after a question: mounts, folders, variables
    #[arg(long)]
    fix: bool,
    /// With --fix: without a question
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Show what would be run, and why
    #[arg(long)]
    dry_run: bool,
    /// Give the command a terminal
    #[arg(long, requires = "command")]
    tty: bool,
    /// Run this command instead of the plan
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["steps", "from", "until", "only", "jobs", "shuffle", "force", "keep_going", "detach", "dry_run", "fix"])]
    command: Vec<String>,
}

/// The runs of a keep.
pub(super) fn runs_of(keep: &Keep) -> Runs {
    Runs::new(keep.private("runs"))
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    if !args.command.is_empty() {
        return adhoc::run(cx, &keep, args);
    }
    let project = Project::of(cx, keep.clone())?;
    let mut asked = asked(cx, args);
    let wanted = wanted(&project.plan, &asked)?;
    if args.dry_run {
        return dry_run(cx, project, &wanted, args);
    }
    let lock = claim(cx, &runs_of(&keep))?;
    if let Some(attempt) = settle::finish_earlier(cx, &keep)? {
        checkpoint::make_up(cx, &keep, &project.plan, &attempt)?;
    }
    let (ground, choices, mended) = stand(cx, project, (&wanted, &args.manner()))?;
    if choices.iter().all(Choice::is_done) {
        cx.ui.show(&Summary::nothing(choices.len()))?;
        return Ok(Answer::Yes);
    }
    asked.mended = mended;
    let next = choices.iter().find(|choice| !choice.is_done());
    if let Some(next) = next.filter(|_| !args.unchecked) {
        let site = check::Site {
            keep: &keep,
            plan: &ground.plan,
            keys: &ground.giver.keys,
        };
        check::before_run(cx, site, &ground.plan.steps[next.at])?;
    }
    let run = begin_run(cx, &keep)?;
    facts::note(cx, (&keep, ground.plan.root.as_deref()), &run);
    if args.detach {
        return post::detach(cx, (&keep, &run), asked, lock);
    }
    let post = Post::begin(cx, &keep, &run, asked)?;
    let session = Session::begin(cx, ground, (run, post))?;
    let outcome = session.work(&wanted, &choices)?;
    concluded(cx, &keep, outcome)
}

fn dry_run(
    cx: &mut Context,
    project: Project,
    wanted: &Wanted,
    args: &Args,
) -> Result<Answer, Failure> {
    let Project { keep, keys, plan } = project;
    let manifests = followed(&keep, &plan)?;
    let giver = Giver::look(cx, &keep, &plan, keys)?;
    let choices = choose(&plan, &giver.keys, &manifests, wanted)?;
    let place = place((&keep, &plan, &manifests), &choices);
    let mut planned = Planned::new(&plan, &choices);
    if args.fix {
        preflight::pass(
            cx,
            &place,
            &Manner {
                unchecked: true,
                ..args.manner()
            },
        )?;
    } else if !place.next.is_empty() {
        planned.findings = preflight::look(cx, &place)?;
    }
    for finding in &planned.findings {
        cx.ui.warn(finding);
    }
    cx.ui.show(&planned)?;
    Ok(Answer::Yes)
}

/// What is known of the steps, also of those that have another name by now.
pub(super) fn followed(keep: &Keep, plan: &Plan) -> Result<BTreeMap<String, Manifest>, Failure> {
    let mut manifests = manifests(keep)?;
    renamed::follow(plan, &mut manifests)?;
    Ok(manifests)
}

impl Args {
    fn manner(&self) -> Manner {
        Manner {
            command: "buildkeep run",
            unchecked: self.unchecked,
            fix: self.fix.then_some(match (self.dry_run, self.yes) {
                (true, _) => Consent::DryRun,
                (false, true) => Consent::Given,
                (false, false) => Consent::Ask,
            }),
        }
    }
}

/// What is looked at before these steps begin.
fn place<'a>(
    (keep, plan, manifests): (&'a Keep, &'a Plan, &'a BTreeMap<String, Manifest>),
    choices: &[Choice],
) -> preflight::Ground<'a> {
    let next = choices.iter().filter(|choice| choice.is_to_begin());
    preflight::Ground {
        keep,
        plan,
        manifests,
        next: next.map(|choice| &plan.steps[choice.at]).collect(),
        paused: None,
    }
}

/// Prepares what a run stands on: a committed keep, secrets looked at, a root that is as it was,
/// rendered files; and chooses the steps that are run.
fn stand(
    cx: &mut Context,
    project: Project,
    (wanted, manner): (&Wanted, &Manner),
) -> Result<(Ground, Vec<Choice>, Mended), Failure> {
    let Project { keep, keys, plan } = project;
    prepare::save_changes(cx, &keep)?;
    let mut giver = Giver::look(cx, &keep, &plan, keys)?;
    giver.begin(cx, &keep)?;
    let ground = Ground {
        manifests: followed(&keep, &plan)?,
        keep,
        plan,
        giver,
    };
    let Ground { keep, plan, .. } = &ground;
    let choose = || choose(plan, &ground.giver.keys, &ground.manifests, wanted);
    let mut choices = choose()?;
    let mut mended = Mended::default();
    let renders = plan.apply == Apply::Before;
    if renders || !choices.iter().all(Choice::is_done) {
        let place = place((keep, plan, &ground.manifests), &choices);
        mended = preflight::pass(cx, &place, manner)?;
        prepare::make_root(plan)?;
    }
    prepare::render(cx, keep, plan)?;
    if renders {
        // Steps may be built from what was written.
        choices = choose()?;
    }
    runs_as::check(plan, &choices)?;
    Ok((ground, choices, mended))
}

/// Says how a run left this process.
fn concluded(cx: &mut Context, keep: &Keep, outcome: Outcome) -> Result<Answer, Failure> {
    match outcome {
        Outcome::Over(summary) => {
            if summary.exit != Kind::Interrupted.exit_code() {
                tidy::tidy(cx, keep);
            }
            conclude(cx, &summary)
        }
        Outcome::Failed(summary, failure) => {
            say(cx, &summary);
            Err(failure)
        }
        Outcome::HandedOver => {
            let message = "the terminal is gone; the run goes on in the background";
            Err(Failure::text(Kind::Interrupted, message).hint("watch it: `buildkeep attach`"))
        }
    }
}

/// Says how the run goes. That nobody can read it is no reason to end a build.
fn say<T: Serialize + Display>(cx: &mut Context, what: &T) {
    let _ = cx.ui.stream(what);
}

/// Says how the run ended; what went wrong with it counts for more than who reads that.
fn conclude(cx: &mut Context, summary: &Summary) -> Result<Answer, Failure> {
    let shown = cx.ui.show(summary);
    let answer = verdict(summary.exit)?;
    if answer == Answer::Yes {
        shown?;
    }
    Ok(answer)
}

fn verdict(exit: u8) -> Result<Answer, Failure> {
    match exit {
        0 => Ok(Answer::Yes),
        130 => Err(Failure::text(Kind::Interrupted, "the run was stopped")
            .hint("`buildkeep run` goes on where it was")),
        _ => Ok(Answer::No),
    }
}

/// Makes this command the only one that runs steps.
fn claim(cx: &Context, runs: &Runs) -> Result<Lock, Failure> {
    Ok(runs.claim(&me(cx))?)
}

fn me(cx: &Context) -> Holder {
    Holder {
        pid: std::process::id(),
        command: format!("buildkeep {}", cx.world.argv.join(" ")),
        since: cx.world.clock.stamp(),
    }
}

fn asked(cx: &mut Context, args: &Args) -> Asked {
    let asked = Asked {
        steps: args.steps.clone(),
        from: args.from.clone(),
        until: args.until.clone(),
        only: args.only,
        force: args.force,
        keep_going: args.keep_going,
        jobs: args.jobs,
        shuffle: args.shuffle.map(|seed| match seed {
            Seed::Any => chance(cx),
            Seed::This(number) => number,
        }),
        unchecked: args.unchecked,
        mended: Mended::default(),
    };
    if let Some(seed) = asked.shuffle {
        cx.ui
            .status(format!("the same order again: --shuffle={seed}"));
    }
    asked
}

fn wanted(plan: &Plan, asked: &Asked) -> Result<Wanted, Failure> {
    let position = |name: &String| -> Result<usize, Failure> {
        let id = &plan.find(name)?.id;
        let at = plan.steps.iter().position(|step| step.id == *id);
        Ok(at.unwrap_or_default())
    };
    let named = asked.steps.iter().map(position).collect::<Result<_, _>>()?;
    let from = asked.from.as_ref().map(position).transpose()?;
    let until = asked.until.as_ref().map(position).transpose()?;
    let wanted = Wanted {
        named,
        from: from.unwrap_or(0),
        until: until.unwrap_or(usize::MAX),
        force: asked.force,
        keep_going: asked.keep_going,
        only: asked.only,
        jobs: asked.jobs,
        shuffle: asked.shuffle,
    };
    if wanted.from > wanted.until {
        return Err(Failure::user("`--from` comes after `--until` in the plan")
            .hint("`buildkeep plan` shows the order"));
    }
    Ok(wanted)
}

/// What decides an order of chance.
#[derive(Clone, Copy, Debug)]
enum Seed {
    Any,
    This(u64),
}

fn seed(text: &str) -> Result<Seed, std::num::ParseIntError> {
    match text {
        "any" => Ok(Seed::Any),
        number => number.parse().map(Seed::This),
    }
}

/// A number that nobody chose, short enough to be typed again.
fn chance(cx: &Context) -> u64 {
    let id = cx.world.ids.next();
    id.bytes().fold(0_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) % 100_000
}
