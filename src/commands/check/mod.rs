//! `check`
mod before;
mod diff;
mod history;
mod inside;
mod keep_facts;
mod list;
mod mend;
mod record;
mod seat;
mod shown;
mod survey;

use std::collections::BTreeSet;
use std::time::Duration;

pub(super) use before::{before_run, failing};
pub use inside::{answer as look_from_inside, is_asked_for as is_asked_from_inside};
pub(super) use mend::{Consent, carry_out, nobody, undo};
pub(super) use seat::Site;

use super::project::Project;
use super::{Answer, Context, facts};
use crate::check::{self, Machine, Report, Set, Tier, Wanted};
use crate::document::Document;
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::run::{AttemptState, Manifest};
use crate::store::Keep;
use list::{Explained, Listing};
use mend::{Patient, mend};
use seat::stage_of;
use shown::Shown;
use survey::{From, Sets, Survey};

/// The set that is run if none is named anywhere.
const DEFAULT_SET: &str = "generic";
/// The set that is about the keep itself.
const KEEP_SET: &str = "keep";
/// How long all checks may take, if nobody says otherwise and none of them is deep.
const DEADLINE: Duration = Duration::from_mins(1);

/// Look whether this machine is fit for the build
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Sets of checks: lfs-12.3, generic, or a file of the keep's `checks` folder
    #[arg(value_name = "SET")]
    sets: Vec<String>,
    /// List the sets and what each looks at, and look at nothing
    #[arg(long)]
    list: bool,
    /// Tell what is known of a check, and look at nothing
    #[arg(long, value_name = "ID", conflicts_with = "list")]
    explain: Option<String>,
    /// Only these checks; `gcc*` is all that begin so
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// None of these checks
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    skip: Vec<String>,
    /// Checks that take no longer than this
    #[arg(
        long,
        value_name = "TIER",
        default_value = "normal",
        conflicts_with = "deep"
    )]
    tier: Tier,
    /// Also what takes minutes, as the checksums of all sources
    #[arg(long)]
    deep: bool,
    /// Where the build is, for checks that only have a meaning there: chapter7
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Look as this step will: as its user, with its variables, in its root
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Look as you are, not as the plan's steps will
    #[arg(long, conflicts_with = "step")]
    here: bool,
    /// Tell what changed on this machine since a run or version; since the last good build if none is named
    #[arg(long, value_name = "RUN|VERSION", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["fix", "list", "explain", "undo"])]
    diff: Option<String>,
    /// Report what is known after so many seconds; 60 without --deep
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    deadline: Option<Duration>,
    /// Look at everything anew, also where nothing has changed since it was good
    #[arg(long)]
    no_cache: bool,
    /// Also tell notes, and what is skipped and why
    #[arg(short, long)]
    verbose: bool,
    /// How the report is written
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        conflicts_with = "fix"
    )]
    format: Form,
    /// Mend what can be mended, each after a question
    #[arg(long)]
    fix: bool,
    /// Take the newest fix back, or the newest one of this check
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["fix", "list", "explain"])]
    undo: Option<String>,
    /// Mend or take back without a question
    #[arg(long)]
    yes: bool,
    /// Show what would be mended or taken back, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    #[default]
    Human,
    /// One object, as with --json
    Json,
    /// JUnit XML, for CI servers
    Junit,
    /// SARIF 2.1.0, for viewers of findings
    Sarif,
    /// TAP 14, for test harnesses
    Tap,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "seconds, as 2.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = keep(cx)?;
    let texts = match &keep {
        Some(keep) => check::own_texts(keep.root())?,
        None => Vec::new(),
    };
    let sets = Sets::new(texts)?;
    if let Some(name) = &args.undo {
        return undo(cx, keep.as_ref(), name, consent(args));
    }
    if args.list {
        let sets = sets.and_all()?;
        cx.ui.show(&Listing::new(&sets.own, &sets.built_in))?;
        return Ok(Answer::Yes);
    }
    // A plan that is not right yet is no reason not to look at the machine.
    let project = keep.clone().map(|keep| Project::of(cx, keep));
    let project = match args.step {
        Some(_) => Some(project.unwrap_or_else(|| Project::open(cx))?),
        None => project.and_then(Result::ok),
    };
    if let Some(spec) = &args.diff {
        let keep = keep.map_or_else(|| cx.keep(), Ok)?;
        return diff::show(cx, (&keep, project.as_ref().map(site)), spec);
    }
    let machine = machine(cx, (keep.as_ref(), project.as_ref()), args);
    if let Some(id) = &args.explain {
        return explain(cx, id, &sets.and_all()?, &machine);
    }
    let (sets, names) = asked_for(sets, keep.as_ref(), project.as_ref(), args)?;
    let from = from(project.as_ref(), args)?;
    let survey = Survey::new(cx, (&sets, &names), &from, &machine)?.narrowed(&wanted(args))?;
    let survey = match &keep {
        Some(keep) if survey.is_about_keep() => {
            survey.knowing(keep_facts::gather(cx, keep, project.as_ref())?)
        }
        _ => survey,
    };
    let deadline = args.deadline.or((!survey.is_deep()).then_some(DEADLINE));
    let report = survey.look(deadline);
    if args.fix {
        let patient = Patient {
            keep: keep.as_ref(),
            survey: &survey,
            verbose: args.verbose,
        };
        return mend(cx, &patient, report, consent(args));
    }
    if let Some(keep) = keep.as_ref().filter(|_| is_whole(args)) {
        let root = project
            .as_ref()
            .and_then(|project| project.plan.root.as_deref());
        let facts = facts::look(cx, keep, root);
        history::record(cx, keep, &report, Some(&facts));
    }
    let answer = Answer::of(report.is_good());
    show(cx, report, args)?;
    Ok(answer)
}

