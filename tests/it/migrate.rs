//! config migrate, and files of old forms read without it.
use snapbox::{assert_data_eq, str};

use crate::config::k;
use crate::env::Env;

const FIRST: &str = r#"{
  "type": "object", "additionalProperties": false,
  "properties": {
    "schema": {"const": 1},
    "build": {"type": "object", "additionalProperties": false, "properties": {
      "cores": {"type": "string"}, "cflags": {"type": "string"}
    }},
    "mirror": {"type": "object", "properties": {
      "pass": {"type": "string", "x-buildkeep-secret": true}
    }}
  }
}"#;

const THIRD: &str = r#"{
  "type": "object", "additionalProperties": false,
  "x-buildkeep-version": 3,
  "x-buildkeep-migrations": [
    {"from": 1, "steps": [
      {"rename": {"from": "build.cores", "to": "build.jobs"}},
      {"convert": {"key": "build.jobs", "to": "integer"}},
      {"rename": {"from": "mirror.pass", "to": "mirror.token"}}
    ]},
    {"from": 2, "steps": [{"convert": {"key": "build.cflags", "to": "list"}}]}
  ],
  "properties": {
    "schema": {"const": 3},
    "build": {"type": "object", "additionalProperties": false, "properties": {
      "jobs": {"type": "integer", "maximum": 64},
      "cflags": {"type": "array", "items": {"type": "string"}}
    }},
    "mirror": {"type": "object", "properties": {
      "token": {"type": "string", "x-buildkeep-secret": true}
    }}
  }
}"#;

const BUILD: &str = "\
# Settings of the build.
schema = 1

[build]
cores  = \"4\"      # one per core
cflags = '-O2 -g'
";

/// A keep with files of form 1 in all layers, whose schema is of form 3 since the last commit.
pub(crate) fn keep() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    std::fs::remove_file(env.path("k/config/build.toml")).unwrap();
    env.write("k/plan.toml", "scripts = \"scripts\"\n");
    env.write("k/schemas/build.schema.json", FIRST);
    env.write("k/config/build.toml", BUILD);
    env.write(
        "k/config/profiles/fast.toml",
        "[build]\ncflags = '-O3'  # fast\n",
    );
    env.write(
        "k/config/hosts/other-1.toml",
        "# The other one.\n[build]\ncores = \"64\"\n",
    );
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    env.write("k/buildkeep.toml", &(settings + "profiles = [\"fast\"]\n"));
    env.stdout(&["-C", "k", "commit", "-m", "config: form 1"]);
    env.write("k/schemas/build.schema.json", THIRD);
    env.stdout(&["-C", "k", "commit", "-m", "schemas: form 3"]);
    env
}

fn file(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path(format!("k/{path}"))).unwrap()
}

#[test]
fn old_files_are_read_as_new_ones_with_their_own_lines() {
    let env = keep();
    let shown = [
        k(&env, "config list"),
        k(&env, "config get build.jobs --show-origin --quiet"),
        k(&env, "config get build.cores --quiet"),
        k(&env, "config get build.jobs --at HEAD~1"),
        k(&env, "config validate"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.cflags = ["-O2","-g"]  config/build.toml:6
build.jobs = 4               config/build.toml:5
--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them

4	config/build.toml:5
--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them

--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them
error: there is no key `build.cores`
hint: did you mean `build.jobs`?
--- exit 2

4

valid: 5 files checked
--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them

"#]]
    );
    assert_eq!(
        file(&env, "config/build.toml"),
        BUILD,
        "reading writes nothing"
    );
}

#[test]
fn an_error_in_an_old_file_is_told_in_its_own_words() {
    let env = keep();
    let told = |from: &str, to: &str| {
        env.write("k/config/build.toml", &BUILD.replace(from, to));
        k(&env, "config validate --quiet")
    };
    let shown = [told("\"4\"", "\"99\""), told("\"4\"", "\"many\"")];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
error[K006]: `build.cores` is 99, but must be at most 64
 --> config/build.toml:5:10
  |
5 | cores  = "99"      # one per core
  |          ^^^^

1 error in 5 files
--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them
--- exit 1

error[K403]: cannot be read as form 3: `build.cores` cannot become a whole number
 --> config/build.toml:5:10
  |
5 | cores  = …
  |          ^
  |
  = help: mend it as form 1 has it, or rewrite the file by hand

1 error in 5 files
--- stderr
warning: config/hosts/other-1.toml is of form 1, read as form 3, and so is one more file; `buildkeep config migrate` rewrites them
--- exit 1

"#]]
    );
}

