//! `config apply` and `config drift`: files outside of Git, and what is known of them.
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildkeep::store::Repo;

use super::{SET, Trial, committed};
use crate::env::Env;

const SETTINGS: &str = "\
schema = 1

[secrets]
mirror = { env = \"MIRROR_TOKEN\" }

[[render]]
to = \"env.sh\"
exports = \"sh\"
names = { JOBS = \"build.jobs\" }

[[render]]
to = \"${root}/etc/site\"
template = \"site.j2\"

[[render]]
to = \"made/anew.mk\"
template = \"site.j2\"

[[render]]
to = \"${root}/netrc\"
template = \"netrc.j2\"
secrets = true
";

const BY_HAND: &str = "jobs by hand\n";

/// The files with what they hold before and after.
const FILES: [(&str, &str, &str); 4] = [
    ("w/env.sh", "JOBS='4'", "JOBS='9'"),
    ("w.out/etc/site", BY_HAND, "jobs 9\n"),
    ("w/made/anew.mk", "", "jobs 9\n"),
    ("w.out/netrc", "hunter22 4", "hunter22 9"),
];

/// A keep from which four files are made, two of them below `w.out`.
fn rendering(env: &Env) {
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    let plan = "scripts = \"scripts\"\nroot = \"../w.out\"\n";
    env.write("base/plan.toml", plan);
    env.write("base/schemas/net.schema.json", "{}");
    env.write("base/config/net.toml", "[net]\ntoken = \"secret:mirror\"\n");
    env.write("base/site.j2", "jobs {{ build.jobs }}\n");
    env.write("base/netrc.j2", "{{ net.token }} {{ build.jobs }}\n");
    env.write("base/buildkeep.toml", SETTINGS);
    env.write("base/.gitignore", "/.buildkeep/\n/env.sh\n/made/\n");
    env.stdout(&["-C", "base", "config", "set", "build.jobs", "4"]);
    env.stdout(&["-C", "base", "commit", "-m", "config: what is rendered"]);
}

/// One file is old, one was changed on both sides, one is missing, one is old and holds a secret.
fn changed_on_both_sides(env: &Env) {
    apply(env);
    env.stdout(&["-C", "w", "config", "set", "build.jobs", "9"]);
    env.write("w.out/etc/site", BY_HAND);
    std::fs::remove_dir_all(env.path("w/made")).unwrap();
}

fn token(_: &Env) -> Vec<(&'static str, String)> {
    vec![("MIRROR_TOKEN", "hunter22".to_owned())]
}

fn apply(env: &Env) {
    let mut apply = env.buildkeep(&["-C", "w", "config", "apply", "--yes"]);
    let output = apply.envs(token(env)).output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
}

fn text(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path(path)).unwrap_or_default()
}

/// The records of what was written, by path.
fn records(env: &Env) -> serde_json::Map<String, serde_json::Value> {
    let text = text(env, "w/.buildkeep/applied/index.json");
    serde_json::from_str(&text).unwrap_or_default()
}

/// What is known of a file.
fn record(env: &Env, path: &str) -> String {
    let path = env.path(path).display().to_string();
    let known = &records(env)[&path];
    format!("{} {}", known["content"], known["rendered"])
}

/// What the history of this host says.
fn told(env: &Env) -> String {
    let state = env.git(&[
        "-C",
        "w",
        "for-each-ref",
        "--format=%(refname)",
        "refs/heads/state",
    ]);
    let mut show = env.command("git");
    let spec = format!("{}:applied.toml", state.trim());
    let told = show.args(["-C", "w", "show", &spec]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    // The commit of `config set` is another one each time.
    let lines = told.lines().filter(|line| !line.starts_with("commit = "));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether what was replaced is kept.
fn is_kept(env: &Env) -> bool {
    holds(&env.path("w/.buildkeep/trash/apply"), BY_HAND)
}

/// Whether a file somewhere in a folder has this text.
fn holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| match std::fs::read_to_string(&path) {
        Ok(found) => found == text,
        Err(_) => path.is_dir() && holds(&path, text),
    })
}

fn written(env: &Env) -> String {
    let mut seen = committed(env);
    for (path, ..) in FILES {
        seen += &format!("{path} {:?} {}\n", text(env, path), record(env, path));
    }
    format!("{seen}{}\nkept {}\n", told(env), is_kept(env))
}

/// Every file is whole and of one side, records do not say more than there is, and what somebody
/// wrote is somewhere.
fn is_whole(env: &Env) -> Result<(), String> {
    for (path, before, after) in FILES {
        let text = text(env, path);
        let is = |side: &str| text.contains(side) && text.ends_with('\n');
        if !is(after) && !is(before) && !text.is_empty() {
            return Err(format!("{path} holds {text:?}"));
        }
        let hash = Repo::blob_id(text.as_bytes()).unwrap().to_string();
        let is_told = record(env, path).starts_with(&format!("\"{hash}\""));
        let old = record_before(env, path);
        if !is_told && record(env, path) != old {
            return Err(format!("{path} is not what the record says"));
        }
    }
    let is_theirs = text(env, FILES[1].0) == BY_HAND;
    if !is_theirs && !is_kept(env) {
        return Err("what somebody wrote is gone".to_owned());
    }
    let secret = std::fs::metadata(env.path(FILES[3].0)).unwrap();
    match secret.permissions().mode() & 0o7777 {
        0o600 => Ok(()),
        mode => Err(format!("the file with a secret has mode {mode:o}")),
    }
}

/// The record of a file as it was written before all.
fn record_before(env: &Env, path: &str) -> String {
    let old = match path {
        "w/env.sh" => text(env, "w/env.sh").replace("'9'", "'4'"),
        "w.out/netrc" => "hunter22 4\n".to_owned(),
        _ => "jobs 4\n".to_owned(),
    };
    let hash = Repo::blob_id(old.as_bytes()).unwrap().to_string();
    format!("\"{hash}\" \"{hash}\"")
}

/// Nobody is said to have changed by hand what we wrote.
fn nobody_else_wrote(env: &Env) -> Result<(), String> {
    let mut drift = env.buildkeep(&["-C", "w", "config", "drift", "--json"]);
    let output = drift.envs(token(env)).output().unwrap();
    let shown = env.shown(&output);
    let is_ours = !["conflict", "foreign", "drifted"]
        .iter()
        .any(|word| shown.contains(word));
    if is_ours { Ok(()) } else { Err(shown) }
}

const APPLY: Trial = Trial {
    name: "config apply",
    base: rendering,
    prepare: changed_on_both_sides,
    vars: token,
    args: &["config", "apply", "--force", "--yes"],
    says: "wrote",
    seen: written,
    sound: is_whole,
    later: nobody_else_wrote,
    is_gradual: true,
    ..SET
};

const RESTORE: Trial = Trial {
    name: "config drift --restore",
    args: &["config", "drift", "--restore", "--yes"],
    says: "as the configuration makes",
    ..APPLY
};

const ADOPT: Trial = Trial {
    name: "config drift --adopt",
    prepare: |env| {
        apply(env);
        let changed = text(env, "w/env.sh").replace("'4'", "9");
        env.write("w/env.sh", &changed);
    },
    args: &["config", "drift", "--adopt"],
    // That it is committed is said before the file is written anew.
    says: "nothing else",
    seen: |env| {
        let file = text(env, "w/env.sh");
        format!("{}{file}", committed(env))
    },
    sound: |_| Ok(()),
    ..APPLY
};

/// What stays as it is, is known so.
const PIN: Trial = Trial {
    name: "config drift --adopt, of a template",
    prepare: |env| {
        apply(env);
        env.write("w.out/etc/site", BY_HAND);
    },
    args: &["config", "drift", "--adopt"],
    says: "nothing else",
    seen: |env| {
        format!(
            "{}{}",
            text(env, "w.out/etc/site"),
            record(env, "w.out/etc/site")
        )
    },
    sound: |_| Ok(()),
    later: |_| Ok(()),
    ..APPLY
};

trials! {
    config_apply: APPLY;
    config_drift_restore: RESTORE;
    config_drift_adopt: ADOPT;
    config_drift_pin: PIN;
}
