//! What goes into vaults, and what comes back from them.
use super::{expect, interrupted};
use crate::place::{Outcome, Place};
use crate::power::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "backup restore",
        cuts: 20,
        prepare: with_snapshot,
        act: |place, n| {
            place
                .keep(&restore(place, n).each_ref().map(String::as_str))
                .map(drop)
        },
        holds: is_restored,
    },
    Scenario {
        name: "backup restore, killed and cut off",
        cuts: 30,
        prepare: with_snapshot,
        act: |place, n| {
            let args = restore(place, n);
            interrupted(
                place,
                &args.each_ref().map(String::as_str),
                n,
                "signal=SIGKILL",
            );
            Ok(())
        },
        // The same command goes on; files of which only size and time are there count for nothing.
        holds: |place, n| {
            let notes = place.path(".buildkeep/vault.git/buildkeep/restores");
            for note in std::fs::read_dir(notes).into_iter().flatten().flatten() {
                let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
                let noted = std::fs::read_to_string(note.path()).unwrap();
                std::fs::write(note.path(), noted.replace(boot.trim(), "another")).unwrap();
            }
            if is_restored(place, n).is_err() {
                place.keep(&restore(place, n).each_ref().map(String::as_str))?;
            }
            is_restored(place, n)
        },
    },
    Scenario {
        name: "backup optimize, forget and import",
        cuts: 20,
        prepare: |place| {
            with_snapshot(place);
            place.env.write("other/file", "another\n");
        },
        act: |place, n| {
            place.env.write("goods/0", &format!("{n}\n"));
            place.keep(&["backup", "create", "goods"])?;
            match n % 3 {
                0 => place.keep(&["backup", "optimize"]),
                1 => place.keep(&["backup", "forget", "--keep-last", "1", "--yes"]),
                _ => {
                    place.env.write("other/number", &n.to_string());
                    place.keep(&["backup", "import", "other"])
                }
            }
            .map(drop)
        },
        holds: |place, _| place.keep(&["backup", "verify"]).map(drop),
    },
];

/// A tree of some files, most of which are larger than what a log holds, and a snapshot of it.
fn with_snapshot(place: &Place) {
    place.init();
    for number in 0..20_u32 {
        let line = format!("{number} is the number of this file\n");
        place
            .env
            .write(&format!("goods/{number}"), &line.repeat(3000));
    }
    place.keep(&["backup", "create", "goods"]).unwrap();
}

/// Restores into a folder of its own on the disk.
fn restore(place: &Place, n: usize) -> [String; 5] {
    let to = place.path(&format!("restored/{n}")).display().to_string();
    ["backup", "restore", "latest", "--to", to.as_str()].map(str::to_owned)
}

fn is_restored(place: &Place, n: usize) -> Outcome {
    let to = place.path(&format!("restored/{n}"));
    let mut diff = place.env.command("diff");
    let said = place.outcome(diff.args(["-rq", "goods"]).arg(to), &["diff"])?;
    expect(&said, "")
}