/// The sets to look at, with what they build on.
fn asked_for(
    sets: Sets,
    keep: Option<&Keep>,
    project: Option<&Project>,
    args: &Args,
) -> Result<(Sets, Vec<String>), Failure> {
    if !args.sets.is_empty() {
        return Ok((sets.and(&args.sets)?, args.sets.clone()));
    }
    let names = match keep {
        Some(keep) => configured(keep, &sets)?,
        None => vec![DEFAULT_SET.to_owned()],
    };
    let sets = sets.and(&names)?;
    let names = of_now(names, project, &sets)?;
    Ok((sets, names))
}

/// Whether all is looked at that the sets have, but for what takes long.
fn is_whole(args: &Args) -> bool {
    args.only.is_empty() && args.skip.is_empty() && args.tier != Tier::Fast
}

fn show(cx: &mut Context, report: Report, args: &Args) -> Result<(), Failure> {
    let text = match args.format {
        Form::Human => return Ok(cx.ui.show(&Shown::new(report, args.verbose))?),
        Form::Json => return Ok(cx.ui.show_json(&report)?),
        Form::Junit => check::junit(&report),
        Form::Sarif => check::sarif(&report),
        Form::Tap => check::tap(&report),
    };
    Ok(cx.ui.raw(text.as_bytes())?)
}

fn consent(args: &Args) -> Consent {
    match (args.dry_run, args.yes) {
        (true, _) => Consent::DryRun,
        (false, true) => Consent::Given,
        (false, false) => Consent::Ask,
    }
}

fn wanted(args: &Args) -> Wanted {
    Wanted {
        tier: if args.deep { Tier::Deep } else { args.tier },
        only: args.only.clone(),
        skip: args.skip.clone(),
    }
}

/// From where is looked: as the plan's steps are, if there is a plan and nobody says otherwise.
fn from<'a>(project: Option<&'a Project>, args: &Args) -> Result<From<'a>, Failure> {
    let Some(project) = project.filter(|_| !args.here) else {
        return Ok(From::Here);
    };
    let site = site(project);
    Ok(match &args.step {
        Some(step) => From::Step(site, project.plan.find(step)?),
        None => From::Plan(site),
    })
}

fn site(project: &Project) -> Site<'_> {
    Site {
        keep: &project.keep,
        plan: &project.plan,
        keys: &project.keys,
    }
}

