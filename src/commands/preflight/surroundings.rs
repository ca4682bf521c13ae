//! What scripts inherit: the mask of new files, and variables.
use rustix::fs::Mode;

use super::{Finding, Mend, finding};
use crate::commands::Context;
use crate::failure::Failure;
use crate::plan::{Plan, Step};
use crate::run::Mended;

/// Variables that change what compilers and linkers do, or stop them from working.
const POISON: &[&str] = &[
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LD_DEBUG",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "CDPATH",
    "ENV",
    "BASH_ENV",
    "GREP_OPTIONS",
];

/// The mask that new files get: what others cannot read is of no use in a system.
pub(super) fn umask(next: &[&Step]) -> Option<Finding> {
    next.iter().find(|step| step.runs_as.umask.is_none())?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?
        .trim();
    let bits = u32::from_str_radix(mask, 8).ok()?;
    (bits & 0o077 != 0o022).then(|| {
        let message =
            format!("umask is {mask}: others could not use what is installed, or could change it");
        let fix = "umask 022, or `umask = \"022\"` in plan.toml".to_owned();
        finding("umask", message, Some(fix)).mended_by(Mend::Umask)
    })
}

/// Variables that scripts inherit and should not, and `LFS` that is another root, or none.
pub(super) fn variables(
    cx: &Context,
    plan: &Plan,
    next: &[&Step],
) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let Some(step) = next.iter().find(|step| !step.runs_as.clean_env) else {
        return Ok(found);
    };
    let inherited = |name: &&&str| cx.world.env.text(name).is_some_and(|text| !text.is_empty());
    let poison = POISON
        .iter()
        .filter(inherited)
        .filter(|name| !plan.sets(step, name));
    for name in poison {
        let message = format!("{name} is set, and scripts inherit it");
        let fix = format!("unset {name}, or `clean_env = true` in plan.toml");
        found.push(finding("variable", message, Some(fix)).mended_by(Mend::Unset(name)));
    }
    if plan.sets(step, "LFS") {
        return Ok(found);
    }
    let lfs = cx
        .world
        .env
        .path("LFS")
        .filter(|path| !path.as_os_str().is_empty());
    match (lfs, &plan.root) {
        (Some(lfs), Some(root)) if lfs != *root => {
            let (lfs, root) = (lfs.display(), root.display());
            let message = format!("LFS is {lfs}, and the plan builds {root}");
            let fix = format!("export LFS={root}");
            found.push(finding("variable", message, Some(fix)).mended_by(Mend::Lfs));
        }
        (None, Some(root)) if plan.reads_word(step, "LFS")? => {
            let message = format!(
                "{} reads $LFS, and it is not set: that is /, this machine",
                step.id
            );
            let fix = format!(
                "export LFS={}, or `LFS = \"${{root}}\"` in [env] of plan.toml",
                root.display()
            );
            let found_it = finding("variable", message, Some(fix));
            found.push(found_it.mended_by(Mend::Lfs).stopping());
        }
        _ => {}
    }
    Ok(found)
}

/// Has scripts inherit what `mended` says, from this process and from those that follow it.
pub(in crate::commands) fn put_right(cx: &mut Context, plan: &Plan, mended: &Mended) {
    for name in &mended.unset {
        cx.world.env.unset(name);
    }
    if let Some(root) = plan.root.as_ref().filter(|_| mended.lfs) {
        cx.world.env.set("LFS", root.clone());
    }
    if mended.umask {
        rustix::process::umask(Mode::from_raw_mode(0o022));
    }
}
