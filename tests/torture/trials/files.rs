//! Commands that write other files of the keep than `config set` does: encrypted ones, a new form of
//! all, thousands at once.
use std::path::Path;

use age::secrecy::ExposeSecret as _;

use super::{SET, Trial, two_versions};
use crate::env::Env;

const VALUE: &str = "a value that nobody may read";

fn encrypting(env: &Env) {
    two_versions(env);
    let key = age::x25519::Identity::generate();
    let text = key.to_string();
    std::fs::write(key_file(env), text.expose_secret()).unwrap();
    let recipients = format!("recipients = [\"{}\"]", key.to_public());
    let settings = format!("schema = 1\n\n[secrets]\n{recipients}\nidentity = \"~/key.txt\"\n");
    env.write("base/buildkeep.toml", &settings);
    env.stdout(&["-C", "base", "commit", "-m", "secrets: who may read them"]);
}

fn key_file(env: &Env) -> std::path::PathBuf {
    env.work().join("../home/key.txt")
}

fn decrypted(env: &Env, content: &[u8]) -> Result<String, String> {
    let key = std::fs::read_to_string(key_file(env)).unwrap();
    let key: age::x25519::Identity = key.parse().unwrap();
    let value = age::decrypt(&key, content).map_err(|error| error.to_string())?;
    String::from_utf8(value).map_err(|error| error.to_string())
}

/// Names and settings, and what the committed secret says; its bytes are others each time.
fn committed_secret(env: &Env) -> String {
    let names = env.git(&["-C", "w", "ls-tree", "-r", "--name-only", "HEAD"]);
    let settings = env.git(&["-C", "w", "show", "HEAD:buildkeep.toml"]);
    let mut show = env.command("git");
    let secret = show.args(["-C", "w", "show", "HEAD:secrets/mirror.age"]);
    let secret = secret.output().unwrap();
    let value = if secret.status.success() {
        decrypted(env, &secret.stdout)
    } else {
        Ok("none".to_owned())
    };
    format!("{names}{settings}{value:?}")
}

/// The value is in no file, and an encrypted one is whole.
fn nobody_can_read_it(env: &Env) -> Result<(), String> {
    nowhere(&env.path("w"))?;
    match std::fs::read(env.path("w/secrets/mirror.age")) {
        Ok(content) => decrypted(env, &content).map(drop),
        Err(_) => Ok(()),
    }
}

fn nowhere(folder: &Path) -> Result<(), String> {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            nowhere(&path)?;
        } else if std::fs::read(&path).is_ok_and(|content| has(&content, VALUE.as_bytes())) {
            return Err(format!("the value is in {}", path.display()));
        }
    }
    Ok(())
}

fn has(content: &[u8], value: &[u8]) -> bool {
    content.windows(value.len()).any(|window| window == value)
}

const SECRET: Trial = Trial {
    name: "secret set",
    base: encrypting,
    args: &["secret", "set", "mirror"],
    input: VALUE,
    seen: committed_secret,
    sound: nobody_can_read_it,
    ..SET
};

/// The same for one that has a value already.
const SECRET_AGAIN: Trial = Trial {
    name: "secret set, again",
    prepare: |env| {
        let input = std::fs::File::open(env.write("input", "another one")).unwrap();
        let mut set = env.buildkeep(&["-C", "w", "secret", "set", "mirror"]);
        assert!(set.stdin(input).status().unwrap().success());
    },
    ..SECRET
};

const FIRST: &str = r#"{"properties": {"schema": {"const": 1}, "build": {"properties": {
    "cores": {"type": "string"}, "cflags": {"type": "string"}}}}}"#;

const SECOND: &str = r#"{"x-buildkeep-version": 2,
    "x-buildkeep-migrations": [{"from": 1, "steps": [
        {"rename": {"from": "build.cores", "to": "build.jobs"}},
        {"convert": {"key": "build.jobs", "to": "integer"}},
        {"convert": {"key": "build.cflags", "to": "list"}}]}],
    "properties": {"schema": {"const": 2}, "build": {"properties": {
        "jobs": {"type": "integer"}, "cflags": {"type": "array", "items": {"type": "string"}}}}}}"#;

/// A keep whose files in three layers are of an old form.
fn of_old_form(env: &Env) {
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "base", "--scripts", "s", "--yes"]);
    env.write("base/plan.toml", "scripts = \"scripts\"\n");
    let text = "schema = 1\n\n[build]\ncores = \"4\"   # all\ncflags = '-O2 -g'\n";
    env.write("base/config/build.toml", text);
    let text = "[build]\ncflags = '-O3'   # fast\n";
    env.write("base/config/profiles/fast.toml", text);
    let text = "# The other one.\n[build]\ncores = \"64\"\n";
    env.write("base/config/hosts/other-1.toml", text);
    env.write("base/schemas/build.schema.json", FIRST);
    env.stdout(&["-C", "base", "commit", "-m", "config: form 1"]);
    env.write("base/schemas/build.schema.json", SECOND);
    env.stdout(&["-C", "base", "commit", "-m", "schemas: form 2"]);
}

const MIGRATE: Trial = Trial {
    name: "config migrate",
    base: of_old_form,
    args: &["config", "migrate"],
    ..SET
};

/// A keep with so many new files that they make one pack.
fn many_files(env: &Env) {
    two_versions(env);
    for n in 0..1100 {
        env.write(&format!("base/data/{}/{n}", n % 10), &format!("{n}\n"));
    }
}

const MANY: Trial = Trial {
    name: "commit of many files",
    base: many_files,
    args: &["commit", "-m", "data: all of it"],
    ..SET
};

trials! {
    secret_set: SECRET;
    secret_set_again: SECRET_AGAIN;
    config_migrate: MIGRATE;
    many: MANY;
}