#[test]
fn a_file_of_a_newer_form_is_refused() {
    let env = keep();
    env.write("k/config/build.toml", &BUILD.replace("= 1", "= 4"));
    let keeps = k(&env, "config get build.jobs --quiet");
    env.write("k/config/build.toml", BUILD);
    let settings = file(&env, "buildkeep.toml");
    env.write(
        "k/buildkeep.toml",
        &settings.replace("schema = 1", "schema = 2"),
    );
    let ours = k(&env, "config validate --quiet");
    env.write("k/buildkeep.toml", &settings);
    env.write("k/checks/mine.toml", "schema = 2\n");
    env.write("k/plan.toml", "schema = 2\n");
    let shown = [keeps, ours, k(&env, "check mine"), k(&env, "plan")];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error[K402]: made for form 4, but this keep's schema knows 3
 --> config/build.toml:2:10
  |
2 | schema = 4
  |          ^
  |
  = help: pull the newer schema, or upgrade buildkeep; forms are never migrated back
--- exit 2

error[K402]: made for form 2, but this keep's schema knows 1
 --> buildkeep.toml:3:10
  |
3 | schema = 2
  |          ^
  |
  = help: pull the newer schema, or upgrade buildkeep; forms are never migrated back

1 error in 5 files
--- stderr
warning: config/build.toml is of form 1, read as form 3, and so are 2 more files; `buildkeep config migrate` rewrites them
--- exit 1

--- stderr
error[K402]: made for form 2, but this keep's schema knows 1
 --> checks/mine.toml:1:10
  |
1 | schema = 2
  |          ^
  |
  = help: pull the newer schema, or upgrade buildkeep; forms are never migrated back
--- exit 2

--- stderr
error[K402]: made for form 2, but this keep's schema knows 1
 --> plan.toml:1:10
  |
1 | schema = 2
  |          ^
  |
  = help: pull the newer schema, or upgrade buildkeep; forms are never migrated back
--- exit 2

"#]]
    );
}

