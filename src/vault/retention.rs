//! Which snapshots are kept, and why: a pure function of their times and a policy.
//!
//! Snapshots are judged by machine and set. Of checkpoints the newest of each step is kept; what a
//! restore or a rollback kept by itself stays for a week. Times are UTC.
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use serde::Serialize;

use super::Snapshot;

/// How long what was taken before a restore is kept.
const SAFETY_DAYS: i64 = 7;

/// How many are kept of each age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The newest ones.
    pub last: usize,
    /// One for each of so many hours that have one.
    pub hourly: usize,
    /// The same for days.
    pub daily: usize,
    /// The same for weeks, which begin on Monday.
    pub weekly: usize,
    /// The same for months.
    pub monthly: usize,
    /// The same for years.
    pub yearly: usize,
    /// All that are younger than this.
    pub within: Option<TimeDelta>,
    /// Whether a set may lose its last snapshot.
    pub may_empty: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            last: 0,
            hourly: 0,
            daily: 7,
            weekly: 4,
            monthly: 12,
            yearly: 0,
            within: None,
            may_empty: false,
        }
    }
}

impl Policy {
    /// A policy that keeps nothing by age.
    pub fn nothing() -> Self {
        Self {
            daily: 0,
            weekly: 0,
            monthly: 0,
            ..Self::default()
        }
    }
}

/// Why a snapshot is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is one of the newest.
    Last,
    /// It is the newest of its hour.
    Hourly,
    /// It is the newest of its day.
    Daily,
    /// It is the newest of its week.
    Weekly,
    /// It is the newest of its month.
    Monthly,
    /// It is the newest of its year.
    Yearly,
    /// It is young.
    Within,
    /// It is the newest checkpoint of its step.
    Checkpoint,
    /// A restore or a rollback can be taken back with it.
    Safety,
    /// Somebody gave it a tag of its own.
    Tagged,
    /// Without it the set would have none.
    Newest,
    /// Others were named.
    Unnamed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
            Self::Within => "young",
            Self::Checkpoint => "checkpoint",
            Self::Safety => "taken before a restore",
            Self::Tagged => "has a tag of its own",
            Self::Newest => "newest of its set",
            Self::Unnamed => "not named",
        })
    }
}

