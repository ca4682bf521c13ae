//! What needs `unsafe`: a kernel interface without a safe wrapper, signals, and one that may be
//! misused.
#![expect(
    unsafe_code,
    reason = "PIDFD_GET_INFO has no safe wrapper, signals are unsafe for handlers we do not install, and `unshare` for descriptors that we go on sharing"
)]

use std::os::fd::BorrowedFd;

use nix::libc::{SYS_rt_sigaction, c_int, syscall};
use nix::sys::signal::{SigHandler, Signal, signal};
use rustix::ioctl::{Updater, ioctl, opcode};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// `struct pidfd_info` as first published (Linux 6.13), which newer kernels keep accepting.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// Asks for, and reports, that `exit_code` is filled in (Linux 6.15).
const INFO_EXIT: u64 = 1 << 3;

/// The wait status of a process that has been reaped by anybody, if this kernel tells.
pub(super) fn exit_status_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    const GET_INFO: rustix::ioctl::Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);
    let mut info = PidfdInfo {
        mask: INFO_EXIT,
        ..PidfdInfo::default()
    };
    // SAFETY: the opcode carries the size of `PidfdInfo`, and the kernel writes at most that much.
    let asked = unsafe { ioctl(pidfd, Updater::<GET_INFO, _>::new(&mut info)) };
    (asked.is_ok() && info.mask & INFO_EXIT != 0).then_some(info.exit_code)
}

/// Gives SIGCHLD its default meaning back: a parent that ignores it would have exit codes vanish.
pub(super) fn notice_children() {
    // SAFETY: no handler is installed, so nothing can run in signal context.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// The highest number of a signal.
const LAST_SIGNAL: c_int = 64;
/// At least as large as any `struct kernel_sigaction`; zeros mean the default.
const DEFAULT_ACTION: [u64; 8] = [0; 8];
/// The size of the kernel's set of signals: a bit for each.
const SET_SIZE: usize = 8;

/// Gives each signal its default meaning, whatever whoever started us ignores.
///
/// The C library keeps two of them (32 and 33) to itself: it lets nobody else change them, and
/// ignores them in what it spawns. So the kernel is asked.
pub(super) fn default_signals() {
    for number in 1..=LAST_SIGNAL {
        let old = std::ptr::null_mut::<u64>();
        // SAFETY: no handler is installed, and the kernel reads less than `DEFAULT_ACTION` has. What it
        // refuses (SIGKILL, SIGSTOP) has no other meaning.
        let _ = unsafe {
            syscall(
                SYS_rt_sigaction,
                number,
                DEFAULT_ACTION.as_ptr(),
                old,
                SET_SIZE,
            )
        };
    }
}

/// Gives this process mounts of its own: what it mounts, others do not see.
pub(super) fn leave_mounts() -> rustix::io::Result<()> {
    // SAFETY: descriptors stay shared; it is about mounts only.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }
}

#[cfg(test)]
mod tests {
    use super::PidfdInfo;

    #[test]
    fn the_structure_has_the_published_size() {
        assert_eq!(size_of::<PidfdInfo>(), 64);
    }
}
