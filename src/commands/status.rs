//! `status`
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::past::Past;
use super::project::Project;
use super::run::{Reason, active, latest, manifests, reason};
use super::{Answer, Context, configuration, notices, older};
use crate::config::Judge;
use crate::config::bypassed::{self, Bypassed};
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::plan::Step;
use crate::report::estimate::{Behind, Estimates};
use crate::report::part::{Before, Part};
use crate::report::schedule::{Todo, makespan};
use crate::report::status::{Ages, Config, Counts, Disk, Reasoned, Running, Status};
use crate::run::{Attempt, AttemptState, FailureNote, Manifest, StopReason, Unknown, living};
use crate::store::Keep;
use crate::world::rfc3339;

/// Show how far the build is, what runs, what went wrong, and what to type next
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show how the build goes until you end it, as `top` does
    #[arg(short, long)]
    watch: bool,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    if args.watch {
        return super::top::watch(cx);
    }
    let keep = cx.keep()?;
    let seen = configuration::at_a_look(&keep)?;
    let config = config(&keep, seen.is_valid)?;
    match Project::as_far_as_valid(cx, keep.clone(), seen) {
        Ok(project) => {
            let status = gather(cx, &project, config)?;
            cx.ui.show(&status)?;
            Ok(Answer::Yes)
        }
        Err(failure) => {
            show_what_runs(cx, &keep, config)?;
            Err(failure)
        }
    }
}

/// What runs is told even if nobody knows what the steps are any more.
fn show_what_runs(cx: &mut Context, keep: &Keep, config: Config) -> Result<(), Failure> {
    let attempts = latest(cx, keep)?;
    let running = running(cx, &attempts, &Estimates::default())?;
    if running.is_empty() {
        return Ok(());
    }
    let mut status = Status {
        keep: keep.root().display().to_string(),
        is_here: true,
        host: keep.host(),
        config,
        running,
        bypassed: bypassed(keep),
        ..Status::default()
    };
    status.next = next(&status);
    Ok(cx.ui.show(&status)?)
}

fn gather(cx: &Context, project: &Project, config: Config) -> Result<Status, Failure> {
    let seen = known(cx, &project.keep)?;
    let past = Past::of(&project.keep)?;
    let mut status = standing(cx, project, (seen, &past), config)?;
    ages(cx, &project.keep, &mut status)?;
    status.next = next(&status);
    Ok(status)
}

/// How steps stand, from what was seen of them.
pub(super) fn standing(
    cx: &Context,
    project: &Project,
    (seen, past): (Seen, &Past),
    config: Config,
) -> Result<Status, Failure> {
    let keep = &project.keep;
    let Seen {
        host,
        manifests: mut known,
        attempts,
    } = seen;
    super::renamed::follow(&project.plan, &mut known)?;
    let mut status = Status {
        keep: keep.root().display().to_string(),
        is_here: host == keep.host() || known.is_empty(),
        host,
        config,
        bypassed: bypassed(keep),
        ..Status::default()
    };
    let estimates = past.estimates(&project.plan);
    status.running = running(cx, &attempts, &estimates)?;
    status.paused = active(cx, keep)?.is_some_and(|run| run.is_paused());
    for running in &status.running {
        let manifest = known.get(&running.step);
        let success = manifest.and_then(|manifest| manifest.last_success.as_ref());
        let before = success.map(Before::of).unwrap_or_default();
        status.before.insert(running.step.clone(), before);
    }
    tell_parts(&attempts, &mut status);
    status.jobs = jobs(cx, project);
    sort_steps(project, &known, &mut status)?;
    progress(project, &estimates, &mut status);
    status.disk = disk(project, (past, &known), &status);
    status.notices = notices::look(keep, (&attempts, &known), &status);
    Ok(status)
}

/// What is known of steps.
pub(super) struct Seen {
    /// Whose steps they are.
    pub(super) host: String,
    /// What came of the newest attempt at each, by step.
    pub(super) manifests: BTreeMap<String, Manifest>,
    /// Attempts that run, or whose end is not published yet.
    pub(super) attempts: Vec<Attempt>,
}