fn explain(cx: &mut Context, id: &str, sets: &Sets, machine: &Machine) -> Result<Answer, Failure> {
    let sets: Vec<&Set> = sets.all().collect();
    let Some(explained) = Explained::new(id, &sets, machine) else {
        let ids = sets.iter().flat_map(|set| &set.checks);
        let error = check::Error::unknown_check(id, ids.map(|check| check.id.as_str()));
        return Err(error.into());
    };
    cx.ui.show(&explained)?;
    Ok(Answer::Yes)
}

/// The keep, if we are in one; one that was named must be there.
fn keep(cx: &Context) -> Result<Option<Keep>, Failure> {
    let named = cx.dir.is_some() || cx.world.env.get("BUILDKEEP_DIR").is_some();
    if named || Keep::find_root(&cx.world.cwd).is_some() {
        return cx.keep().map(Some);
    }
    Ok(None)
}

/// The sets that buildkeep.toml names.
fn configured_sets(keep: &Keep) -> Result<Vec<String>, Failure> {
    let path = keep.root().join("buildkeep.toml");
    let bytes = read_optional(&path)?.unwrap_or_default();
    let settings = Document::parse_bytes("buildkeep.toml", &bytes)
        .map_err(|problem| check::Error::Document(vec![problem]))?
        .to_json();
    let named = settings.get("checks").and_then(|value| value.as_array());
    let named = named.into_iter().flatten().filter_map(|name| name.as_str());
    Ok(named.map(str::to_owned).collect())
}

/// The sets that buildkeep.toml names, and the keep's own ones.
fn configured(keep: &Keep, sets: &Sets) -> Result<Vec<String>, Failure> {
    let mut names = configured_sets(keep)?;
    if names.is_empty() {
        names.push(DEFAULT_SET.to_owned());
    }
    names.push(KEEP_SET.to_owned());
    for set in &sets.own {
        if !names.contains(&set.name) {
            names.push(set.name.clone());
        }
    }
    Ok(names)
}

/// Of sets of stages only what is about the stage that the build is at.
fn of_now(
    mut names: Vec<String>,
    project: Option<&Project>,
    sets: &Sets,
) -> Result<Vec<String>, Failure> {
    if let Some(stage) = project.map(stage_now).transpose()?.flatten() {
        names.retain(|name| is_about(sets.stages(name), &stage));
    }
    Ok(names)
}

/// Whether a set of these stages has a meaning at `stage`.
fn is_about(stages: &[String], stage: &str) -> bool {
    stages.is_empty() || stages.iter().any(|one| one == stage)
}

/// The stage of the first step that is not done.
fn stage_now(project: &Project) -> Result<Option<String>, Failure> {
    let manifests = super::run::manifests(&project.keep)?;
    let is_success = |manifest: &Manifest| manifest.state == AttemptState::Succeeded;
    let is_done = |id: &str| manifests.get(id).is_some_and(is_success);
    let mut steps = project.plan.steps.iter();
    let next = steps.find(|step| !is_done(&step.id));
    Ok(next.and_then(|step| stage_of(&step.id)))
}

fn machine(
    cx: &Context,
    (keep, project): (Option<&Keep>, Option<&Project>),
    args: &Args,
) -> Machine {
    let plan = project.map(|project| &project.plan);
    let lfs = cx.world.env.path("LFS").filter(|path| path.is_absolute());
    let cache = keep.map(|keep| keep.private("cache/checks"));
    Machine {
        env: cx.world.env.clone(),
        intended: BTreeSet::new(),
        clock: cx.world.clock.clone(),
        ids: cx.world.ids.clone(),
        dir: keep.map_or_else(|| cx.world.cwd.clone(), |keep| keep.root().to_owned()),
        root: plan.and_then(|plan| plan.root.clone()).or(lfs),
        workdir: None,
        keep: None,
        outside: None,
        os: Machine::os_here(),
        stage: args.stage.clone(),
        cache: cache.filter(|_| !args.no_cache),
    }
}
