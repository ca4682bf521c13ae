//! What is done before the power is cut. A new scenario is ten lines here.
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::place::{Outcome, Place};
use crate::power::Scenario;

mod files;
mod vaults;

/// Everything that acknowledges something.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    let more = files::SCENARIOS.iter().chain(vaults::SCENARIOS);
    SCENARIOS.iter().chain(more)
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "config set",
        cuts: 200,
        prepare: Place::init,
        act: |place, n| set_jobs(place, n),
        holds: |place, n| {
            has_jobs(place, n)?;
            is_clean(place)
        },
    },
    Scenario {
        name: "commit",
        cuts: 100,
        prepare: Place::init,
        act: |place, n| {
            place.write("notes", &format!("note {n}\n"));
            place.write(&format!("more/{}/{n}", n % 10), &format!("{n}\n"));
            place.keep(&["commit", "-m", "notes: more"]).map(drop)
        },
        holds: |place, n| {
            let noted = place.git(&["show", "HEAD:notes"])?;
            expect(&noted, &format!("note {n}\n"))?;
            is_clean(place)
        },
    },
    Scenario {
        name: "rollback",
        cuts: 30,
        prepare: |place| {
            place.init();
            set_jobs(place, 1000).unwrap();
        },
        act: |place, n| {
            let to = if n % 2 == 1 { "v1" } else { "v2" };
            place.keep(&["rollback", "--to", to, "--yes"]).map(drop)
        },
        holds: |place, _| is_clean(place),
    },
    Scenario {
        name: "undo and redo",
        cuts: 30,
        prepare: |place| {
            place.init();
            set_jobs(place, 1000).unwrap();
        },
        act: |place, n| {
            let verb = if n % 2 == 1 { "undo" } else { "redo" };
            place.keep(&[verb]).map(drop)
        },
        holds: |place, _| is_clean(place),
    },
    Scenario {
        name: "tag, packed and deleted",
        cuts: 30,
        prepare: Place::init,
        act: |place, n| {
            if n % 2 == 1 {
                return place.keep(&["tag", "t"]).map(drop);
            }
            place.git(&["pack-refs", "--all"])?;
            place.disk.settle();
            place.keep(&["tag", "--delete", "t"]).map(drop)
        },
        holds: |place, n| {
            let tags = place.git(&["tag"])?;
            expect(&tags, if n % 2 == 1 { "t\n" } else { "" })
        },
    },
    Scenario {
        name: "init",
        cuts: 30,
        prepare: |_| {},
        act: |place, _| {
            let _ = std::fs::remove_dir_all(place.path(""));
            place.init();
            Ok(())
        },
        holds: |place, n| {
            is_clean(place)?;
            set_jobs(place, n)
        },
    },
    Scenario {
        name: "clone",
        cuts: 20,
        prepare: |place| {
            place.init();
        },
        act: |place, n| {
            let to = format!("{}-clone-{n}", place.dir);
            let args = ["clone", &place.dir, &to];
            place
                .outcome(&mut place.env.buildkeep(&args), &args)
                .map(drop)
        },
        holds: |place, n| {
            let clone = Place {
                dir: format!("{}-clone-{n}", place.dir),
                ..place.clone()
            };
            clone.is_sound()?;
            is_clean(&clone)?;
            set_jobs(&clone, n)
        },
    },
    Scenario {
        name: "run",
        cuts: 30,
        prepare: Place::init,
        act: |place, n| {
            place.write("scripts/01-one.sh", &format!("#!/bin/sh\necho {n}\n"));
            place.keep(&["run"]).map(drop)
        },
        holds: |place, _| is_done(place),
    },
    Scenario {
        name: "a step of a run that goes on",
        cuts: 20,
        prepare: |place| {
            place.init();
        },
        act: |place, n| {
            place.write("scripts/01-one.sh", &format!("#!/bin/sh\necho {n}\n"));
            let waits = WAITS.replace("KEEP", &place.path("").display().to_string());
            place
                .env
                .script(&format!("{}/scripts/02-two.sh", place.dir), &waits);
            run_until(place, "\"step-ended\"")
        },
        holds: |place, _| {
            is_done(place)?;
            place.keep(&["logs", "one"]).map(drop)
        },
    },
    Scenario {
        name: "backup create, after a death",
        cuts: 20,
        prepare: |place| {
            place.init();
            place.env.write("tree/file", "content\n");
        },
        act: |place, n| {
            place
                .env
                .write(&format!("tree/{n}/file"), &format!("{n}\n"));
            let backup = ["backup", "create", "tree"];
            interrupted(place, &backup, n, "signal=SIGKILL");
            place.keep(&backup).map(drop)
        },
        holds: |place, _| place.keep(&["backup", "verify"]).map(drop),
    },
    Scenario {
        name: "backup create",
        cuts: 20,
        prepare: |place| {
            place.init();
            place.env.write("tree/file", "content\n");
        },
        act: |place, n| {
            place
                .env
                .write(&format!("tree/{n}/file"), &format!("{n}\n"));
            place.keep(&["backup", "create", "tree"]).map(drop)
        },
        holds: |place, _| place.keep(&["backup", "verify"]).map(drop),
    },
    Scenario {
        name: "config set after plain git",
        cuts: 30,
        prepare: Place::init,
        act: |place, n| {
            place.write(&format!("plain/{n}"), &format!("{n}\n"));
            place.git(&["add", "plain"])?;
            place.git(&["commit", "-qm", "plain"])?;
            set_jobs(place, n)
        },
        holds: |place, n| {
            has_jobs(place, n)?;
            place.git(&["show", &format!("HEAD:plain/{n}")]).map(drop)
        },
    },
    Scenario {
        name: "commit of what plain git staged",
        cuts: 30,
        prepare: Place::init,
        act: |place, n| {
            place.write(&format!("plain/{n}"), &format!("{n}\n"));
            place.git(&["add", "plain"])?;
            place.keep(&["commit", "-m", "staged"]).map(drop)
        },
        holds: |place, n| {
            place.git(&["show", &format!("HEAD:plain/{n}")])?;
            is_clean(place)
        },
    },
    Scenario {
        name: "config set after git gc",
        cuts: 20,
        prepare: Place::init,
        act: |place, n| {
            place.git(&["gc", "-q", "--prune=now"])?;
            set_jobs(place, n)
        },
        holds: has_jobs,
    },
    Scenario {
        name: "config set, each file synced",
        cuts: 100,
        prepare: |place| init_syncing(place, "each"),
        act: set_jobs,
        holds: |place, n| {
            has_jobs(place, n)?;
            is_clean(place)
        },
    },
    Scenario {
        name: "config set, the whole file system synced",
        cuts: 100,
        prepare: |place| init_syncing(place, "whole"),
        act: set_jobs,
        holds: |place, n| {
            has_jobs(place, n)?;
            is_clean(place)
        },
    },
    Scenario {
        name: "a death, and somebody else syncs",
        cuts: 150,
        prepare: Place::init,
        act: |place, n| {
            // The index, as the `git status` of the last look left it.
            place.disk.settle();
            let set = ["config", "set", "build.jobs", &n.to_string()];
            interrupted(place, &set, n, "signal=SIGKILL");
            force_log(place)
        },
        holds: |place, n| {
            let jobs = place.keep(&["config", "get", "build.jobs"])?;
            place.keep(&["config", "validate"])?;
            set_jobs(place, n)?;
            has_jobs(place, n)?;
            is_clean(place)?;
            if jobs.trim().is_empty() {
                Err("no value".to_owned())
            } else {
                Ok(())
            }
        },
    },
    Scenario {
        name: "config set again, after a death",
        cuts: 60,
        prepare: Place::init,
        act: |place, n| {
            let set = ["config", "set", "build.jobs", &n.to_string()];
            interrupted(place, &set, n, "signal=SIGKILL");
            set_jobs(place, n)
        },
        holds: has_jobs,
    },
    Scenario {
        name: "config set again, after a failing disk",
        cuts: 60,
        prepare: Place::init,
        act: |place, n| {
            let set = ["config", "set", "build.jobs", &n.to_string()];
            interrupted(place, &set, n, "error=EIO");
            set_jobs(place, n)
        },
        holds: has_jobs,
    },
];

