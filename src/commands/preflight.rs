//! Looking around before a build goes on: after a failure, a restart of the machine, a pause.
use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Context;
use super::past::Past;
use super::tools::{self, ToolChange};
use crate::failure::Failure;
use crate::fs::{file_clock, free_space, is_without_names};
use crate::plan::{Plan, Step};
use crate::run::{Manifest, Runs, boot_id};
use crate::store::Keep;
use crate::ui::{clean, quoted, seconds, size, style};

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

/// What people should know before a build goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// What sort of thing: `mount`, `root`, `room`, `user`, `umask`, `variable`, `tool`, `clock`.
    pub(super) kind: &'static str,
    /// What was found.
    pub(super) message: String,
    /// What puts it right.
    pub(super) fix: Option<String>,
    /// Whether to go on would do harm, or is bound to fail.
    pub(super) stops: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", clean(&self.message))?;
        match &self.fix {
            Some(fix) => write!(f, ": {}", style::name(clean(fix))),
            None => Ok(()),
        }
    }
}

fn finding(kind: &'static str, message: String, fix: Option<String>) -> Finding {
    Finding {
        kind,
        message,
        fix,
        stops: false,
    }
}

/// What there is to look at.
pub(super) struct Ground<'a> {
    /// The keep.
    pub(super) keep: &'a Keep,
    /// The plan.
    pub(super) plan: &'a Plan,
    /// What came of the steps so far.
    pub(super) manifests: &'a BTreeMap<String, Manifest>,
}

/// What is not as it was, or not as the next steps need it; the first of them starts at once.
pub(super) fn look(
    cx: &Context,
    ground: &Ground<'_>,
    next: &[&Step],
) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    found.extend(root(cx, ground)?);
    found.extend(room(ground, next)?);
    found.extend(user(ground));
    found.extend(umask(next));
    found.extend(variables(cx, ground.plan, next)?);
    found.extend(changed_tools(cx, ground));
    let ends = ground
        .manifests
        .values()
        .filter_map(|manifest| manifest.ended.as_deref());
    found.extend(clock(file_clock().0, ends));
    Ok(found)
}

/// The root: mounted if fstab has it, not empty after a restart, not in memory.
fn root(cx: &Context, ground: &Ground<'_>) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let Some(root) = ground
        .plan
        .root
        .as_deref()
        .filter(|_| !ground.manifests.is_empty())
    else {
        return Ok(found);
    };
    let shown = root.display();
    let fstab = std::fs::read_to_string("/etc/fstab").unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if let Some(place) = unmounted(&fstab, &mounts, root) {
        found.push(Finding {
            kind: "mount",
            message: format!("{place} is in /etc/fstab and not mounted"),
            fix: Some(format!("mount {}", quoted(&place))),
            stops: true,
        });
    } else if has_restarted(cx, ground.keep)? && is_empty(root) {
        let message =
            format!("the machine was restarted, and {shown} is empty: is its disk mounted?");
        found.push(finding(
            "mount",
            message,
            Some(format!("mount DEVICE {}", quoted(&shown.to_string()))),
        ));
    }
    if kind_of_mount(&mounts, root) == Some("tmpfs") {
        let message = format!("{shown} is in memory (tmpfs): a restart loses all that is built");
        found.push(finding("root", message, None));
    }
    Ok(found)
}

/// The folder of fstab, at or above the root, that is not mounted.
fn unmounted(fstab: &str, mounts: &str, root: &Path) -> Option<String> {
    let is_mounted = |place: &str| mounted(mounts).any(|(mounted, _)| mounted == place);
    fstab
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|place| place.len() > 1 && root.starts_with(place))
        .find(|place| !is_mounted(place))
        .map(str::to_owned)
}

/// The folders that something is mounted on, and what kind that is; the last ones lie on top.
fn mounted(mounts: &str) -> impl Iterator<Item = (String, &str)> {
    mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let place = words.next()?.replace("\\040", " ");
        Some((place, words.next()?))
    })
}

fn kind_of_mount<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let above = mounted(mounts).filter(|(place, _)| path.starts_with(place));
    above
        .max_by_key(|(place, _)| place.len())
        .map(|(_, kind)| kind)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether the newest attempt was made in an earlier boot.
fn has_restarted(cx: &Context, keep: &Keep) -> Result<bool, Failure> {
    let runs = Runs::new(keep.private("runs")).all(&cx.world.clock)?;
    let newest = runs.last().map(crate::run::Run::attempts).transpose()?;
    let newest = newest.and_then(|mut attempts| attempts.pop());
    let boot = boot_id()?;
    Ok(newest.is_some_and(|attempt| attempt.spec.boot_id != boot))
}

