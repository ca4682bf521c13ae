//! Who waits for a person to type.
use super::{Attempt, tree};

/// The number of `read` among system calls.
const READ: &str = if cfg!(target_arch = "x86_64") {
    "0"
} else {
    "63"
};

/// The process of an attempt that waits for input of a terminal, if the kernel lets us see one.
pub fn waits_for_input(attempt: &Attempt) -> Option<String> {
    let members = tree::members(&attempt.dir, attempt.process.as_ref()).ok()?;
    let waits = members
        .iter()
        .map(|member| member.stat.pid)
        .find(|pid| is_reading(*pid))?;
    let name = std::fs::read_to_string(format!("/proc/{waits}/comm")).ok()?;
    Some(name.trim().to_owned())
}

/// Whether a process is in the middle of reading from a terminal.
fn is_reading(pid: i32) -> bool {
    let look = || -> Option<bool> {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
        let mut words = call.split(' ');
        let is_read = words.next()? == READ;
        let fd = u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok()?;
        let file = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
        let file = file.to_str()?.to_owned();
        Some(is_read && (file.starts_with("/dev/pts/") || file.starts_with("/dev/tty")))
    };
    look().unwrap_or(false)
}
