//! Durable commits a second: configuration edits of ours against `git commit`, on the same machine.
//!
//! `cargo bench --profile release --bench commits [ROUNDS]`. Ours run in this process, as a program
//! that uses the library would; Git's are processes, as nobody can have them otherwise. Both change
//! one value in one file of a keep with a history of their own, in turns of ten. A line per turn
//! goes to standard error, the medians to standard output.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its result")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use buildkeep::config::Files;
use buildkeep::config::edit::{Change, Edit, Target, Wish};
use buildkeep::document::KeyPath;
use buildkeep::store::{Keep, Message, Trailers};
use buildkeep::world::{Clock, Env, Ids, Person, World};

/// So many commits are one turn.
const TURN: u32 = 10;

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok());
    let folder = std::env::var("BENCH_DIR").unwrap_or_else(|_| "/var/tmp".to_owned());
    let dir = tempfile::Builder::new()
        .prefix("buildkeep-bench")
        .tempdir_in(folder)
        .unwrap();
    let world = world();
    let (ours, git) = (dir.path().join("ours"), dir.path().join("git"));
    let keep = keep(&ours, &world);
    self::keep(&git, &world);
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 0..rounds.unwrap_or(20) {
        let jobs = |at: u32| (round * TURN + at) % 64 + 1;
        times[0].push(timed(|at| set(&keep, &world, jobs(at))));
        times[1].push(timed(|at| commit(&git, jobs(at), "core.fsync=all")));
        times[2].push(timed(|at| commit(&git, jobs(at) + 64, "core.fsync=none")));
        let last = times
            .each_ref()
            .map(|all| all.last().copied().unwrap_or(0.0));
        eprintln!("{last:.2?} ms");
    }
    let [ours, all, none] = times.map(median);
    println!("| | a commit | a second | ratio |\n|---|--:|--:|--:|");
    let row = |name, ms: f64| {
        println!(
            "| {name} | {ms:.2} ms | {:.0} | {:.2} |",
            1000.0 / ms,
            all / ms
        );
    };
    row("buildkeep, in process (checked, durable)", ours);
    row("`git -c core.fsync=all commit`", all);
    row("`git commit`, nothing synced", none);
}

/// Milliseconds for one of a turn.
fn timed(mut work: impl FnMut(u32)) -> f64 {
    let began = Instant::now();
    (0..TURN).for_each(&mut work);
    began.elapsed().as_secs_f64() * 1000.0 / f64::from(TURN)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn world() -> World {
    let clock = Clock::new(chrono::Utc::now);
    World {
        ids: Ids::fixed(clock.clone(), 1),
        clock,
        env: std::env::vars_os().collect::<Env>(),
        person: Person {
            name: "Bench".into(),
            email: "bench@example.org".into(),
        },
        cwd: "/".into(),
        hostname: "bench".into(),
        count_cpus: || 2,
        exe: "buildkeep".into(),
        argv: vec!["config".into(), "set".into()],
    }
}

/// A keep with 130 scripts and a schema.
fn keep(root: &Path, world: &World) -> Keep {
    for folder in ["config", "schemas", "scripts"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    write("buildkeep.toml", "schema = 1\n");
    write("plan.toml", "schema = 1\nscripts = \"scripts\"\n");
    write("config/build.toml", &config(0));
    let template = include_str!("../templates/generic/schemas/build.schema.json");
    write("schemas/build.schema.json", template);
    for step in 0..130 {
        write(&format!("scripts/{step:03}-step.sh"), "#!/bin/sh\nmake\n");
    }
    let keep = Keep::create(root, "bench").unwrap();
    let guard = keep.lock(world).unwrap();
    let changes = keep.changes().unwrap();
    let message = Message::new("import", Trailers::new("import", "OP", "bench"));
    keep.commit_work_tree(&guard, &changes, &message, &keep.signature(world))
        .unwrap();
    drop(guard);
    keep
}

fn config(jobs: u32) -> String {
    format!(
        "schema = 1\n\n[build]\njobs = {}   # parallel\ntests = \"none\"\n",
        jobs + 1
    )
}

/// One edit by ours: read, planned, checked, written and committed durably.
fn set(keep: &Keep, world: &World, jobs: u32) {
    let guard = keep.lock(world).unwrap();
    let files = Files::of_work_tree(keep).unwrap();
    let head = keep.repo().head().unwrap().unwrap();
    let committed = Files::of_commit(keep.repo(), head).unwrap();
    let wish = Wish {
        key: KeyPath::parse("build.jobs").unwrap(),
        change: Change::Set(jobs.to_string()),
    };
    let edit = Edit::plan((&files, &committed), &[wish], &Target::Shared).unwrap();
    let trailers = Trailers::new("config", "OP", "bench").with("Key", "build.jobs");
    let message = Message::new("config: set build.jobs", trailers);
    let signature = keep.signature(world);
    let changes = (&*edit.committed(), &*edit.work());
    keep.commit_beside(&guard, changes, &message, &signature)
        .unwrap();
}

/// The same by Git, which checks nothing.
fn commit(root: &Path, jobs: u32, fsync: &str) {
    std::fs::write(root.join("config/build.toml"), config(jobs)).unwrap();
    let done = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["-c", fsync, "-c", "core.hooksPath=/dev/null"])
        .args(["-c", "user.name=b", "-c", "user.email=b@example.org"])
        .args(["commit", "--quiet", "--all", "--message", "set"])
        .status();
    assert!(done.unwrap().success());
}
