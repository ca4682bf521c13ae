//! Programs that print a secret.
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::resolve::{Cause, Resolver};

/// How often a program is looked at.
const TICK: Duration = Duration::from_millis(5);
/// A secret is not longer than this.
const MOST: u64 = 1 << 20;
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
    let drained = drain(child.stdout.take()).and_then(|out| Ok((out, drain(child.stderr.take())?)));
    let (out, err) = drained.map_err(|error| {
        // It ends now, or has ended.
        let _ = child.kill();
        let _ = child.wait();
        Cause::new(error.to_string(), "try again")
    })?;
    let status = wait(&mut child, limit, place)?;
    // Something it left behind may hold the pipes open.
    let said = out.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
    if !status.success() {
        let complaint = err.recv_timeout(Duration::from_secs(2)).unwrap_or_default();
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
    String::from_utf8(said)
        .map_err(|_| Cause::new("what it printed is not UTF-8", "encode it, as with base64"))
}

fn drain<R: Read + Send + 'static>(pipe: Option<R>) -> io::Result<Receiver<Vec<u8>>> {
    let (send, receive) = channel();
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error is all there is.
            let _ = pipe.take(MOST).read_to_end(&mut bytes);
        }
        // Nobody listens any more if it took too long.
        let _ = send.send(bytes);
    })?;
    Ok(receive)
}

fn wait(
    child: &mut Child,
    limit: Duration,
    place: &Resolver<'_>,
) -> Result<std::process::ExitStatus, Cause> {
    let deadline = place.clock.since_boot() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if place.clock.since_boot() < deadline => thread::sleep(TICK),
            Ok(None) => {
                // It ends now, or has ended.
                let _ = child.kill();
                let _ = child.wait();
                let what = format!("it took longer than {} s", limit.as_secs());
                return Err(Cause::new(
                    what,
                    "give it a longer `timeout` in `[secrets]`",
                ));
            }
            Err(error) => return Err(Cause::new(error.to_string(), "try again")),
        }
    }
}
