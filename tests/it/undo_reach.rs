//! undo, redo and rollback: what is beyond them, and why they refuse.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};

#[test]
fn what_was_done_last_and_is_beyond_undo_is_not_passed_over_in_silence() {
    let env = keep();
    k(&env, "config set build.jobs 16");
    k(&env, "hooks remove");
    k(&env, "hooks remove");
    k(&env, "remote add origin https://me:pass@example.org/k.git");
    let shown = [
        k(&env, "undo --list -n 3"),
        k(&env, "undo --dry-run"),
        k(&env, "undo"),
        k(&env, "redo"),
        k(&env, "undo"),
        k(&env, "remote remove origin"),
        k(&env, "redo"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
[COMMIT] 2026-01-02 03:04 beyond remote: add origin
[COMMIT] 2026-01-02 03:04 beyond hooks: remove
[COMMIT] 2026-01-02 03:04        config: set build.jobs to 16

passed over `remote: add origin`, which is beyond undo: `buildkeep remote remove origin`
passed over `hooks: remove`, which is beyond undo: `buildkeep hooks install`
undoing `config: set build.jobs to 16` of 2026-01-02 03:04 changes:
  build.jobs: 16 -> 4
  config/build.toml changes

passed over `remote: add origin`, which is beyond undo: `buildkeep remote remove origin`
passed over `hooks: remove`, which is beyond undo: `buildkeep hooks install`
undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo

did again `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 4 -> 16
  config/build.toml changes
to undo: buildkeep undo

undid `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 16 -> 4
  config/build.toml changes
to do it again: buildkeep redo

--- stderr
forgotten; what is there stays there

did again `config: set build.jobs to 16` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 4 -> 16
  config/build.toml changes
to undo: buildkeep undo

"#]]
    );
    let list = env.json(&["-C", "k", "undo", "--list", "-n", "20"]);
    let all = list["operations"].as_array().unwrap();
    let beyond = all.iter().find(|one| one["standing"] == "beyond").unwrap();
    let id = beyond["id"].as_str().unwrap();
    assert_data_eq!(
        env.run_in("k", &["undo", id]),
        str![[r#"
--- stderr
error: `remote: remove origin` is beyond `undo`
hint: take it back: `buildkeep remote add origin https://me:…@example.org/k.git`
--- exit 2

"#]]
    );
}

#[test]
fn a_new_vault_is_beyond_undo_too() {
    let env = keep();
    k(&env, "vault init");
    k(&env, "vault init");
    let undo = env.json(&["-C", "k", "undo"]);
    assert_eq!(undo["beyond"].as_array().unwrap().len(), 1);
    assert_eq!(undo["beyond"][0]["subject"], "vault: init");
}

#[test]
fn who_may_not_bring_back_what_is_invalid_learns_what_would_and_what_to_do() {
    let env = keep();
    let build = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write("k/config/build.toml", &build.replace("4 ", "\"many\" "));
    env.git(&["-C", "k", "commit", "-qam", "past you", "--no-verify"]);
    let shown = [
        k(&env, "rollback --to v2 --yes"),
        k(&env, "undo"),
        k(&env, "rollback --to v3 --yes"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
brought back the configuration of v2, committed [COMMIT]
  build.jobs: "many" -> 4
  config/build.toml changes
to undo: buildkeep undo

--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:6:10
  |
6 | jobs   = "many"      # as many as there are cores
  |          ^^^^^^
  |
  = help: `build.jobs`: Parallel jobs (1 to 64)
hint: nothing was changed
hint: undoing `config: go back to v2` would bring this back
hint: bring back only what is valid of it: `buildkeep rollback --to [COMMIT] --key KEY`
hint: or leave it, and undo what was done before it: `buildkeep undo --list`, `buildkeep undo OPERATION`
--- exit 2

--- stderr
error[K004]: `build.jobs` must be a whole number, not text
 --> config/build.toml:6:10
  |
6 | jobs   = "many"      # as many as there are cores
  |          ^^^^^^
  |
  = help: `build.jobs`: Parallel jobs (1 to 64)
hint: nothing was changed
hint: going back to v3 would bring this back
hint: bring back only what is valid of it: `buildkeep rollback --to v3 --key KEY`
--- exit 2

"#]]
    );
}
