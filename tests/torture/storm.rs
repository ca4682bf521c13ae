//! The power is cut at any moment of a stream of commands: all that was acknowledged by then is there,
//! and the same keep goes on without help.
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::disk::{Disk, Kind, alone, say, skip};
use crate::env::Env;
use crate::is_long;
use crate::place::{Outcome, Place};

/// How many commands a stream has at most.
const STREAM: usize = 60;

/// One command of the stream, and what its acknowledgement promises.
struct Deed {
    command: Command,
    promise: Promise,
}

#[derive(Clone, Debug)]
enum Promise {
    /// This subject is in the history.
    Subject(String),
    /// This tag is there.
    Tag(String),
}

/// Numbers without a pattern, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

fn deeds(place: &Place, round: usize) -> Vec<Deed> {
    let deed = |args: &[&str], promise| {
        let mut command = place.env.buildkeep(&[&["-C", &place.dir], args].concat());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Deed { command, promise }
    };
    let mut deeds = Vec::new();
    for n in 0..STREAM / 2 {
        let number = (round * STREAM + n).to_string();
        let subject = format!("config: set storm.number to {number}");
        let set = ["config", "set", "storm.number", &number];
        deeds.push(deed(&set, Promise::Subject(subject)));
        let tag = format!("t{number}");
        deeds.push(deed(&["tag", &tag], Promise::Tag(tag.clone())));
    }
    deeds
}

/// Does one thing after another until the disk fails; returns what was acknowledged before the cut.
///
/// Unlike after a real one, processes live on: then XFS answers to a sync of a folder that all is
/// well, since it has nothing to write any more. Nobody sees such an acknowledgement.
fn acknowledged(deeds: Vec<Deed>, is_cut: &AtomicBool) -> Vec<Promise> {
    let mut promises = Vec::new();
    for mut deed in deeds {
        let is_done = deed.command.status().unwrap().success();
        if !is_done || is_cut.load(Ordering::SeqCst) {
            break;
        }
        promises.push(deed.promise);
    }
    promises
}

fn are_kept(place: &Place, promises: &[Promise]) -> Outcome {
    place.is_sound()?;
    let history = place.git(&["log", "--format=%s"])?;
    let tags = place.git(&["tag"])?;
    for promise in promises {
        let is_kept = match promise {
            Promise::Subject(subject) => history.lines().any(|line| line == subject),
            Promise::Tag(tag) => tags.lines().any(|line| line == tag),
        };
        if !is_kept {
            return Err(format!("{promise:?} is lost"));
        }
    }
    place.keep(&["status"]).map(drop)
}

fn storm(env: &Rc<Env>, kind: Kind) {
    let test = format!("cuts at any moment on {}", kind.name());
    let disk = match Disk::new(env, kind) {
        Ok(disk) => Rc::new(disk),
        Err(why) => return skip(&test, &why),
    };
    let place = Place::new(env, &disk, "storm");
    place.init();
    place.write("config/storm.toml", "[storm]\nnumber = 0\n");
    place.keep(&["commit", "-m", "config: a number"]).unwrap();
    disk.settle();
    let (mut dice, mut kept) = (Dice(7), 0);
    let rounds = if is_long() { 200 } else { 3 };
    for round in 1..=rounds {
        let stream = deeds(&place, round);
        let is_cut = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_cut);
        let writer = thread::spawn(move || acknowledged(stream, &seen));
        thread::sleep(Duration::from_millis(dice.roll(1500)));
        is_cut.store(true, Ordering::SeqCst);
        disk.cut();
        let promises = writer.join().unwrap();
        disk.restart();
        let outcome = are_kept(&place, &promises);
        assert!(outcome.is_ok(), "{test}, cut {round}: {outcome:?}");
        kept += promises.len();
    }
    say(&format!(
        "{test}: {rounds} cuts, {kept} acknowledgements, all kept"
    ));
}

#[test]
fn cuts_at_any_moment_lose_nothing_on_ext4() {
    alone("storm::cuts_at_any_moment_lose_nothing_on_ext4", |env| {
        storm(env, Kind::Ext4);
    });
}

#[test]
fn cuts_at_any_moment_lose_nothing_on_xfs() {
    alone("storm::cuts_at_any_moment_lose_nothing_on_xfs", |env| {
        storm(env, Kind::Xfs);
    });
}