/// What the state branch tells of steps, and what happened since.
pub(super) fn known(cx: &Context, keep: &Keep) -> Result<Seen, Failure> {
    with_attempts(keep, latest(cx, keep)?)
}

/// What the state branch tells of steps, and these attempts, of which it may not tell yet.
pub(super) fn with_attempts(keep: &Keep, attempts: Vec<Attempt>) -> Result<Seen, Failure> {
    let (host, mut manifests) = whose(keep)?;
    for attempt in attempts.iter().filter(|attempt| attempt.spec.planned) {
        let mut manifest = Manifest::of(attempt, manifests.get(&attempt.spec.step));
        manifest.failure = FailureNote::of(attempt)?;
        manifests.insert(attempt.spec.step.clone(), manifest);
    }
    Ok(Seen {
        host,
        manifests,
        attempts,
    })
}

/// The manifests of this host; in a fresh clone, those of the host that worked last.
fn whose(keep: &Keep) -> Result<(String, BTreeMap<String, Manifest>), Failure> {
    let own = manifests(keep)?;
    let others = if own.is_empty() {
        keep.other_states()?
    } else {
        Vec::new()
    };
    let Some((host, tip)) = others.into_iter().next() else {
        return Ok((keep.host(), own));
    };
    let mut known = BTreeMap::new();
    for (path, text) in keep.state_files_at(tip, "steps/")? {
        let manifest = Manifest::parse(&path, &text)?;
        known.insert(manifest.step.clone(), manifest);
    }
    Ok((host, known))
}

pub(super) fn config(keep: &Keep, valid: bool) -> Result<Config, Failure> {
    let head = keep.repo().head()?;
    Ok(Config {
        version: super::versions::newest(keep)?,
        shallow: keep.repo().is_shallow()?,
        commit: head.map(|id| id.to_string()),
        valid,
        uncommitted: keep
            .changes()?
            .iter()
            .map(|change| change.path.to_string())
            .collect(),
    })
}

/// The commits that went past validation and are on no remote yet.
///
/// History that cannot be read (a partial clone has only some of it) is no reason to show nothing.
fn bypassed(keep: &Keep) -> Vec<Bypassed> {
    let look = || -> Result<Vec<Bypassed>, Failure> {
        let Some(tip) = keep.repo().head()? else {
            return Ok(Vec::new());
        };
        let remotes = keep.repo().refs("refs/remotes/")?.into_iter();
        let remotes: Vec<_> = remotes
            .filter(|(name, _)| !name.contains("/state/"))
            .map(|(_, id)| id)
            .collect();
        let objects = keep.repo().objects();
        let mut judge = Judge::new(&objects, Some(keep.root()));
        let found = bypassed::unpushed(&mut judge, Some(keep.root()), tip, &remotes)?;
        Ok(found.bypassed)
    };
    look().unwrap_or_default()
}

fn running(
    cx: &Context,
    attempts: &[Attempt],
    estimates: &Estimates,
) -> Result<Vec<Running>, Failure> {
    let now = cx.world.clock.since_boot();
    let mut running = Vec::new();
    for attempt in attempts.iter().filter(|attempt| attempt.state.is_live()) {
        let cost = living(attempt)?;
        running.push(Running {
            step: attempt.spec.step.clone(),
            attempt: attempt.spec.name(),
            state: attempt.state.word(),
            elapsed_s: attempt.elapsed_s(now),
            expected_s: estimates
                .expected(&attempt.spec.step)
                .map(|range| range.likely_s),
            expected: estimates.expected(&attempt.spec.step),
            cpu_s: Some(cost.cpu_s),
            rss_bytes: Some(cost.rss_bytes),
            substep: None,
        });
    }
    Ok(running)
}

/// How many steps run at once, in the run that goes on or in the next one.
fn jobs(cx: &Context, project: &Project) -> usize {
    let run = active(cx, &project.keep).ok().flatten();
    let monitor = run.and_then(|run| run.monitor().ok().flatten());
    let asked = monitor.and_then(|monitor| monitor.asked.jobs);
    let jobs = asked.or(project.plan.jobs).unwrap_or(1);
    usize::try_from(jobs).unwrap_or(1)
}

