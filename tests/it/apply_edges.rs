//! config apply where others are at work, and where names are odd.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep that renders what `settings` say.
fn keep(settings: &str) -> Env {
    let env = Env::new();
    env.stdout(&["init", "k", "--yes"]);
    env.write("k/config/own.toml", "[own]\njobs = 4\n");
    env.write("k/buildkeep.toml", settings);
    env
}

fn k(env: &Env, words: &str) -> String {
    env.run_in("k", &words.split(' ').collect::<Vec<_>>())
}

fn exports(to: &str) -> String {
    format!("[[render]]\nto = \"{to}\"\nexports = \"sh\"\nkeys = [\"own\"]\n")
}

#[test]
fn what_two_files_held_is_kept_apart() {
    let env = keep(&(exports("a/b") + &exports("a_b")));
    env.write("k/a/b", "one\n");
    env.write("k/a_b", "two\n");
    let forced = k(&env, "config apply --force --yes");
    let kept: Vec<String> = forced
        .lines()
        .filter_map(|line| line.trim().strip_prefix("what it held is in "))
        .map(|path| std::fs::read_to_string(env.path("k").join(path)).unwrap())
        .collect();
    assert_eq!(kept, ["one\n", "two\n"], "{forced}");
}

#[test]
fn a_file_that_changes_meanwhile_is_not_overwritten() {
    let secret = "[secrets]\nslow = { command = [\"sh\", \"-c\", \"echo mine > a; echo hush\"] }\n";
    let netrc = "[[render]]\nto = \"b\"\nexports = \"env\"\nnames = { T = \"net.token\" }\nsecrets = true\n";
    let env = keep(&(secret.to_owned() + &exports("a") + netrc));
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:slow\"\n");
    env.write("k/.gitignore", "/.buildkeep/\n/b\n");
    assert_data_eq!(
        k(&env, "config apply --yes"),
        str![[r#"
--- stderr
error: a was changed meanwhile
hint: nothing was written; look again and repeat the command
--- exit 4

"#]]
    );
    assert_eq!(std::fs::read_to_string(env.path("k/a")).unwrap(), "mine\n");
    assert!(!env.path("k/b").exists());
}

#[test]
fn a_file_has_one_rendering_however_it_is_spelt() {
    let env = keep("");
    let whole = env.path("k/env.sh");
    let settings = [
        exports("env.sh"),
        exports("./env.sh"),
        exports(whole.to_str().unwrap()),
    ];
    env.write("k/buildkeep.toml", &settings.concat());
    let told = k(&env, "config apply --yes");
    assert_eq!(
        told.matches("this is the same file as env.sh").count(),
        2,
        "{told}"
    );
    assert!(!whole.exists());
}

#[test]
fn what_is_in_the_way_is_told_at_its_name() {
    let env = keep(&(exports("link") + &exports("folder") + &exports("file/x")));
    std::os::unix::fs::symlink("/etc/passwd", env.path("k/link")).unwrap();
    std::fs::create_dir(env.path("k/folder")).unwrap();
    env.write("k/file", "");
    assert_data_eq!(
        k(&env, "config drift"),
        str![[r#"
--- stderr
error[K321]: cannot read [ROOT]/k/link: a symlink is on the way
 --> buildkeep.toml:2:6
  |
2 | to = "link"
  |      ^^^^^^

error[K321]: cannot read [ROOT]/k/folder: it is no file
 --> buildkeep.toml:6:6
  |
6 | to = "folder"
  |      ^^^^^^^^

error[K321]: cannot open the folder of [ROOT]/k/file/x: a file or a symlink is on the way
  --> buildkeep.toml:10:6
   |
10 | to = "file/x"
   |      ^^^^^^^^
--- exit 2

"#]]
    );
}
