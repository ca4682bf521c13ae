//! Commands about the keep itself: made, mended, watched by hooks.
use std::os::unix::fs::PermissionsExt as _;

use super::{SET, Trial, committed, two_versions};
use crate::calls::Hands;
use crate::env::Env;

/// What the first commit holds, if there is one.
fn begun(env: &Env) -> String {
    let mut git = env.command("git");
    git.args(["-C", "w", "rev-parse", "--verify", "--quiet", "HEAD"]);
    // Without a repository of its own Git would look further up.
    git.env("GIT_CEILING_DIRECTORIES", env.work());
    if git.output().unwrap().status.success() {
        committed(env)
    } else {
        String::new()
    }
}

const INIT: Trial = Trial {
    name: "init",
    base: |env| {
        env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
        std::fs::create_dir(env.path("base")).unwrap();
    },
    args: &["init", "--scripts", "s", "--yes"],
    says: "made the keep",
    seen: begun,
    is_open: false,
    repeats: false,
    ..SET
};

const INIT_HERE: Trial = Trial {
    name: "init, in a repository of somebody's",
    base: |env| {
        env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
        env.git(&["init", "-q", "-b", "main", "base"]);
        env.write("base/notes", "mine\n");
        env.git(&["-C", "base", "add", "."]);
        env.git(&["-C", "base", "commit", "-qm", "notes"]);
    },
    ..INIT
};

/// An object, the index and settings are damaged, and things were left.
fn damage(env: &Env) {
    let id = env.git(&["-C", "w", "rev-parse", "HEAD:config/build.toml"]);
    let object = env.path(format!("w/.git/objects/{}/{}", &id[..2], id[2..].trim()));
    std::fs::set_permissions(&object, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(object, "").unwrap();
    for empty in [
        ".git/index",
        ".git/info/exclude",
        ".git/HEAD",
        ".git/config",
    ] {
        env.write(&format!("w/{empty}"), "");
    }
    env.write("w/.git/index.lock", "");
    env.write("w/config/.buildkeep-tmp-999999-0", "half");
    env.write("w/.git/refs/heads/main", "");
}

/// What is found, and what is committed.
fn health(env: &Env) -> String {
    let found = env.json(&["-C", "w", "doctor"]);
    let found = found["findings"].as_array().unwrap();
    let ids: Vec<_> = found.iter().map(|one| one["id"].to_string()).collect();
    let files = if found.is_empty() {
        begun(env)
    } else {
        String::new()
    };
    format!("{ids:?}\n{files}")
}

const DOCTOR: Trial = Trial {
    name: "doctor --fix",
    base: two_versions,
    prepare: damage,
    args: &["doctor", "--fix", "--yes"],
    says: "all mended",
    seen: health,
    is_gradual: true,
    is_open: false,
    fails: (&[1, 2], "cannot "),
    ..SET
};

const MINE: &str = "#!/bin/sh\n# mine\nexit 0\n";

/// A keep without our hooks and with one of the user's.
fn own_hook(env: &Env) {
    two_versions(env);
    env.stdout(&["-C", "base", "hooks", "remove"]);
    env.script("base/.git/hooks/pre-commit", MINE);
}

/// All hooks with what they hold, and Git's settings.
fn hooks(env: &Env) -> String {
    let folder = std::fs::read_dir(env.path("w/.git/hooks")).unwrap();
    let mut names: Vec<_> = folder.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut seen = std::fs::read_to_string(env.path("w/.git/config")).unwrap();
    for name in names {
        let name = name.to_str().unwrap();
        let text = std::fs::read_to_string(env.path("w/.git/hooks").join(name)).unwrap();
        seen += &format!("{name}: {text}\n");
    }
    seen
}

/// The user's own hook runs, whatever becomes of ours.
fn own_runs(env: &Env) -> Result<(), String> {
    let read = |name: &str| std::fs::read_to_string(env.path("w/.git/hooks").join(name));
    let hook = read("pre-commit").unwrap_or_default();
    let is_run = hook == MINE
        || hook.ends_with('\n') && read("pre-commit.user").is_ok_and(|own| own == MINE);
    if is_run && !hook.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the user's own hook does not run any more:\n{}",
        hooks(env)
    ))
}

const INSTALL: Trial = Trial {
    name: "hooks install",
    base: own_hook,
    args: &["hooks", "install"],
    says: "installed",
    seen: hooks,
    sound: own_runs,
    is_gradual: true,
    ..SET
};

const REMOVE: Trial = Trial {
    name: "hooks remove",
    prepare: |env| drop(env.stdout(&["-C", "w", "hooks", "install"])),
    args: &["hooks", "remove"],
    says: "not installed",
    ..INSTALL
};

/// With a Git whose settings name the hooks.
fn newer_git(env: &Env) -> Vec<(&'static str, String)> {
    let path = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\nfor word; do [ \"$word\" = version ] && {{ echo git version 2.54.0; exit; }}; done\nPATH='{path}' exec git \"$@\"\n"
    );
    env.script("newer/git", &script);
    vec![("PATH", format!("{}:{path}", env.path("newer").display()))]
}

const CONFIGURE: Trial = Trial {
    name: "hooks install, in Git's settings",
    vars: newer_git,
    hands: &[Hands::Many],
    ..INSTALL
};

trials! {
    init: INIT;
    init_here: INIT_HERE;
    doctor: DOCTOR;
    hooks_install: INSTALL;
    hooks_remove: REMOVE;
    hooks_configured: CONFIGURE;
}