/// How far running steps are within themselves.
pub(super) fn tell_parts(attempts: &[Attempt], status: &mut Status) {
    for running in &mut status.running {
        let attempt = attempts
            .iter()
            .find(|attempt| attempt.spec.step == running.step && attempt.state.is_live());
        let before = status.before.get(&running.step);
        running.substep = attempt
            .zip(before)
            .and_then(|(attempt, before)| Part::of(&attempt.substeps, before, running.elapsed_s));
    }
}

/// Counts the steps of the plan by state, and names those that need a look.
fn sort_steps(
    project: &Project,
    known: &BTreeMap<String, Manifest>,
    status: &mut Status,
) -> Result<(), Failure> {
    let fingerprints = project.fingerprints()?;
    status.older = older::find(&project.plan, known, &fingerprints);
    status.steps = Counts {
        total: project.plan.steps.len(),
        ..Counts::default()
    };
    for step in &project.plan.steps {
        let manifest = known.get(&step.id);
        let reason = reason(step, manifest, &fingerprints[&step.id]);
        let is_done = reason == Reason::Done;
        let why = |state: &'static str, reason: String| Reasoned {
            step: step.id.clone(),
            state,
            reason,
            failure: manifest.and_then(|manifest| manifest.failure.clone()),
        };
        match reason {
            Reason::Done => status.steps.done += 1,
            Reason::New | Reason::Forced => {
                status.steps.pending += 1;
                status.pending.push(step.id.clone());
            }
            Reason::Changed(_) | Reason::Unmarked(_) => {
                status.steps.stale += 1;
                status.stale.push(why("stale", reason.to_string()));
            }
            Reason::Again(state) if state.is_live() => status.steps.running += 1,
            Reason::Again(state) => {
                status.steps.failed += 1;
                status
                    .failed
                    .push(why(state.word(), ending(manifest, state)));
            }
        }
        if !is_done && status.next_step.is_none() {
            status.next_step = Some(step.id.clone());
        }
    }
    Ok(())
}

/// How an attempt ended, in a few words.
fn ending(manifest: Option<&Manifest>, state: AttemptState) -> String {
    let Some(manifest) = manifest else {
        return state.to_string();
    };
    match (state, manifest.code, manifest.signal) {
        (AttemptState::Cancelled, ..) => "somebody stopped it".into(),
        (AttemptState::Lost, ..) => "nobody saw how it ended".into(),
        (AttemptState::Interrupted, ..) if manifest.unknown == Some(Unknown::Reboot) => {
            "the machine was restarted".into()
        }
        (AttemptState::Interrupted, ..) => "its script had not begun yet".into(),
        _ if manifest.stopped == Some(StopReason::Timeout) => "took too long".into(),
        (_, Some(code), _) => format!("{state} with exit code {code}"),
        (_, _, Some(signal)) => format!("killed by signal {signal}"),
        _ => state.to_string(),
    }
}

/// How far the build is, by what runs now.
pub(super) fn progress(project: &Project, estimates: &Estimates, status: &mut Status) {
    let behind = |id: &str| {
        let open = status
            .failed
            .iter()
            .chain(&status.stale)
            .any(|step| step.step == id);
        let running = status.running.iter().find(|running| running.step == id);
        let part = running.and_then(|running| running.substep.as_ref()?.step_left_s);
        match running {
            Some(running) if part.is_some() => Behind::Part {
                ran_s: running.elapsed_s.unwrap_or(0.0),
                left_s: part.unwrap_or(0.0),
            },
            Some(running) => Behind::Seconds(running.elapsed_s.unwrap_or(0.0)),
            None if open || status.pending.iter().any(|step| step == id) => Behind::Seconds(0.0),
            None => Behind::All,
        }
    };
    let steps: Vec<_> = project
        .plan
        .steps
        .iter()
        .map(|step| (step, behind(&step.id)))
        .collect();
    let each = steps
        .iter()
        .map(|(step, behind)| (step.id.as_str(), *behind));
    let (done, left) = estimates.progress(each);
    status.progress = done;
    let part = overlap(&steps, (estimates, status.jobs));
    status.eta_s = left.map(|left| left.likely_s * part);
    status.eta_low_s = left.map(|left| left.low_s * part);
    status.eta_high_s = left.map(|left| left.high_s * part);
}

