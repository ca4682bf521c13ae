//! The monitor's post: who looks after a run, in the foreground or in the background, and how it is
//! handed from one process to the next.
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::room::{self, Waited};
use super::session::Session;
use super::{me, runs_of, settle, stand, wanted};
use crate::commands::preflight::{self, Manner};
use crate::commands::project::Project;
use crate::commands::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::fs::Lock;
use crate::run::{
    Asked, Identity, Interrupts, Monitor, OVERRIDES, Program, Run, Standby, monitor_log,
    stand_alone,
};
use crate::store::Keep;
use crate::ui::style;

/// Longer than it takes to hand a run over.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who lives so long does not die of the run.
const PROVED: Duration = Duration::from_mins(1);
/// How often to look whether a monitor has taken its run.
const POLL: Duration = Duration::from_millis(20);

/// This process as the monitor of a run.
pub(super) struct Post {
    dir: PathBuf,
    monitor: Monitor,
    standby: Standby,
    /// Since when, since boot.
    since: Duration,
}

impl Post {
    /// Takes the post.
    fn take(cx: &Context, run: &Run, monitor: Monitor) -> Result<Self, Failure> {
        let monitor = Monitor {
            process: Some(Identity::of_self()?),
            since: cx.world.clock.stamp(),
            ..monitor
        };
        monitor.save(run.dir())?;
        Ok(Self {
            dir: run.dir().to_owned(),
            since: cx.world.clock.since_boot(),
            standby: Standby::call(run.dir(), handed(cx)),
            monitor,
        })
    }

    /// Takes the post in the foreground.
    pub(super) fn begin(
        cx: &Context,
        keep: &Keep,
        run: &Run,
        asked: Asked,
    ) -> Result<Self, Failure> {
        Self::take(cx, run, record(cx, keep, asked))
    }

    pub(super) fn is_background(&self) -> bool {
        self.monitor.is_background
    }

    /// When the run began, in seconds since boot.
    pub(super) fn began_s(&self) -> f64 {
        self.monitor.began_boot_s
    }

    /// Sees to it that somebody stands by.
    pub(super) fn look(&mut self, now: Duration) {
        self.standby.look();
        if now.saturating_sub(self.since) > PROVED {
            self.got_somewhere();
        }
    }

    /// Deaths before us were accidents: we got further.
    pub(super) fn got_somewhere(&mut self) {
        if self.monitor.deaths > 0 {
            self.monitor.deaths = 0;
            // If it cannot be written, somebody gives up too early.
            let _ = self.monitor.save(&self.dir);
        }
    }

    /// Has a process in the background take the post.
    pub(super) fn hand_over(&mut self, cx: &Context) -> Result<(), Failure> {
        self.monitor.process = None;
        self.monitor.is_background = true;
        self.monitor.save(&self.dir)?;
        spawn(cx, &self.dir, &self.monitor.cwd)
    }
}

fn record(cx: &Context, keep: &Keep, asked: Asked) -> Monitor {
    Monitor {
        format: Monitor::FORMAT,
        began_boot_s: cx.world.clock.since_boot().as_secs_f64(),
        keep: keep.root().to_owned(),
        cwd: cx.world.cwd.clone(),
        asked,
        ..Monitor::default()
    }
}

/// The `-c` options, for the next process.
fn handed(cx: &Context) -> OsString {
    json!(cx.overrides).to_string().into()
}

fn spawn(cx: &Context, dir: &Path, cwd: &Path) -> Result<(), Failure> {
    let mut command = Program::of_self().monitor(dir, cwd);
    let spawned = command.env(OVERRIDES, handed(cx)).spawn();
    let failed = |error| Failure::user(format!("no process could be started: {error}"));
    spawned.map(drop).map_err(failed)
}

/// A run goes on in the background.
#[derive(Debug, Serialize)]
struct Detached {
    event: &'static str,
    run: String,
    pid: i32,
    log: PathBuf,
}

impl fmt::Display for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "run {} goes on in the background",
            style::name(&self.run)
        )?;
        writeln!(f, "  watch it  buildkeep attach")?;
        writeln!(f, "  end it    buildkeep stop")
    }
}

