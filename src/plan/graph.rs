//! What comes after what.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The needs of each step, as positions.
pub(super) type Needs = Vec<Vec<usize>>;

/// The positions in an order in which each follows its needs; among the free, the first comes
/// first. `Err` holds a cycle: each needs the next, and the last the first.
pub(super) fn order(needs: &Needs) -> Result<Vec<usize>, Vec<usize>> {
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (step, its_needs) in needs.iter().enumerate() {
        for need in its_needs {
            needed_by[*need].push(step);
        }
    }
    let free = (0..needs.len()).filter(|step| open[*step] == 0);
    let mut free: BinaryHeap<_> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(Reverse(step)) = free.pop() {
        order.push(step);
        for follower in &needed_by[step] {
            open[*follower] -= 1;
            if open[*follower] == 0 {
                free.push(Reverse(*follower));
            }
        }
    }
    if order.len() == needs.len() {
        Ok(order)
    } else {
        Err(shortest_cycle(needs, &open))
    }
}

/// The shortest cycle through the first step that is on one.
fn shortest_cycle(needs: &Needs, open: &[usize]) -> Vec<usize> {
    let stuck = |step: &usize| open[*step] > 0;
    (0..needs.len())
        .filter(stuck)
        .find_map(|start| way_back(needs, start))
        .unwrap_or_default()
}

/// The shortest way from `start` along needs back to it.
fn way_back(needs: &Needs, start: usize) -> Option<Vec<usize>> {
    let mut came_from = vec![None; needs.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(step) = queue.pop_front() {
        for need in &needs[step] {
            if *need == start {
                return Some(path_to(&came_from, start, step));
            }
            if came_from[*need].is_none() {
                came_from[*need] = Some(step);
                queue.push_back(*need);
            }
        }
    }
    None
}

fn path_to(came_from: &[Option<usize>], start: usize, end: usize) -> Vec<usize> {
    let mut path = vec![end];
    let mut at = end;
    while at != start {
        let Some(before) = came_from[at] else { break };
        path.push(before);
        at = before;
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn needs_come_first_and_position_decides_the_rest() {
        let needs = vec![vec![3], vec![], vec![0], vec![], vec![1]];
        assert_eq!(order(&needs), Ok(vec![1, 3, 0, 2, 4]));
    }

    #[test]
    fn a_cycle_is_the_shortest_through_its_first_step() {
        // 0 hangs on the cycle 1 → 2 → 4 → 1 without being on it; 3 makes a longer one.
        let needs = vec![vec![1], vec![3, 2], vec![4], vec![2], vec![1]];
        assert_eq!(order(&needs), Err(vec![1, 2, 4]));
        assert_eq!(order(&vec![vec![0]]), Err(vec![0]));
    }

    #[test]
    fn every_order_keeps_needs() {
        let size = 761;
        let needs: Vec<Vec<usize>> = (0..size)
            .map(|n: usize| {
                (1..=4)
                    .filter(|k| n >= k * 7)
                    .map(|k| (n * 13 + k) % (n - 6))
                    .collect()
            })
            .collect();
        let order = order(&needs).unwrap();
        let mut place = vec![0; size];
        for (at, step) in order.iter().enumerate() {
            place[*step] = at;
        }
        let kept = |step: usize| needs[step].iter().all(|need| place[*need] < place[step]);
        assert!((0..size).all(kept));
    }
}
