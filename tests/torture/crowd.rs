//! Many at once: our own commands wait for one another, plain Git goes on beside them, and neither
//! loses anything of the other.
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::disk::say;
use crate::env::Env;
use crate::is_long;

/// A keep with one step, and a file without a schema.
fn keep() -> Env {
    let env = Env::new();
    env.script("s/01-one.sh", "#!/bin/sh\necho one\n");
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    let keys: Vec<String> = (0..16).map(|n| format!("k{n} = 0\n")).collect();
    env.write("k/config/many.toml", &format!("[many]\n{}", keys.concat()));
    env.stdout(&["-C", "k", "commit", "-m", "config: many keys"]);
    env
}

fn spawn(env: &Env, args: &[&str]) -> Child {
    let mut command = env.buildkeep(&[&["-C", "k"], args].concat());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn is_sound(env: &Env) {
    let shown = env.git(&[
        "-C",
        "k",
        "fsck",
        "--strict",
        "--no-dangling",
        "--no-progress",
    ]);
    assert_eq!(shown, "");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
}

#[test]
fn sixteen_set_different_keys_and_all_are_there() {
    let env = keep();
    let set = |n: usize| {
        spawn(
            &env,
            &["config", "set", &format!("many.k{n}"), &n.to_string()],
        )
    };
    let lock = std::fs::File::open(env.path("k/.buildkeep/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let children: Vec<Child> = (0..16).map(set).collect();
    children.iter().for_each(until_it_waits);
    drop(lock);
    // Who waits for 30 seconds gives up, and says so: all of them are done, so nobody did.
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", env.shown(&output));
    }
    let file = std::fs::read_to_string(env.path("k/config/many.toml")).unwrap();
    let expected: Vec<String> = (0..16).map(|n| format!("k{n} = {n}\n")).collect();
    assert_eq!(file, format!("[many]\n{}", expected.concat()));
    let log = env.git(&["-C", "k", "log", "--format=%s"]);
    // `k0` is 0 already.
    assert_eq!(log.matches("config: set many.k").count(), 15, "{log}");
    is_sound(&env);
}

/// Waits until a process has the lock file open: it has looked at the keep, and waits for its turn.
fn until_it_waits(child: &Child) {
    let fds = format!("/proc/{}/fd", child.id());
    for _ in 0..3000 {
        let open = std::fs::read_dir(&fds).into_iter().flatten().flatten();
        let mut targets = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
        if targets.any(|target| target.ends_with("k/.buildkeep/lock")) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to wait for the lock");
}

#[test]
fn two_set_one_key_and_the_second_is_told_of_the_first() {
    let env = keep();
    let lock = std::fs::File::open(env.path("k/.buildkeep/lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let children = ["31", "32"].map(|jobs| spawn(&env, &["config", "set", "build.jobs", jobs]));
    children.iter().for_each(until_it_waits);
    drop(lock);
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let shown = outputs.each_ref().map(|output| env.shown(output));
    assert!(
        outputs.iter().all(|output| output.status.success()),
        "{shown:?}"
    );
    let now = env.stdout(&["-C", "k", "config", "get", "build.jobs"]);
    let (won, lost) = match now.as_str() {
        "31\n" => (0, 1),
        "32\n" => (1, 0),
        other => panic!("{other}: {shown:?}"),
    };
    assert!(!shown[lost].contains("meanwhile"), "{}", shown[lost]);
    let first = ["31", "32"][lost];
    let told = format!("meanwhile Test Er changed that too: config: set build.jobs to {first}");
    assert!(shown[won].contains(&told), "{}", shown[won]);
    let seen = format!("build.jobs: {first} -> ");
    assert!(shown[won].contains(&seen), "{}", shown[won]);
    is_sound(&env);
}

/// How often we do something while plain Git is at work.
fn rounds() -> usize {
    if is_long() { 150 } else { 12 }
}

/// Ends the loop, also if a test fails beside it.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs plain Git in a loop beside our commands; returns how often it came through.
fn beside(env: &Env, git: &[&str], ours: impl FnOnce()) -> usize {
    let is_over = AtomicBool::new(false);
    let mut command = env.command("git");
    command.args(["-C", "k"]).args(git);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    thread::scope(|scope| {
        let looped = scope.spawn(|| {
            let mut successes = 0;
            while !is_over.load(Ordering::Relaxed) {
                let status = command.status().unwrap();
                successes += usize::from(status.success());
            }
            successes
        });
        let over = Over(&is_over);
        ours();
        drop(over);
        looped.join().unwrap()
    })
}

/// Sets a key, back and forth so that old objects are used again, and names what came of it.
fn set_and_tag(env: &Env) {
    for n in 1..=rounds() {
        let jobs = (n % 5 + 1).to_string();
        env.stdout(&["-C", "k", "config", "set", "build.jobs", &jobs]);
        env.stdout(&["-C", "k", "tag", &format!("t{n}")]);
        if n % 3 == 0 {
            env.stdout(&["-C", "k", "tag", "--delete", &format!("t{}", n - 1)]);
        }
    }
}

fn all_is_there(env: &Env) {
    let subjects = env.git(&["-C", "k", "log", "--format=%s"]);
    let sets = subjects.matches("config: set build.jobs").count();
    assert!(sets + 1 >= rounds(), "{subjects}");
    let tags = env.git(&["-C", "k", "tag"]).lines().count();
    assert_eq!(tags, rounds() - rounds() / 3);
    is_sound(env);
}

#[test]
fn plain_commits_go_on_beside_ours() {
    let env = keep();
    let commit = ["commit", "-q", "--allow-empty", "-m", "plain"];
    let done = beside(&env, &commit, || set_and_tag(&env));
    let subjects = env.git(&["-C", "k", "log", "--format=%s"]);
    let plain = subjects
        .lines()
        .filter(|subject| *subject == "plain")
        .count();
    say(&format!("git commit went through {done} times beside ours"));
    assert!(done > 0 && plain == done, "{plain} of {done}");
    all_is_there(&env);
}

#[test]
fn gc_goes_on_beside_us() {
    let env = keep();
    let done = beside(&env, &["gc", "-q", "--prune=now"], || set_and_tag(&env));
    say(&format!("git gc went through {done} times beside us"));
    assert!(done > 0);
    all_is_there(&env);
}

#[test]
fn packing_of_refs_goes_on_beside_us() {
    let env = keep();
    let done = beside(&env, &["pack-refs", "--all"], || set_and_tag(&env));
    say(&format!(
        "git pack-refs went through {done} times beside us"
    ));
    assert!(done > 0);
    all_is_there(&env);
}

#[test]
fn repacking_goes_on_beside_us() {
    let env = keep();
    let done = beside(&env, &["repack", "-adq"], || set_and_tag(&env));
    say(&format!("git repack went through {done} times beside us"));
    assert!(done > 0);
    all_is_there(&env);
}

#[test]
fn a_keep_that_borrows_objects_is_written_like_any_other() {
    let env = keep();
    env.git(&["clone", "-q", "--shared", "k", "borrower"]);
    env.stdout(&["-C", "borrower", "config", "set", "build.jobs", "7"]);
    env.stdout(&["-C", "borrower", "rollback", "--to", "HEAD~1", "--yes"]);
    let shown = env.git(&["-C", "borrower", "fsck", "--strict", "--no-dangling"]);
    assert_eq!(shown, "");
    assert_eq!(env.git(&["-C", "borrower", "status", "--porcelain"]), "");
}
