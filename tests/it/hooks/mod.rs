//! Git hooks: plain `git commit` and `git push` meet the same checks.
mod arrived;
mod bypassed;
mod message;
mod own;
mod place;
mod server;
mod staged;
mod tools;

use std::path::Path;

use crate::env::Env;

/// A configuration file that its schema refuses.
const BAD: &str = "[build]\njobs = \"16\"\n";
/// One that it does not.
const GOOD: &str = "[build]\njobs = 16\n";

/// Runs git in the keep and shows everything, whatever the exit code.
fn git(env: &Env, args: &[&str]) -> String {
    let mut command = env.command("git");
    command.current_dir(env.path("k")).args(args);
    env.shown(&command.output().unwrap())
}

/// Commits a file of the keep with plain git, past all hooks.
fn sneak(env: &Env, file: &str, content: &str, message: &str) {
    env.write(&format!("k/{file}"), content);
    env.git(&["-C", "k", "add", file]);
    env.git(&["-C", "k", "commit", "-q", "--no-verify", "-m", message]);
}

/// The states of all hooks of the keep, as `hooks status --json` has them.
fn states(env: &Env) -> Vec<String> {
    let status = env.json(&["-C", "k", "hooks", "status"]);
    let hooks = status["hooks"].as_array().unwrap().iter();
    hooks
        .map(|hook| match hook["via"].as_str() {
            Some(via) => format!("{} {via}", hook["state"].as_str().unwrap()),
            None => hook["state"].as_str().unwrap().to_owned(),
        })
        .collect()
}

/// The names and contents of a folder, with modes and the targets of links.
fn contents(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let content = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let meta = path.symlink_metadata().unwrap();
        let content = if meta.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            target.as_os_str().as_bytes().to_vec()
        } else if meta.is_file() {
            std::fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, meta.permissions().mode(), content)
    };
    let mut found: Vec<_> = entries.map(content).collect();
    found.sort();
    found
}
