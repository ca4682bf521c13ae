//! A terminal of our own, with somebody who reads its screen.
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::env::Env;
use super::site::until;

/// A command that runs on a terminal.
pub(crate) struct Terminal {
    pub(crate) child: Child,
    /// Our end; none once we have hung up.
    ours: Option<File>,
    theirs: File,
    seen: Arc<Mutex<Seen>>,
}

/// What was written to the terminal.
struct Seen {
    raw: Vec<u8>,
    screen: Screen,
}

impl Terminal {
    /// Runs a command of ours, adjusted by `adjust`, on a terminal of 80×24.
    pub(crate) fn run(env: &Env, args: &[&str], adjust: impl FnOnce(&mut Command)) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let open = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&name)
                .unwrap()
        };
        let theirs = open();
        let ours = File::from(ours);
        resize(&ours, 80, 24);
        let mut command = env.command("setsid");
        command
            .arg("--ctty")
            .arg("--wait")
            .arg(env!("CARGO_BIN_EXE_buildkeep"));
        command.args(args).env("TERM", "xterm-256color");
        command.stdin(open()).stdout(open()).stderr(open());
        adjust(&mut command);
        let child = command.spawn().unwrap();
        drop(command);
        let seen = Arc::new(Mutex::new(Seen {
            raw: Vec::new(),
            screen: Screen::new(80, 24),
        }));
        read_on(ours.try_clone().unwrap(), Arc::clone(&seen));
        Self {
            child,
            ours: Some(ours),
            theirs,
            seen,
        }
    }

    /// What the screen shows.
    pub(crate) fn shown(&self) -> String {
        self.seen.lock().unwrap().screen.text()
    }

    /// All that was written so far.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap().raw).into_owned()
    }

    /// Waits until the screen shows something.
    pub(crate) fn until_shown(&self, what: &str) {
        let mut shown = String::new();
        let is_shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || {
                shown = self.shown();
                shown.contains(what)
            });
        }));
        assert!(is_shown.is_ok(), "waited for {what}:\n{shown}");
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.ours
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        self.seen.lock().unwrap().screen = Screen::new(width.into(), height.into());
        resize(self.ours.as_ref().unwrap(), width, height);
    }

    /// Whether lines are edited and what is typed is shown, as a shell wants it.
    pub(crate) fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.theirs).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut status = None;
        until("the end of the command", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &File, width: u16, height: u16) {
    let size = Winsize {
        ws_row: height,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn read_on(mut ours: File, seen: Arc<Mutex<Seen>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = ours.read(&mut buffer) {
            let mut seen = seen.lock().unwrap();
            seen.raw.extend_from_slice(&buffer[..count]);
            seen.screen.feed(&buffer[..count]);
        }
    });
}

/// As much of a VT100 as our screen needs.
struct Screen {
    width: usize,
    cells: Vec<Vec<char>>,
    at: (usize, usize),
    pending: Vec<u8>,
}

impl Screen {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            cells: vec![vec![' '; width]; height],
            at: (0, 0),
            pending: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let lines = self.cells.iter().map(|row| {
            let row: String = row.iter().collect();
            row.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        while let Some(length) = self.take(rest) {
            rest = &rest[length..];
        }
        self.pending = rest.to_vec();
    }

    /// Carries out what comes first; nothing if more is to come of it.
    fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        match *bytes.first()? {
            0x1b => self.escape(bytes),
            b'\r' => {
                self.at.1 = 0;
                Some(1)
            }
            b'\n' => {
                self.at.0 += 1;
                Some(1)
            }
            first => {
                let length = match first {
                    0xf0.. => 4,
                    0xe0.. => 3,
                    0xc0.. => 2,
                    _ => 1,
                };
                let text = String::from_utf8_lossy(bytes.get(..length)?).into_owned();
                self.put(text.chars().next().unwrap());
                Some(length)
            }
        }
    }

    fn put(&mut self, c: char) {
        let (row, column) = self.at;
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = c;
        }
        self.at.1 += 1;
    }

    fn escape(&mut self, bytes: &[u8]) -> Option<usize> {
        if *bytes.get(1)? != b'[' {
            return Some(2);
        }
        let end = bytes[2..]
            .iter()
            .position(|byte| (0x40..0x7f).contains(byte))?
            + 2;
        let text = String::from_utf8_lossy(&bytes[2..end]).into_owned();
        let mut numbers = text.split(';').map(|number| number.parse::<usize>().ok());
        match bytes[end] {
            b'H' => {
                let row = numbers.next().flatten().unwrap_or(1) - 1;
                let column = numbers.next().flatten().unwrap_or(1) - 1;
                self.at = (row, column);
            }
            b'J' => *self = Self::new(self.width, self.cells.len()),
            _ => {}
        }
        Some(end + 1)
    }
}
