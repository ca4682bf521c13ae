//! The folders that the next steps work in: there, and with their disks.
use std::path::Path;

use super::remembered::{Held, Remembered};
use super::{Finding, Ground, finding, has_restarted};
use crate::check::typed;
use crate::commands::Context;
use crate::failure::Failure;
use crate::fs::{Mount, mount_of, mounts};
use crate::ui::{counted, quoted};

/// What is wrong with the root, and with what was mounted in it when the last step was done.
pub(super) fn root(cx: &Context, ground: &Ground<'_>) -> Result<Vec<Finding>, Failure> {
    let Some(root) = ground.plan.root.as_deref() else {
        return Ok(Vec::new());
    };
    let now = mounts();
    let built = ground.built();
    let before = Remembered::load(ground.keep, root);
    let before = before.filter(|_| built > 0).unwrap_or_default();
    if let Some(missing) = disk(root, &now, &before) {
        return Ok(vec![missing]);
    }
    if let Some(missing) = folder(cx, ground, (root, built))? {
        return Ok(vec![missing]);
    }
    let mut found: Vec<Finding> = before
        .missing_below(root, &now)
        .map(|held| not_mounted(held, "and is not now"))
        .collect();
    if mount_of(&now, root).is_some_and(|mount| mount.kind == "tmpfs") {
        let shown = root.display();
        let message = format!("{shown} is in memory (tmpfs): a restart loses all that is built");
        let fix = "mount a disk there, or back up often: `buildkeep backup create`";
        found.push(finding("root", message, Some(fix.into())));
    }
    Ok(found)
}

/// The disk of the root: mounted if fstab has it or it was before, and the same one.
fn disk(root: &Path, now: &[Mount], before: &Remembered) -> Option<Finding> {
    let fstab = std::fs::read_to_string("/etc/fstab").unwrap_or_default();
    if let Some(place) = unmounted(&fstab, now, root) {
        let message = format!("{place} is in /etc/fstab and not mounted");
        let command = vec!["mount".to_owned(), place];
        return Some(Finding::commands("mount", message, vec![command]).stopping());
    }
    let held = before.root(root)?;
    let Some(mount) = now.iter().rfind(|mount| mount.place == held.place) else {
        return Some(not_mounted(held, "and is not now").stopping());
    };
    let other = held.other_disk(mount)?;
    let place = held.place.display().to_string();
    let message = format!(
        "another disk is mounted on {place} than before: {other}, and it was {}",
        held.source
    );
    let commands = typed(&held.commands());
    let fix = format!("umount {} && {commands}", quoted(&place));
    Some(finding("mount", message, Some(fix)).stopping())
}

fn not_mounted(held: &Held, rest: &str) -> Finding {
    let place = held.place.display();
    let message = format!("{place} was mounted when the last step was done, {rest}");
    Finding::commands("mount", message, held.commands())
}

/// The folder itself: there if something was built in it, and not empty after a restart.
fn folder(
    cx: &Context,
    ground: &Ground<'_>,
    (root, built): (&Path, usize),
) -> Result<Option<Finding>, Failure> {
    if built == 0 {
        return Ok(None);
    }
    let shown = root.display();
    if !root.exists() {
        let was = if built == 1 { "was" } else { "were" };
        let steps = counted(built as u64, "step");
        let message = format!("{shown} is not there, and {steps} {was} built in it");
        let fix = "bring it back, or build all again: `buildkeep run --force`".to_owned();
        return Ok(Some(finding("root", message, Some(fix)).stopping()));
    }
    if has_restarted(cx, ground.keep)? && is_empty(root) {
        let message =
            format!("the machine was restarted, and {shown} is empty: is its disk mounted?");
        let fix = format!("mount DEVICE {}", quoted(&shown.to_string()));
        return Ok(Some(finding("mount", message, Some(fix))));
    }
    Ok(None)
}

/// The folder that the first of the next steps works in.
pub(super) fn workdir(ground: &Ground<'_>) -> Option<Finding> {
    let step = ground.next.first().filter(|step| !step.runs_as.chroot)?;
    let dir = &step.workdir;
    if dir.exists() || ground.plan.root.as_ref() == Some(dir) {
        return None;
    }
    let shown = dir.display().to_string();
    let mut command = vec!["mkdir".to_owned(), "-p".to_owned(), shown.clone()];
    if let Some(user) = &step.runs_as.user {
        command = ["install", "-d", "-o", user, &shown]
            .map(str::to_owned)
            .into();
    }
    let message = format!("{} works in {shown}, which is not there", step.id);
    Some(Finding::commands("workdir", message, vec![command]).stopping())
}

/// The folder of fstab, at or above the root, that is not mounted.
fn unmounted(fstab: &str, mounts: &[Mount], root: &Path) -> Option<String> {
    let is_mounted = |place: &str| mounts.iter().any(|mount| mount.place == Path::new(place));
    fstab
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(|place| place.replace("\\040", " "))
        .filter(|place| place.len() > 1 && root.starts_with(place))
        .find(|place| !is_mounted(place))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(place: &str) -> Mount {
        Mount {
            place: place.into(),
            root: "/".into(),
            device: "8:1".into(),
            options: "rw".into(),
            kind: "ext4".into(),
            source: "/dev/sda1".into(),
            super_options: "rw".into(),
        }
    }

    #[test]
    fn a_disk_of_fstab_is_missed() {
        let fstab =
            "# /mnt/lfs\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 /mnt/lfs ext4 defaults 0 2\n";
        let mut mounts = vec![mount("/"), mount("/run")];
        let root = Path::new("/mnt/lfs/build");
        assert_eq!(unmounted(fstab, &mounts, root).as_deref(), Some("/mnt/lfs"));
        mounts.push(mount("/mnt/lfs"));
        assert_eq!(unmounted(fstab, &mounts, root), None);
        assert_eq!(unmounted(fstab, &[], Path::new("/srv")), None);
    }
}
