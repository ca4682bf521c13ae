//! What a running attempt costs at this moment.
use rustix::param::{clock_ticks_per_second, page_size};

use super::{Attempt, Error, tree};

/// What the living processes of an attempt have used and hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Living {
    /// How many there are.
    pub processes: usize,
    /// Processor time, of children that they waited for too.
    pub cpu_s: f64,
    /// Memory; pages that several share count for each.
    pub rss_bytes: u64,
}

/// Looks at the processes of an attempt.
pub fn living(attempt: &Attempt) -> Result<Living, Error> {
    let members = tree::members(&attempt.dir, attempt.process.as_ref())?;
    let ticks: u64 = members.iter().map(|member| member.stat.cpu_ticks).sum();
    let pages: u64 = members.iter().map(|member| member.stat.rss_pages).sum();
    Ok(Living {
        processes: members.len(),
        cpu_s: ticks as f64 / clock_ticks_per_second() as f64,
        rss_bytes: pages * page_size() as u64,
    })
}
