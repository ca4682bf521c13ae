//! How long steps take that run several at a time.

/// A step that is not done.
#[derive(Clone, Debug, Default)]
pub struct Todo {
    /// What it still takes, in seconds.
    pub left_s: f64,
    /// The positions of those that come before it; of what is done, none.
    pub needs: Vec<usize>,
    /// Whether it runs already.
    pub is_running: bool,
}

/// When the last of them ends, if each starts as soon as all it needs is done and fewer than `jobs`
/// run; among the free, the first comes first, as in a run.
pub fn makespan(steps: &[Todo], jobs: usize) -> f64 {
    let mut ends: Vec<Option<f64>> = vec![None; steps.len()];
    let mut running: Vec<usize> = (0..steps.len())
        .filter(|at| steps[*at].is_running)
        .collect();
    for at in &running {
        ends[*at] = Some(steps[*at].left_s);
    }
    let mut open: Vec<usize> = (0..steps.len())
        .filter(|at| !steps[*at].is_running)
        .collect();
    let mut now = 0.0_f64;
    loop {
        let is_done = |at: usize, running: &[usize]| ends[at].is_some() && !running.contains(&at);
        let mut begun = Vec::new();
        for at in &open {
            let is_free = steps[*at].needs.iter().all(|need| is_done(*need, &running));
            if running.len() + begun.len() < jobs.max(1) && is_free {
                begun.push(*at);
            }
        }
        open.retain(|at| !begun.contains(at));
        for at in &begun {
            ends[*at] = Some(now + steps[*at].left_s);
        }
        running.extend(begun);
        let next = running.iter().filter_map(|at| ends[*at]);
        let Some(next) = next.min_by(f64::total_cmp) else {
            // Nothing runs, so nothing is free any more.
            return now;
        };
        now = next;
        running.retain(|at| ends[*at] > Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(steps: &[Todo], jobs: usize) -> u64 {
        makespan(steps, jobs).round() as u64
    }

    fn todo(left_s: f64, needs: &[usize]) -> Todo {
        Todo {
            left_s,
            needs: needs.to_vec(),
            is_running: false,
        }
    }

    #[test]
    fn one_at_a_time_is_a_sum_and_several_are_as_long_as_the_longest_way() {
        let steps = [
            todo(10.0, &[]),
            todo(20.0, &[0]),
            todo(5.0, &[0]),
            todo(1.0, &[1, 2]),
        ];
        assert_eq!(whole(&steps, 1), 36);
        assert_eq!(whole(&steps, 2), 31);
        assert_eq!(whole(&steps, 100), 31);
        assert_eq!(whole(&[], 4), 0);
    }

    #[test]
    fn there_are_only_so_many_jobs_and_what_runs_has_one() {
        let mut steps = vec![todo(10.0, &[]); 7];
        assert_eq!(whole(&steps, 2), 40);
        steps[6].is_running = true;
        steps[6].left_s = 35.0;
        assert_eq!(whole(&steps, 2), 50, "six beside it and behind it");
        assert_eq!(whole(&steps, 0), 95);
        let circle = [todo(1.0, &[1]), todo(1.0, &[0])];
        assert_eq!(whole(&circle, 2), 0);
    }

    #[test]
    fn a_large_plan_takes_no_time() {
        let steps: Vec<_> = (0..761)
            .map(|at: usize| {
                let needs: Vec<usize> = (1..=3).filter_map(|k| at.checked_sub(k * 5)).collect();
                todo(1.0 + (at % 7) as f64, &needs)
            })
            .collect();
        let (one, four) = (makespan(&steps, 1), makespan(&steps, 4));
        assert!(four >= one / 4.0 && four < one / 2.0, "{one} {four}");
    }
}
