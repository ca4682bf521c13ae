//! config set KEY+=ITEM and KEY-=ITEM.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

fn with_flags() -> Env {
    let env = keep();
    let build = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    let flags = "flags = [\n  '-g',   # for gdb\n  '-O2',  # fast enough\n]\n";
    env.write("k/config/build.toml", &format!("{build}{flags}"));
    env.stdout(&["-C", "k", "commit", "-m", "config: flags"]);
    env
}

fn flags(env: &Env) -> String {
    let text = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    text[text.find("flags").unwrap()..].to_owned()
}

#[test]
fn items_come_and_go_and_the_rest_stays() {
    let env = with_flags();
    let mut shown = vec![k(&env, "config set build.flags+=-Wall")];
    shown.push(flags(&env));
    shown.push(k(&env, "config set build.flags+=-Wall"));
    shown.push(k(
        &env,
        "config set build.flags-=-g build.flags+=-flto build.jobs=9",
    ));
    shown.push(flags(&env));
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.flags: ["-g","-O2"] -> ["-g","-O2","-Wall"]
  config/build.toml, version 4, committed [COMMIT]

flags = '-O2'  # single quotes
tests = "quick"
flags = [
  '-g',   # for gdb
  '-O2',  # fast enough
  "-Wall",
]

build.flags is ["-g","-O2","-Wall"] already

build.flags: ["-g","-O2","-Wall"] -> ["-O2","-Wall"]
build.flags: ["-O2","-Wall"] -> ["-O2","-Wall","-flto"]
build.jobs: 4 -> 9
  config/build.toml, version 5, committed [COMMIT]

flags = '-O2'  # single quotes
tests = "quick"
flags = [
  '-O2',  # fast enough
  "-Wall",
  "-flto",
]

"#]]
    );
}

#[test]
fn several_items_are_a_list_and_what_cannot_be_is_refused() {
    let env = with_flags();
    let shown = [
        env.run_in("k", &["config", "set", "build.flags+=[\"a\", \"-flto\"]"]),
        k(&env, "config set build.flags-=-x"),
        k(&env, "config set build.jobs+=1"),
        k(&env, "config set build.flags+=1 --dry-run"),
        k(&env, "undo"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.flags: ["-g","-O2"] -> ["-g","-O2","a","-flto"]
  config/build.toml, version 4, committed [COMMIT]

--- stderr
error: "-x" is not in `build.flags` of config/build.toml
hint: see where its value comes from: `buildkeep config get build.flags --show-origin`
hint: nothing was changed
--- exit 2

--- stderr
error: `build.jobs` is no list in config/build.toml
hint: see where its value comes from: `buildkeep config get build.jobs --show-origin`
hint: nothing was changed
--- exit 2

build.flags: ["-g","-O2","a","-flto"] -> ["-g","-O2","a","-flto","1"]
  would change config/build.toml

config/build.toml (modified)
@@ -11,4 +11,5 @@
   '-O2',  # fast enough
   "a",
   "-flto",
+  "1",
 ]

undid `config: set build.flags to ["-g","-O2","a","-flto"]` of 2026-01-02 03:04, committed [COMMIT]
  build.flags: ["-g","-O2","a","-flto"] -> ["-g","-O2"]
  config/build.toml changes
to do it again: buildkeep redo

"#]]
    );
}

#[test]
fn a_stronger_layer_begins_with_what_it_would_hide() {
    let env = with_flags();
    let shown = [
        k(&env, "config set build.flags+=-here --host"),
        k(&env, "config set build.flags+=-p --profile fast"),
        k(&env, "config set build.flags-=-g --profile fast"),
        k(&env, "config set profiles+=fast"),
        k(&env, "config set profiles+=fast"),
        k(&env, "config get profiles --show-origin"),
        k(&env, "config set profiles-=fast"),
        std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap(),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.flags: set to ["-g","-O2","-here"]
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

build.flags: set to ["-p"]
  config/profiles/fast.toml, version 5, committed [COMMIT]
--- stderr
hint: the profile fast is not in force; to have it so: `buildkeep config set profiles+=fast`

--- stderr
error: "-g" is not in `build.flags` of config/profiles/fast.toml
hint: see where its value comes from: `buildkeep config get build.flags --show-origin`
hint: nothing was changed
--- exit 2

profiles: set to ["fast"]
  buildkeep.toml, version 6, committed [COMMIT]

profiles is ["fast"] already

fast	buildkeep.toml

profiles: ["fast"] -> []
  buildkeep.toml, version 7, committed [COMMIT]

#:schema schemas/buildkeep.schema.json
# Settings of buildkeep itself for this keep.
schema = 1

# What must be true of a machine before a build: `buildkeep check`.
checks = ["generic"]
profiles = []

[secrets]
mirror = { env = "MIRROR_TOKEN" }

"#]]
    );
}

#[test]
fn joined_layers_begin_with_nothing() {
    let env = with_flags();
    let schema = std::fs::read_to_string(env.path("k/schemas/build.schema.json")).unwrap();
    let list = "\"flags\": {\"type\": \"array\"";
    let joined = schema.replace(list, &format!("{list}, \"x-buildkeep-merge\": \"append\""));
    assert_ne!(schema, joined);
    env.write("k/schemas/build.schema.json", &joined);
    env.stdout(&["-C", "k", "commit"]);
    let shown = [
        k(&env, "config set build.flags+=-here --host"),
        k(&env, "config get build.flags"),
        k(&env, "config set build.flags-=-here --host"),
        k(&env, "config get build.flags"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
build.flags: set to ["-here"]
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

-g -O2 -here

build.flags: ["-here"] -> []
  config/hosts/box-00z9.toml, version 5, committed [COMMIT]

-g -O2

"#]]
    );
}

#[test]
fn what_others_have_not_committed_stays_so() {
    let env = with_flags();
    let path = "k/config/build.toml";
    let dirty = std::fs::read_to_string(env.path(path)).unwrap();
    env.write(path, &dirty.replace("  '-O2'", "  '-pipe',\n  '-O2'"));
    k(&env, "config set build.flags+=-Wall");
    let diff = env.git(&["-C", "k", "diff", "-U0", "--no-color"]);
    assert!(diff.ends_with("+  '-pipe',\n"), "{diff}");
    k(&env, "config set build.flags-=-pipe");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}
