//! `backup forget`
use std::fmt;

use chrono::TimeDelta;
use serde::Serialize;

use super::list::Listed;
use crate::commands::vaults::VaultArg;
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::ui::{counted, size, style};
use crate::vault::retention::{Policy, Reason, judge};
use crate::vault::{Reclaimed, Snapshot};

/// Forget old snapshots, and reclaim the room that only they used
///
/// Without snapshots and rules: keeps the newest of 7 days, 4 weeks and 12 months that have one, the
/// newest checkpoint of each step, and for a week what was taken before a restore.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Exactly these, whatever the rules say
    snapshots: Vec<String>,
    /// Keep the newest N
    #[arg(long, value_name = "N")]
    keep_last: Option<usize>,
    /// Keep the newest of each of N hours that have one
    #[arg(long, value_name = "N")]
    keep_hourly: Option<usize>,
    /// Keep the newest of each of N days that have one
    #[arg(long, value_name = "N")]
    keep_daily: Option<usize>,
    /// Keep the newest of each of N weeks that have one
    #[arg(long, value_name = "N")]
    keep_weekly: Option<usize>,
    /// Keep the newest of each of N months that have one
    #[arg(long, value_name = "N")]
    keep_monthly: Option<usize>,
    /// Keep the newest of each of N years that have one
    #[arg(long, value_name = "N")]
    keep_yearly: Option<usize>,
    /// Keep all of the last N days
    #[arg(long, value_name = "DAYS")]
    keep_within: Option<u32>,
    /// Forget even the last snapshot of a set
    #[arg(long)]
    even_the_last: bool,
    /// Only those filed under this name
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Show what would be forgotten, and forget nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    vault: VaultArg,
}

/// A snapshot, and whether it stays.
#[derive(Debug, Serialize)]
struct Judged {
    #[serde(flatten)]
    listed: Listed,
    keep: bool,
    reasons: Vec<Reason>,
}

/// What became of all snapshots, or would.
#[derive(Debug, Serialize)]
struct Outcome {
    dry_run: bool,
    kept: usize,
    forgotten: usize,
    packs_deleted: u64,
    packs_rewritten: u64,
    bytes_freed: u64,
    bytes_left: u64,
    snapshots: Vec<Judged>,
}

impl Outcome {
    fn add(&mut self, done: Reclaimed) {
        self.packs_deleted = done.deleted;
        self.packs_rewritten = done.rewritten;
        self.bytes_freed = done.bytes_freed;
        self.bytes_left = done.bytes_left;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for judged in &self.snapshots {
            let word = if judged.keep {
                let why: Vec<_> = judged.reasons.iter().map(ToString::to_string).collect();
                style::good(format!("keep    {}", why.join(", ")))
            } else {
                style::bad("forget".to_owned())
            };
            writeln!(f, "{}  {word}", judged.listed.to_string().trim_end())?;
        }
        let (would, freed) = if self.dry_run {
            ("would be forgotten", "would be freed")
        } else {
            ("forgotten", "freed")
        };
        let forgotten = counted(self.forgotten as u64, "snapshot");
        let bytes = size(self.bytes_freed);
        writeln!(
            f,
            "{forgotten} {would}, {} kept; {bytes} {freed}",
            self.kept
        )?;
        match self.bytes_left {
            0 => Ok(()),
            left => writeln!(
                f,
                "  {} that nobody needs stay for now, in packs that are mostly needed",
                size(left)
            ),
        }
    }
}

