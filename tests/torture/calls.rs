//! Death, a full disk and a broken one at every system call that writes: afterwards the keep opens,
//! holds what it held before or after, and the same command works without help.
//!
//! A command is watched once, to learn which calls it makes. Then it is run again for each of them,
//! and meets its fate there. The long form tries them all, the short one a few of each kind.
//!
//! What is synced at once is synced by several threads, and strace counts the calls of each thread by
//! itself: the first `fsync` of one is that of all. So commands also run where no thread can be made,
//! as the program allows for: there each call is one of its own.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::disk::say;
use crate::env::Env;
use crate::is_long;
use crate::trials::Trial;

/// Calls at which a command can die; the last one comes after everything.
const DEADLY: &str = "openat,write,pwrite64,writev,fsync,fdatasync,syncfs,sync_file_range,ftruncate,rename,renameat,\
    renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,chmod,fchmod,\
    fchmodat,utimensat,flock,exit_group";
/// Calls that can fail for want of room, or of a whole disk.
const FAILING: &str = "openat,write,pwrite64,fsync,fdatasync,syncfs,sync_file_range,ftruncate,rename,renameat,renameat2,\
    linkat,symlink,symlinkat,mkdir,fchmod";
/// Calls that make things so.
const DECISIVE: &[&str] = &["fsync", "rename", "syncfs"];
/// Failures that a command may do without: notes and caches, and what is only deleted.
const DISPENSABLE: &[&str] = &[
    // How far a restore came; one without starts anew.
    "/buildkeep/restores",
    "/.buildkeep/lock>",
    "/buildkeep/lock>",
    "/buildkeep/lock-optimize>",
    "/runs/lock>",
    "/.buildkeep/cache",
];

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

/// Whether things are done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hands {
    /// By as many threads as the command wants.
    Many,
    /// One after the other; nor can a helper be started then, such as `git`.
    One,
}

/// The nth call of its kind, and how it looked when nothing was in its way.
#[derive(Clone, Debug)]
struct Point {
    call: String,
    nth: usize,
    line: String,
}

/// Has the command meet its fate at each of its calls.
pub(crate) fn torture(trial: &Trial, fate: Fate) {
    let wanted = match fate {
        Fate::Killed => Hands::Many,
        Fate::Fails(..) => Hands::One,
    };
    let few = if trial.hands.contains(&wanted) {
        wanted
    } else {
        trial.hands[0]
    };
    for hands in trial.hands {
        if is_long() || *hands == few {
            meet(trial, fate, *hands);
        }
    }
}

fn meet(trial: &Trial, fate: Fate, hands: Hands) {
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return crate::disk::skip(trial.name, "`strace` is not installed");
    }
    crate::disk::prefer_memory();
    let env = Env::new();
    (trial.base)(&env);
    let points = chosen(points(&env, trial, (fate, hands)), trial);
    let before = prepared(&env, trial);
    let output = ours(&env, trial).output().unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    let after = (trial.seen)(&env);
    assert_ne!(after, before, "{} changes nothing", trial.name);
    let mut survived = 0;
    let count = points.len();
    for mut point in points {
        assert_eq!(prepared(&env, trial), before);
        // There can be some calls more or less than when it was watched.
        let Some(output) = met(&env, trial, (fate, hands), &mut point) else {
            continue;
        };
        let case = Case {
            env: &env,
            trial,
            point: &point,
            before: &before,
            after: &after,
        };
        (trial.sound)(&env).unwrap_or_else(|what| panic!("{}", case.told(&what)));
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
        "{name}: {fate:?}, {hands:?} at work, at {count} calls, {survived} times done all the same"
    ));
    assert!(count > survived, "nothing happened");
}

/// Copies the keep `base` to `w`, brings it to where the command begins, and tells what it holds.
fn prepared(env: &Env, trial: &Trial) -> String {
    let mut copy = Command::new("sh");
    copy.args(["-c", "rm -rf w w.* && cp -a base w"]);
    assert!(copy.current_dir(env.work()).status().unwrap().success());
    (trial.prepare)(env);
    (trial.seen)(env)
}

fn ours(env: &Env, trial: &Trial) -> Command {
    let mut command = env.buildkeep(&["-C", "w"]);
    command.args(trial.args).stdin(input(env, trial));
    command.envs((trial.vars)(env));
    command
}

