//! Totals of a step against those of GNU time for the same script; and how soon what happens shows.
use buildkeep::run::{Attempt, AttemptState, Usage, UsageSource};

use super::run::{patient, run, start};
use super::site::Site;

/// A build as builds are: a compiler that is started again and again, and one process that needs
/// memory. Without a compiler, of programs that are everywhere.
const BUILD: &str = "
set -e
if command -v cc > /dev/null; then
    for unit in 1 2 3; do
        { seq 1 2000 | sed \"s/.*/int f${unit}_&(int x) { return x * & + $unit; }/\"; } > $1/unit$unit.c
        cc -O1 -c -o $1/unit$unit.o $1/unit$unit.c
    done
else
    for unit in 1 2 3 4; do seq 1 200000 | sort -R | sha256sum > /dev/null; done
fi
awk 'BEGIN { for (i = 0; i < 600000; i++) a[i] = i \"\"; }'
";

/// The number at the end of the line that GNU time has of something.
fn figure(said: &str, name: &str) -> f64 {
    let line = said.lines().find(|line| line.contains(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// How a script with one argument ran as a step, and what GNU time said of the very same processes,
/// whatever else the machine does meanwhile; nothing where there is no GNU time.
fn timed(body: &str) -> Option<(Attempt, String)> {
    let time = "/usr/bin/time";
    if !std::path::Path::new(time).exists() {
        return None;
    }
    let mut site = Site::new("");
    let script = site.env.script("build.sh", &format!("#!/bin/bash{body}"));
    let folder = site.file("folder");
    std::fs::create_dir(&folder).unwrap();
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    site.spec.argv = vec![
        time.into(),
        "-v".into(),
        "-o".into(),
        text(&site.file("told")),
        text(&script),
        text(&folder),
    ];
    let attempt = site.run();
    assert_eq!(attempt.state, AttemptState::Succeeded, "{attempt:?}");
    let said = std::fs::read_to_string(site.file("told")).unwrap();
    Some((attempt, said))
}

/// The processor time is that of GNU time.
fn assert_same_cpu(usage: &Usage, said: &str) {
    let cpu = figure(said, "User time") + figure(said, "System time");
    assert!(cpu > 0.5, "worth measuring\n{said}");
    // Time has hundredths of two figures, and its own processor time is ours only.
    let allowed = cpu * 0.02 + 0.05;
    let ours = usage.cpu_s();
    assert!(
        (ours - cpu).abs() <= allowed,
        "{ours} s against {cpu} s by {:?}\n{said}",
        usage.source
    );
}

#[test]
fn totals_are_those_of_gnu_time() {
    let Some((attempt, said)) = timed(BUILD) else {
        eprintln!("skipped: there is no GNU time");
        return;
    };
    let usage = attempt.exit.unwrap().usage.unwrap();
    assert_same_cpu(&usage, &said);
    let peak = figure(&said, "Maximum resident") * 1024.0;
    let ours = usage.max_rss_bytes as f64;
    assert!((ours - peak).abs() <= peak * 0.05, "{ours} {peak}");
    if let Some(whole) = usage.peak_memory_bytes {
        assert_eq!(usage.source, UsageSource::Cgroup);
        assert!(whole as f64 >= peak * 0.95, "{whole} {peak}");
    }
}

/// None of the children lives long enough to be seen by anybody who looks from time to time.
#[test]
fn totals_of_a_storm_of_children_are_those_of_gnu_time() {
    let Some((attempt, said)) = timed("\nfor i in {1..8000}; do ( : ); done\n") else {
        eprintln!("skipped: there is no GNU time");
        return;
    };
    assert_same_cpu(&attempt.exit.unwrap().usage.unwrap(), &said);
}

/// Each change of a step is on record before whoever made it goes on, and `status` reads the record: it
/// is not told later, by somebody who has to come by.
#[test]
fn what_happens_shows_at_the_next_look() {
    let env = patient();
    let mut foreground = start(&env);
    let state = || {
        let status = env.json(&["-C", "k", "status"]);
        (
            status["running"][0]["state"].clone(),
            status["steps"]["done"].clone(),
        )
    };
    assert_eq!(state(), ("running".into(), 0.into()), "at the first look");
    run(&env, &["pause", "slow"]);
    assert_eq!(state(), ("paused".into(), 0.into()), "at the first look");
    run(&env, &["resume", "slow"]);
    assert_eq!(state(), ("running".into(), 0.into()), "at the first look");
    env.write("code", "3");
    env.write("go", "");
    foreground.wait().unwrap();
    let status = run(&env, &["status"]);
    assert!(status.contains("slow: failed with exit code 3"), "{status}");
}
