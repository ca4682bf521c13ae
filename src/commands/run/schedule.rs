//! Which step may start next.
use std::collections::BTreeMap;

use crate::plan::Plan;

/// The steps of a plan, and how far each is.
#[derive(Debug)]
pub(super) struct Schedule {
    /// What each needs, as positions.
    needs: Vec<Vec<usize>>,
    stages: Vec<Stage>,
    /// In which order steps are looked at: those that are free start in it.
    order: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    /// Nothing more happens to it in this run.
    Settled,
}

impl Schedule {
    /// All steps wait.
    pub(super) fn new(plan: &Plan) -> Self {
        let positions: BTreeMap<&str, usize> = plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| (step.id.as_str(), at))
            .collect();
        let needs = plan.steps.iter().map(|step| {
            let needs = step.needs.iter();
            needs
                .filter_map(|need| positions.get(need.as_str()).copied())
                .collect()
        });
        Self::of(needs.collect())
    }

    fn of(needs: Vec<Vec<usize>>) -> Self {
        Self {
            stages: vec![Stage::Waiting; needs.len()],
            order: (0..needs.len()).collect(),
            needs,
        }
    }

    /// Looks at the steps in an order that `seed` decides; needs hold all the same.
    pub(super) fn shuffle(&mut self, seed: u64) {
        let mut state = seed;
        for last in (1..self.order.len()).rev() {
            let random = random(&mut state);
            self.order.swap(last, (random % (last as u64 + 1)) as usize);
        }
    }

    /// The first step that waits for nothing any more.
    pub(super) fn next(&self) -> Option<usize> {
        let is_free = |at: &usize| {
            self.stages[*at] == Stage::Waiting
                && self.needs[*at]
                    .iter()
                    .all(|need| self.stages[*need] == Stage::Settled)
        };
        self.order.iter().copied().find(is_free)
    }

    /// The step runs.
    pub(super) fn start(&mut self, at: usize) {
        self.stages[at] = Stage::Running;
    }

    /// The step is to be begun again.
    pub(super) fn wait_again(&mut self, at: usize) {
        self.stages[at] = Stage::Waiting;
    }

    /// The step has ended, or nothing is to be done for it.
    pub(super) fn settle(&mut self, at: usize) {
        self.stages[at] = Stage::Settled;
    }
}

/// SplitMix64, by Steele, Lea and Flood: <https://doi.org/10.1145/2660193.2660195>.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_waits_for_all_it_needs() {
        let mut schedule = Schedule::of(vec![vec![], vec![], vec![0, 1], vec![0]]);
        assert_eq!(schedule.next(), Some(0));
        schedule.start(0);
        assert_eq!(schedule.next(), Some(1));
        schedule.start(1);
        assert_eq!(schedule.next(), None, "both others need the first");
        schedule.settle(0);
        assert_eq!(schedule.next(), Some(3));
        schedule.settle(3);
        schedule.settle(1);
        assert_eq!(schedule.next(), Some(2));
        schedule.settle(2);
        assert_eq!(schedule.next(), None);
    }

    #[test]
    fn any_order_keeps_to_the_needs() {
        let needs: Vec<Vec<usize>> = (0..50)
            .map(|at| if at % 3 == 0 { vec![] } else { vec![at - 1] })
            .collect();
        let mut orders = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let mut schedule = Schedule::of(needs.clone());
            schedule.shuffle(seed);
            let mut order = Vec::new();
            while let Some(at) = schedule.next() {
                assert!(needs[at].iter().all(|need| order.contains(need)));
                schedule.settle(at);
                order.push(at);
            }
            assert_eq!(order.len(), 50);
            orders.insert(order);
        }
        assert!(orders.len() > 15);
    }
}
