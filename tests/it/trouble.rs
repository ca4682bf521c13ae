//! Runs that meet trouble: files that change under them, people in a hurry, disks that are full.
use buildkeep::run::{AttemptState, StopReason, stop};

use super::run::{helpers, json, keep, kill_monitor, patient, run, start};
use super::site::{Site, is_alive, kill, until};

#[test]
fn a_script_that_vanishes_ends_the_run_and_how_far_it_came_is_told() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\nrm scripts/03-three.sh\n"),
        ("02-two.sh", "#!/bin/sh\n"),
        ("03-three.sh", "#!/bin/sh\n"),
    ]);
    let lines = json(&env, &["run"]);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["succeeded"], &last["left"], &last["exit"]),
        (&2.into(), &1.into(), &2.into())
    );
    let record = std::fs::read_dir(env.path("k/.buildkeep/runs")).unwrap();
    let record = record.map(|entry| entry.unwrap().path().join("run.json"));
    let record = record.filter(|file| file.exists()).collect::<Vec<_>>();
    let text = std::fs::read_to_string(&record[0]).unwrap();
    assert!(text.contains("\"is_closed\": true"), "{text}");
}

#[test]
fn a_command_ends_its_json_like_a_run() {
    let env = keep(&[("01-one.sh", "#!/bin/sh\n")]);
    let lines = json(&env, &["run", "--", "sh", "-c", "exit 4"]);
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str()).collect();
    let told = [
        Some("step-started"),
        Some("step-ended"),
        Some("step-failed"),
        None,
    ];
    assert_eq!(events, told);
    let last = lines.last().unwrap();
    assert!(last["run"].is_string());
    assert_eq!((&last["failed"], &last["exit"]), (&1.into(), &1.into()));
    assert_eq!(lines[2]["next"][0], "buildkeep logs sh");
}

#[test]
fn what_runs_is_told_although_the_plan_is_broken() {
    let env = patient();
    let mut foreground = start(&env);
    env.write("k/plan.toml", "[env\n");
    let shown = run(&env, &["status"]);
    assert!(shown.contains("running slow#1"), "{shown}");
    assert!(
        shown.contains("error[K001]") && shown.contains("--- exit 2"),
        "{shown}"
    );
    let stopped = run(&env, &["stop"]);
    assert!(stopped.contains("slow#1 stopped"), "{stopped}");
    foreground.wait().unwrap();
}

#[test]
fn why_knows_an_attempt_whose_end_is_not_published() {
    let env = patient();
    let mut foreground = start(&env);
    assert_eq!(
        run(&env, &["why", "slow"]),
        "slow never worked here; slow#1 is running\n"
    );
    kill_monitor(&env, &mut foreground);
    env.write("code", "5");
    env.write("go", "");
    until("helpers to leave", || helpers(&env).is_empty());
    let before = env.git(&["-C", "k", "for-each-ref"]);
    assert_eq!(
        run(&env, &["why", "slow"]),
        "slow never worked here; slow#1 failed\n  exit code 5\n"
    );
    assert_eq!(
        env.git(&["-C", "k", "for-each-ref"]),
        before,
        "it only reads"
    );
    let status = run(&env, &["status"]);
    assert!(
        status.contains("failed  slow: failed with exit code 5"),
        "{status}"
    );
}

#[test]
fn a_step_somebody_stopped_is_not_called_failed() {
    let env = patient();
    let foreground = start(&env);
    run(&env, &["stop"]);
    let shown = env.shown(&foreground.wait_with_output().unwrap());
    assert!(
        shown.contains("0 steps done, 1 stopped, 1 not run"),
        "{shown}"
    );
    let status = run(&env, &["status"]);
    assert!(
        status.contains("  stopped slow: somebody stopped it\n"),
        "{status}"
    );
    assert!(
        run(&env, &["plan"]).contains("  1  cancelled    slow"),
        "columns"
    );
}

#[test]
fn in_a_hurry_nobody_has_grace() {
    let mut site = Site::new("trap '' TERM; touch running; for i in {1..60}; do sleep 1; done");
    site.spec.grace_s = 3600;
    let keeper = site.start();
    site.until_file("running");
    let clock = buildkeep::world::Clock::new(chrono::Utc::now);
    stop(&site.dir, StopReason::Asked, &clock, || true).unwrap();
    let attempt = site.follow(Some(keeper));
    assert_eq!(attempt.state, AttemptState::Cancelled);
    assert_eq!(attempt.exit.unwrap().signal, Some(9));
}

/// A step can be ended although nothing can be written down.
#[test]
fn a_full_disk_does_not_keep_a_script_alive() {
    let site = Site::new("echo $$ > pid; touch running; for i in {1..60}; do sleep 1; done");
    std::fs::create_dir_all(site.dir.path()).unwrap();
    let dir = site.dir.path().to_str().unwrap();
    let mount = |args: &[&str]| std::process::Command::new("mount").args(args).status();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=256k", "none", dir]);
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root may mount");
        return;
    }
    let keeper = site.start();
    site.until_file("running");
    let pid = std::fs::read_to_string(site.file("pid")).unwrap();
    let pid: i32 = pid.trim().parse().unwrap();
    let _ = std::fs::write(site.dir.path().join("ballast"), vec![0; 1 << 20]);
    assert!(buildkeep::fs::is_full(site.dir.path()));
    let clock = buildkeep::world::Clock::new(chrono::Utc::now);
    let stopped = stop(&site.dir, StopReason::Asked, &clock, || false);
    let died = !is_alive(pid);
    std::fs::remove_file(site.dir.path().join("ballast")).unwrap();
    kill(pid);
    let attempt = site.follow(Some(keeper));
    let unmounted = std::process::Command::new("umount")
        .arg("-l")
        .arg(dir)
        .status();
    unmounted.unwrap();
    stopped.unwrap();
    assert!(died, "ended in spite of the full disk");
    assert_eq!(attempt.exit.unwrap().signal, Some(15));
}

/// The reader of a build log goes away; the build does not, and its exit code is the truth.
#[test]
fn a_run_whose_reader_went_away_goes_on() {
    let env = keep(&[
        (
            "01-one.sh",
            "#!/bin/sh\nuntil [ -e ../go ] || [ $((i=i+1)) -gt 600 ]; do sleep 0.1; done\n",
        ),
        ("02-two.sh", "#!/bin/sh\necho x >> ../two\n"),
        ("03-three.sh", "#!/bin/sh\nexit 3\n"),
    ]);
    let mut command = env.buildkeep(&["-C", "k", "run"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    env.write("go", "");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(env.path("two").exists());
}

/// Whoever takes the snapshots was killed; the next run takes the one that is missing.
#[test]
fn the_snapshot_after_a_step_whose_run_was_killed_is_made_up_for() {
    let env = patient();
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\ncheckpoint = \"after\"\n\
        workdir = \".\"\n";
    env.write("k/plan.toml", plan);
    let mut foreground = start(&env);
    kill_monitor(&env, &mut foreground);
    env.write("go", "");
    until("helpers to leave", || helpers(&env).is_empty());
    let shown = run(&env, &["run"]);
    assert_eq!(shown.matches("snapshot of").count(), 2, "{shown}");
    let taken = env.json(&["-C", "k", "checkpoint", "list"]);
    let steps: Vec<_> = taken["snapshots"].as_array().unwrap().iter().collect();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0]["step"], "slow");
    assert!(!run(&env, &["run"]).contains("snapshot"));
}