/// Room for what comes next.
fn room(ground: &Ground<'_>, next: &[&Step]) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let Some(step) = next.first() else {
        return Ok(found);
    };
    let place = ground.plan.root.as_deref().unwrap_or(&step.workdir);
    let needed = Past::of(ground.keep)?.disk(step, ground.manifests.get(&step.id));
    if let (Some(needed), Some(free)) = (needed, free_space(place))
        && free < needed
    {
        let (needed, free, shown) = (size(needed), size(free), place.display());
        let message = format!("{} needs {needed} in {shown}, and {free} are free", step.id);
        found.push(finding("room", message, None));
    }
    if is_without_names(place) {
        let message = format!("the disk of {} can have no more files", place.display());
        let fix = format!("df -i {}", quoted(&place.display().to_string()));
        found.push(finding("room", message, Some(fix)));
    }
    Ok(found)
}

/// Whoever built so far should go on.
fn user(ground: &Ground<'_>) -> Option<Finding> {
    let runs = ground.keep.private("runs").metadata().ok()?;
    let me = rustix::process::geteuid().as_raw();
    let was = runs.uid();
    if ground.manifests.is_empty() || was == me || me == 0 {
        return None;
    }
    let message = format!("the steps so far were built by user {was}, and you are {me}");
    let fix = if was == 0 {
        "sudo buildkeep run".into()
    } else {
        format!("sudo -u '#{was}' buildkeep run")
    };
    Some(finding("user", message, Some(fix)))
}

/// The mask that new files get: what others cannot read is of no use in a system.
fn umask(next: &[&Step]) -> Option<Finding> {
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
        finding("umask", message, Some(fix))
    })
}

/// Variables that scripts inherit and should not, and `LFS` that is another root, or none.
fn variables(cx: &Context, plan: &Plan, next: &[&Step]) -> Result<Vec<Finding>, Failure> {
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
        found.push(finding("variable", message, Some(fix)));
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
            found.push(finding(
                "variable",
                message,
                Some(format!("export LFS={root}")),
            ));
        }
        (None, Some(root)) if plan.reads_word(step, "LFS")? => {
            let message = format!(
                "{} reads $LFS, and it is not set: that is /, this machine",
                step.id
            );
            found.push(Finding {
                kind: "variable",
                message,
                fix: Some(format!(
                    "export LFS={}, or `LFS = \"${{root}}\"` in [env] of plan.toml",
                    root.display()
                )),
                stops: true,
            });
        }
        _ => {}
    }
    Ok(found)
}

/// Tools that are others than those of the newest step that worked.
fn changed_tools(cx: &Context, ground: &Ground<'_>) -> Vec<Finding> {
    let successes = ground
        .manifests
        .values()
        .filter_map(|manifest| manifest.last_success.as_ref());
    let newest = successes
        .filter(|success| !success.tools.is_empty())
        .max_by(|a, b| a.ended.cmp(&b.ended));
    let Some(before) = newest else {
        return Vec::new();
    };
    let now = tools::look(cx, ground.keep, &ground.plan.tools);
    let changes = tools::changes(&before.tools, &now).into_iter();
    changes
        .map(|change: ToolChange| finding("tool", change.to_string(), None))
        .collect()
}

/// A clock that went back makes make build too little; `now` is what files would be stamped with.
fn clock<'a>(now: i64, ends: impl Iterator<Item = &'a str>) -> Option<Finding> {
    const LITTLE: i64 = 60;
    let newest: DateTime<Utc> = ends.filter_map(|end| end.parse().ok()).max()?;
    let back = newest.timestamp() - now;
    (back > LITTLE).then(|| {
        let back = seconds(back as f64);
        let message =
            format!("the clock is {back} before the end of the last step: make goes by such times");
        finding("clock", message, Some("date; then set it right".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_is_told() {
        let ends = || ["2026-01-02T03:04:05.678Z", "2026-01-01T00:00:00Z", "?"].into_iter();
        let end = 1_767_323_045;
        assert_eq!(clock(end + 5, ends()), None);
        assert_eq!(clock(end - 60, ends()), None);
        let back = clock(end - 7200, ends()).unwrap();
        assert!(
            back.message.starts_with("the clock is 2 h"),
            "{}",
            back.message
        );
        assert_eq!(clock(0, [].into_iter()), None);
    }

    #[test]
    fn a_disk_of_fstab_is_missed() {
        let fstab =
            "# /mnt/lfs\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 /mnt/lfs ext4 defaults 0 2\n";
        let mounts = "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n";
        let root = Path::new("/mnt/lfs/build");
        assert_eq!(unmounted(fstab, mounts, root).as_deref(), Some("/mnt/lfs"));
        let mounts = format!("{mounts}/dev/sdb1 /mnt/lfs ext4 rw 0 0\n");
        assert_eq!(unmounted(fstab, &mounts, root), None);
        assert_eq!(unmounted(fstab, "", Path::new("/srv")), None);
        assert_eq!(kind_of_mount(&mounts, root), Some("ext4"));
        assert_eq!(kind_of_mount(&mounts, Path::new("/run/lfs")), Some("tmpfs"));
    }
}