/// Has a process in the background carry out a run that was begun.
pub(super) fn detach(
    cx: &mut Context,
    (keep, run): (&Keep, &Run),
    asked: Asked,
    lock: Lock,
) -> Result<Answer, Failure> {
    let monitor = Monitor {
        is_background: true,
        ..record(cx, keep, asked)
    };
    monitor.save(run.dir())?;
    drop(lock);
    spawn(cx, run.dir(), &monitor.cwd)?;
    let deadline = cx.world.clock.since_boot() + PATIENCE;
    let process = loop {
        let monitor = Monitor::load(run.dir())?;
        if let Some(process) = monitor.and_then(|monitor| monitor.process) {
            break process;
        }
        if cx.world.clock.since_boot() > deadline {
            let hint = format!("see {}", monitor_log(run.dir()).display());
            return Err(Failure::text(
                Kind::Internal,
                "the process in the background does not answer",
            )
            .hint(hint));
        }
        thread::sleep(POLL);
    };
    cx.ui.show(&Detached {
        event: "detached",
        run: run.id().to_owned(),
        pid: process.pid,
        log: monitor_log(run.dir()),
    })?;
    Ok(Answer::Yes)
}

/// Goes on with the run in `dir`, as a process in the background.
pub fn go_on(cx: &mut Context, dir: &Path) -> Result<Answer, Failure> {
    stand_alone()?;
    let Some(monitor) = Monitor::load(dir)? else {
        return Ok(Answer::Yes);
    };
    cx.dir = Some(monitor.keep);
    let handed = cx.world.env.text(OVERRIDES).unwrap_or("[]");
    cx.overrides = serde_json::from_str(handed).unwrap_or_default();
    let keep = cx.keep()?;
    let runs = runs_of(&keep);
    let open = runs.open(&cx.world.clock)?;
    let Some(run) = open.into_iter().find(|run| run.dir() == dir) else {
        return Ok(Answer::Yes);
    };
    cx.world.argv.clone_from(&run.record().argv);
    cx.world.argv.push("(in the background)".into());
    let _only = runs.claim_within(PATIENCE, &me(cx))?;
    // Whoever had the lock may have brought it to its end.
    let monitor = Monitor::load(dir)?.filter(|monitor| !monitor.is_over);
    match monitor {
        Some(monitor) => look_after(cx, &keep, run, monitor),
        None => Ok(Answer::Yes),
    }
}

fn look_after(
    cx: &mut Context,
    keep: &Keep,
    mut run: Run,
    mut monitor: Monitor,
) -> Result<Answer, Failure> {
    if room::wait(cx, keep, &Interrupts::watch()?) == Some(Waited::Interrupted) {
        return Ok(Answer::No);
    }
    if let Some(died) = &monitor.process {
        run.event(
            "monitor-restarted",
            json!({ "died": died.pid, "since": monitor.since }),
        )?;
        monitor.deaths += 1;
    }
    monitor.is_background = true;
    let asked = monitor.asked.clone();
    let post = Post::take(cx, &run, monitor)?;
    let stood = Project::of(cx, keep.clone()).and_then(|project| {
        preflight::put_right(cx, &project.plan, &asked.mended);
        let wanted = wanted(&project.plan, &asked)?;
        let manner = Manner {
            command: "buildkeep run",
            unchecked: asked.unchecked,
            fix: None,
        };
        let (ground, choices, _) = stand(cx, project, (&wanted, &manner))?;
        Ok((ground, wanted, choices))
    });
    let (ground, wanted, choices) = match stood {
        Ok(stood) => stood,
        Err(failure) => {
            // What runs is brought to its end all the same.
            run.event("run-failed", json!({ "message": failure.message() }))?;
            settle::finish(cx, keep, &mut run)?;
            return Err(failure);
        }
    };
    let session = Session::begin(cx, ground, (run, post))?;
    let outcome = session.work(&wanted, &choices)?;
    super::concluded(cx, keep, outcome)
}
