//! Programs: are they there, which version, do they work.
use std::io::{self, Write as _};
use std::path::Path;

use super::super::definition::Check;
use super::super::program::{Output, Ran, command as prepared, run, search};
use super::super::{Host, Requirement, Version};
use super::kernel::judged;
use super::scratch::Scratch;
use super::{CompileIs, Finding, ToolIs};

/// Small replacements that go by the names of what they replace.
const REPLACEMENTS: &[&str] = &["BusyBox", "toybox", "uutils", "bsdtar", "one-true-awk"];

/// A program of some version.
pub(super) fn tool(is: &ToolIs, at: (&Check, &Host<'_>)) -> Finding {
    let output = match answer(&is.program, &is.args, at) {
        Ok(output) => output,
        Err(finding) => return finding,
    };
    let all = format!("{}\n{}", output.stdout, output.stderr);
    if let Some(make) = is.or.iter().find(|make| all.contains(&make.says)) {
        return version_of(&output, Some(&make.version), is);
    }
    let lower = all.to_lowercase();
    let named = |name: &&&str| lower.contains(&name.to_lowercase());
    let other = REPLACEMENTS.iter().find(named);
    if let (Some(other), Some(says)) = (other, &is.says)
        && !says.contains(other)
    {
        return Finding::fail(format!("{other}, which is no full {}", is.program));
    }
    let is_it = |says: &String| all.contains(says.as_str());
    if !is.says.as_ref().is_none_or(is_it) {
        let line = output.first_line();
        return Finding::unknown(format!("it is not known what this is: {}", quoted(line)));
    }
    if is.version.is_none() && is.tested.is_none() && is.bad.is_empty() {
        return Finding::ok(output.first_line());
    }
    version_of(&output, is.version.as_ref(), is)
}

fn version_of(output: &Output, required: Option<&Requirement>, is: &ToolIs) -> Finding {
    let Some(version) = Version::find(output.text()) else {
        return Finding::unknown(format!("no version in {}", quoted(output.first_line())));
    };
    if is.bad.iter().any(|bad| bad.is_met_by(&version)) {
        return Finding::fail(format!("{version}, which is known not to work"));
    }
    judged(&version, required, is.tested.as_ref())
}

/// A name that must lead to a certain program: by its link, or by what it says.
pub(super) fn alias(
    program: &str,
    (target, says): (&str, &str),
    at: (&Check, &Host<'_>),
) -> Finding {
    let Some(path) = search(program, at.1.env) else {
        return Finding::nothing();
    };
    // An undo makes the link again as it was written.
    let link = path.read_link().map(|link| link.display().to_string());
    let real = path.canonicalize().unwrap_or(path);
    let shown = real.display().to_string();
    if real.file_name().is_some_and(|name| name == target) {
        return Finding::ok(shown);
    }
    match answer(program, &["--version".into()], at) {
        Ok(output) if output.text().contains(says) => Finding::ok(shown),
        Ok(_) => Finding::fail(shown).subject(link.unwrap_or_default()),
        Err(finding) => finding,
    }
}

/// A compiler that must compile, and perhaps make a program that runs.
pub(super) fn compile(is: &CompileIs, (check, host): (&Check, &Host<'_>)) -> Finding {
    let Some(path) = search(&is.program, host.env) else {
        return Finding::nothing();
    };
    let folder = match Scratch::new(host) {
        Ok(folder) => folder,
        Err(error) => return Finding::unknown(format!("no temporary folder: {error}")),
    };
    let target = folder.path().join("out");
    let mut args = is.args.clone();
    args.extend(["-o".into(), target.display().to_string(), "-".into()]);
    args.extend(is.link.iter().cloned());
    let mut command = prepared(&path, &args);
    match piped(&is.source) {
        Ok(stdin) => command.stdin(stdin),
        Err(error) => return Finding::unknown(error.to_string()),
    };
    match ended(run(command, host.env, host.clock, check.limit)) {
        Ok(output) if output.signal().is_some() => crashed(&output),
        Ok(output) if !output.status.success() || !target.is_file() => {
            Finding::fail(error_line(&output))
        }
        Ok(_) => match &is.says {
            None => Finding::ok("compiles"),
            Some(says) => start(&target, says, (check, host)),
        },
        Err(finding) => finding,
    }
}

/// Starts what was compiled; where no program may be started, nothing is known.
fn start(target: &Path, says: &str, (check, host): (&Check, &Host<'_>)) -> Finding {
    match run(prepared(target, &[]), host.env, host.clock, check.limit) {
        Ran::Ended(output) if output.status.success() && output.stdout.contains(says) => {
            Finding::ok("compiles and runs")
        }
        Ran::Ended(output) if output.signal().is_some() => {
            let signal = output.signal().unwrap_or_default();
            Finding::fail(format!("what it makes is killed by signal {signal}"))
        }
        Ran::Ended(output) => {
            let line = quoted(output.first_line());
            Finding::fail(format!("what it makes does not work: {line}"))
        }
        Ran::NotStarted(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Finding::unknown("no program may be started in the folder for temporary files")
        }
        Ran::NotStarted(error) => {
            Finding::fail(format!("what it makes cannot be started: {error}"))
        }
        ran => match ended(ran) {
            Ok(_) => Finding::unknown("it did not run"),
            Err(finding) => finding,
        },
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
pub(super) fn answer(
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

pub(super) fn quoted(line: &str) -> String {
    let short: String = line.chars().take(60).collect();
    if short.is_empty() {
        "an empty answer".into()
    } else {
        format!("`{short}`")
    }
}

/// A text to be read from standard input; it fits into a pipe.
pub(super) fn piped(text: &str) -> io::Result<io::PipeReader> {
    let (reader, mut writer) = io::pipe()?;
    let most = text.len().min(32 * 1024);
    writer.write_all(&text.as_bytes()[..most])?;
    Ok(reader)
}
