//! Death, a full disk and a broken one at every system call that writes: afterwards the keep opens,
//! holds what it held before or after, and the same command works without help.
//!
//! A command is watched once, to learn which calls it makes. Then it is run again for each of them,
//! and meets its fate there. The long form tries them all, the short one a few of each kind.
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::disk::say;
use crate::env::Env;
use crate::is_long;
use crate::trials::Trial;

/// Calls at which a command can die; the last one comes after everything.
const DEADLY: &str = "openat,write,pwrite64,writev,fsync,fdatasync,syncfs,ftruncate,rename,renameat,\
    renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,chmod,fchmod,\
    fchmodat,utimensat,flock,exit_group";
/// Calls that can fail for want of room, or of a whole disk.
const FAILING: &str = "openat,write,pwrite64,fsync,fdatasync,syncfs,ftruncate,rename,renameat,renameat2,\
    linkat,symlink,symlinkat,mkdir,fchmod";
/// Failures that a command may do without: notes and caches, and what is only deleted.
const DISPENSABLE: &[&str] = &["lock.holder", "/.buildkeep/cache"];

/// What happens to a command at one of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is killed.
    Killed,
    /// The call fails with this error, which people read as this text.
    Fails(&'static str, &'static str),
}

pub(crate) const FULL: Fate = Fate::Fails("ENOSPC", "No space left on device");
pub(crate) const BROKEN: Fate = Fate::Fails("EIO", "Input/output error");

/// The nth call of its kind, and how it looked when nothing was in its way.
#[derive(Clone, Debug)]
struct Point {
    call: String,
    nth: usize,
    line: String,
}

/// Has the command meet its fate at each of its calls.
pub(crate) fn torture(trial: &Trial, fate: Fate) {
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return crate::disk::skip(trial.name, "`strace` is not installed");
    }
    let env = Env::new();
    (trial.base)(&env);
    let points = chosen(points(&env, trial, fate));
    let before = prepared(&env, trial);
    run(&env, trial);
    let after = (trial.seen)(&env);
    let mut survived = 0;
    let count = points.len();
    for mut point in points {
        assert_eq!(prepared(&env, trial), before);
        // There can be some calls more or less than when it was watched.
        let Some(output) = met(&env, trial, fate, &mut point) else {
            continue;
        };
        let case = Case {
            env: &env,
            trial,
            point: &point,
            before: &before,
            after: &after,
        };
        case.acknowledged(&output);
        if output.status.success() {
            survived += 1;
            case.may_do_without(fate);
        } else if let Fate::Fails(_, text) = fate {
            case.is_explained(&output, text);
        }
        case.goes_on();
    }
    let name = trial.name;
    say(&format!(
        "{name}: {fate:?} at {count} calls, {survived} times done all the same"
    ));
    assert!(count > survived, "nothing happened");
}

/// Copies the keep `base` to `w`, brings it to where the command begins, and tells what it holds.
fn prepared(env: &Env, trial: &Trial) -> String {
    let mut copy = Command::new("sh");
    copy.args(["-c", "rm -rf w && cp -a base w"]);
    assert!(copy.current_dir(env.work()).status().unwrap().success());
    (trial.prepare)(env);
    (trial.seen)(env)
}

fn run(env: &Env, trial: &Trial) {
    env.stdout(&[&["-C", "w"], trial.args].concat());
}

fn strace(env: &Env, trial: &Trial, options: &[&str]) -> Output {
    let mut strace = env.command("strace");
    strace
        .args(["-f", "-qq"])
        .args(options)
        .arg(env!("CARGO_BIN_EXE_buildkeep"))
        .args(["-C", "w"])
        .args(trial.args);
    strace.output().unwrap()
}

/// The calls at which the fate can strike.
fn points(env: &Env, trial: &Trial, fate: Fate) -> Vec<Point> {
    prepared(env, trial);
    let calls = match fate {
        Fate::Killed => DEADLY,
        Fate::Fails(..) => FAILING,
    };
    let trace = format!("trace={calls}");
    let log = env.path("strace.log");
    let log = log.to_str().unwrap();
    let output = strace(env, trial, &["-y", "-o", log, "-e", &trace]);
    assert!(output.status.success(), "{}", env.shown(&output));
    let keep = env.path("w");
    let text = std::fs::read_to_string(log).unwrap();
    let points = numbered(&text).into_iter();
    points
        .filter(|point| is_of_interest(point, fate, &keep))
        .collect()
}

/// The calls of a log, each counted among those of its kind in its process, as strace counts.
fn numbered(log: &str) -> Vec<Point> {
    let mut counts = BTreeMap::new();
    let mut points = Vec::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, _)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if !call
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            continue;
        }
        let count = counts
            .entry((process.to_owned(), call.to_owned()))
            .or_insert(0);
        *count += 1;
        points.push(Point {
            call: call.to_owned(),
            nth: *count,
            line: rest.to_owned(),
        });
    }
    points
}

/// Death may come anywhere, but opening to read is of no interest; failures come from the keep's disk.
fn is_of_interest(point: &Point, fate: Fate, keep: &Path) -> bool {
    let is_there = point.line.contains(keep.to_str().unwrap());
    let does_something = !point.line.contains(") = -1 E");
    makes_something(point) && (fate == Fate::Killed || (is_there && does_something))
}

fn makes_something(point: &Point) -> bool {
    point.call != "openat" || point.line.contains("O_CREAT")
}

