//! What `top` shows, gathered without a trace.
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::commands::past::Past;
use crate::commands::project::Project;
use crate::commands::run::runs_of;
use crate::commands::{Context, configuration, status};
use crate::failure::Failure;
use crate::report::estimate::Estimates;
use crate::report::event::RunEvent;
use crate::report::status::{Running, Status};
use crate::report::top::{LogTail, Now, Planned, Pressure, Standing, View};
use crate::run::{Attempt, AttemptDir, Probe, Redactor, Run, Runs, Sample, inspect, samples};
use crate::store::Keep;
use crate::store::journal;
use crate::ui::clean;

/// So much of the end of a log can be looked at.
const TAIL: u64 = 256 << 10;
/// So many of the last events are shown.
const EVENTS: usize = 20;
/// So many ends of a run may not be published yet: that comes after the event.
const UNPUBLISHED: usize = 16;
/// After this, what is known of steps is looked at again even if no run has news.
const STALE: Duration = Duration::from_secs(15);
/// From two samples so far apart, rates can be told.
const APART: u64 = 700;

/// Looks again and again.
pub(super) struct Gatherer {
    keep: Keep,
    runs: Runs,
    probe: Probe,
    /// The sample before, by attempt.
    before: HashMap<PathBuf, Sample>,
    /// The length of each journal of an open run, when `known` was made.
    seen: Vec<(PathBuf, u64)>,
    known: Option<Known>,
}

/// What changes seldom.
struct Known {
    at: Duration,
    /// The steps, unless the keep cannot be understood.
    steps: Result<Steps, String>,
    /// What began in open runs and has not ended.
    attempts: Vec<AttemptDir>,
    /// What ended in open runs last.
    ended: Vec<AttemptDir>,
    last: Option<AttemptDir>,
    run: Option<String>,
    events: Vec<RunEvent>,
}

struct Steps {
    project: Project,
    status: Status,
    estimates: Estimates,
    plan: Vec<Planned>,
}

impl Gatherer {
    pub(super) fn open(cx: &Context) -> Result<Self, Failure> {
        let keep = cx.keep()?;
        let root = Project::of(cx, keep.clone())
            .ok()
            .and_then(|project| project.plan.root);
        let root = root.filter(|root| root.exists());
        Ok(Self {
            runs: runs_of(&keep),
            probe: Probe::new(root.as_deref().unwrap_or(keep.root())),
            keep,
            before: HashMap::new(),
            seen: Vec::new(),
            known: None,
        })
    }

    /// How things stand now; with the log of the step at `selected` of those that run.
    pub(super) fn view(&mut self, cx: &Context, selected: usize) -> Result<View, Failure> {
        let now = cx.world.clock.since_boot();
        self.refresh(cx, now)?;
        let Some(mut known) = self.known.take() else {
            return Ok(View::default());
        };
        let view = self.put_together(cx, now, (&mut known, selected));
        self.known = Some(known);
        view
    }

    /// Reads again what changes seldom, if it may have changed.
    fn refresh(&mut self, cx: &Context, now: Duration) -> Result<(), Failure> {
        let open = self.runs.open(&cx.world.clock)?;
        let length = |run: &Run| std::fs::metadata(run.events()).map_or(0, |meta| meta.len());
        let seen: Vec<_> = open.iter().map(|run| (run.events(), length(run))).collect();
        let is_fresh = |known: &Known| now.saturating_sub(known.at) < STALE;
        if self.known.as_ref().is_some_and(is_fresh) && seen == self.seen {
            return Ok(());
        }
        let mut known = Known {
            at: now,
            steps: Err(String::new()),
            attempts: Vec::new(),
            ended: Vec::new(),
            last: None,
            run: open.last().map(|run| run.id().to_owned()),
            events: Vec::new(),
        };
        self.read_events(cx, &mut known)?;
        let attempts = known.ended.iter().chain(&known.attempts).map(inspect);
        let attempts = attempts.collect::<Result<Vec<_>, _>>()?;
        let steps = self.steps(cx, attempts);
        known.steps = steps.map_err(|failure| {
            let message = failure.message();
            format!("nothing is known of steps: {message} (`buildkeep status` says more)")
        });
        (self.seen, self.known) = (seen, Some(known));
        Ok(())
    }

