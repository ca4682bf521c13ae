//! `check`
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::{Answer, Context};
use crate::check::{self, Family, Host, Outcome, Report, Set, Status};
use crate::document::Document;
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::store::Keep;
use crate::ui::{clean, style};

/// The set that is run if none is named anywhere.
const DEFAULT_SET: &str = "generic";

/// Look whether this machine is fit for the build
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sets of checks: lfs-12.3, generic, or a file of the keep's `checks` folder
    #[arg(value_name = "SET")]
    sets: Vec<String>,
    /// List the sets and what each looks at, and look at nothing
    #[arg(long)]
    list: bool,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = keep(cx)?;
    let own = match &keep {
        Some(keep) => check::own(keep.root())?,
        None => Vec::new(),
    };
    let built_in = check::built_in()?;
    if args.list {
        cx.ui.show(&Listing::new(&own, &built_in))?;
        return Ok(Answer::Yes);
    }
    let names = match (&keep, args.sets.is_empty()) {
        (_, false) => args.sets.clone(),
        (Some(keep), true) => configured(keep, &own)?,
        (None, true) => vec![DEFAULT_SET.to_owned()],
    };
    let selection = check::resolve(&names, &own, &built_in)?;
    let report = check::run(names, &selection, &host(cx, keep.as_ref()));
    let answer = Answer::of(report.is_good());
    cx.ui.show(&Shown(report))?;
    Ok(answer)
}

/// The keep, if we are in one; one that was named must be there.
fn keep(cx: &Context) -> Result<Option<Keep>, Failure> {
    let named = cx.dir.is_some() || cx.world.env.get("BUILDKEEP_DIR").is_some();
    if named || Keep::find_root(&cx.world.cwd).is_some() {
        return cx.keep().map(Some);
    }
    Ok(None)
}

/// The sets that buildkeep.toml names, and the keep's own ones.
fn configured(keep: &Keep, own: &[Set]) -> Result<Vec<String>, Failure> {
    let path = keep.root().join("buildkeep.toml");
    let bytes = read_optional(&path)?.unwrap_or_default();
    let settings = Document::parse_bytes("buildkeep.toml", &bytes)
        .map_err(|problem| check::Error::Document(vec![problem]))?
        .to_json();
    let named = settings.get("checks").and_then(|value| value.as_array());
    let named = named.into_iter().flatten().filter_map(|name| name.as_str());
    let mut names: Vec<String> = named.map(str::to_owned).collect();
    if names.is_empty() {
        names.push(DEFAULT_SET.to_owned());
    }
    for set in own {
        if !names.contains(&set.name) {
            names.push(set.name.clone());
        }
    }
    Ok(names)
}

fn host<'a>(cx: &'a Context, keep: Option<&Keep>) -> Host<'a> {
    // A plan that is not right yet is no reason not to look at the machine.
    let plan = keep.and_then(|keep| super::plan::load(keep).ok());
    let lfs = cx.world.env.path("LFS").filter(|path| path.is_absolute());
    let release = read_optional("/etc/os-release".as_ref()).ok().flatten();
    let release = String::from_utf8_lossy(&release.unwrap_or_default()).into_owned();
    Host {
        env: &cx.world.env,
        clock: &cx.world.clock,
        ids: &cx.world.ids,
        dir: keep.map_or_else(|| cx.world.cwd.clone(), |keep| keep.root().to_owned()),
        root: plan.and_then(|plan| plan.root).or(lfs),
        family: Family::of(&release),
    }
}

/// A report, quiet about what is fine.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(Report);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quiet = [Status::Ok, Status::Skipped, Status::Waived];
        let mut findings: Vec<&Outcome> = self.0.results.iter().collect();
        findings.retain(|outcome| !quiet.contains(&outcome.status));
        findings.sort_by_key(|outcome| outcome.status);
        for outcome in findings {
            finding(outcome, f)?;
        }
        writeln!(f, "{}", self.summary())?;
        match &self.0.install {
            Some(command) => writeln!(f, "all packages at once: {}", clean(command)),
            None => Ok(()),
        }
    }
}

impl Shown {
    fn summary(&self) -> String {
        let summary = self.0.summary;
        let sets = self.0.sets.join(" and ");
        let total = self.0.results.len();
        if summary.ok == total {
            return format!("{} all {total} checks of {sets} passed", style::good("ok"));
        }
        let counts = [
            (summary.fail, "failed"),
            (summary.warn, "with a warning"),
            (summary.unknown, "unknown"),
            (summary.waived, "waived"),
            (summary.skipped, "skipped"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let mark = if summary.fail > 0 {
            style::bad("not ready")
        } else {
            style::good("ready")
        };
        let passed = summary.ok;
        format!(
            "{mark}: {passed} of {total} checks of {sets} passed, {}",
            counts.join(", ")
        )
    }
}

fn finding(outcome: &Outcome, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mark = match outcome.status {
        Status::Fail => style::bad("fail"),
        Status::Warn => style::notable("warn"),
        _ => style::faint("unknown"),
    };
    writeln!(
        f,
        "{mark} {} {}",
        style::strong(&outcome.id),
        clean(&outcome.what)
    )?;
    let mut line = |name: &str, text: &str| writeln!(f, "    {name:9}{}", clean(text));
    line("found", outcome.found.as_deref().unwrap_or("nothing"))?;
    if outcome.required != outcome.what {
        line("required", &outcome.required)?;
    }
    line("why", &outcome.why)?;
    if let Some(fix) = &outcome.fix {
        line("fix", fix)?;
    }
    if let Some(undo) = &outcome.undo {
        line("undo", undo)?;
    }
    writeln!(f)
}

/// The sets that there are.
#[derive(Debug, Serialize)]
struct Listing {
    sets: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    title: String,
    file: Option<PathBuf>,
    extends: Vec<String>,
    checks: Vec<(String, String)>,
}

impl Listing {
    fn new(own: &[Set], built_in: &[Set]) -> Self {
        let row = |set: &Set, file: Option<PathBuf>| Row {
            name: set.name.clone(),
            title: set.title.clone(),
            file,
            extends: set.extends.iter().map(|base| base.name.clone()).collect(),
            checks: set
                .checks
                .iter()
                .map(|c| (c.id.clone(), c.what.clone()))
                .collect(),
        };
        let own = own
            .iter()
            .map(|set| row(set, Some(format!("checks/{}.toml", set.name).into())));
        let built_in = built_in.iter().map(|set| row(set, None));
        Self {
            sets: own.chain(built_in).collect(),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for set in &self.sets {
            write!(
                f,
                "{}  {}",
                style::strong(clean(&set.name)),
                clean(&set.title)
            )?;
            if !set.extends.is_empty() {
                write!(f, ", with all of {}", clean(&set.extends.join(", ")))?;
            }
            writeln!(f)?;
            for (id, what) in &set.checks {
                writeln!(f, "  {:14}{}", clean(id), clean(what))?;
            }
        }
        Ok(())
    }
}
