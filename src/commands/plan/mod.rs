//! `plan`
mod graph;
mod listing;

use super::project::Project;
use super::{Answer, Context, renamed, status};
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::plan::{self, Plan};
use crate::store::Keep;
use listing::{Listing, Seen};

/// Show the steps in the order in which they are built, and which of them are done
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only these steps: an id, the end of one, or a script's name
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
    /// Write the steps and their needs as a graph, for `dot -Tsvg`
    #[arg(long, value_name = "LANGUAGE")]
    graph: Option<graph::Language>,
}

/// The plan of `keep`, from its work tree.
pub(super) fn load(keep: &Keep) -> Result<Plan, Failure> {
    Ok(plan::load(keep.root(), "plan.toml", &text(keep)?)?)
}

/// The same, if the configuration was found valid before, and with it the form of the plan.
pub(super) fn load_known(keep: &Keep) -> Result<Plan, Failure> {
    Ok(plan::load_known(keep.root(), "plan.toml", &text(keep)?)?)
}

fn text(keep: &Keep) -> Result<String, Failure> {
    let path = keep.root().join("plan.toml");
    let bytes = read_optional(&path)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| {
        Failure::user("plan.toml is not UTF-8 text")
            .hint("save it as UTF-8; `iconv -f latin1 -t utf-8` converts old files")
    })
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let project = Project::open(cx)?;
    let mut wanted = Vec::new();
    for name in &args.steps {
        wanted.push(project.plan.find(name)?.id.clone());
    }
    let mut manifests = status::known(cx, &project.keep)?.manifests;
    renamed::follow(&project.plan, &mut manifests)?;
    let seen = Seen {
        manifests,
        fingerprints: project.fingerprints()?,
    };
    let listing = Listing::new(&project, &seen, &wanted);
    if args.graph == Some(graph::Language::Dot) {
        cx.ui.show(&listing.graph())?;
        return Ok(Answer::Yes);
    }
    cx.ui.show(&listing)?;
    if listing.total == 0 {
        let usual = project.keep.root().join("scripts");
        let folder = project.plan.scripts.as_ref().unwrap_or(&usual).display();
        let hint = format!("put scripts into {folder}, named like 01-first.sh; each is a step");
        cx.ui.hint(hint);
    }
    Ok(Answer::Yes)
}
