//! Running somebody else's program so that it cannot hurt us: no input, little output, a deadline.
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::world::{Clock, Env};

/// Programs that say more than this are not worth listening to.
const MOST_OUTPUT: usize = 64 * 1024;

/// By this variable we know what our programs started, wherever it went.
const MARK: &str = "BUILDKEEP_CHECK";

/// Whether a program of ours ran since [`end_all`].
static RAN: AtomicBool = AtomicBool::new(false);

/// What a program did.
#[derive(Debug)]
pub(super) enum Ran {
    /// It came to an end.
    Ended(Output),
    /// It was still running at the deadline, and was killed.
    TooLong(Duration),
    /// It went on printing, and was killed.
    TooMuch,
    /// It could not be started.
    NotStarted(io::Error),
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Output {
    /// What it said on stdout, or else on stderr.
    pub(super) fn text(&self) -> &str {
        if self.stdout.trim().is_empty() {
            &self.stderr
        } else {
            &self.stdout
        }
    }

    /// Its first line with anything in it, for messages.
    pub(super) fn first_line(&self) -> &str {
        let lines = self.text().lines().map(str::trim);
        lines
            .into_iter()
            .find(|line| !line.is_empty())
            .unwrap_or_default()
    }

    /// The signal that killed it.
    pub(super) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// The place of `program` in `PATH`; relative folders there are not looked into.
pub(super) fn search(program: &str, env: &Env) -> Option<PathBuf> {
    let runs = |path: &Path| {
        let meta = fs::metadata(path);
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| runs(path));
    }
    let folders = env.get("PATH").unwrap_or(OsStr::new("/usr/bin:/bin"));
    std::env::split_paths(folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| runs(path))
}

/// Runs a command with a deadline, in a process group of its own, in the C locale.
pub(super) fn run(mut command: Command, env: &Env, clock: &Clock, limit: Duration) -> Ran {
    surround(&mut command, env);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match spawn(&mut command) {
        Ok(child) => child,
        Err(error) => return Ran::NotStarted(error),
    };
    let ran = listen(&mut child, clock, limit);
    if !matches!(ran, Ok(Ran::Ended(_))) {
        kill(&mut child, clock);
    }
    ran.unwrap_or_else(Ran::NotStarted)
}

/// Starts a program whose output is another one's input.
pub(super) fn feeding(mut command: Command, env: &Env) -> io::Result<Child> {
    surround(&mut command, env);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    spawn(&mut command)
}

/// Gives a program the C locale, a process group of its own, and our mark.
fn surround(command: &mut Command, env: &Env) {
    let passed = env.iter().filter(|(name, _)| *name != "LANGUAGE");
    command
        .env_clear()
        .envs(passed)
        .env("LC_ALL", "C")
        .env(MARK, std::process::id().to_string())
        .process_group(0);
    RAN.store(true, Ordering::Relaxed);
}

/// Starts the program; one that is being replaced at this moment a little later.
fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
    command.spawn()
}

/// A command that reads nothing; a root need not have `/dev/null`.
pub(super) fn command(path: &Path, args: &[String]) -> Command {
    let nothing = io::pipe().map_or_else(|_| Stdio::null(), |(reader, _)| reader.into());
    let mut command = Command::new(path);
    command.args(args).stdin(nothing);
    command
}

struct Streams {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    said: [Vec<u8>; 2],
}

/// Reads until the program ends; what its own children say later is not waited for.
fn listen(child: &mut Child, clock: &Clock, limit: Duration) -> io::Result<Ran> {
    let deadline = clock.since_boot() + limit;
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let mut streams = Streams::of(child)?;
    loop {
        let left = deadline.saturating_sub(clock.since_boot());
        if left.is_zero() {
            return Ok(Ran::TooLong(limit));
        }
        let mut fds = vec![PollFd::new(&pidfd, PollFlags::IN)];
        if let Some(stdout) = &streams.stdout {
            fds.push(PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::IN));
        }
        if let Some(stderr) = &streams.stderr {
            fds.push(PollFd::from_borrowed_fd(stderr.as_fd(), PollFlags::IN));
        }
        let wait = Timespec::try_from(left).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        match poll(&mut fds, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ended = !fds[0].revents().is_empty();
        drop(fds);
        streams.read()?;
        if streams.said.iter().map(Vec::len).sum::<usize>() > MOST_OUTPUT {
            return Ok(Ran::TooMuch);
        }
        if ended {
            // Whatever it left behind; as long as it is not waited for, its group is no other's.
            let _ = kill_process_group(pid, Signal::KILL);
            let status = child.wait()?;
            return Ok(Ran::Ended(streams.output(status)));
        }
    }
}

impl Streams {
    fn of(child: &mut Child) -> io::Result<Self> {
        let streams = Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            said: [Vec::new(), Vec::new()],
        };
        if let Some(stdout) = &streams.stdout {
            fcntl_setfl(stdout, fcntl_getfl(stdout)? | OFlags::NONBLOCK)?;
        }
        if let Some(stderr) = &streams.stderr {
            fcntl_setfl(stderr, fcntl_getfl(stderr)? | OFlags::NONBLOCK)?;
        }
        Ok(streams)
    }

    /// Takes what is there now; a stream that has ended is let go.
    fn read(&mut self) -> io::Result<()> {
        let [out, err] = &mut self.said;
        if let Some(stdout) = &mut self.stdout
            && drain(stdout, out)?
        {
            self.stdout = None;
        }
        if let Some(stderr) = &mut self.stderr
            && drain(stderr, err)?
        {
            self.stderr = None;
        }
        Ok(())
    }

    fn output(&self, status: ExitStatus) -> Output {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output {
            status,
            stdout: text(&self.said[0]),
            stderr: text(&self.said[1]),
        }
    }
}

/// Reads what is there, at most a little more than is wanted; tells whether that was the end.
fn drain(stream: &mut impl io::Read, said: &mut Vec<u8>) -> io::Result<bool> {
    let room = (MOST_OUTPUT + 1).saturating_sub(said.len()) as u64;
    let before = said.len();
    match stream.take(room).read_to_end(said) {
        Ok(_) => Ok(((said.len() - before) as u64) < room),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Kills the whole group, and waits for its leader for a moment: it may be stuck in the kernel.
fn kill(child: &mut Child, clock: &Clock) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let deadline = clock.since_boot() + Duration::from_millis(500);
    while clock.since_boot() < deadline {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            _ => return,
        }
    }
}

/// Ends what programs of ours left behind in groups and sessions of their own.
pub(super) fn end_all() {
    let mark = format!("{MARK}={}", std::process::id());
    if !RAN.swap(false, Ordering::Relaxed) {
        return;
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // The descriptor first: what is read then is of the process that is killed.
        let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
        if variables
            .split(|byte| *byte == 0)
            .any(|one| one == mark.as_bytes())
        {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
}