#[test]
fn a_dry_run_shows_the_lines() {
    let env = keep();
    let shown = k(&env, "config migrate --dry-run");
    assert_eq!(file(&env, "config/build.toml"), BUILD);
    assert_data_eq!(
        shown,
        str![[r#"
config/build.toml (modified)
@@ -1,6 +1,6 @@
 # Settings of the build.
-schema = 1
+schema = 3
 
 [build]
-cores  = "4"      # one per core
-cflags = '-O2 -g'
+jobs  = 4      # one per core
+cflags = ["-O2", "-g"]
config/hosts/other-1.toml (modified)
@@ -1,3 +1,5 @@
+schema = { build = 3 }
+
 # The other one.
 [build]
-cores = "64"
+jobs = 64
config/profiles/fast.toml (modified)
@@ -1,2 +1,4 @@
+schema = { build = 3 }
+
 [build]
-cflags = '-O3'  # fast
+cflags = ["-O3"]  # fast

"#]]
    );
}

#[test]
fn migrate_rewrites_all_layers_in_one_commit() {
    let env = keep();
    let shown = [
        k(&env, "config migrate"),
        file(&env, "config/build.toml"),
        file(&env, "config/profiles/fast.toml"),
        file(&env, "config/hosts/other-1.toml"),
        k(&env, "config migrate"),
        k(&env, "config list"),
        k(&env, "config validate"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
config/build.toml: form 1 -> 3
config/hosts/other-1.toml: form 1 -> 3
config/profiles/fast.toml: form 1 -> 3
  version 3, committed [COMMIT]

# Settings of the build.
schema = 3

[build]
jobs  = 4      # one per core
cflags = ["-O2", "-g"]

schema = { build = 3 }

[build]
cflags = ["-O3"]  # fast

schema = { build = 3 }

# The other one.
[build]
jobs = 64

every file is of the newest form

build.cflags = ["-O2","-g"]  config/build.toml:6
build.jobs = 4               config/build.toml:5

valid: 5 files checked

"#]]
    );
    let log = env.git(&[
        "-C",
        "k",
        "log",
        "-1",
        "--format=%(trailers:key=Buildkeep-Kind,valueonly)",
    ]);
    assert_eq!(log.trim(), "migrate");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn setting_a_key_of_an_old_file_rewrites_it_and_says_so() {
    let env = keep();
    let shown = [
        k(&env, "config set build.jobs 4"),
        k(&env, "config set build.jobs 8 --dry-run"),
        k(&env, "config set build.jobs 8"),
        file(&env, "config/build.toml"),
        k(&env, "config set build.jobs 9 --host"),
        k(
            &env,
            "config unset build.cflags --file config/profiles/fast.toml",
        ),
        file(&env, "config/profiles/fast.toml"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs is 4 already

build.jobs: 4 -> 8
  would change config/build.toml

config/build.toml (modified)
@@ -1,6 +1,6 @@
 # Settings of the build.
-schema = 1
+schema = 3
 
 [build]
-cores  = "4"      # one per core
-cflags = '-O2 -g'
+jobs  = 8      # one per core
+cflags = ["-O2", "-g"]
--- stderr
warning: config/build.toml would be rewritten from form 1 to 3 on the way

build.jobs: 4 -> 8
  config/build.toml, version 3, committed [COMMIT]
--- stderr
warning: config/build.toml was rewritten from form 1 to 3 on the way

# Settings of the build.
schema = 3

[build]
jobs  = 8      # one per core
cflags = ["-O2", "-g"]

build.jobs: set to 9
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

build.cflags: no longer set (was ["-O3"])
  now ["-O2","-g"], from config/build.toml:6
  config/profiles/fast.toml, version 5, committed [COMMIT]
--- stderr
warning: config/profiles/fast.toml was rewritten from form 1 to 3 on the way

schema = { build = 3 }

[build]

"#]]
    );
    let host = file(&env, ".buildkeep/host");
    let overlay = file(&env, &format!("config/hosts/{}.toml", host.trim()));
    assert_eq!(overlay, "schema = { build = 3 }\n\n[build]\njobs = 9\n");
}

#[test]
fn rollbacks_and_comparisons_cross_a_migration() {
    let env = keep();
    k(&env, "config migrate");
    k(&env, "config set build.jobs 8");
    let version = |subject: &str| {
        let all = env.git(&["-C", "k", "log", "--format=%H %s"]);
        let line = all.lines().find(|line| line.contains(subject)).unwrap();
        line.split(' ').next().unwrap().to_owned()
    };
    let old = version("config: form 1");
    going_back(&env, &old);
    assert_eq!(file(&env, "config/build.toml"), BUILD);
    assert_eq!(file(&env, "schemas/build.schema.json"), FIRST);
}

fn going_back(env: &Env, old: &str) {
    let shown = [
        k(env, &format!("config diff {old}")),
        k(env, &format!("rollback --to {old} --key build.jobs --yes")),
        file(env, "config/build.toml"),
        k(
            env,
            &format!("rollback --to {old} --file config/build.toml --yes"),
        ),
        k(env, "config get build.jobs"),
        k(env, "config validate"),
        k(env, &format!("rollback --to {old} --yes")),
        k(env, "config list"),
        k(env, "config validate"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.jobs: 4 -> 8

brought back build.jobs of v2, committed [COMMIT]
  build.jobs: 8 -> 4
  config/build.toml changes
to undo: buildkeep undo

# Settings of the build.
schema = 3

[build]
jobs  = 4      # one per core
cflags = ["-O2", "-g"]

brought back config/build.toml of v2, committed [COMMIT]
  config/build.toml changes
to undo: buildkeep undo

4
--- stderr
warning: config/build.toml is of form 1, read as form 3; `buildkeep config migrate` rewrites it

valid: 5 files checked
--- stderr
warning: config/build.toml is of form 1, read as form 3; `buildkeep config migrate` rewrites it

brought back the configuration of v2, committed [COMMIT]
  build.cflags: ["-O2","-g"] -> "-O2 -g"
  build.cores: set to "4"
  build.jobs: no longer set (was 4)
  config/hosts/other-1.toml changes
  config/profiles/fast.toml changes
  schemas/build.schema.json changes
to undo: buildkeep undo

build.cflags = "-O2 -g"  config/build.toml:6
build.cores = "4"        config/build.toml:5

valid: 5 files checked

"#]]
    );
}

#[test]
fn a_secret_is_hidden_under_its_old_name_too() {
    let env = keep();
    env.write(
        "k/config/build.toml",
        &format!("{BUILD}[mirror]\npass = \"hunter2\"\n"),
    );
    env.git(&["-C", "k", "commit", "-qam", "x", "--no-verify"]);
    let shown = k(&env, "config migrate --dry-run");
    assert!(
        shown.contains("pass = …") && shown.contains("token = …"),
        "{shown}"
    );
    let text = file(&env, "config/build.toml").replace("\"hunter2\"", "[\"hunter2\"]");
    env.write("k/config/build.toml", &text);
    let wrong = k(&env, "config validate");
    assert!(wrong.contains("`mirror.pass` must be text"), "{wrong}");
    assert!(!(shown + &wrong).contains("hunter2"));
}

#[test]
fn a_migration_that_was_killed_before_its_commit_is_finished() {
    let env = keep();
    k(&env, "config migrate");
    env.git(&["-C", "k", "update-ref", "refs/heads/main", "HEAD~1"]);
    assert!(!env.git(&["-C", "k", "diff", "HEAD", "--stat"]).is_empty());
    let again = k(&env, "config migrate");
    assert!(again.contains("config/build.toml: form 1 -> 3"), "{again}");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}
