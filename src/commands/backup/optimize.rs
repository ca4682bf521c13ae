//! `backup optimize`
use std::fmt;

use serde::Serialize;

use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{counted, size};

/// As little as can be asked for.
const LAST: i32 = 19;

/// Make a vault smaller, slowly: store what is alike as changes, compress better
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    vault: VaultArg,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Outcome {
    bytes_before: u64,
    bytes_after: u64,
    packs: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.packs == 0 {
            return writeln!(
                f,
                "nothing is new since the last time: {}",
                size(self.bytes_after)
            );
        }
        writeln!(
            f,
            "{} written anew: {} became {}",
            counted(self.packs, "pack"),
            size(self.bytes_before),
            size(self.bytes_after)
        )
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let git = cx.git()?;
    // Whatever else runs comes first; it works as well if this is not granted.
    let _ = rustix::process::nice(LAST);
    let (ui, mut shown) = (&mut cx.ui, None);
    let done = vault.optimize(&git, &cx.world, &mut |percent| {
        if shown != Some(percent) {
            ui.live(format!("optimizing the vault: {percent} %"));
            shown = Some(percent);
        }
    });
    cx.ui.live_end();
    let done = done?;
    cx.ui.show(&Outcome {
        bytes_before: done.bytes_before,
        bytes_after: done.bytes_after,
        packs: done.packs,
    })?;
    Ok(Answer::Yes)
}
