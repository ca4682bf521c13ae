//! What commands need to know of a keep before they begin: its plan.
use crate::failure::Failure;
use crate::plan::{self, Plan};
use crate::store::Keep;

/// The plan of a keep, from its work tree.
pub(super) fn plan_of(keep: &Keep) -> Result<Plan, Failure> {
    let path = "plan.toml".into();
    let bytes = keep.work_file(&path)?.ok_or_else(|| {
        Failure::user(format!("{} has no plan.toml", keep.root().display()))
            .hint("write one: it names the scripts, as `scripts = \"scripts\"`")
    })?;
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::user("plan.toml is not UTF-8 text"))?;
    Ok(plan::load(keep.root(), "plan.toml", &text)?)
}
