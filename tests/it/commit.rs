//! `commit`: what is checked is what the commit would hold.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};

/// A key that the committed schema does not know.
fn with_a_new_key() -> crate::env::Env {
    let env = keep();
    let schema = std::fs::read_to_string(env.path("k/schemas/build.schema.json")).unwrap();
    let schema = schema.replace("\"strip\":", "\"lto\": {\"type\": \"boolean\"}, \"strip\":");
    env.write("k/schemas/build.schema.json", &schema);
    let build = std::fs::read_to_string(env.path("k/config/build.toml")).unwrap();
    env.write("k/config/build.toml", &format!("{build}lto = true\n"));
    env
}

#[test]
fn a_part_of_the_work_tree_must_be_valid_by_itself() {
    let env = with_a_new_key();
    let head = env.git(&["-C", "k", "rev-parse", "HEAD"]);
    let refused = str![[r#"
--- stderr
error[K002]: unknown key `lto` in `build`
 --> config/build.toml:9:1
  |
9 | lto = true
  | ^^^ nothing reads this
  |
  = help: known here: `jobs`, `cflags`, `tests`, `flags`, `strip`, `version`
hint: nothing was committed
hint: with all changes of the work tree it is valid: `buildkeep commit`
--- exit 2

"#]];
    assert_data_eq!(
        k(&env, "commit config/build.toml --dry-run"),
        refused.clone()
    );
    assert_data_eq!(
        env.run(&["-C", "k", "commit", "k/config/build.toml"]),
        refused
    );
    assert_eq!(env.git(&["-C", "k", "rev-parse", "HEAD"]), head);
    env.stdout(&["-C", "k", "commit", "k/schemas"]);
    env.stdout(&["-C", "k", "commit", "k/config"]);
}

#[test]
fn what_is_wrong_beside_the_paths_is_no_reason_to_refuse_them() {
    let env = keep();
    env.write("k/config/build.toml", "[build]\njobs = \"many\"\n");
    env.write("k/notes.txt", "one\n");
    assert_data_eq!(
        env.run_in("k", &["commit", "notes.txt"]),
        str![[r#"
committed [COMMIT] keep: change notes.txt
  added    notes.txt

"#]]
    );
    assert!(k(&env, "commit").contains("error[K004]"));
}

#[test]
fn what_git_ignores_counts_for_nothing() {
    let env = keep();
    env.write("k/.git/info/exclude", "config/profiles/fast.toml\n");
    env.write("k/config/profiles/fast.toml", "[build]\njobs = 9\n");
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    env.write(
        "k/buildkeep.toml",
        &format!("profiles = [\"fast\"]\n{settings}"),
    );
    assert_data_eq!(
        k(&env, "commit"),
        str![[r#"
--- stderr
error[K015]: there is no profile `fast`
 --> buildkeep.toml:1:13
  |
1 | profiles = ["fast"]
  |             ^^^^^^
  |
  = help: write config/profiles/fast.toml, or take the name out
hint: nothing was committed
hint: the work tree is valid: Git ignores a file that it needs; `git status --ignored` names it
--- exit 2

"#]]
    );
}

#[test]
fn a_path_that_is_nowhere_is_a_mistake() {
    let env = keep();
    env.write("k/notes.txt", "one\n");
    assert_data_eq!(
        k(&env, "commit note.txt"),
        str![[r#"
--- stderr
error: there is no note.txt
hint: see what has changed: `buildkeep diff`
--- exit 2

"#]]
    );
    env.stdout(&["-C", "k", "commit", "k/notes.txt"]);
    std::fs::remove_file(env.path("k/notes.txt")).unwrap();
    assert_data_eq!(
        k(&env, "commit config notes.txt"),
        str![[r#"
committed [COMMIT] keep: change notes.txt
  deleted  notes.txt

"#]]
    );
}