/// All points, or in the short form the last of each kind, and two more of those that matter most.
fn chosen(points: Vec<Point>) -> Vec<Point> {
    if is_long() {
        return points;
    }
    let mut by_call: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for point in points {
        by_call.entry(point.call.clone()).or_default().push(point);
    }
    let few = by_call.into_values().flat_map(|points| {
        let last = points.len() - 1;
        let is_decisive = ["fsync", "rename"].contains(&points[0].call.as_str());
        let mut at = if is_decisive {
            vec![0, last / 2, last]
        } else {
            vec![last]
        };
        at.dedup();
        at.into_iter()
            .map(|at| points[at].clone())
            .collect::<Vec<_>>()
    });
    few.collect()
}

/// Runs the command, which meets its fate; the point then tells how the call looked this time: the
/// names of objects, and so their order and their folders, are never the same.
fn met(env: &Env, trial: &Trial, fate: Fate, point: &mut Point) -> Option<Output> {
    let what = match fate {
        Fate::Killed => "signal=SIGKILL".to_owned(),
        Fate::Fails(error, _) => format!("error={error}"),
    };
    let Point { call, nth, .. } = &*point;
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:{what}:when={nth}");
    let log = env.path("strace.log");
    let options = [
        "-y",
        "-o",
        log.to_str().unwrap(),
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    let output = strace(env, trial, &options);
    let text = std::fs::read_to_string(&log).unwrap();
    let line = text.lines().find(|line| line.ends_with("(INJECTED)"));
    if let Some(line) = line {
        line.clone_into(&mut point.line);
    }
    let is_met = line.is_some() || output.status.code().is_none();
    // Threads divide the calls among them as it comes: the nth may now be one of the terminal's.
    let is_on_disk = point.line.contains(env.path("w").to_str().unwrap());
    let is_meant = fate == Fate::Killed || (is_on_disk && makes_something(point));
    (is_met && is_meant).then_some(output)
}

/// One command that met its fate.
struct Case<'a> {
    env: &'a Env,
    trial: &'a Trial,
    point: &'a Point,
    before: &'a str,
    after: &'a str,
}

impl Case<'_> {
    fn told(&self, what: &str) -> String {
        let Point { call, nth, line } = self.point;
        format!("{}, {call} number {nth} ({line}): {what}", self.trial.name)
    }

    /// Whoever was told that it is done, finds it done; else it is as before, or done all the same.
    fn acknowledged(&self, output: &Output) {
        let seen = (self.trial.seen)(self.env);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let is_promised = output.status.success() || stdout.contains(self.trial.says);
        let is_half = !self.trial.is_gradual && seen != self.before;
        if is_promised || is_half {
            assert_eq!(seen, self.after, "{}", self.told(&self.env.shown(output)));
        }
    }

    /// A call whose failure changed nothing must not have mattered.
    fn may_do_without(&self, fate: Fate) {
        let line = &self.point.line;
        // An object that is there already and cannot be synced is written again.
        let is_renewed = line.contains("/.git/objects/") && self.names_an_object();
        let is_dispensable = DISPENSABLE.iter().any(|part| line.contains(part)) || is_renewed;
        if let Fate::Fails(..) = fate {
            assert!(
                is_dispensable,
                "{}",
                self.told("its failure was not noticed")
            );
        }
    }

    /// Whether the call is about a finished object, whose name is that of its content.
    fn names_an_object(&self) -> bool {
        let mut words = self.point.line.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word.len() == 38 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// Says what failed, where and why, and what to type next; and never that it is our bug.
    fn is_explained(&self, output: &Output, why: &str) {
        let shown = self.env.shown(output);
        let is_told =
            shown.contains("error: cannot ") && shown.contains(why) && shown.contains('`');
        assert!(
            output.status.code() == Some(2) && is_told,
            "{}",
            self.told(&shown)
        );
        assert!(shown.contains("[ROOT]/w"), "{}", self.told(&shown));
    }

    /// The keep is sound, the same command works, nothing is in its way or in that of plain Git.
    fn goes_on(&self) {
        let (env, trial) = (self.env, self.trial);
        let mut fsck = env.command("git");
        fsck.args([
            "-C",
            "w",
            "fsck",
            "--strict",
            "--no-dangling",
            "--no-progress",
        ]);
        let fsck = fsck.output().unwrap();
        let is_silent = fsck.stdout.is_empty() && fsck.stderr.is_empty();
        assert!(
            fsck.status.success() && is_silent,
            "{}",
            self.told(&env.shown(&fsck))
        );
        env.stdout(&["-C", "w", "status"]);
        if (trial.seen)(env) != self.after || trial.repeats {
            let again = env
                .buildkeep(&["-C", "w"])
                .args(trial.args)
                .output()
                .unwrap();
            assert!(again.status.success(), "{}", self.told(&env.shown(&again)));
        }
        assert_eq!(
            (trial.seen)(env),
            self.after,
            "{}",
            self.told("the same command again")
        );
        env.stdout(&["-C", "w", "config", "set", "build.jobs", "77"]);
        env.git(&["-C", "w", "commit", "-q", "--allow-empty", "-m", "plain"]);
        assert_eq!(
            env.git(&["-C", "w", "status", "--porcelain"]),
            "",
            "{}",
            self.told("status")
        );
        assert_eq!(
            left_over(&env.path("w")),
            Vec::<String>::new(),
            "{}",
            self.told("left over")
        );
    }
}

/// Temporary files and locks of Git that nobody needs any more.
fn left_over(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(left_over(&entry.path()));
        } else if name.starts_with("tmp_obj_")
            || name.starts_with(".buildkeep-tmp-")
            || entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "lock")
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}
