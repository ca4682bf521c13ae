//! Files that must be what a list of sums says.
use super::super::definition::Check;
use super::super::program::{Ran, command, run, search};
use super::super::{Host, Status};
use super::Finding;

/// The programs that check a list, by a word in its name.
const PROGRAMS: &[(&str, &str)] = &[
    ("md5", "md5sum"),
    ("sha1", "sha1sum"),
    ("sha256", "sha256sum"),
    ("sha512", "sha512sum"),
    ("b2", "b2sum"),
];

pub(super) fn look(
    path: &str,
    folder: Option<&str>,
    (check, host): (&Check, &Host<'_>),
) -> Finding {
    let Some(list) = host.place(path) else {
        return Finding::no_root();
    };
    let name = list.file_name().unwrap_or_default().to_string_lossy();
    let known = PROGRAMS
        .iter()
        .find(|(word, _)| name.to_lowercase().contains(word));
    let Some((_, program)) = known else {
        return Finding::unknown(format!("the name `{name}` does not tell the kind of sum"));
    };
    let Some(program) = search(program, host.env) else {
        return Finding::unknown(format!("there is no {program} to check it with"));
    };
    let folder = match folder {
        Some(folder) => host.place(folder),
        None => list.parent().map(ToOwned::to_owned),
    };
    let Some(folder) = folder else {
        return Finding::no_root();
    };
    if !list.is_file() {
        return Finding::new(Status::Skipped, format!("there is no {}", list.display()));
    }
    let args = ["--check", "--quiet", &list.display().to_string()].map(str::to_owned);
    let mut checking = command(&program, &args);
    checking.current_dir(folder);
    match run(checking, host.env, host.clock, check.limit) {
        Ran::Ended(output) if output.status.success() => Finding::ok("all files"),
        Ran::Ended(output) => Finding::fail(output.first_line()),
        Ran::TooLong(limit) => Finding::unknown(format!("not done within {limit:?}")),
        Ran::TooMuch => Finding::fail("very many files are not as they should be"),
        Ran::NotStarted(error) => Finding::unknown(error.to_string()),
    }
}
