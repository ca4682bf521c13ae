//! `backup verify`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::{VaultArg, shown};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{clean, counted, duration, size, style};
use crate::vault::Share;
use crate::vault::verify::{self, Damage};

/// Read every byte of the vault, and every snapshot from its tag to its files
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Read every byte, which is what is done anyway
    #[arg(long, conflicts_with_all = ["subset", "structure"])]
    read_data: bool,
    /// Read only this part of the bytes: another one each time, until all were read
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with = "structure")]
    subset: Option<f64>,
    /// Read no files: see only that every snapshot is complete
    #[arg(long)]
    structure: bool,
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
    /// What was read: all, part or structure.
    share: &'static str,
    /// Of a part: bytes of packs that were read, and all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    part_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packs_bytes: Option<u64>,
    duration_s: f64,
}

/// `5%` → 5.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    let number = number.filter(|number| *number > 0.0 && *number <= 100.0);
    number.ok_or_else(|| "a part of a hundred is wanted, as `5%`".to_owned())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = if self.damage.is_empty() {
            style::good("whole".to_owned())
        } else {
            style::bad(format!("{} damaged", self.damage.len()))
        };
        let snapshots = counted(self.snapshots, "snapshot");
        let took = duration(std::time::Duration::from_secs_f64(self.duration_s));
        match (self.part_bytes, self.packs_bytes) {
            _ if self.share == "structure" => {
                writeln!(
                    f,
                    "{fate}: {snapshots} complete, seen in {took}; no files were read"
                )?;
            }
            (Some(part), Some(all)) => writeln!(
                f,
                "{fate} as far as read: {snapshots} complete, {} of {} of packs read in {took}",
                size(part),
                size(all)
            )?,
            _ => writeln!(
                f,
                "{fate}: {snapshots} of {} objects, {}, read in {took}",
                self.objects,
                size(self.bytes)
            )?,
        }
        self.damage
            .iter()
            .try_for_each(|damage| writeln!(f, "  {}", clean(&damage.to_string())))
    }
}

/// Runs the command; the answer is no if something is damaged.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let (share, name) = match args.subset {
        Some(percent) => (Share::Part(percent), "part"),
        None if args.structure => (Share::Structure, "structure"),
        None => (Share::All, "all"),
    };
    let began = cx.world.clock.since_boot();
    let found = shown(&mut cx.ui, "verifying", |counter| {
        verify::verify(&vault, share, counter)
    })?;
    let took = cx.world.clock.since_boot().saturating_sub(began);
    let whole = found.damage.is_empty();
    cx.ui.show(&Report {
        objects: found.objects,
        bytes: found.bytes,
        snapshots: found.snapshots,
        damage: found.damage,
        share: name,
        part_bytes: found.part.map(|(read, _)| read),
        packs_bytes: found.part.map(|(_, all)| all),
        duration_s: took.as_secs_f64(),
    })?;
    if !whole {
        if found.can_heal {
            cx.ui.hint("the next backup writes again what is still in its source: `buildkeep backup create`");
        }
        cx.ui
            .hint("if there is a copy of the vault: `buildkeep backup repair --from REMOTE`");
        cx.ui.hint("if the disk is failing, back up into a new vault on another one: `buildkeep vault init PATH`");
    }
    Ok(Answer::of(whole))
}