/// What part of the time that all steps take one by one they take as they run, `jobs` at once.
fn overlap(steps: &[(&Step, Behind)], (estimates, jobs): (&Estimates, usize)) -> f64 {
    if jobs <= 1 {
        return 1.0;
    }
    let open: Vec<_> = steps
        .iter()
        .filter(|(_, behind)| *behind != Behind::All)
        .collect();
    let at: BTreeMap<&str, usize> = open
        .iter()
        .map(|(step, _)| step.id.as_str())
        .zip(0..)
        .collect();
    let todo = |(step, behind): &&(&Step, Behind)| Todo {
        left_s: estimates.left(&step.id, *behind),
        needs: step
            .needs
            .iter()
            .filter_map(|need| at.get(need.as_str()).copied())
            .collect(),
        is_running: matches!(behind, Behind::Seconds(ran_s) | Behind::Part { ran_s, .. } if *ran_s > 0.0),
    };
    let todo: Vec<Todo> = open.iter().map(todo).collect();
    let sum: f64 = todo.iter().map(|todo| todo.left_s).sum();
    if sum > 0.0 {
        makespan(&todo, jobs) / sum
    } else {
        1.0
    }
}

/// Whether the next step has the room that it needs.
fn disk(
    project: &Project,
    (past, known): (&Past, &BTreeMap<String, Manifest>),
    status: &Status,
) -> Option<Disk> {
    let step = project.plan.step(status.next_step.as_ref()?)?;
    let needed_bytes = past.disk(step, known.get(&step.id))?;
    let place = project.plan.root.as_deref().unwrap_or(&step.workdir);
    Some(Disk {
        step: step.id.clone(),
        place: place.display().to_string(),
        needed_bytes,
        free_bytes: crate::fs::free_space(place)?,
    })
}

fn ages(cx: &Context, keep: &Keep, status: &mut Status) -> Result<(), Failure> {
    let push = read_optional(&keep.private("push.json"))?.unwrap_or_default();
    let push: serde_json::Value = serde_json::from_slice(&push).unwrap_or_default();
    status.last_push = push["time"].as_str().map(str::to_owned);
    status.last_backup = newest_snapshot(keep)?;
    let age = |time: &Option<String>| {
        let time: DateTime<Utc> = time.as_deref()?.parse().ok()?;
        Some((cx.world.clock.now() - time).as_seconds_f64())
    };
    status.ages = Ages {
        push_s: age(&status.last_push),
        backup_s: age(&status.last_backup),
    };
    Ok(())
}

/// When the newest snapshot in the keep's own vault was taken; its tag ends with the time.
fn newest_snapshot(keep: &Keep) -> Result<Option<String>, Failure> {
    let Some(vault) = super::vaults::default_vault(keep)? else {
        return Ok(None);
    };
    let newest = vault
        .snapshots()?
        .into_iter()
        .map(|snapshot| snapshot.time)
        .max();
    Ok(newest.map(|time| rfc3339(time.to_utc())))
}

/// What makes sense to type now.
fn next(status: &Status) -> Vec<String> {
    let mut next = Vec::new();
    if !status.config.valid {
        next.push("buildkeep config validate".to_owned());
    }
    if let Some(failed) = status.failed.first() {
        if status.is_here {
            next.push(format!("buildkeep logs {}", failed.step));
        }
        next.push(format!("buildkeep why {}", failed.step));
    }
    if status.paused || status.running.iter().any(|one| one.state == "paused") {
        next.push("buildkeep resume".to_owned());
    }
    if let Some(running) = status.running.first() {
        next.push(format!("buildkeep logs --follow {}", running.step));
    } else if status.config.valid && !status.paused && status.steps.done < status.steps.total {
        next.push("buildkeep run".to_owned());
    }
    next
}