    /// The last events, and which attempts began and did not end.
    fn read_events(&self, cx: &Context, known: &mut Known) -> Result<(), Failure> {
        let runs = self.runs.all(&cx.world.clock)?;
        for run in runs.iter().rev() {
            let is_open = !run.record().is_closed;
            if !is_open && known.events.len() >= EVENTS && known.last.is_some() {
                break;
            }
            let events = journal::read(&run.events())?;
            let dir = |event: &journal::Event| {
                let attempt = event.data["attempt"].as_str()?;
                Some(run.attempt_dir(attempt)).filter(|dir| dir.spec().exists())
            };
            let of_kind =
                |kind: &'static str| events.iter().filter(move |event| event.kind == kind);
            let ended: Vec<_> = of_kind("step-ended").filter_map(dir).collect();
            let begun: Vec<_> = of_kind("step-started").filter_map(dir).collect();
            if known.last.is_none() {
                known.last = begun.last().cloned();
            }
            if is_open {
                let going = begun.into_iter().filter(|dir| !ended.contains(dir));
                known.attempts.extend(going);
                let before = ended.len().saturating_sub(UNPUBLISHED);
                known.ended.extend(ended.into_iter().skip(before));
            }
            let events = events
                .into_iter()
                .map(|event| RunEvent::new(run.id(), event));
            known.events.splice(0..0, events);
        }
        let surplus = known.events.len().saturating_sub(EVENTS);
        known.events.drain(..surplus);
        Ok(())
    }

    fn steps(&self, cx: &Context, attempts: Vec<Attempt>) -> Result<Steps, Failure> {
        let seen = configuration::at_a_look(&self.keep)?;
        let config = status::config(&self.keep, seen.is_valid)?;
        let project = Project::as_far_as_valid(cx, self.keep.clone(), seen)?;
        let past = Past::of(&self.keep)?;
        let seen = status::with_attempts(&self.keep, attempts)?;
        let status = status::standing(cx, &project, (seen, &past), config)?;
        let estimates = past.estimates(&project.plan);
        Ok(Steps {
            plan: planned(&project, &status, &estimates),
            estimates,
            project,
            status,
        })
    }

    fn put_together(
        &mut self,
        cx: &Context,
        now: Duration,
        (known, selected): (&mut Known, usize),
    ) -> Result<View, Failure> {
        let mut view = View {
            time: cx.world.clock.stamp(),
            keep: self.keep.root().display().to_string(),
            host: self.keep.host(),
            run: known.run.clone(),
            events: known.events.clone(),
            ..View::default()
        };
        let attempts = known.attempts.iter().map(inspect);
        let mut attempts = attempts.collect::<Result<Vec<_>, _>>()?;
        attempts.retain(|attempt| attempt.state.is_live());
        self.take(now, &attempts, &mut view);
        tell_steps(now, &attempts, (known, &mut view));
        let shown = match attempts.len() {
            0 => known.last.as_ref().and_then(|dir| inspect(dir).ok()),
            count => attempts.into_iter().nth(selected % count),
        };
        view.log = shown.as_ref().map(tail).transpose()?;
        Ok(view)
    }

    /// What attempts and the machine take.
    fn take(&mut self, now: Duration, attempts: &[Attempt], view: &mut View) {
        let dirs = attempts.iter().map(|attempt| &attempt.dir);
        let samples = self.probe.look(now, dirs);
        let mut before = HashMap::new();
        for (attempt, sample) in attempts.iter().zip(samples) {
            let (one, earlier) = self.now_of(now, attempt, sample);
            view.running.push(one);
            before.extend(earlier.map(|earlier| (attempt.dir.path().to_owned(), earlier)));
        }
        self.before = before;
        let host = self.probe.host();
        let [cpu, io, memory] = host.percent();
        view.pressure = Pressure { cpu, io, memory };
        view.disk_free_bytes = host.disk_free_bytes;
    }

