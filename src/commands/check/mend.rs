//! `check --fix` and `check --undo`: plan, consent, a note of how it is taken back, then the deed.
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::record::{self, Record};
use super::shown::Shown;
use super::survey::Survey;
use crate::check::{Fix, Outcome, Report, Rights, Status, find_tool, typed};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::store::Keep;
use crate::ui::{clean, style};

/// What is said about each fix, and at last about the machine.
#[derive(Debug, Serialize)]
pub(super) struct Mending {
    fixes: Vec<Item>,
    #[serde(flatten)]
    report: Shown,
}

/// One thing to mend.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Item {
    check: String,
    #[serde(skip)]
    set: String,
    what: String,
    run: Vec<Vec<String>>,
    undo: Vec<Vec<String>>,
    state: State,
    because: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Nothing was done.
    Planned,
    /// It holds now.
    Mended,
    /// Something else mended it.
    Already,
    /// The person did not want it.
    Declined,
    /// It was not done, because it would have done harm.
    Refused,
    /// It was tried.
    Failed,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Planned => style::notable("to mend"),
            State::Mended => style::good("mended"),
            State::Already => style::good("mended already"),
            State::Declined => style::faint("left"),
            State::Refused => style::bad("refused"),
            State::Failed => style::bad("not mended"),
        };
        let (id, what) = (style::strong(&self.check), clean(&self.what));
        writeln!(f, "{state} {id} {what}")?;
        if let Some(because) = &self.because {
            writeln!(f, "    because  {}", clean(because))?;
        }
        writeln!(f, "    run      {}", clean(&typed(&self.run)))?;
        if self.undo.is_empty() {
            writeln!(f, "    undo     nobody knows how")
        } else {
            writeln!(f, "    undo     {}", clean(&typed(&self.undo)))
        }
    }
}

impl fmt::Display for Mending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.fixes {
            writeln!(f, "{item}")?;
        }
        if self.fixes.iter().any(|item| item.state == State::Mended) {
            let command = style::name("buildkeep check --undo");
            writeln!(f, "to take the last one back: {command}\n")?;
        }
        write!(f, "{}", self.report)
    }
}

/// How much is asked, and how much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Consent {
    /// Nothing is to be done.
    DryRun,
    /// Each fix is asked for.
    Ask,
    /// Given already.
    Given,
}

/// What is to be mended, where.
pub(super) struct Patient<'a> {
    pub(super) keep: Option<&'a Keep>,
    pub(super) survey: &'a Survey,
    pub(super) verbose: bool,
}

/// Mends what `report` found and can be mended; what only a person can do stays in the report.
pub(super) fn mend(
    cx: &mut Context,
    patient: &Patient<'_>,
    report: Report,
    consent: Consent,
) -> Result<Answer, Failure> {
    let mut items = items(cx, &report);
    if items.is_empty() {
        let answer = Answer::of(report.is_good());
        cx.ui.show(&Shown::new(report, patient.verbose))?;
        return Ok(answer);
    }
    let mut report = report;
    if consent != Consent::DryRun {
        if consent == Consent::Ask && !cx.ui.is_interactive() {
            return Err(nobody("a fix changes this machine"));
        }
        for item in &mut items {
            one(cx, patient, item, consent)?;
        }
        report = patient.survey.anew().look(None);
    }
    let answer = Answer::of(report.is_good());
    let planned = items.iter().filter(|item| item.state == State::Planned);
    let told = planned.map(|item| item.check.clone()).collect();
    cx.ui.show(&Mending {
        fixes: items,
        report: Shown::new(report, patient.verbose).without(told),
    })?;
    Ok(answer)
}

pub(in crate::commands) fn nobody(what: &str) -> Failure {
    Failure::user(format!("{what}, and nobody is there to ask"))
        .hint("look at it first: add `--dry-run`")
        .hint("do it without a question: add `--yes`")
}

/// The fixes of a report, each command once.
fn items(cx: &Context, report: &Report) -> Vec<Item> {
    let is_wrong = |outcome: &&Outcome| matches!(outcome.status, Status::Fail | Status::Warn);
    let mut items: Vec<Item> = Vec::new();
    for outcome in report.results.iter().filter(is_wrong) {
        let Some(fix) = outcome.mend.as_ref().filter(|fix| !fix.run.is_empty()) else {
            continue;
        };
        let run = with_rights(cx, fix, &fix.run);
        if items.iter().any(|item| item.run == run) {
            continue;
        }
        items.push(Item {
            check: outcome.id.clone(),
            set: outcome.set.clone(),
            what: outcome.what.clone(),
            undo: with_rights(cx, fix, &fix.undo),
            run,
            state: State::Planned,
            because: None,
        });
    }
    items
}

/// The commands as they are run: by `sudo`, if it takes root and we are not.
fn with_rights(cx: &Context, fix: &Fix, commands: &[Vec<String>]) -> Vec<Vec<String>> {
    let is_allowed = fix.rights == Rights::User || rustix::process::geteuid().is_root();
    if is_allowed || find_tool("sudo", &cx.world.env).is_none() {
        return commands.to_vec();
    }
    let mut sudo = vec!["sudo".to_owned()];
    sudo.extend((!cx.ui.is_interactive()).then(|| "-n".to_owned()));
    let with = |words: &Vec<String>| [sudo.clone(), words.clone()].concat();
    commands.iter().map(with).collect()
}

/// Looks again at the check of an item.
fn look(patient: &Patient<'_>, item: &Item) -> Option<Outcome> {
    patient.survey.only((&item.set, &item.check)).look_once()
}