/// Those who lose what they acknowledged: they show that the power really is cut.
pub(crate) const CONTROLS: &[Scenario] = &[
    Scenario {
        name: "git commit",
        cuts: 50,
        prepare: Place::plain_git,
        act: |place, n| commit_plainly(place, n, &[]),
        holds: |_, _| Ok(()),
    },
    Scenario {
        name: "git -c core.fsync=all commit",
        cuts: 50,
        prepare: Place::plain_git,
        act: |place, n| commit_plainly(place, n, &["-c", "core.fsync=all"]),
        holds: |_, _| Ok(()),
    },
];

fn commit_plainly(place: &Place, n: usize, options: &[&str]) -> Outcome {
    place.write("file", &format!("{n}\n"));
    let commit = ["commit", "-qam", "more"];
    place.git(&[options, &commit].concat()).map(drop)
}

fn set_jobs(place: &Place, n: usize) -> Outcome {
    let args = ["config", "set", "build.jobs", &n.to_string()];
    place.keep(&args).map(drop)
}

/// A step that goes on until the power is cut.
const WAITS: &str = "#!/bin/sh\nwhile [ -e KEEP/plan.toml ]; do sleep 0.02; done\n";

/// Runs the plan, and returns when it has said so; it goes on.
fn run_until(place: &Place, said: &str) -> Outcome {
    let mut run = place.env.buildkeep(&["-C", &place.dir, "run", "--json"]);
    let mut run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let found = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains(said));
    std::thread::spawn(move || {
        lines.map_while(Result::ok).for_each(drop);
        run.wait().unwrap();
    });
    if found {
        Ok(())
    } else {
        Err(format!("it never said {said}"))
    }
}