    /// What an attempt takes, and the sample to measure the next one by.
    fn now_of(
        &self,
        now: Duration,
        attempt: &Attempt,
        sample: Option<Sample>,
    ) -> (Now, Option<Sample>) {
        let earlier = self.before.get(attempt.dir.path()).copied();
        let rates = match (sample, earlier) {
            (Some(sample), Some(earlier)) => sample.since(&earlier),
            // What the monitor noted, until there are two looks of our own.
            (Some(_), None) => noted(attempt),
            _ => None,
        };
        let is_apart =
            |earlier: &Sample, sample: &Sample| sample.boot_ms >= earlier.boot_ms + APART;
        let next = match (sample, earlier) {
            (Some(sample), Some(earlier)) if !is_apart(&earlier, &sample) => Some(earlier),
            (sample, _) => sample,
        };
        let elapsed = attempt.elapsed_s(now);
        let one = Now {
            step: attempt.spec.step.clone(),
            attempt: attempt.spec.name(),
            state: attempt.state,
            elapsed_s: elapsed.map(|elapsed| (elapsed * 10.0).round() / 10.0),
            expected_s: None,
            substep: None,
            cpus: rates.map(|rates| (rates.cpus * 100.0).round() / 100.0),
            rss_bytes: sample.map(|sample| sample.rss_bytes),
            read_bytes_per_s: rates.map(|rates| rates.read_bytes.round()),
            written_bytes_per_s: rates.map(|rates| rates.written_bytes.round()),
            processes: sample.map(|sample| sample.processes),
            log_bytes: sample.map_or(0, |sample| sample.log_bytes),
        };
        (one, next)
    }
}

/// How far the steps are, by what runs now.
fn tell_steps(now: Duration, attempts: &[Attempt], (known, view): (&mut Known, &mut View)) {
    let steps = match &mut known.steps {
        Ok(steps) => steps,
        Err(problem) => {
            view.problem = Some(problem.clone());
            return;
        }
    };
    let elapsed = |step: &str| {
        let attempt = attempts.iter().find(|attempt| attempt.spec.step == step);
        attempt?.elapsed_s(now)
    };
    for running in &mut steps.status.running {
        running.elapsed_s = elapsed(&running.step).or(running.elapsed_s);
    }
    status::tell_parts(attempts, &mut steps.status);
    status::progress(&steps.project, &steps.estimates, &mut steps.status);
    let expected = |step: &str| steps.estimates.expected(step).map(|range| range.likely_s);
    for one in &mut view.running {
        one.expected_s = expected(&one.step);
        let running = steps
            .status
            .running
            .iter()
            .find(|running| running.step == one.step);
        one.substep = running.and_then(|running| running.substep.clone());
    }
    let status = &steps.status;
    view.host.clone_from(&status.host);
    view.steps = status.steps.clone();
    (view.progress, view.eta_s) = (status.progress, status.eta_s);
    view.plan.clone_from(&steps.plan);
    view.notices.clone_from(&status.notices);
}

/// All steps, and what part of the time each takes.
fn planned(project: &Project, status: &Status, estimates: &Estimates) -> Vec<Planned> {
    let likely = |step: &str| estimates.of(step).map(|range| range.likely_s);
    let all = project.plan.steps.iter();
    let whole: f64 = all.clone().filter_map(|step| likely(&step.id)).sum();
    let can_be_weighed = estimates.know_all(all.clone().map(|step| step.id.as_str()));
    all.map(|step| {
        let expected = estimates.expected(&step.id);
        let share = |expected: f64| {
            if can_be_weighed && whole > 0.0 {
                expected / whole
            } else {
                0.0
            }
        };
        Planned {
            standing: standing(status, &step.id),
            share: likely(&step.id).map_or(0.0, share),
            expected_s: expected.map(|range| range.likely_s),
            step: step.id.clone(),
        }
    })
    .collect()
}

fn standing(status: &Status, step: &str) -> Standing {
    let is = |one: &Running| one.step == step;
    if status.running.iter().any(is) {
        Standing::Running
    } else if status.failed.iter().any(|one| one.step == step) {
        Standing::Failed
    } else if status.stale.iter().any(|one| one.step == step) {
        Standing::Stale
    } else if status.pending.iter().any(|pending| pending == step) {
        Standing::Pending
    } else {
        Standing::Done
    }
}

/// The rates by the last two samples of whoever looks after the run.
fn noted(attempt: &Attempt) -> Option<crate::run::Rates> {
    match samples(&attempt.dir.samples(), 2).ok()?.as_slice() {
        [earlier, later] if later.flags & Sample::GAP == 0 => later.since(earlier),
        _ => None,
    }
}

/// The end of the log, as it may be shown.
fn tail(attempt: &Attempt) -> Result<LogTail, Failure> {
    let bytes = Redactor::tail(&attempt.dir, TAIL)?;
    let text = String::from_utf8_lossy(&bytes);
    // Of a line that is written over and over, as progress is, what stands there in the end.
    let last = |line: &str| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = line.rsplit('\r').next().unwrap_or(line);
        clean(line).replace('\t', "    ")
    };
    Ok(LogTail {
        attempt: attempt.spec.name(),
        lines: text.lines().map(last).collect(),
    })
}