/// Why each of the snapshots is kept, in their order, which is from the oldest to the newest; without a
/// reason it may go. `tagged` are the numbers of those that have a tag of their own.
pub fn judge(
    snapshots: &[Snapshot],
    tagged: &BTreeSet<usize>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Vec<Vec<Reason>> {
    let mut reasons = vec![Vec::new(); snapshots.len()];
    let mut families: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (number, snapshot) in snapshots.iter().enumerate() {
        let family = (&*snapshot.host, &*snapshot.set);
        families.entry(family).or_default().push(number);
        if tagged.contains(&number) {
            reasons[number].push(Reason::Tagged);
        }
    }
    for family in families.into_values() {
        by_age(snapshots, &family, policy, &mut reasons);
        by_kind(snapshots, &family, now, &mut reasons);
        let young = |number: &&usize| {
            let age = now.signed_duration_since(snapshots[**number].time);
            policy.within.is_some_and(|within| age <= within)
        };
        for number in family.iter().filter(young) {
            reasons[*number].push(Reason::Within);
        }
        let whole = |number: &&usize| snapshots[**number].is_whole();
        let is_kept = family.iter().filter(whole).any(|n| !reasons[*n].is_empty());
        if let Some(newest) = family.iter().rev().find(whole)
            && !is_kept
            && !policy.may_empty
        {
            reasons[*newest].push(Reason::Newest);
        }
    }
    reasons
}

/// Tells the hour, day, week, month or year.
type Period = fn(DateTime<Utc>) -> (i32, u32, u32);

/// Marks the newest of each hour, day, week, month and year, as many as the policy says.
fn by_age(snapshots: &[Snapshot], family: &[usize], policy: &Policy, reasons: &mut [Vec<Reason>]) {
    let plain = |number: &&usize| {
        let snapshot = &snapshots[**number];
        snapshot.step.is_none() && snapshot.reason.is_none()
    };
    let newest: Vec<usize> = family.iter().filter(plain).rev().copied().collect();
    for number in newest.iter().take(policy.last) {
        reasons[*number].push(Reason::Last);
    }
    let rules: [(Reason, usize, Period); 5] = [
        (Reason::Hourly, policy.hourly, |t| {
            (t.year(), t.ordinal(), t.hour())
        }),
        (Reason::Daily, policy.daily, |t| (t.year(), t.ordinal(), 0)),
        (Reason::Weekly, policy.weekly, |t| {
            let week = t.iso_week();
            (week.year(), week.week(), 0)
        }),
        (Reason::Monthly, policy.monthly, |t| {
            (t.year(), t.month(), 0)
        }),
        (Reason::Yearly, policy.yearly, |t| (t.year(), 0, 0)),
    ];
    for (reason, count, period) in rules {
        let mut seen = HashSet::new();
        for number in &newest {
            let period = period(snapshots[*number].time.to_utc());
            if seen.len() < count && seen.insert(period) {
                reasons[*number].push(reason.clone());
            }
        }
    }
}

/// Marks the newest checkpoint of each step, and what was taken before a restore lately.
fn by_kind(
    snapshots: &[Snapshot],
    family: &[usize],
    now: DateTime<Utc>,
    reasons: &mut [Vec<Reason>],
) {
    let mut steps = HashSet::new();
    for number in family.iter().rev() {
        let snapshot = &snapshots[*number];
        let age = now.signed_duration_since(snapshot.time);
        // Each of its steps counts, also those after the first that is new.
        if snapshot
            .steps()
            .filter(|step| steps.insert(&step.id))
            .count()
            > 0
        {
            reasons[*number].push(Reason::Checkpoint);
        }
        if snapshot.reason.is_some() && age <= TimeDelta::days(SAFETY_DAYS) {
            reasons[*number].push(Reason::Safety);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use proptest::prelude::*;

    use super::*;
    use crate::store::ObjectId;
    use crate::vault::Step;
    use crate::vault::{LeftOut, Missing};

    fn at(hours: i64) -> Snapshot {
        let begin = Utc.with_ymd_and_hms(2025, 1, 1, 0, 30, 0).unwrap();
        Snapshot {
            tag: format!("h/s/{hours}"),
            is_own: true,
            commit_id: ObjectId::Sha1([0; 20]),
            tree_id: ObjectId::Sha1([0; 20]),
            host: "h".into(),
            set: "s".into(),
            time: (begin + TimeDelta::hours(hours)).into(),
            step: None,
            with: Vec::new(),
            reason: None,
            back_to: None,
            left_out: LeftOut::default(),
            missing: Missing::default(),
            files: 0,
            dirs: 0,
            bytes: 0,
        }
    }

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).unwrap()
    }

    fn judged(all: &[Snapshot], policy: &Policy) -> Vec<Vec<Reason>> {
        judge(all, &BTreeSet::new(), policy, now())
    }

    fn kept(all: &[Snapshot], policy: &Policy) -> Vec<usize> {
        let reasons = judged(all, policy);
        (0..all.len())
            .filter(|at| !reasons[*at].is_empty())
            .collect()
    }

    #[test]
    fn the_newest_of_each_period_is_kept() {
        let hourly: Vec<_> = (0..24 * 400).map(at).collect();
        let reasons = judged(&hourly, &Policy::default());
        let count = |reason| reasons.iter().filter(|all| all.contains(&reason)).count();
        assert_eq!(count(Reason::Daily), 7);
        assert_eq!(count(Reason::Weekly), 4);
        assert_eq!(count(Reason::Monthly), 12);
        let last = reasons.last().unwrap();
        assert_eq!(last[..], [Reason::Daily, Reason::Weekly, Reason::Monthly]);
        let day_before: Vec<_> = hourly.iter().map(|s| s.time.to_utc().ordinal()).collect();
        let daily = (0..hourly.len()).filter(|n| reasons[*n].contains(&Reason::Daily));
        let is_newest = |n: usize| day_before.get(n + 1) != Some(&day_before[n]);
        assert!(daily.clone().all(is_newest));
    }

    #[test]
    fn days_without_a_snapshot_do_not_count() {
        let sparse: Vec<_> = [0, 24 * 30, 24 * 31, 24 * 90].into_iter().map(at).collect();
        let policy = Policy {
            daily: 3,
            ..Policy::nothing()
        };
        assert_eq!(kept(&sparse, &policy), [1, 2, 3]);
    }

    #[test]
    fn a_set_never_loses_its_last_snapshot_unless_that_is_wanted() {
        let all = [at(0), at(1)];
        assert_eq!(
            judged(&all, &Policy::nothing()),
            [vec![], vec![Reason::Newest]]
        );
        let empty = Policy {
            may_empty: true,
            ..Policy::nothing()
        };
        assert!(kept(&all, &empty).is_empty());
    }

    #[test]
    fn checkpoints_tags_and_safety_have_rules_of_their_own() {
        let step = |id: &str, hours| Snapshot {
            step: Some(Step {
                id: id.into(),
                run: String::new(),
                attempt: String::new(),
            }),
            ..at(hours)
        };
        let before = |hours| Snapshot {
            reason: Some("before restore".into()),
            ..at(hours)
        };
        let lately = 24 * 514;
        let all = [
            step("a", 0),
            step("b", 1),
            step("a", 2),
            before(3),
            before(lately),
            at(4),
        ];
        let reasons = judge(&all, &BTreeSet::from([0]), &Policy::nothing(), now());
        let expected = [
            vec![Reason::Tagged],
            vec![Reason::Checkpoint],
            vec![Reason::Checkpoint],
            vec![],
            vec![Reason::Safety],
            vec![],
        ];
        assert_eq!(reasons, expected);
        let young = Policy {
            within: Some(TimeDelta::days(10_000)),
            ..Policy::nothing()
        };
        assert_eq!(kept(&all, &young).len(), all.len());
    }

    proptest! {
        #[test]
        fn more_is_kept_by_a_policy_that_asks_for_more(
            hours in proptest::collection::btree_set(0_i64..24 * 500, 1..60),
            counts in proptest::array::uniform6(0_usize..6),
            more in 0_usize..6,
        ) {
            let all: Vec<_> = hours.into_iter().map(at).collect();
            let policy = |counts: [usize; 6]| Policy {
                last: counts[0],
                hourly: counts[1],
                daily: counts[2],
                weekly: counts[3],
                monthly: counts[4],
                yearly: counts[5],
                ..Policy::nothing()
            };
            let few = kept(&all, &policy(counts));
            let mut larger = counts;
            larger[more] += 1;
            let many = kept(&all, &policy(larger));
            prop_assert!(!few.is_empty());
            prop_assert!(counts.iter().all(|n| *n == 0) || few.iter().all(|n| many.contains(n)));
        }
    }
}
