//! Looking from where a step is: by a process of ours that goes there, and does not come back.
//!
//! It gets an [`Order`] on its standard input and answers with a report, one line of JSON.
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};

use super::seat::Seat;
use crate::check::{self, KeepFacts, Machine, Report, Selection};
use crate::commands::{Answer, Context};
use crate::failure::Failure;
use crate::run::{Sandbox, visit};

/// The words that ask for such a process.
const WORDS: [&str; 2] = ["helper", "check"];
/// How much longer than its checks the process may take.
const GRACE: Duration = Duration::from_secs(5);

/// What to look at, from where.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    sandbox: Sandbox,
    workdir: PathBuf,
    env: Vec<(OsString, OsString)>,
    intended: BTreeSet<String>,
    dir: PathBuf,
    root: Option<PathBuf>,
    stage: Option<String>,
    names: Vec<String>,
    own: Vec<(String, String)>,
    ids: Vec<String>,
    keep: Option<KeepFacts>,
    deadline: Option<Duration>,
}

/// Whether a command line asks to look from where a step is.
pub fn is_asked_for(args: &[OsString]) -> bool {
    args == WORDS
}

/// Looks at what `selection` asks for as the step of `seat` sees it; else says why nobody can.
pub(super) fn look(
    (names, selection): (&[String], &Selection),
    (seat, machine): (&Seat, &Machine),
    own: &[(String, String)],
    deadline: Option<Duration>,
) -> Result<Report, String> {
    let order = Order {
        sandbox: seat.sandbox.clone()?,
        workdir: seat.workdir.clone(),
        env: seat.env.clone(),
        intended: seat.intended.clone(),
        dir: machine.dir.clone(),
        root: machine.root.clone(),
        stage: machine.stage.clone(),
        names: names.to_owned(),
        own: own.to_owned(),
        ids: selection
            .checks
            .iter()
            .map(|check| check.id.clone())
            .collect(),
        keep: machine.keep.as_deref().cloned(),
        deadline,
    };
    let text = serde_json::to_vec(&order).map_err(|error| error.to_string())?;
    let mut child = start().map_err(|error| format!("no process to look with: {error}"))?;
    let answer = converse(&mut child, text, deadline);
    // It has said all, or will not say anything.
    let _ = child.kill();
    let _ = child.try_wait();
    let line = answer?;
    match serde_json::from_str::<Result<Report, String>>(&line) {
        Ok(report) => report,
        Err(_) => Err("the process that looks from there broke off".into()),
    }
}

fn start() -> io::Result<Child> {
    Command::new("/proc/self/exe")
        .args(WORDS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

/// Gives the order, and waits for the line that answers it, but not for long after the deadline.
fn converse(
    child: &mut Child,
    order: Vec<u8>,
    deadline: Option<Duration>,
) -> Result<String, String> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (tell, hear) = channel();
    let talker = std::thread::Builder::new().spawn(move || {
        // Whoever does not listen to all of it says why.
        let _ = stdin.map(|mut stdin| stdin.write_all(&order));
        let mut line = String::new();
        let _ = stdout.map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let _ = tell.send(line);
    });
    talker.map_err(|error| format!("no thread can be started: {error}"))?;
    let answer = match deadline {
        Some(deadline) => hear.recv_timeout(deadline + GRACE).ok(),
        None => hear.recv().ok(),
    };
    answer.ok_or_else(|| "the process that looks from there does not answer".into())
}

/// Carries out the order on the standard input.
pub fn answer(cx: &mut Context) -> Result<Answer, Failure> {
    let mut text = Vec::new();
    let read = io::stdin().read_to_end(&mut text);
    let order = read
        .map_err(|error| error.to_string())
        .and_then(|_| serde_json::from_slice::<Order>(&text).map_err(|error| error.to_string()));
    let report = order.and_then(|order| carry_out(cx, order));
    let mut line = serde_json::to_vec(&report).unwrap_or_default();
    line.push(b'\n');
    cx.ui.raw(&line)?;
    Ok(Answer::Yes)
}

fn carry_out(cx: &Context, order: Order) -> Result<Report, String> {
    let selection = selection(&order).map_err(|error| error.to_string())?;
    let folder = visit(&order.sandbox, &order.workdir).map_err(|error| error.to_string())?;
    // Nobody would hear what we find.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let outside = order.sandbox.chroot;
    let workdir = Some(folder.clone());
    let (dir, root) = match &outside {
        Some(_) => (folder, Some(Path::new("/").to_owned())),
        None => (order.dir, order.root),
    };
    let machine = Machine {
        env: order.env.into_iter().collect(),
        intended: order.intended,
        clock: cx.world.clock.clone(),
        ids: cx.world.ids.clone(),
        dir,
        root,
        workdir,
        outside,
        keep: order.keep.map(Into::into),
        os: Machine::os_here(),
        stage: order.stage,
        cache: None,
    };
    Ok(check::run(
        order.names,
        &selection,
        &machine,
        order.deadline,
    ))
}

/// The checks that are meant, from their texts: what is in a root cannot be asked for them.
fn selection(order: &Order) -> Result<Selection, check::Error> {
    let own = check::own_of(&order.own)?;
    let built_in = check::built_in_for(&order.names, &own)?;
    let mut selection = check::resolve(&order.names, &own, &built_in)?;
    selection
        .checks
        .retain(|check| order.ids.contains(&check.id));
    Ok(selection)
}
