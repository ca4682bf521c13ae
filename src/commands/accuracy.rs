//! `accuracy`
use super::past::Past;
use super::{Answer, Context};
use crate::failure::Failure;
use crate::report::accuracy::Accuracy;

/// Tell how good the estimates of times were, and what one SBU takes here
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only of these steps
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let plan = super::plan::load(&keep)?;
    let mut wanted = Vec::new();
    for name in &args.steps {
        wanted.push(plan.find(name)?.id.clone());
    }
    let past = Past::of(&keep)?;
    let before = Past {
        times: Vec::new(),
        imported: past.imported.clone(),
    };
    let times = past
        .times
        .iter()
        .map(|time| (time.step.as_str(), time.duration_s));
    let is_wanted = |step: &str| wanted.is_empty() || wanted.iter().any(|one| one == step);
    cx.ui
        .show(&Accuracy::of(before.known(&plan), times, is_wanted))?;
    Ok(Answer::Yes)
}
