//! The clock that the kernel stamps files with.
use rustix::time::{ClockId, clock_gettime};

/// The time that a file would get if it were changed now, as seconds and nanoseconds.
///
/// Not a time to show: it only tells whether a file could change again without its times changing.
pub fn file_clock() -> (i64, u32) {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0))
}
