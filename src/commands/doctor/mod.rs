//! `doctor`
mod beyond;
mod report;

use std::collections::BTreeSet;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::health::{Finding, Patient, Remedy};
use report::{Report, Row};

/// What is found only after other things are mended takes another look; more looks help nobody.
const LOOKS: usize = 5;

/// Find what is wrong with the keep below its files, and mend it if asked
///
/// Works on a keep that is too broken for other commands. Looks only, without --fix.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Mend what can be mended safely, after showing what that is
    #[arg(long)]
    fix: bool,
    /// Mend without asking
    #[arg(long, requires = "fix")]
    yes: bool,
    /// Look for lost objects in this copy: a remote, a URL, a folder or a bundle
    #[arg(long, value_name = "COPY")]
    from: Option<String>,
}

/// Runs the command; the answer is no if something is wrong, or was not mended.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let named = cx
        .dir
        .clone()
        .or_else(|| cx.world.env.path("BUILDKEEP_DIR"));
    let dir = cx.path(&named.unwrap_or_default());
    let source = args.from.as_ref().map(|source| source_of(cx, source));
    let patient = Patient::find(&dir, &cx.world, source)?;
    let findings = examine(cx, &patient);
    let can_mend = findings.iter().any(is_mendable);
    if !args.fix || !can_mend {
        return show(cx, &patient, Report::found(&patient, &findings));
    }
    if !args.yes && !confirmed(cx, &Report::found(&patient, &findings))? {
        cx.ui.status("nothing was changed");
        return Ok(Answer::No);
    }
    let report = mend(cx, &patient, findings)?;
    show(cx, &patient, report)
}

fn show(cx: &mut Context, patient: &Patient, report: Report) -> Result<Answer, Failure> {
    let answer = Answer::of(report.is_fine());
    cx.ui.show(&report)?;
    let here = std::fs::canonicalize(cx.cwd()).unwrap_or_default();
    if report.has_commands() && here != patient.root() {
        cx.ui
            .hint(format!("type these commands in {}", report.keep));
    }
    if report.has_failed() {
        cx.ui
            .hint("when what stood in the way is gone: `buildkeep doctor --fix` again");
    }
    if report.is_mendable() {
        cx.ui.hint("mend what is marked: `buildkeep doctor --fix`");
    }
    Ok(answer)
}

/// A file or folder that was named lies where we were started, not in the keep.
fn source_of(cx: &Context, source: &str) -> String {
    let path = cx.path(source.as_ref());
    if path.exists() {
        path.display().to_string()
    } else {
        source.to_owned()
    }
}

fn examine(cx: &Context, patient: &Patient) -> Vec<Finding> {
    let mut findings = patient.examine();
    findings.extend(beyond::findings(cx, patient.root()));
    findings
}

fn is_mendable(finding: &Finding) -> bool {
    !finding.remedies.is_empty() || finding.id == beyond::UNPUBLISHED
}

fn confirmed(cx: &mut Context, report: &Report) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(
            Failure::user("there is something to mend, and nobody is there to ask")
                .hint("look at it first: `buildkeep doctor`")
                .hint("mend it without a question: add `--yes`"),
        );
    }
    cx.ui.status(report);
    Ok(cx.ui.confirm("Mend what is marked?")?)
}

/// What went wrong, with what `git` said.
fn told(failure: &Failure) -> String {
    let said = failure
        .hints()
        .iter()
        .filter(|hint| hint.starts_with("git: "));
    let said = said.map(String::as_str);
    let all = std::iter::once(failure.message()).chain(said);
    all.collect::<Vec<_>>().join("; ")
}

/// Mends under the lock, as long as there is anything new to be done.
fn mend(cx: &mut Context, patient: &Patient, first: Vec<Finding>) -> Result<Report, Failure> {
    let mut rows: Vec<Row> = Vec::new();
    let (mut tried, mut failed) = (BTreeSet::new(), Vec::new());
    let mut findings = first;
    for _ in 0..LOOKS {
        rows.extend(findings.iter().map(Row::found));
        let remedies = findings.iter().flat_map(|finding| finding.remedies.clone());
        let new: BTreeSet<Remedy> = remedies.filter(|one| !tried.contains(one)).collect();
        if new.is_empty() {
            break;
        }
        let guard = patient.lock(&cx.world)?;
        for remedy in new {
            if let Err(error) = patient.mend(&guard, &remedy) {
                failed.push(told(&Failure::from(error)));
            }
            tried.insert(remedy);
        }
        drop(guard);
        findings = examine(cx, patient);
    }
    if findings
        .iter()
        .any(|finding| finding.id == beyond::UNPUBLISHED)
    {
        beyond::publish(cx)?;
        findings = examine(cx, patient);
    }
    let left = findings.iter().map(Row::found).collect::<Vec<_>>();
    let is_left = |row: &Row| left.iter().any(|left| left.is_same(row));
    rows.retain(|row| !is_left(row));
    for row in &mut rows {
        row.end();
    }
    rows.extend(left);
    Ok(Report::mended(patient, rows, failed))
}
