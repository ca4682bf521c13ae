//! Programs: are they there, which version, do they work.
use std::fs::DirBuilder;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::super::definition::Check;
use super::super::program::{Output, Ran, command as prepared, run, search};
use super::super::{Host, Version};
use super::kernel::judged;
use super::{Finding, Probe};
use crate::fs::remove_tree;

/// Small replacements that go by the names of what they replace.
const REPLACEMENTS: &[&str] = &["BusyBox", "toybox", "uutils", "bsdtar", "one-true-awk"];

/// A program of some version.
pub(super) fn tool(check: &Check, host: &Host<'_>) -> Finding {
    let Probe::Tool {
        program,
        args,
        says,
        version,
        tested,
    } = &check.probe
    else {
        return Finding::unknown("not a tool");
    };
    let output = match answer(program, args, (check, host)) {
        Ok(output) => output,
        Err(finding) => return finding,
    };
    let all = format!("{}\n{}", output.stdout, output.stderr);
    let other = REPLACEMENTS.iter().find(|name| all.contains(**name));
    if let (Some(other), Some(says)) = (other, says)
        && !says.contains(other)
    {
        return Finding::fail(format!("{other}, which is no full {program}"));
    }
    if says
        .as_ref()
        .is_some_and(|says| !all.contains(says.as_str()))
    {
        let line = output.first_line();
        return Finding::unknown(format!("it is not known what this is: {}", quoted(line)));
    }
    if version.is_none() && tested.is_none() {
        return Finding::ok(output.first_line());
    }
    match Version::find(output.text()) {
        Some(found) => judged(&found, version.as_ref(), tested.as_ref()),
        None => Finding::unknown(format!("no version in {}", quoted(output.first_line()))),
    }
}

/// A name that must lead to a certain program: by its link, or by what it says.
pub(super) fn alias(check: &Check, host: &Host<'_>) -> Finding {
    let Probe::Alias {
        program,
        target,
        says,
    } = &check.probe
    else {
        return Finding::unknown("not an alias");
    };
    let Some(path) = search(program, host.env) else {
        return Finding::nothing();
    };
    let real = path.canonicalize().unwrap_or(path);
    let shown = real.display().to_string();
    if real.file_name().is_some_and(|name| name == target.as_str()) {
        return Finding::ok(shown);
    }
    match answer(program, &["--version".into()], (check, host)) {
        Ok(output) if output.text().contains(says.as_str()) => Finding::ok(shown),
        Ok(_) => Finding::fail(shown),
        Err(finding) => finding,
    }
}

/// A compiler that must compile.
pub(super) fn compile(check: &Check, host: &Host<'_>) -> Finding {
    let Probe::Compile {
        program,
        args,
        source,
    } = &check.probe
    else {
        return Finding::unknown("not a compiler");
    };
    let Some(path) = search(program, host.env) else {
        return Finding::nothing();
    };
    let folder = match Private::new(host) {
        Ok(folder) => folder,
        Err(error) => return Finding::unknown(format!("no temporary folder: {error}")),
    };
    let target = folder.path.join("out");
    let mut args = args.clone();
    args.extend(["-o".into(), target.display().to_string(), "-".into()]);
    let mut command = prepared(&path, &args);
    match piped(source) {
        Ok(stdin) => command.stdin(stdin),
        Err(error) => return Finding::unknown(error.to_string()),
    };
    match ended(run(command, host.env, host.clock, check.limit)) {
        Ok(output) if output.status.success() && target.is_file() => Finding::ok("compiles"),
        Ok(output) if output.signal().is_some() => crashed(&output),
        Ok(output) => Finding::fail(error_line(&output)),
        Err(finding) => finding,
    }
}

/// A program that must end well.
pub(super) fn command(
    argv: &[String],
    says: Option<&str>,
    (check, host): (&Check, &Host<'_>),
) -> Finding {
    let Some((program, args)) = argv.split_first() else {
        return Finding::unknown("no command");
    };
    match answer(program, args, (check, host)) {
        Ok(output) if !output.status.success() => {
            let code = output.status.code().unwrap_or_default();
            Finding::fail(format!("it ended with {code}: {}", error_line(&output)))
        }
        Ok(output) if says.is_some_and(|says| !output.text().contains(says)) => {
            Finding::fail(output.first_line())
        }
        Ok(output) => Finding::ok(output.first_line()),
        Err(finding) => finding,
    }
}

/// What a program says; `Err` if it is not there, or did not come to a proper end.
fn answer(
    program: &str,
    args: &[String],
    (check, host): (&Check, &Host<'_>),
) -> Result<Output, Finding> {
    let named = if program.contains('/') {
        host.dir.join(program).display().to_string()
    } else {
        program.to_owned()
    };
    let path = search(&named, host.env).ok_or_else(Finding::nothing)?;
    let output = ended(run(
        prepared(&path, args),
        host.env,
        host.clock,
        check.limit,
    ))?;
    match output.signal() {
        Some(_) => Err(crashed(&output)),
        None => Ok(output),
    }
}

fn ended(ran: Ran) -> Result<Output, Finding> {
    Err(match ran {
        Ran::Ended(output) => return Ok(output),
        Ran::TooLong(limit) => Finding::unknown(format!("no answer within {limit:?}")),
        Ran::TooMuch => Finding::unknown("it prints without end"),
        Ran::NotStarted(error) => match error
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error)
        {
            Some(
                rustix::io::Errno::NOENT | rustix::io::Errno::ACCESS | rustix::io::Errno::NOEXEC,
            ) => Finding::fail(format!("it cannot be started: {error}")),
            _ => Finding::unknown(format!("it could not be started: {error}")),
        },
    })
}

fn crashed(output: &Output) -> Finding {
    let signal = output.signal().unwrap_or_default();
    Finding::unknown(format!("it was killed by signal {signal}"))
}

/// The line of a compiler's or a program's complaint that says most.
fn error_line(output: &Output) -> String {
    let all = format!("{}\n{}", output.stderr, output.stdout);
    let mut lines = all.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = lines.clone().find(|line| line.contains("error"));
    telling
        .or_else(|| lines.next())
        .unwrap_or("it says nothing")
        .to_owned()
}

fn quoted(line: &str) -> String {
    let short: String = line.chars().take(60).collect();
    if short.is_empty() {
        "an empty answer".into()
    } else {
        format!("`{short}`")
    }
}

/// A text to be read from standard input; it fits into a pipe.
fn piped(text: &str) -> io::Result<io::PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    let most = text.len().min(32 * 1024);
    writer.write_all(&text.as_bytes()[..most])?;
    Ok(reader)
}

/// A folder that only we can look into, gone when dropped.
struct Private {
    parent: PathBuf,
    path: PathBuf,
}

impl Private {
    fn new(host: &Host<'_>) -> io::Result<Self> {
        let parent = host.env.path("TMPDIR").filter(|path| path.is_absolute());
        let parent = parent.unwrap_or_else(|| Path::new("/tmp").to_owned());
        let path = parent.join(format!("buildkeep-check-{}", host.ids.next()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { parent, path })
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // A folder in /tmp that stays behind is no reason to fail.
        let _ = remove_tree(&self.parent, &self.path);
    }
}
