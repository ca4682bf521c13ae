//! `backup verify`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::{VaultArg, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, duration, size, style};
use crate::vault::verify::{self, Damage};

/// Read every byte of the vault, and every snapshot from its tag to its files
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    vault: VaultArg,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    objects: u64,
    bytes: u64,
    snapshots: u64,
    damage: Vec<Damage>,
    duration_s: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = if self.damage.is_empty() {
            style::good("whole".to_owned())
        } else {
            style::bad(format!("{} damaged", self.damage.len()))
        };
        writeln!(
            f,
            "{fate}: {} of {} objects, {}, read in {}",
            counted(self.snapshots, "snapshot"),
            self.objects,
            size(self.bytes),
            duration(std::time::Duration::from_secs_f64(self.duration_s))
        )?;
        self.damage
            .iter()
            .try_for_each(|damage| writeln!(f, "  {}", clean(&damage.to_string())))
    }
}

/// Runs the command; the answer is no if something is damaged.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let began = cx.world.clock.since_boot();
    let found = shown(&mut cx.ui, "verifying", |counter| {
        verify::verify(&vault, counter)
    })?;
    let took = cx.world.clock.since_boot().saturating_sub(began);
    let whole = found.damage.is_empty();
    cx.ui.show(&Report {
        objects: found.objects,
        bytes: found.bytes,
        snapshots: found.snapshots,
        damage: found.damage,
        duration_s: took.as_secs_f64(),
    })?;
    if !whole {
        if found.can_heal {
            cx.ui.hint("the next backup writes again what is still in its source: `buildkeep backup create`");
        }
        cx.ui.hint("if the disk is failing, back up into a new vault on another one: `buildkeep vault init PATH`");
    }
    Ok(Answer::of(whole))
}
