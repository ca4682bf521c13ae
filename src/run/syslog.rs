//! A line for the system's log: for what can be told nowhere else.
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::world::Clock;

/// Where the system's log listens, if it does.
const PLACE: &str = "/dev/log";
/// A daemon's error: facility 3, severity 3.
const PRIORITY: u8 = 3 * 8 + 3;
/// Longer messages are cut.
const LONGEST: usize = 900;

/// Tells the system's log; where there is none, nobody.
pub fn tell(clock: &Clock, message: &str) {
    tell_at(Path::new(PLACE), clock, message);
}

/// Never waits for a log that does not listen.
fn tell_at(place: &Path, clock: &Clock, message: &str) -> bool {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    let message: String = message.chars().take(LONGEST).map(harmless).collect();
    let time = clock.now().with_timezone(&chrono::Local);
    let (time, me) = (time.format("%b %e %H:%M:%S"), std::process::id());
    let line = format!("<{PRIORITY}>{time} buildkeep[{me}]: {message}");
    let send = || -> std::io::Result<usize> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to(line.as_bytes(), place)
    };
    send().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_arrives_whole_and_on_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log");
        let clock = Clock::fixed("2026-01-02T03:04:05Z".parse().unwrap());
        assert!(!tell_at(&place, &clock, "nobody"), "there is no log");
        let log = UnixDatagram::bind(&place).unwrap();
        assert!(tell_at(&place, &clock, "gcc#2 failed\n\u{1b}[31m"));
        let mut bytes = [0; 2048];
        let length = log.recv(&mut bytes).unwrap();
        let line = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let tail = format!(" buildkeep[{}]: gcc#2 failed  [31m", std::process::id());
        assert!(
            line.starts_with("<27>Jan ") && line.ends_with(&tail),
            "{line}"
        );
    }

    #[test]
    fn a_log_that_does_not_read_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log");
        let _log = UnixDatagram::bind(&place).unwrap();
        let clock = Clock::fixed("2026-01-02T03:04:05Z".parse().unwrap());
        let heard = (0..100_000)
            .take_while(|_| tell_at(&place, &clock, "again"))
            .count();
        assert!(heard < 100_000, "it is full at some time");
    }
}
