//! A new edition of the book: scripts have other numbers and names.
use super::run::{json, keep, run};

#[test]
fn what_is_only_renumbered_or_renamed_stays_done() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho one\n"),
        ("02-two.sh", "#!/bin/sh\necho two\n"),
        ("03-three.sh", "#!/bin/sh\necho three\n"),
        ("04-four.sh", "#!/bin/sh\necho four\n"),
    ]);
    assert!(run(&env, &["run"]).contains("4 steps done"));
    let rename = |old: &str, new: &str| {
        let path = |name: &str| env.path(format!("k/scripts/{name}"));
        std::fs::rename(path(old), path(new)).unwrap();
    };
    rename("01-one.sh", "03-uno.sh");
    rename("02-two.sh", "04-due.sh");
    rename("03-three.sh", "17-three.sh");
    rename("04-four.sh", "18-quattro.sh");
    let status = &json(&env, &["status"])[0];
    assert_eq!(
        (&status["steps"]["done"], &status["steps"]["total"]),
        (&4.into(), &4.into())
    );
    assert_eq!(
        run(&env, &["why", "due"]).lines().nth(1),
        Some("  nothing that it is built from is different")
    );

    assert!(status["older"].is_null(), "{status}");

    // A step that is changed, too, is another step; what comes after it stays done, and is older.
    rename("04-due.sh", "04-zwei.sh");
    env.script("k/scripts/04-zwei.sh", "#!/bin/sh\necho zwei\n");
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(dry.starts_with("zwei  not built yet\n"), "{dry}");
    assert!(dry.contains("1 to run, 3 done"), "{dry}");
    let last = json(&env, &["run"]).pop().unwrap();
    assert_eq!((&last["succeeded"], &last["done"]), (&1.into(), &3.into()));
    assert_eq!(
        run(&env, &["run"]),
        "nothing to run: all 4 steps are done\n"
    );
    let status = run(&env, &["status"]);
    let older = "  older   2 steps were built before zwei changed; all again:\n          \
        buildkeep run --from three --force\n";
    assert!(status.contains(older), "{status}");
    let why = run(&env, &["why", "three"]);
    assert!(why.contains("changed, up to `zwei`"), "{why}");
}

#[test]
fn a_script_that_is_put_in_or_changed_leaves_the_later_ones_done_unless_order_is_strict() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\necho one\n"),
        ("03-three.sh", "#!/bin/sh\necho three\n"),
        ("04-four.sh", "#!/bin/sh\necho four\n"),
    ]);
    let loose = "schema = 1\nscripts = \"scripts\"\n";
    env.write("k/plan.toml", loose);
    run(&env, &["run"]);
    env.script("k/scripts/02-two.sh", "#!/bin/sh\necho two\n");
    let shown = run(&env, &["run"]);
    assert!(shown.contains("1 step done"), "{shown}");
    for expected in [
        "2 steps were built before two changed",
        "buildkeep run --from three --force",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let status = &json(&env, &["status"])[0];
    assert_eq!(
        status["older"]["steps"],
        serde_json::json!(["three", "four"])
    );
    let again = json(&env, &["run", "--from", "three", "--force"])
        .pop()
        .unwrap();
    assert_eq!(again["succeeded"], 2, "{again}");
    assert!(json(&env, &["status"])[0]["older"].is_null());

    // What was built counts as well when order becomes strict.
    env.write("k/plan.toml", &format!("{loose}order = \"strict\"\n"));
    assert_eq!(json(&env, &["status"])[0]["steps"]["done"], 4);
    env.script("k/scripts/02-two.sh", "#!/bin/sh\necho zwei\n");
    let dry = run(&env, &["run", "--dry-run"]);
    assert!(dry.contains("three  needs `two`, which changed"), "{dry}");
    assert!(dry.contains("3 to run, 1 done"), "{dry}");
    env.write("k/plan.toml", loose);
    assert!(run(&env, &["run", "--dry-run"]).contains("1 to run, 3 done"));
}

#[test]
fn steps_with_the_same_script_are_not_mixed_up() {
    let same = "#!/bin/sh\necho same\n";
    let env = keep(&[("01-one.sh", same), ("02-two.sh", same)]);
    run(&env, &["run"]);
    for (old, new) in [("01-one.sh", "01-a.sh"), ("02-two.sh", "02-b.sh")] {
        std::fs::rename(
            env.path(format!("k/scripts/{old}")),
            env.path(format!("k/scripts/{new}")),
        )
        .unwrap();
    }
    let status = &json(&env, &["status"])[0];
    assert_eq!(status["steps"]["pending"], 2);
}

#[test]
fn the_plan_is_drawn_and_a_circle_is_told_with_its_places() {
    let env = keep(&[
        ("01-one.sh", "#!/bin/sh\n"),
        ("02-two.sh", "#!/bin/sh\nexit 1\n"),
    ]);
    run(&env, &["run"]);
    let dot = run(&env, &["plan", "--graph", "dot"]);
    let expected = "  \"one\" [fillcolor = palegreen];\n  \"two\" [fillcolor = lightpink];\n  \"one\" -> \"two\";\n}\n";
    assert!(
        dot.starts_with("digraph plan {\n") && dot.ends_with(expected),
        "{dot}"
    );
    let plan = "schema = 1\nscripts = \"scripts\"\n[[step]]\nid = \"one\"\nneeds = [\"two\"]\n";
    env.write("k/plan.toml", plan);
    let circle = run(&env, &["plan"]);
    let expected = "take one of these needs out: `one` needs `two` (plan.toml:5, scripts/01-one.sh); \
        `two` needs `one` (by the order of the scripts, scripts/02-two.sh)";
    assert!(
        circle.contains("steps need one another in a circle: one → two → one"),
        "{circle}"
    );
    assert!(circle.contains(expected), "{circle}");
}
