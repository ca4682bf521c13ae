//! What a running attempt takes of the machine, noted while it runs.
use std::path::PathBuf;
use std::process::Stdio;

use buildkeep::run::{Sample, samples};

use super::env::Env;
use super::run::{keep, run};
use super::site::until;

/// A step with children of its own, one of which leaves the family, that compute and write.
const BUSY: &str = "#!/bin/bash\n\
    work() { until [ -e ../go ]; do :; done; }\n\
    work & setsid bash -c 'until [ -e ../go ]; do sleep 0.1; done' &\n\
    ( setsid sleep 1000 & echo $! > ../orphan )\n\
    head -c 3000000 /dev/zero > ../written; sync ../written\n\
    echo some output; touch ../running; wait; kill $(cat ../orphan)\n";

fn files(env: &Env) -> Vec<PathBuf> {
    let folders = |dir: PathBuf| {
        let entries = std::fs::read_dir(dir).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
    };
    let attempts = folders(env.path("k/.buildkeep/runs")).flat_map(folders);
    attempts.map(|dir| dir.join("samples")).collect()
}

fn of(env: &Env) -> Vec<Sample> {
    let files = files(env);
    files
        .first()
        .map_or_else(Vec::new, |file| samples(file, 1000).unwrap())
}

#[test]
fn a_running_step_is_sampled_with_all_its_processes() {
    let env = keep(&[("01-busy.sh", BUSY)]);
    let mut foreground = env.buildkeep(&["-C", "k", "run"]);
    let foreground = foreground.stdout(Stdio::null()).stderr(Stdio::null());
    let mut foreground = foreground.spawn().unwrap();
    until("running", || env.path("running").exists());
    until("a sample of all of it", || {
        of(&env).last().is_some_and(|last| {
            // The script, two loops with a sleep in between, and the orphan.
            last.processes >= 4 && last.cpu_us > 100_000 && last.log_bytes == 12
        })
    });
    until("some samples", || of(&env).len() >= 3);
    let found = of(&env);
    let last = found.last().unwrap();
    assert!(last.rss_bytes > 1 << 20, "{last:?}");
    assert!(last.host.disk_free_bytes > 0, "{last:?}");
    assert!(last.processes < 20, "no strangers are counted: {last:?}");
    assert_eq!(found[0].flags & Sample::GAP, 0, "{found:?}");
    let is_growing =
        |pair: &[Sample]| pair[0].boot_ms < pair[1].boot_ms && pair[0].cpu_us <= pair[1].cpu_us;
    assert!(found.windows(2).all(is_growing), "{found:?}");
    env.write("go", "");
    assert!(foreground.wait().unwrap().success());
    let host = std::fs::read_to_string(env.path("k/.buildkeep/host")).unwrap();
    let kept = format!("refs/heads/state/{}:steps/busy.toml", host.trim());
    let kept = env.git(&["-C", "k", "show", &kept]);
    for expected in [
        "[taken]",
        "[last_success.taken]",
        "peak_rss_bytes = ",
        "cpus = [",
    ] {
        assert!(kept.contains(expected), "{expected}\n{kept}");
    }
}

#[test]
fn whoever_goes_on_with_a_run_goes_on_with_its_samples_behind_a_gap() {
    let env = keep(&[("01-busy.sh", BUSY)]);
    let mut foreground = env.buildkeep(&["-C", "k", "run"]);
    let foreground = foreground.stdout(Stdio::null()).stderr(Stdio::null());
    let mut foreground = foreground.spawn().unwrap();
    until("running", || env.path("running").exists());
    until("a sample", || !of(&env).is_empty());
    foreground.kill().unwrap();
    foreground.wait().unwrap();
    let is_gap = |sample: &Sample| sample.flags & Sample::GAP != 0;
    until("samples go on", || of(&env).iter().any(is_gap));
    assert!(!is_gap(&of(&env)[0]));
    env.write("go", "");
    until("the end", || {
        run(&env, &["status"]).contains("1 of 1 steps done")
    });
}

#[test]
fn a_folder_that_takes_no_samples_fails_nothing() {
    let env = keep(&[(
        "01-a.sh",
        "#!/bin/sh\nmkdir $(dirname $(echo ../k/.buildkeep/runs/*/*/spec.json))/samples\nsleep 2\n",
    )]);
    let shown = run(&env, &["run"]);
    assert!(shown.contains("1 step done"), "{shown}");
    assert!(files(&env)[0].is_dir());
}
