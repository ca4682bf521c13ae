//! A terminal for scripts that want one: what they write to it goes the way of all output.
//!
//! Keeper and shim, and the script itself, each hold the terminal's other end, so that it hangs up
//! for nobody while one of them lives; who keeps the log has the kernel move the bytes from there into
//! the FIFO, which the script holds, too: no bytes are anywhere that dies with a helper.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, read, write};
use rustix::pipe::{SpliceFlags, splice};
use rustix::process::{PidfdGetfdFlags, ioctl_tiocsctty, pidfd_getfd};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

use super::error::Doing as _;
use super::guard::{is_ready, readable, wait_for};
use super::stop::all;
use super::{AttemptDir, Error};

/// How large scripts think it is.
const SIZE: Winsize = Winsize {
    ws_row: 24,
    ws_col: 80,
    ws_xpixel: 0,
    ws_ypixel: 0,
};
/// Under which number the script holds the other end.
const HELD: RawFd = 99;
/// From which number on it holds the FIFO, so that what is in it outlives our helpers.
const FIFO: RawFd = 98;
/// Written by us after all that the script wrote, and never shown.
const END: &[u8] = b"\x00\x1b_buildkeep: end of the step\x1b\\";
/// How long the end may be awaited.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait for bytes that are under way.
const POLL: Duration = Duration::from_millis(20);
/// How much is moved before others get their turn.
const BURST: u32 = 64;
/// How much is moved by one call.
const CHUNK: usize = 4096;

/// The end of a terminal that a script does not see.
pub(super) struct Tty {
    other_end: OwnedFd,
    /// Ours, so that there is always one: without, the other end would be at its end, too.
    own: OwnedFd,
}

impl Tty {
    /// A new terminal.
    pub(super) fn open() -> Result<Self, Error> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let other_end = openpt(flags).doing("open a terminal")?;
        grantpt(&other_end).doing("open a terminal")?;
        unlockpt(&other_end).doing("open a terminal")?;
        rustix::io::ioctl_fionbio(&other_end, true).doing("open a terminal")?;
        tcsetwinsize(&other_end, SIZE).doing("set the size of a terminal")?;
        let tty = Self::of(other_end)?;
        let mut modes = tcgetattr(&tty.own).doing("set up a terminal")?;
        // The log has the lines as the script wrote them.
        modes.output_modes.remove(OutputModes::ONLCR);
        tcsetattr(&tty.own, OptionalActions::Now, &modes).doing("set up a terminal")?;
        Ok(tty)
    }

    /// The terminal whose other end this is.
    pub(super) fn of(other_end: OwnedFd) -> Result<Self, Error> {
        let own = peer(other_end.as_fd())?;
        rustix::io::ioctl_fionbio(&own, true).doing("open a terminal")?;
        Ok(Self { other_end, own })
    }

    /// The one that our standard output is.
    pub(super) fn of_stdout() -> Result<Self, Error> {
        let stdout = rustix::stdio::stdout();
        let held = fcntl_dupfd_cloexec(stdout, 3).doing("keep the terminal")?;
        Self::of(held)
    }

    /// The one that the script of an attempt was given, from its hands: ours are gone.
    pub(super) fn adopt(dir: &AttemptDir) -> Option<Self> {
        let members = all(dir).ok()?;
        members.iter().find_map(|member| {
            let found = pidfd_getfd(&member.pidfd, HELD, PidfdGetfdFlags::empty()).ok()?;
            ptsname(&found, Vec::new()).ok()?;
            Self::of(found).ok()
        })
    }

    /// The other end, to be given on.
    pub(super) fn share(&self) -> Result<OwnedFd, Error> {
        fcntl_dupfd_cloexec(&self.other_end, 3).doing("share the terminal")
    }

    /// Moves what was written into `fifo`, as far as it has come and there is room.
    ///
    /// The kernel moves it, so that who is killed here holds none of it in memory; where it cannot
    /// (before Linux 5.11), bytes go through ours.
    pub(super) fn pump(&self, fifo: &OwnedFd, mut make_room: impl FnMut()) {
        for _ in 0..BURST {
            let moved = splice(
                &self.other_end,
                None,
                fifo,
                None,
                CHUNK,
                SpliceFlags::NONBLOCK,
            );
            match moved {
                Ok(0) => return,
                Ok(_) | Err(Errno::INTR) => {}
                // One of the two: nothing to read, which the caller waits for, or no room.
                Err(Errno::AGAIN) if is_ready(&self.other_end) => make_room(),
                Err(Errno::INVAL) => return self.carry(fifo, make_room),
                Err(_) => return,
            }
        }
    }

    fn carry(&self, fifo: &OwnedFd, mut make_room: impl FnMut()) {
        let mut buffer = [0; CHUNK];
        for _ in 0..BURST {
            match read(&self.other_end, &mut buffer) {
                Ok(0) => return,
                Ok(count) => feed(fifo, &buffer[..count], &mut make_room),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Moves all that was written before now: terminals pass bytes on in their own time.
    pub(super) fn finish(&self, fifo: &OwnedFd, mut make_room: impl FnMut()) {
        self.pump(fifo, &mut make_room);
        let mut rest = Vec::new();
        let mut is_marked = false;
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            self.read_to(&mut rest);
            if let Some(at) = rest.windows(END.len()).position(|part| part == END) {
                rest.drain(at..at + END.len());
                break;
            }
            is_marked = is_marked || write(&self.own, END) == Ok(END.len());
            wait_for(&mut [readable(&self.other_end)], Some(POLL));
        }
        feed(fifo, &rest, &mut make_room);
    }

    fn read_to(&self, rest: &mut Vec<u8>) {
        let mut buffer = [0; CHUNK];
        for _ in 0..BURST {
            match read(&self.other_end, &mut buffer) {
                Ok(0) => return,
                Ok(count) => rest.extend_from_slice(&buffer[..count]),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

/// Puts bytes into the FIFO, and makes room whenever it is full.
fn feed(fifo: &OwnedFd, mut bytes: &[u8], make_room: &mut impl FnMut()) {
    while !bytes.is_empty() {
        match write(fifo, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::AGAIN) => make_room(),
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.other_end.as_fd()
    }
}

fn peer(other_end: BorrowedFd<'_>) -> Result<OwnedFd, Error> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    ioctl_tiocgptpeer(other_end, flags).doing("open the terminal")
}

/// Makes the terminal whose other end is our standard output that of this process, the first of its
/// session, and holds the other end and the FIFO for all that follow.
pub(super) fn take(fifo: impl AsFd) -> Result<Taken, Error> {
    let own = peer(rustix::stdio::stdout())?;
    ioctl_tiocsctty(&own).doing("take the terminal")?;
    // Where so many descriptors are not allowed, it hangs up when the last helper dies.
    let other_end = held(rustix::stdio::stdout(), HELD)?;
    let fifo = held(fifo.as_fd(), FIFO)?;
    Ok(Taken {
        own,
        _held: [other_end, fifo],
    })
}

fn held(fd: BorrowedFd<'_>, number: RawFd) -> Result<Option<OwnedFd>, Error> {
    let held = fcntl_dupfd_cloexec(fd, number).ok();
    if let Some(held) = &held {
        fcntl_setfd(held, FdFlags::empty()).doing("hold the terminal")?;
    }
    Ok(held)
}

/// Both ends of a terminal, in the hands of who becomes the script.
pub(super) struct Taken {
    pub(super) own: OwnedFd,
    _held: [Option<OwnedFd>; 2],
}