/// The calls that bring a change to the disk.
const CALLS: &[&str] = &["fsync", "rename", "write", "sync_file_range", "openat"];

/// A command, met by something at one of its calls that make things durable.
fn interrupted(place: &Place, args: &[&str], n: usize, how: &str) {
    let call = CALLS[n % CALLS.len()];
    let at = n / CALLS.len() % 30 + 1;
    // Those that open anything in the beginning are of no interest.
    let at = if call == "openat" { at * 4 } else { at };
    let mut strace = place.env.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={call}:{how}:when={at}"))
        .arg(env!("CARGO_BIN_EXE_buildkeep"))
        .args(["-C", &place.dir])
        .args(args);
    strace.output().unwrap();
}

/// Whatever the log of the file system has by now is durable.
fn force_log(place: &Place) -> Outcome {
    let path = place.path("../unrelated");
    let done = std::fs::File::create(&path).and_then(|file| file.sync_all());
    done.map_err(|error| error.to_string())
}

/// A keep whose changes are synced in a way that its file system would not choose.
fn init_syncing(place: &Place, way: &str) {
    place.init();
    place.git(&["config", "buildkeep.sync", way]).unwrap();
}

fn has_jobs(place: &Place, n: usize) -> Outcome {
    let jobs = place.keep(&["config", "get", "build.jobs"])?;
    expect(jobs.trim(), &n.to_string())
}

fn is_clean(place: &Place) -> Outcome {
    let status = place.git(&["status", "--porcelain"])?;
    expect(&status, "")
}

fn is_done(place: &Place) -> Outcome {
    let status = place.keep(&["status", "--json"])?;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    expect(&status["steps"]["done"].to_string(), "1")
}

fn expect(found: &str, wanted: &str) -> Outcome {
    if found == wanted {
        return Ok(());
    }
    Err(format!("has {found:?} instead of {wanted:?}"))
}
