//! status and why: a build that fails, is mended, and goes stale.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep `k` with three steps, the second of which reads `$TESTS` and fails.
fn keep() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.script("s/02-two.sh", "#!/bin/sh\necho $TESTS\nexit 3\n");
    env.script("s/03-three.sh", "#!/bin/sh\necho three\n");
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    env
}

fn mend(env: &Env) {
    env.script("k/scripts/02-two.sh", "#!/bin/sh\necho $TESTS\n");
}

#[test]
fn before_anything_is_built_everything_is_pending() {
    let env = keep();
    assert_data_eq!(
        env.run_in("k", &["status"]),
        str![[r#"
[ROOT]/k on box-00z9, configuration v1 ([COMMIT])
░░░░░░░░░░░░░░░░░░░░ 0 of 3 steps done, time not known yet
  next    one
  last snapshot never · last push never

what you may type next:
  buildkeep run

"#]]
    );
    assert_data_eq!(
        env.run_in("k", &["why", "two"]),
        str![[r#"
two was never built

"#]]
    );
}

#[test]
fn a_failure_is_named_with_what_to_type_next() {
    let env = keep();
    assert!(
        !env.buildkeep(&["-C", "k", "run"])
            .output()
            .unwrap()
            .status
            .success()
    );
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 1);
    assert_eq!(status["steps"]["failed"], 1);
    assert_eq!(status["steps"]["pending"], 1);
    assert_eq!(status["failed"][0]["reason"], "failed with exit code 3");
    assert_eq!(status["next_step"], "two");
    assert_eq!(status["config"]["valid"], true);
    let why = env.json(&["-C", "k", "why", "two"]);
    assert_eq!(why["state"], "failed");
    assert!(why["since"].is_null(), "it never worked");
}

#[test]
fn a_mended_script_is_committed_and_built_and_nothing_else_is() {
    let env = keep();
    env.run_in("k", &["run"]);
    mend(&env);
    let shown = env.run_in("k", &["run"]);
    assert!(
        shown.contains("committed before the run: keep: change scripts/02-two.sh"),
        "{shown}"
    );
    assert!(!shown.contains("] one "), "the first step is done: {shown}");
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(status["steps"]["done"], 3);
    assert_eq!(status["progress"], 1.0);
    assert_eq!(
        env.git(&["-C", "k", "tag", "-l", "good/*"]).lines().count(),
        1
    );
    assert_data_eq!(
        env.run_in("k", &["run"]),
        str![[r#"
nothing to run: all 3 steps are done

"#]]
    );
}

#[test]
fn a_changed_value_makes_stale_what_reads_it_and_why_says_so() {
    let env = keep();
    mend(&env);
    env.stdout(&["-C", "k", "run"]);
    env.stdout(&["-C", "k", "config", "set", "build.tests", "quick"]);
    let status = env.json(&["-C", "k", "status"]);
    assert_eq!(
        (&status["steps"]["stale"], &status["older"]),
        (
            &1.into(),
            &serde_json::json!({"than": "two", "steps": ["three"]})
        ),
        "the step; and the one behind it is older: {status}"
    );
    assert_eq!(status["stale"][0]["step"], "two");
    let why = env.json(&["-C", "k", "why", "two"]);
    let change = &why["changes"][0];
    assert_eq!(
        (change["kind"].as_str(), change["name"].as_str()),
        (Some("key"), Some("build.tests"))
    );
    assert_eq!(
        (change["before"].as_str(), change["after"].as_str()),
        (Some("none"), Some("quick"))
    );
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "7"]);
    let again = env.json(&["-C", "k", "status"]);
    assert_eq!(
        again["steps"]["stale"], 1,
        "the number of jobs changes no result"
    );
}

#[test]
fn why_shows_the_lines_of_the_script_that_changed() {
    let env = keep();
    mend(&env);
    env.stdout(&["-C", "k", "run"]);
    env.script("k/scripts/02-two.sh", "#!/bin/sh\necho $TESTS\nfalse\n");
    env.run_in("k", &["run"]);
    let shown = env.run_in("k", &["why", "two"]);
    let shown = shown.lines().skip(1).collect::<Vec<_>>().join("\n");
    assert_data_eq!(
        shown,
        str![[r#"
  script changed

  exit code 1

scripts/02-two.sh (modified)
@@ -1,2 +1,3 @@
 #!/bin/sh
 echo $TESTS
+false
"#]]
    );
}

#[test]
fn invalid_configuration_is_shown_where_it_is() {
    let env = keep();
    env.write("k/config/build.toml", "[build]\njobs = \"many\"\n");
    assert_data_eq!(
        env.run_in("k", &["status"]),
        str![[r#"
[ROOT]/k on box-00z9, configuration v1 ([COMMIT])
░░░░░░░░░░░░░░░░░░░░ 0 of 3 steps done, time not known yet
  next    one
  invalid configuration: nothing runs until it is mended
  changed config/build.toml (buildkeep diff, buildkeep commit)
  last snapshot never · last push never

what you may type next:
  buildkeep config validate

"#]]
    );
}
