//! config apply and drift: files that scripts read, made from the configuration.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

const SETTINGS: &str = "\
schema = 1

[secrets]
mirror = { env = \"MIRROR_TOKEN\" }

[[render]]
to = \"env.sh\"
exports = \"sh\"
keys = [\"build\"]
names = { CC = \"tools.cc\" }

[[render]]
to = \"${root}/etc/config.site\"
template = \"templates/config.site.j2\"
";

const TEMPLATE: &str = "\
# made for {{ host }}
CFLAGS={{ build.cflags | shquote }}
{% for set in build.sets -%}
enable_{{ set }}=yes
{% endfor -%}
prefix={{ root }}
";

/// A keep whose two steps read what is rendered.
fn keep() -> Env {
    let env = Env::new();
    env.script(
        "s/01-one.sh",
        "#!/bin/sh\n. ./env.sh\necho \"$CC $BUILD_CFLAGS $BUILD_JOBS\"\n",
    );
    env.script(
        "s/02-two.sh",
        "#!/bin/sh\ncat \"$BUILDKEEP_ROOT/etc/config.site\"\n",
    );
    env.stdout(&["init", "k", "--scripts", "s", "--root", "root", "--yes"]);
    let plan = "scripts = \"scripts\"\nroot = \"../root\"\nworkdir = \".\"\n";
    env.write("k/plan.toml", plan);
    env.write("k/schemas/build.schema.json", "{}");
    env.write("k/config/build.toml", "[build]\njobs = 4\ncflags = \"-O2 it's\"\nsets = [\"c\", \"cxx\"]\n[tools]\ncc = \"gcc\"\n");
    env.write("k/templates/config.site.j2", TEMPLATE);
    env.write("k/buildkeep.toml", SETTINGS);
    env.write("k/.gitignore", "/.buildkeep/\n/env.sh\n");
    env.stdout(&["-C", "k", "commit", "-m", "config: what is rendered"]);
    env
}

fn k(env: &Env, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    env.run_in("k", &words)
}

fn file(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path(path)).unwrap()
}

#[test]
fn files_are_planned_written_and_recorded() {
    let env = keep();
    let dry = k(&env, "config apply --dry-run");
    assert!(dry.ends_with("would write env.sh\nwould write ${root}/etc/config.site\n"));
    assert!(!env.path("k/env.sh").exists());
    let shown = [
        k(&env, "config apply"),
        k(&env, "config apply --yes"),
        k(&env, "config apply --yes"),
        k(&env, "config drift"),
        file(&env, "k/env.sh"),
        file(&env, "root/etc/config.site"),
    ];
    let shown = shown
        .join("\n")
        .replace(env.work().to_str().unwrap(), "[ROOT]");
    assert_data_eq!(
        shown,
        str![[r#"
--- stderr
error: this writes files, and nobody is there to ask
hint: look at it first: add `--dry-run`
hint: do it without a question: add `--yes`
--- exit 2

wrote env.sh
wrote ${root}/etc/config.site

env.sh is as it should be
${root}/etc/config.site is as it should be

2 files as the configuration makes them

# Written by `buildkeep config apply`: change the configuration, not this file.
export BUILD_CFLAGS='-O2 it'/''s'
export BUILD_JOBS='4'
export BUILD_SETS='c cxx'
export CC='gcc'

# made for box-00z9
CFLAGS='-O2 it'/''s'
enable_c=yes
enable_cxx=yes
prefix=[ROOT]/root

"#]]
    );
    is_recorded(&env);
}

fn is_recorded(env: &Env) {
    let log = k(env, "log --kind apply");
    assert!(log.contains("config: apply env.sh and 1 more"), "{log}");
    let host = file(env, "k/.buildkeep/host");
    let state = format!("state/{}:applied.toml", host.trim());
    let applied = env.git(&["-C", "k", "show", &state]);
    assert!(
        applied.contains("path = \"${root}/etc/config.site\"\ncontent = \""),
        "{applied}"
    );
}

#[test]
fn a_change_by_hand_is_left_alone_until_both_sides_change() {
    let env = keep();
    k(&env, "config apply --yes");
    let site = file(&env, "root/etc/config.site").replace("prefix", "PREFIX");
    env.write("root/etc/config.site", &site);
    let drifted = [k(&env, "config drift"), k(&env, "config apply --yes")];
    assert_eq!(file(&env, "root/etc/config.site"), site);
    k(&env, "config set build.cflags -O3");
    let both = k(&env, "config apply --yes");
    assert_eq!(file(&env, "root/etc/config.site"), site);
    assert!(
        file(&env, "k/env.sh").contains("-O2"),
        "nothing is written if one is in the way"
    );
    let forced = k(&env, "config apply --yes --force ${root}/etc/config.site");
    assert_eq!(kept(&env), site);
    let shown = [&drifted[0], &drifted[1], &both, &without_op(&forced)];
    assert_data_eq!(
        shown.map(String::as_str).join("\n"),
        str![[r#"
${root}/etc/config.site: changed by hand (modified)
@@ -2,4 +2,4 @@
 CFLAGS='-O2 it'/''s'
 enable_c=yes
 enable_cxx=yes
-prefix=[ROOT]/root
+PREFIX=[ROOT]/root
${root}/etc/config.site: changed by hand; keep that with `--adopt`, or take it back with `--restore`
1 file as the configuration makes it
--- exit 1

env.sh is as it should be
${root}/etc/config.site was changed by hand: left alone; see `buildkeep config drift`

--- stderr
${root}/etc/config.site: changed by hand (modified)
@@ -2,4 +2,4 @@
 CFLAGS='-O2 it'/''s'
 enable_c=yes
 enable_cxx=yes
-prefix=[ROOT]/root
+PREFIX=[ROOT]/root
${root}/etc/config.site: changed by the configuration (modified)
@@ -1,5 +1,5 @@
 # made for box-00z9
-CFLAGS='-O2 it'/''s'
+CFLAGS='-O3'
 enable_c=yes
 enable_cxx=yes
 prefix=[ROOT]/root
error: ${root}/etc/config.site was changed by hand, and by the configuration
hint: write it all the same, keeping what it holds: `buildkeep config apply --force '${root}/etc/config.site'`
hint: let it stay as it is: `buildkeep config drift --adopt '${root}/etc/config.site'`
--- exit 4

wrote ${root}/etc/config.site
  what it held is in .buildkeep/trash/apply/[OP]/root/etc/config.site

"#]]
    );
    assert!(file(&env, "root/etc/config.site").contains("-O3"));
}

/// What the last command replaced.
fn kept(env: &Env) -> String {
    let trash = env.path("k/.buildkeep/trash/apply");
    let op = std::fs::read_dir(trash)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::read_to_string(op.join("root/etc/config.site")).unwrap()
}

fn without_op(text: &str) -> String {
    let is_id = |word: &&str| word.len() == 26 && word.starts_with("01");
    let id = text.split(['/', ' ', '\n']).find(is_id).unwrap_or("none");
    text.replace(id, "[OP]")
}

#[test]
fn a_changed_variable_goes_back_into_the_configuration() {
    let env = keep();
    k(&env, "config apply --yes");
    let changed = file(&env, "k/env.sh")
        .replace("='4'", "=16")
        .replace("'gcc'", "\"clang\"");
    env.write("k/env.sh", &changed);
    let shown = [
        k(&env, "config drift"),
        k(&env, "config drift --adopt"),
        k(&env, "config drift"),
        file(&env, "k/config/build.toml"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
env.sh: changed by hand (modified)
@@ -1,5 +1,5 @@
 # Written by `buildkeep config apply`: change the configuration, not this file.
 export BUILD_CFLAGS='-O2 it'/''s'
-export BUILD_JOBS='4'
+export BUILD_JOBS=16
 export BUILD_SETS='c cxx'
-export CC='gcc'
+export CC="clang"
env.sh: changed by hand; keep that with `--adopt`, or take it back with `--restore`
1 file as the configuration makes it
--- exit 1

build.jobs: 4 -> 16
tools.cc: "gcc" -> "clang"
  config/build.toml, version 3, committed [COMMIT]

2 files as the configuration makes them

[build]
jobs = 16
cflags = "-O2 it's"
sets = ["c", "cxx"]
[tools]
cc = "clang"

"#]]
    );
    env.write("k/env.sh", "export BUILD_JOBS=$(nproc)\n");
    let refused = k(&env, "config drift --adopt");
    let restored = k(&env, "config drift --restore --yes");
    assert_data_eq!(
        format!("{refused}\n{}", without_op(&restored)),
        str![[r#"
--- stderr
error: env.sh cannot be taken back into the configuration: BUILD_CFLAGS was taken out, but `build.cflags` has a value
hint: set the keys yourself: `buildkeep config set KEY VALUE`
hint: or give up what was changed: `buildkeep config drift --restore env.sh`
--- exit 2

2 files as the configuration makes them
--- stderr
wrote env.sh; what it held is in .buildkeep/trash/apply/[OP]/keep/env.sh

"#]]
    );
    assert!(file(&env, "k/env.sh").contains("export BUILD_JOBS='16'"));
}

#[test]
fn a_changed_template_can_only_stay_as_it_is() {
    let env = keep();
    env.write("root/etc/config.site", "of somebody else\n");
    let foreign = k(&env, "config apply --yes");
    let shown = [
        foreign,
        k(&env, "config drift --adopt ${root}/etc/config.site"),
        k(&env, "config drift"),
        k(&env, "config apply --yes"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
${root}/etc/config.site (modified)
@@ -1 +1,5 @@
-of somebody else
+# made for box-00z9
+CFLAGS='-O2 it'/''s'
+enable_c=yes
+enable_cxx=yes
+prefix=[ROOT]/root
error: ${root}/etc/config.site is there, and buildkeep did not write it
hint: write it all the same, keeping what it holds: `buildkeep config apply --force '${root}/etc/config.site'`
hint: let it stay as it is: `buildkeep config drift --adopt '${root}/etc/config.site'`
--- exit 4

--- stderr
${root}/etc/config.site stays as it is: nothing of it can go into the configuration by itself. If the configuration makes something else one day, `config apply` asks again

env.sh (added)
@@ -0,0 +1,5 @@
+# Written by `buildkeep config apply`: change the configuration, not this file.
+export BUILD_CFLAGS='-O2 it'/''s'
+export BUILD_JOBS='4'
+export BUILD_SETS='c cxx'
+export CC='gcc'
${root}/etc/config.site: changed by hand (modified)
@@ -1,5 +1 @@
-# made for box-00z9
-CFLAGS='-O2 it'/''s'
-enable_c=yes
-enable_cxx=yes
-prefix=[ROOT]/root
+of somebody else
env.sh: not there; `buildkeep config apply` writes it
${root}/etc/config.site: changed by hand, and adopted
--- exit 1

wrote env.sh
${root}/etc/config.site was adopted as it is

"#]]
    );
    assert_eq!(file(&env, "root/etc/config.site"), "of somebody else\n");
    k(&env, "config set build.cflags -O3");
    let again = k(&env, "config apply --yes");
    assert!(again.contains("--- exit 4"), "{again}");
}

#[test]
fn a_run_writes_first_if_the_plan_says_so() {
    let env = keep();
    let never = k(&env, "run");
    assert!(
        never.contains("warning: env.sh is not as the configuration makes it"),
        "{never}"
    );
    assert!(
        never.contains("--- exit 1"),
        "the script finds no env.sh: {never}"
    );
    let plan = file(&env, "k/plan.toml");
    env.write("k/plan.toml", &format!("apply = \"before\"\n{plan}"));
    let run = k(&env, "run");
    assert!(
        run.contains("wrote env.sh for the run") && run.contains("2 steps done"),
        "{run}"
    );
    assert_eq!(k(&env, "logs one"), "gcc -O2 it's 4\n");
    assert!(k(&env, "logs two").contains("CFLAGS='-O2 it'\\''s'"));
    env.write("root/etc/config.site", "mine\n");
    k(&env, "config set build.cflags -O3");
    let refused = k(&env, "run --force");
    assert!(
        refused.contains("was changed by hand, and by the configuration"),
        "{refused}"
    );
    assert!(refused.contains("--- exit 4"));
}

#[test]
fn secrets_are_written_only_where_that_is_said() {
    let env = keep();
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:mirror\"\n");
    let with = |more: &str| {
        let render =
            format!("\n[[render]]\nto = \"netrc\"\ntemplate = \"templates/netrc.j2\"\n{more}");
        env.write("k/buildkeep.toml", &format!("{SETTINGS}{render}"));
        let mut command = env.buildkeep(&["config", "apply", "--yes", "netrc"]);
        let output = command
            .current_dir(env.path("k"))
            .env("MIRROR_TOKEN", "hunter22")
            .output();
        env.shown(&output.unwrap())
    };
    env.write(
        "k/templates/netrc.j2",
        "machine m login l password {{ net.token }}\n",
    );
    let shown = [
        with(""),
        with("secrets = true\nmode = \"0644\"\n"),
        with("secrets = true\n"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error[K320]: `net.token` is a secret
 --> templates/netrc.j2:1:31
  |
1 | machine m login l password {{ net.token }}
  |                               ^^^^^^^^^
  |
  = help: say `secrets = true` in its `[[render]]` to write it
--- exit 2

--- stderr
error[K321]: a file with secrets is for its owner only: mode "0600"
  --> buildkeep.toml:20:8
   |
20 | mode = "0644"
   |        ^^^^^^
--- exit 2

--- stderr
error[K321]: Git would see this file, and it may hold secrets: name it in .gitignore, or put it elsewhere
  --> buildkeep.toml:17:6
   |
17 | to = "netrc"
   |      ^^^^^^^
--- exit 2

"#]]
    );
    env.write("k/.gitignore", "/.buildkeep/\n/env.sh\n/netrc\n");
    assert_eq!(with("secrets = true\n"), "wrote netrc\n");
    is_only_there(&env);
}

fn is_only_there(env: &Env) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(
        file(env, "k/netrc"),
        "machine m login l password hunter22\n"
    );
    let mode = std::fs::metadata(env.path("k/netrc"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let copies = env
        .command("grep")
        .args(["-rla", "hunter22", "k", "root"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(copies.stdout).unwrap(),
        "k/netrc\n",
        "there only"
    );
}

#[test]
fn what_cannot_be_rendered_is_told_where_and_writes_nothing() {
    let env = keep();
    env.write("k/templates/config.site.j2", "CFLAGS={{ build.cflag }}\n");
    let template = k(&env, "config apply --yes");
    env.write("k/templates/config.site.j2", TEMPLATE);
    let to = |to: &str| {
        env.write("k/buildkeep.toml", &SETTINGS.replace("env.sh", to));
        k(&env, "config apply --yes")
    };
    let shown = [
        template,
        to("/etc/env.sh"),
        to("../env.sh"),
        to("config/env.toml"),
        k(&env, "config apply nothing.sh"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
--- stderr
error[K320]: `build.cflag` has no value
 --> templates/config.site.j2:1:11
  |
1 | CFLAGS={{ build.cflag }}
  |           ^^^^^^^^^^^
  |
  = help: did you mean `build.cflags`?
--- exit 2

--- stderr
error[K321]: /etc/env.sh is neither below the keep nor below the root: say `outside = true` if it is meant
 --> buildkeep.toml:7:6
  |
7 | to = "/etc/env.sh"
  |      ^^^^^^^^^^^^^
--- exit 2

--- stderr
error[K321]: ../env.sh leads upwards: write the path without `..`
 --> buildkeep.toml:7:6
  |
7 | to = "../env.sh"
  |      ^^^^^^^^^^^
--- exit 2

--- stderr
error[K321]: config/env.toml is buildkeep's own
 --> buildkeep.toml:7:6
  |
7 | to = "config/env.toml"
  |      ^^^^^^^^^^^^^^^^^
--- exit 2

--- stderr
error[K321]: config/env.toml is buildkeep's own
 --> buildkeep.toml:7:6
  |
7 | to = "config/env.toml"
  |      ^^^^^^^^^^^^^^^^^
--- exit 2

"#]]
    );
    assert!(!env.path("root/etc/config.site").exists());
}

#[test]
fn restoring_what_is_as_it_should_be_does_not_wait_for_itself() {
    let env = keep();
    assert!(k(&env, "config apply --yes").contains("wrote"));
    let again = k(&env, "config drift --restore --yes");
    assert!(!again.contains("--- exit"), "{again}");
}
