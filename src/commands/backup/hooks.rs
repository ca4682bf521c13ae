//! Programs that are run before and after a snapshot is taken.
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// What a program is told in its environment.
pub(super) type Facts<'a> = [(&'static str, &'a str)];

/// Runs a program with its arguments, no shell; `when` is for messages. What it prints goes to
/// stderr, as stdout is for the answer.
pub(super) fn run(
    when: &str,
    argv: &[String],
    dir: &Path,
    facts: &Facts<'_>,
) -> Result<(), Failure> {
    let Some((program, args)) = argv.split_first() else {
        return Ok(());
    };
    let stdout = std::io::stderr().as_fd().try_clone_to_owned()?;
    let ended = Command::new(program)
        .args(args)
        .envs(facts.iter().copied())
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::from(stdout))
        .status();
    let what = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("`{program}` failed, which is run {when}: {status}"),
        Err(error) => format!("`{program}` could not be run {when}: {error}"),
    };
    Err(Failure::user(what).hint(format!("run it by hand: `{}`", shown(argv))))
}

/// The program as it could be typed.
fn shown(argv: &[String]) -> String {
    let words = argv
        .iter()
        .map(|word| crate::commands::vaults::quoted(Path::new(word)));
    words.collect::<Vec<_>>().join(" ")
}