/// Shows a fix, asks, notes how it is taken back, carries it out, and looks again.
fn one(
    cx: &mut Context,
    patient: &Patient<'_>,
    item: &mut Item,
    consent: Consent,
) -> Result<(), Failure> {
    let is_wrong = |outcome: &Outcome| matches!(outcome.status, Status::Fail | Status::Warn);
    let before = look(patient, item);
    if !before.as_ref().is_some_and(is_wrong) {
        item.state = State::Already;
        return Ok(());
    }
    if let Some(because) = item.run.iter().find_map(|words| harm(words)) {
        (item.state, item.because) = (State::Refused, Some(because));
        return Ok(());
    }
    cx.ui.status(&*item);
    if consent == Consent::Ask && !cx.ui.confirm("Do this?")? {
        item.state = State::Declined;
        return Ok(());
    }
    let found = before.and_then(|outcome| outcome.found);
    let mut record = Record::new(cx, (&item.check, &item.run, &item.undo), found);
    record::save(cx, patient.keep, &record)?;
    let done = carry_out(cx, &item.run);
    let after = look(patient, item);
    let is_mended = after.as_ref().is_some_and(|outcome| !is_wrong(outcome));
    record.mended = Some(is_mended);
    record::save(cx, patient.keep, &record)?;
    record::tell(cx, patient.keep, &record);
    item.state = if is_mended {
        State::Mended
    } else {
        State::Failed
    };
    item.because = match (is_mended, done) {
        (true, _) => None,
        (false, Err(because)) => Some(because),
        (false, Ok(())) => after
            .and_then(|outcome| outcome.found)
            .map(|found| format!("there is still {found}")),
    };
    Ok(())
}

/// Why a command would destroy something that no undo brings back.
fn harm(words: &[String]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = words.strip_prefix(&["sudo"]).unwrap_or(&words);
    let words = words.strip_prefix(&["-n"]).unwrap_or(words);
    let (program, args) = words.split_first()?;
    let program = Path::new(program).file_name()?;
    let is_forced = args
        .iter()
        .any(|arg| arg.starts_with('-') && arg.contains('f'));
    let target = Path::new(args.last()?);
    let meta = target.symlink_metadata().ok()?;
    (program == "ln" && is_forced && !meta.is_symlink())
        .then(|| format!("{} is no link: move it away first", target.display()))
}

/// Runs commands one after the other, until one fails; what they say goes to stderr.
pub(in crate::commands) fn carry_out(cx: &Context, commands: &[Vec<String>]) -> Result<(), String> {
    for words in commands {
        let Some((program, args)) = words.split_first() else {
            continue;
        };
        let status = Command::new(program)
            .args(args)
            .env_clear()
            .envs(cx.world.env.iter())
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .status();
        let command = typed(std::slice::from_ref(words));
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(format!("`{command}` ended with {status}")),
            Err(error) => return Err(format!("`{command}` could not be started: {error}")),
        }
    }
    Ok(())
}

/// What was taken back, or would be.
#[derive(Debug, Serialize)]
struct TakenBack {
    check: String,
    undo: Vec<Vec<String>>,
    applied: bool,
}

impl fmt::Display for TakenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = if self.applied {
            "took back"
        } else {
            "taking back"
        };
        let check = style::strong(&self.check);
        writeln!(f, "{did} the fix of {check}: {}", clean(&typed(&self.undo)))
    }
}

/// Takes the newest fix back, or the newest one of a check.
pub(in crate::commands) fn undo(
    cx: &mut Context,
    keep: Option<&Keep>,
    name: &str,
    consent: Consent,
) -> Result<Answer, Failure> {
    let Some(mut record) = record::newest(cx, keep, name)? else {
        let of = if name.is_empty() {
            String::new()
        } else {
            format!(" of `{name}`")
        };
        return Err(Failure::user(format!("there is no fix{of} to take back")));
    };
    if record.undo.is_empty() {
        let message = format!(
            "nobody knows how to take back the fix of `{}`",
            record.check
        );
        return Err(Failure::user(message).hint(format!("this was done: {}", typed(&record.run))));
    }
    let mut taken = TakenBack {
        check: record.check.clone(),
        undo: record.undo.clone(),
        applied: false,
    };
    if consent == Consent::DryRun {
        cx.ui.show(&taken)?;
        return Ok(Answer::Yes);
    }
    if consent == Consent::Ask {
        if !cx.ui.is_interactive() {
            return Err(nobody("this changes the machine"));
        }
        cx.ui.status(&taken);
        if !cx.ui.confirm("Do this?")? {
            cx.ui.status("nothing was changed");
            return Ok(Answer::No);
        }
    }
    if let Some(because) = record.undo.iter().find_map(|words| harm(words)) {
        return Err(Failure::user(because));
    }
    carry_out(cx, &record.undo).map_err(Failure::user)?;
    record.undone = Some(cx.world.clock.stamp());
    record::save(cx, keep, &record)?;
    record::tell(cx, keep, &record);
    taken.applied = true;
    cx.ui.show(&taken)?;
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use super::harm;

    #[test]
    fn only_links_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        let harmed = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            harm(&words).is_some()
        };
        assert!(harmed(&["ln", "-sf", "bash", &path("file")]));
        assert!(harmed(&["sudo", "-n", "ln", "-sfn", "bash", &path("file")]));
        assert!(!harmed(&["ln", "-sf", "bash", &path("link")]));
        assert!(!harmed(&["ln", "-sf", "bash", &path("absent")]));
        assert!(!harmed(&["ln", "-s", "bash", &path("file")]));
    }
}
