//! Programs that print a secret.
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::resolve::{Cause, Resolver};

/// How often a program is looked at.
const TICK: Duration = Duration::from_millis(5);
/// A secret is not longer than this.
const MOST: usize = 1 << 20;
/// How long a program that has ended may have been silent before that was all.
const SILENCE: Duration = Duration::from_millis(250);
/// So much of what a program complains about is told.
const COMPLAINT: usize = 600;

/// What a program prints; its complaints are told if it fails, what it printed never is.
///
/// It stays in our process group, so that it may ask for a passphrase on the terminal.
pub(super) fn run(argv: &[String], limit: Duration, place: &Resolver<'_>) -> Result<String, Cause> {
    let (program, arguments) = argv
        .split_first()
        .ok_or_else(|| Cause::new("it names no program", "name one"))?;
    let started = Command::new(program)
        .args(arguments)
        .current_dir(place.root)
        .env_clear()
        .envs(place.env.iter())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no program `{program}`"),
            _ => format!("`{program}` cannot be started: {error}"),
        };
        Cause::new(what, "install it, or correct `command` in `[secrets]`")
    })?;
    let said =
        Said::by(child.stdout.take()).and_then(|out| Ok((out, Said::by(child.stderr.take())?)));
    let (mut out, mut err) = said.map_err(|error| {
        end(&mut child);
        Cause::new(error.to_string(), "try again")
    })?;
    let deadline = place.clock.since_boot() + limit;
    let status = loop {
        if let Some(status) = ended(&mut child, [&mut out, &mut err])? {
            break status;
        }
        if place.clock.since_boot() >= deadline {
            end(&mut child);
            let what = format!("it took longer than {} s", limit.as_secs());
            return Err(Cause::new(
                what,
                "give it a longer `timeout` in `[secrets]`",
            ));
        }
        thread::sleep(TICK);
    };
    let said = out.rest();
    if !status.success() {
        let complaint = err.rest();
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        let start = complaint.len().saturating_sub(COMPLAINT);
        let told = complaint
            .char_indices()
            .find(|(at, _)| *at >= start)
            .map_or("", |(at, _)| &complaint[at..]);
        let what = match told {
            "" => format!("it ended with {status} and said nothing"),
            told => format!("it ended with {status} and said: {told}"),
        };
        return Err(Cause::new(what, "try it by hand, then again"));
    }
    if said.len() > MOST {
        return Err(too_long());
    }
    String::from_utf8(said)
        .map_err(|_| Cause::new("what it printed is not UTF-8", "encode it, as with base64"))
}

/// How a program ended, if it has; one that says too much is ended.
fn ended(child: &mut Child, all: [&mut Said; 2]) -> Result<Option<ExitStatus>, Cause> {
    for said in all {
        if said.is_too_long() {
            end(child);
            return Err(too_long());
        }
    }
    let status = child.try_wait();
    status.map_err(|error| Cause::new(error.to_string(), "try again"))
}

fn too_long() -> Cause {
    let what = format!("it printed more than {} MiB", MOST >> 20);
    Cause::new(what, "let it print the secret, and nothing else")
}

/// What a program says, read as it comes so that the program is never held up.
struct Said {
    chunks: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Said {
    fn by<R: Read + Send + 'static>(pipe: Option<R>) -> io::Result<Self> {
        let (send, chunks) = sync_channel(16);
        thread::Builder::new().spawn(move || pipe.map(|pipe| pass_on(pipe, &send)))?;
        Ok(Self {
            chunks,
            bytes: Vec::new(),
        })
    }

    fn is_too_long(&mut self) -> bool {
        self.bytes.extend(self.chunks.try_iter().flatten());
        self.bytes.len() > MOST
    }

    /// All of it, after the program has ended: something that it left behind may hold the pipe open
    /// for as long as it likes.
    fn rest(mut self) -> Vec<u8> {
        while let Ok(chunk) = self.chunks.recv_timeout(SILENCE) {
            self.bytes.extend(chunk);
            if self.bytes.len() > MOST {
                break;
            }
        }
        self.bytes
    }
}

/// Reads until the end, or until nobody listens any more.
fn pass_on(mut pipe: impl Read, send: &SyncSender<Vec<u8>>) {
    let mut chunk = vec![0; 64 << 10];
    loop {
        match pipe.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(size @ 1..) if send.send(chunk[..size].to_vec()).is_ok() => {}
            _ => return,
        }
    }
}

/// Ends a program with all that it started, as far as that can still be told.
fn end(child: &mut Child) {
    let mut all = vec![child.id()];
    let mut next = 0;
    while let Some(id) = all.get(next) {
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        all.extend(
            children
                .unwrap_or_default()
                .split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
        next += 1;
    }
    for id in &all[1..] {
        if let Some(pid) = i32::try_from(*id).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}