/// What the command reads.
fn input(env: &Env, trial: &Trial) -> Stdio {
    std::fs::File::open(env.write("input", trial.input))
        .unwrap()
        .into()
}

fn strace(env: &Env, trial: &Trial, hands: Hands, options: &[&str]) -> Output {
    let mut strace = env.command("strace");
    // Threads are followed, other programs are not: the fate is ours alone.
    strace.args(["-f", "-qq", "-b", "execve"]).args(options);
    if hands == Hands::One {
        strace.args(["-e", "inject=clone3:error=EAGAIN"]);
    }
    strace
        .arg(env!("CARGO_BIN_EXE_buildkeep"))
        .args(["-C", "w"])
        .args(trial.args)
        .stdin(input(env, trial))
        .envs((trial.vars)(env));
    strace.output().unwrap()
}

/// The calls at which the fate can strike.
fn points(env: &Env, trial: &Trial, (fate, hands): (Fate, Hands)) -> Vec<Point> {
    prepared(env, trial);
    let calls = match fate {
        Fate::Killed => DEADLY,
        Fate::Fails(..) => FAILING,
    };
    let trace = format!("trace=clone3,{calls}");
    let log = env.path("strace.log");
    let log = log.to_str().unwrap();
    let output = strace(env, trial, hands, &["-y", "-o", log, "-e", &trace]);
    assert!(output.status.success(), "{}", env.shown(&output));
    let keep = env.path("w");
    let text = std::fs::read_to_string(log).unwrap();
    let mut points = numbered(&text);
    points.retain(|point| is_of_interest(point, fate, &keep));
    // Where one thread meets its fate, all that come to the same number do.
    let mut seen = BTreeSet::new();
    points.retain(|point| seen.insert((point.call.clone(), point.nth)));
    points
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
    // No thread is made by a trial of one hand.
    let is_work = point.call != "clone3" && makes_something(point);
    is_work && (fate == Fate::Killed || (is_there && does_something))
}

fn makes_something(point: &Point) -> bool {
    point.call != "openat" || point.line.contains("O_CREAT")
}

/// All points, but of hundreds of one kind some forty; in the short form those that matter most, and
/// of the other kinds two, by turns from trial to trial.
fn chosen(points: Vec<Point>, trial: &Trial) -> Vec<Point> {
    let mut by_call: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for point in points {
        by_call.entry(point.call.clone()).or_default().push(point);
    }
    if is_long() {
        return by_call.values().flat_map(|points| some(points)).collect();
    }
    let (decisive, others): (Vec<_>, Vec<_>) = by_call
        .into_values()
        .partition(|points| DECISIVE.contains(&points[0].call.as_str()));
    let last = |points: &Vec<Point>| points[points.len() - 1].clone();
    let mut few: Vec<Point> = decisive.iter().map(last).collect();
    few.extend(
        decisive
            .iter()
            .map(|points| points[points.len() / 2].clone()),
    );
    let turn = trial.name.len();
    let by_turns = (0..others.len().min(2)).map(|n| last(&others[(turn + n) % others.len()]));
    few.extend(by_turns);
    few
}

/// All, or of hundreds some forty: the first, the last, and evenly between them.
fn some(points: &[Point]) -> Vec<Point> {
    let step = if points.len() > 150 {
        points.len() / 40
    } else {
        1
    };
    let last = points.len() - 1;
    let is_one = |at: &usize| at.is_multiple_of(step) || *at == last;
    let chosen = (0..points.len()).filter(is_one);
    chosen.map(|at| points[at].clone()).collect()
}