/// Runs the command.
pub(super) fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let vault = args.vault.open(cx)?;
    let all = vault.snapshots()?;
    let tagged = vault.tagged(&all)?;
    let mut reasons = judge(&all, &tagged, &policy(args), cx.world.clock.now().to_utc());
    for (snapshot, reasons) in all.iter().zip(&mut reasons) {
        if args.set.as_ref().is_some_and(|set| *set != snapshot.set) {
            reasons.push(Reason::Unnamed);
        }
    }
    if !args.snapshots.is_empty() {
        reasons = named(args, &all, |name| Ok(vault.find(name)?.tag))?;
    }
    let wanted = |at: &usize| args.set.as_ref().is_none_or(|set| *set == all[*at].set);
    let judged = (0..all.len()).filter(wanted).map(|at| Judged {
        listed: Listed::new(&all[at], &all),
        keep: !reasons[at].is_empty(),
        reasons: reasons[at].clone(),
    });
    let going = all.iter().zip(&reasons).filter(|(_, why)| why.is_empty());
    let going: Vec<&Snapshot> = going.map(|(snapshot, _)| snapshot).collect();
    let snapshots: Vec<_> = judged.collect();
    let mut outcome = Outcome {
        dry_run: true,
        kept: snapshots.len() - going.len(),
        forgotten: going.len(),
        packs_deleted: 0,
        packs_rewritten: 0,
        bytes_freed: 0,
        bytes_left: 0,
        snapshots,
    };
    cx.ui.live("looking what is still needed");
    let would = vault.would_free(&going);
    cx.ui.live_end();
    outcome.add(would?);
    if args.dry_run {
        cx.ui.show(&outcome)?;
        return Ok(Answer::Yes);
    }
    if !going.is_empty() && !args.yes && !confirmed(cx, &outcome)? {
        cx.ui.status("nothing was forgotten");
        return Ok(Answer::No);
    }
    cx.ui.live("reclaiming what nobody needs");
    let done = vault.forget(&going, &cx.world);
    cx.ui.live_end();
    outcome.add(done?);
    outcome.dry_run = false;
    cx.ui.show(&outcome)?;
    Ok(Answer::Yes)
}

/// What was typed; the default rules if none was.
fn policy(args: &Args) -> Policy {
    let counts = [
        args.keep_last,
        args.keep_hourly,
        args.keep_daily,
        args.keep_weekly,
        args.keep_monthly,
        args.keep_yearly,
    ];
    let is_default = args.keep_within.is_none() && counts.iter().all(Option::is_none);
    let [last, hourly, daily, weekly, monthly, yearly] = counts.map(Option::unwrap_or_default);
    let typed = Policy {
        last,
        hourly,
        daily,
        weekly,
        monthly,
        yearly,
        within: args.keep_within.map(|days| TimeDelta::days(days.into())),
        may_empty: false,
    };
    Policy {
        may_empty: args.even_the_last,
        ..if is_default { Policy::default() } else { typed }
    }
}

/// All are kept but those that were named.
fn named(
    args: &Args,
    all: &[Snapshot],
    find: impl Fn(&String) -> Result<String, Failure>,
) -> Result<Vec<Vec<Reason>>, Failure> {
    let tags: Vec<_> = args.snapshots.iter().map(find).collect::<Result<_, _>>()?;
    let goes = |snapshot: &Snapshot| tags.contains(&snapshot.tag);
    let is_last = |gone: &&Snapshot| {
        gone.is_whole() && !all.iter().any(|other| other.is_kin(gone) && !goes(other))
    };
    if let Some(last) = all.iter().filter(|s| goes(s)).find(is_last)
        && !args.even_the_last
    {
        return Err(
            Failure::user(format!("nothing would be left of the set {}", last.set))
                .hint("forget even the last one: `--even-the-last`"),
        );
    }
    let judged = all.iter().map(|snapshot| {
        let others = vec![Reason::Unnamed];
        if goes(snapshot) { Vec::new() } else { others }
    });
    Ok(judged.collect())
}

fn confirmed(cx: &mut Context, outcome: &Outcome) -> Result<bool, Failure> {
    if !cx.ui.is_interactive() {
        return Err(
            Failure::user("snapshots are to be forgotten, and nobody is there to ask")
                .hint("look at it first: add `--dry-run`")
                .hint("do it without a question: add `--yes`"),
        );
    }
    cx.ui.status(outcome);
    Ok(cx.ui.confirm("Forget them?")?)
}
