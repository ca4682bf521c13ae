//! How long it takes: from times of before, from SBU, from logs of jhalfs.
use super::run::{json, keep, run};

/// Three scripts as jhalfs names them, and SBU of the book for two of them.
fn book() -> super::env::Env {
    let env = keep(&[
        ("chapter05/502-gcc-pass1", "#!/bin/bash\necho a\n"),
        ("chapter08/826-gcc", "#!/bin/bash\necho b\n"),
        ("chapter08/840-vim", "#!/bin/bash\necho c\n"),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\n\
        [[step]]\nid = \"chapter05/gcc-pass1\"\nsbu = \"3.8 SBU\"\ndisk = \"4.1 GB\"\n\
        [[step]]\nid = \"chapter08/gcc\"\nsbu = \"38 SBU (with tests)\"\n";
    env.write("k/plan.toml", plan);
    env
}

#[test]
fn logs_of_jhalfs_fill_the_history() {
    let env = book();
    assert_eq!(json(&env, &["status"])[0]["eta_s"], serde_json::Value::Null);

    env.write(
        "jhalfs/logs/502-gcc-pass1",
        "KB: 100 /mnt/lfs\nTotalseconds: 380\nKB: 4000100 /mnt/lfs\n",
    );
    env.write("jhalfs/logs/839-vim", "KB: 10\nTotalseconds: 200\nKB: 90\n");
    env.write("jhalfs/logs/825-gcc", "make: *** [all] Error 2\n");
    env.write("jhalfs/logs/901-lfs-bootscripts", "Totalseconds: 1\n");
    let dry = run(&env, &["import", "jhalfs", "jhalfs", "--dry-run"]);
    assert!(
        dry.contains("chapter05/gcc-pass1  6 min 20 s, 4.1 GB"),
        "{dry}"
    );
    assert_eq!(json(&env, &["status"])[0]["eta_s"], serde_json::Value::Null);

    let taken = env.run_in("k", &["import", "jhalfs", "../jhalfs"]);
    let expected = "the times of 2 steps known: 9 min 40 s in all\n\
        1 log belongs to no step of the plan: 901-lfs-bootscripts\n\
        1 log has no time in it: 825-gcc\n";
    assert_eq!(taken, expected);

    let status = &json(&env, &["status"])[0];
    // 380 s, 38 SBU of 100 s each, 200 s.
    assert_eq!(status["eta_s"], 4380.0);
    let (low, high) = (
        status["eta_low_s"].as_f64().unwrap(),
        status["eta_high_s"].as_f64().unwrap(),
    );
    assert!(low < 4380.0 && high > 4380.0, "{low} {high}");
    assert_eq!(status["disk"]["needed_bytes"], 4_100_000_000_u64);
    assert!(run(&env, &["status"]).contains("about 1 h 13 min to go ("));

    let accuracy = run(&env, &["accuracy"]);
    assert!(
        accuracy.starts_with("one SBU takes 1 min 40 s here\nnothing was estimated yet"),
        "{accuracy}"
    );
    assert!(run(&env, &["import", "jhalfs", "nowhere"]).contains("--- exit"));
}

#[test]
fn estimates_are_compared_with_what_it_took() {
    let env = book();
    for _ in 0..3 {
        run(&env, &["run", "--force"]);
    }
    let accuracy = &json(&env, &["accuracy"])[0];
    // The first of all had nothing to go by, and two that were measured say nothing about a third.
    assert_eq!(accuracy["estimates"], 7);
    let bases: Vec<&str> = accuracy["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["basis"].as_str().unwrap())
        .collect();
    assert_eq!(bases, ["sbu", "own", "own", "own", "own", "own", "own"]);
    assert_eq!(json(&env, &["accuracy", "vim"])[0]["estimates"], 2);
    let text = run(&env, &["accuracy"]);
    assert!(
        text.contains("7 estimates: half were off by less than"),
        "{text}"
    );

    // The cache goes on from where it was, and is nothing that anything depends on.
    let before = run(&env, &["accuracy"]);
    std::fs::remove_file(env.path("k/.buildkeep/cache/times")).unwrap();
    assert_eq!(run(&env, &["accuracy"]), before);
}

#[test]
fn a_step_without_room_is_told_before_it_starts() {
    let env = book();
    let plan = "schema = 1\nscripts = \"scripts\"\n\
        [[step]]\nid = \"chapter05/gcc-pass1\"\ndisk = \"900 PB\"\nsbu = \"a while\"\n";
    env.write("k/plan.toml", plan);
    let shown = run(&env, &["status"]);
    assert!(shown.contains("is not a time in SBU"), "{shown}");
    let plan = plan
        .replace("sbu = \"a while\"\n", "")
        .replace("900 PB", "900000 TB");
    env.write("k/plan.toml", &plan);
    let shown = run(&env, &["status"]);
    assert!(
        shown.contains("room    chapter05/gcc-pass1 needs 900 PB in "),
        "{shown}"
    );
}

#[test]
fn what_runs_side_by_side_takes_as_long_as_the_longest_way() {
    let env = keep(&[
        ("01-a.sh", "#!/bin/sh\nsleep 0.2\n"),
        ("02-b.sh", "#!/bin/sh\nsleep 0.2\n"),
    ]);
    let plan = "schema = 1\nscripts = \"scripts\"\n[[step]]\nid = \"b\"\nneeds = []\n";
    env.write("k/plan.toml", plan);
    json(&env, &["run"]);
    for step in ["a", "b"] {
        json(&env, &["mark", step, "--undone", "-m", "again"]);
    }
    let left = || json(&env, &["status"])[0]["eta_s"].as_f64().unwrap();
    let one_by_one = left();
    env.write("k/plan.toml", &format!("jobs = 2\n{plan}"));
    let at_once = left();
    assert!(
        at_once > 0.0 && at_once < one_by_one * 0.9,
        "{at_once} {one_by_one}"
    );
}