/// Runs the command, which meets its fate; the point then tells how the call looked this time: the
/// names of objects, and so their order and their folders, are never the same.
fn met(
    env: &Env,
    trial: &Trial,
    (fate, hands): (Fate, Hands),
    point: &mut Point,
) -> Option<Output> {
    let what = match fate {
        Fate::Killed => "signal=SIGKILL".to_owned(),
        Fate::Fails(error, _) => format!("error={error}"),
    };
    let Point { call, nth, .. } = &*point;
    let trace = format!("trace=clone3,{call}");
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
    let output = strace(env, trial, hands, &options);
    let text = std::fs::read_to_string(&log).unwrap();
    let line = text
        .lines()
        .find(|line| line.ends_with("(INJECTED)") && !line.contains("clone3("));
    if let Some(line) = line {
        line.clone_into(&mut point.line);
    }
    let is_met = match fate {
        Fate::Killed => output.status.code().is_none(),
        Fate::Fails(..) => line.is_some(),
    };
    // Threads divide the calls among them as it comes: the nth may now be one of the terminal's.
    let is_on_disk = point.line.contains(env.path("w").to_str().unwrap());
    // Each thread counts for itself: another one may have failed to say what happened.
    let said = ["write(1<", "write(2<"];
    let mut injected = text.lines().filter(|line| line.ends_with("(INJECTED)"));
    let is_mute = injected.any(|line| said.iter().any(|call| line.contains(call)));
    let is_meant = fate == Fate::Killed || (is_on_disk && makes_something(point) && !is_mute);
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
            self.is_after(&seen, &self.env.shown(output));
        }
    }

    fn is_after(&self, seen: &str, when: &str) {
        let only = |a: &str, b: &str| {
            let b: BTreeSet<&str> = b.lines().collect();
            let lines = a.lines().filter(|line| !b.contains(line));
            lines.collect::<Vec<_>>().join("\n")
        };
        let missing = only(self.after, seen);
        let differ = format!("missing: {missing}\ninstead: {}", only(seen, self.after));
        assert!(seen == self.after, "{}\n{differ}", self.told(when));
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
        let (codes, begins) = self.trial.fails;
        let is_told = shown.contains(begins) && shown.contains(why) && shown.contains('`');
        assert!(
            output
                .status
                .code()
                .is_some_and(|code| codes.contains(&code))
                && is_told,
            "{}",
            self.told(&shown)
        );
        assert!(shown.contains("[ROOT]/w"), "{}", self.told(&shown));
    }

    /// The keep is sound, the same command works, nothing is in its way or in that of plain Git.
    fn goes_on(&self) {
        let (env, trial) = (self.env, self.trial);
        if trial.is_open {
            self.is_sound();
            env.stdout(&["-C", "w", "status"]);
        }
        if (trial.seen)(env) != self.after || trial.repeats {
            let again = ours(env, trial).output().unwrap();
            assert!(again.status.success(), "{}", self.told(&env.shown(&again)));
        }
        let seen = (trial.seen)(env);
        self.is_after(&seen, "the same command again");
        (trial.sound)(env).unwrap_or_else(|what| panic!("{}", self.told(&what)));
        self.is_sound();
        env.stdout(&["-C", "w", "config", "set", "build.jobs", "77"]);
        env.git(&["-C", "w", "commit", "-q", "--allow-empty", "-m", "plain"]);
        let status = env.git(&["-C", "w", "status", "--porcelain"]);
        assert_eq!(status, "", "{}", self.told("status"));
        (trial.later)(env).unwrap_or_else(|what| panic!("{}", self.told(&what)));
        let mut left = left_over(&env.path("w"));
        left.extend(left_over(&env.path("w.out")));
        assert_eq!(left, Vec::<String>::new(), "{}", self.told("left over"));
    }

    /// `git fsck --strict` has nothing to say.
    fn is_sound(&self) {
        let mut fsck = self.env.command("git");
        fsck.args(["-C", "w", "fsck", "--strict", "--no-dangling"]);
        let fsck = fsck.arg("--no-progress").output().unwrap();
        let is_silent = fsck.stdout.is_empty() && fsck.stderr.is_empty();
        assert!(
            fsck.status.success() && is_silent,
            "{}",
            self.told(&self.env.shown(&fsck))
        );
    }
}

fn is_lonely_pack(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "pack") && !path.with_extension("idx").exists()
}

/// Temporary files and locks of Git that nobody needs any more.
fn left_over(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(left_over(&entry.path()));
        } else if name.starts_with("tmp_")
            || name.starts_with(".tmp-")
            || name.starts_with(".buildkeep-tmp-")
            // A pack without an index keeps its room for ever.
            || is_lonely_pack(&entry.path())
            || entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "lock" || extension == "keep")
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}
