//! config edit: with editors that are little scripts.
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

use crate::config::keep;
use crate::env::Env;

/// Runs us in the keep with this editor.
fn edit(env: &Env, editor: &str, args: &[&str]) -> String {
    let mut command = env.buildkeep(&[&["config", "edit"], args].concat());
    command.current_dir(env.path("k")).env("EDITOR", editor);
    env.shown(&command.stdin(Stdio::null()).output().unwrap())
}

fn file(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path("k").join(path)).unwrap()
}

#[test]
fn what_was_edited_is_checked_and_committed() {
    let env = keep();
    assert_data_eq!(
        edit(&env, "sed -i 's/4 /8 /; s/quick/full/'", &[]),
        str![[r#"
build.jobs: 4 -> 8
build.tests: "quick" -> "full"
  config/build.toml, version 3, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        env.git(&["-C", "k", "log", "-1", "--format=%s%n%(trailers)"]),
        str![[r#"
config: edit config/build.toml
Buildkeep-Format: 1
Buildkeep-Kind: config
Buildkeep-Op: 01KDYAK34800000000000002XR
Buildkeep-Host: box-00z9
Buildkeep-Key: build.jobs
Buildkeep-Key: build.tests
Buildkeep-Version: 3


"#]]
    );
    assert_data_eq!(
        edit(&env, "true", &["build.jobs"]),
        str![[r#"
config/build.toml is as it was

"#]]
    );
    assert_data_eq!(
        edit(
            &env,
            "sh -c 'printf \"[build]\\njobs = 2\\n\" >>\"$1\"' x",
            &["build", "--host"]
        ),
        str![[r#"
build.jobs: set to 2
  config/hosts/box-00z9.toml, version 4, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        edit(
            &env,
            "sed -i 's/^schema/# mine\\n&/'",
            &["../k/buildkeep.toml", "-m", "why"]
        ),
        str![[r#"
  buildkeep.toml, version 5, committed [COMMIT]

"#]]
    );
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    assert!(!env.path("k/.buildkeep/edit/config/build.toml").exists());
}

#[test]
fn what_is_wrong_is_kept_aside() {
    let env = keep();
    let before = file(&env, "config/build.toml");
    assert_data_eq!(
        edit(&env, "sed -i 's/4 /many /'", &[]),
        str![[r#"
--- stderr
error[K001]: this is not a value
 --> config/build.toml:6:10
  |
6 | jobs   = many      # as many as there are cores
  |          ^^^^
  |
  = help: text must be in quotes: `"like this"`; other values are numbers, `true`, `false`, dates, `[lists]`
hint: nothing was changed
hint: your text is in [ROOT]/k/.buildkeep/edit/config/build.toml; go on with it: `buildkeep config edit config/build.toml --resume`
--- exit 2

"#]]
    );
    assert_eq!(file(&env, "config/build.toml"), before);
    assert_data_eq!(
        edit(&env, "true", &[]),
        str![[r#"
--- stderr
error: a text of this file is kept aside: [ROOT]/k/.buildkeep/edit/config/build.toml
hint: go on with it: `--resume`; forget it: `--anew`
--- exit 2

"#]]
    );
    assert_data_eq!(
        edit(&env, "sed -i 's/many /7 /'", &["--resume"]),
        str![[r#"
build.jobs: 4 -> 7
  config/build.toml, version 3, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        edit(&env, "true", &["--resume"]),
        str![[r#"
--- stderr
error: no text of this file is kept aside
hint: leave `--resume` out
--- exit 2

"#]]
    );
    edit(&env, "sed -i 's/7 /many /'", &[]);
    assert_data_eq!(
        edit(&env, "true", &["--anew"]),
        str![[r#"
config/build.toml is as it was

"#]]
    );
}

#[test]
fn an_editor_gets_the_path_as_an_argument_and_may_have_its_own() {
    let env = keep();
    let dir = env.path("odd $(touch pwned) 'x");
    std::fs::rename(env.path("k"), &dir).unwrap();
    let mut command = env.buildkeep(&["config", "edit"]);
    let editor = "sed -i -e 's/4 /5 /'";
    let shown = env.shown(
        &command
            .current_dir(&dir)
            .env("EDITOR", editor)
            .output()
            .unwrap(),
    );
    assert!(shown.contains("build.jobs: 4 -> 5"), "{shown}");
    assert!(!dir.join("pwned").exists());
    std::fs::rename(&dir, env.path("k")).unwrap();
    assert_data_eq!(
        edit(&env, "false", &[]),
        str![[r#"
--- stderr
error: the editor `false` failed: exit status: 1
hint: name another one: `EDITOR=vi buildkeep config edit`
--- exit 2

"#]]
    );
    assert_data_eq!(
        edit(&env, "", &[]),
        str![[r#"
--- stderr
error: no editor is named, and nobody sits in front of it
hint: name one: `EDITOR=vi buildkeep config edit`
hint: or change a key: `buildkeep config set KEY VALUE`
--- exit 2

"#]]
    );
    assert_data_eq!(
        edit(&env, "true", &["scripts/01-one.sh"]),
        str![[r#"
--- stderr
error: scripts/01-one.sh is not a configuration file
hint: name a file such as config/build.toml or config/hosts/HOST.toml
--- exit 2

"#]]
    );
    env.write("k/config/two.toml", "");
    assert_data_eq!(
        edit(&env, "true", &[]),
        str![[r#"
--- stderr
error: which file? there are several
hint: name one of buildkeep.toml, config/build.toml, config/two.toml
--- exit 2

"#]]
    );
}

#[test]
fn what_others_did_meanwhile_is_not_lost() {
    let env = keep();
    let program = env!("CARGO_BIN_EXE_buildkeep");
    let other = format!(
        "sh -c '{program} config set build.jobs 9 --quiet && sed -i s/quick/full/ \"$1\"' x"
    );
    assert_data_eq!(
        edit(&env, &other, &[]),
        str![[r#"
build.jobs: 4 -> 9
  config/build.toml, version 3, committed [COMMIT]
--- stderr
error: config/build.toml was changed by somebody else in the meantime
hint: nothing was changed
hint: your text is in [ROOT]/k/.buildkeep/edit/config/build.toml; go on with it: `buildkeep config edit config/build.toml --resume`
--- exit 4

"#]]
    );
    assert!(file(&env, "config/build.toml").contains("= 9 "));
    assert!(file(&env, ".buildkeep/edit/config/build.toml").contains("full"));
}

/// On a terminal it asks: again, aside, or forget.
#[test]
fn on_a_terminal_the_text_can_be_opened_again() {
    let env = keep();
    let has_script = Command::new("script").arg("--version").output().is_ok();
    if !has_script {
        return;
    }
    let editor = env.script(
        "editor",
        "#!/bin/sh\nif grep -q lots \"$1\"; then sed -i 's/lots/6/' \"$1\"; else sed -i 's/4 /lots /' \"$1\"; fi\n",
    );
    let program = env!("CARGO_BIN_EXE_buildkeep");
    let mut command = env.command("script");
    command
        .args(["-qec", &format!("{program} config edit build"), "/dev/null"])
        .current_dir(env.path("k"))
        .env("EDITOR", &editor)
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"\r").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let shown = env.shown(&output);
    assert!(shown.contains("K001"), "{shown}");
    assert!(file(&env, "config/build.toml").contains("= 6 "), "{shown}");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn an_editor_that_deletes_its_copy_empties_no_file() {
    let env = keep();
    assert_data_eq!(
        edit(&env, "rm", &["build"]),
        str![[r#"
--- stderr
error: the editor `rm` took its copy of config/build.toml away
hint: nothing was changed
--- exit 2

"#]]
    );
    assert!(file(&env, "config/build.toml").contains("[build]"));
}

#[test]
fn a_name_that_nothing_knows_opens_nothing() {
    let env = keep();
    let shown = edit(&env, "sed -i 's/4 /8 /'", &["buld"]);
    assert!(shown.contains("there is no key `buld`"), "{shown}");
    let shown = edit(&env, "sed -i 's/4 /8 /'", &["build.jbs"]);
    assert!(shown.contains("did you mean `build.jobs`?"), "{shown}");
    assert!(file(&env, "config/build.toml").contains("4 "));
}
