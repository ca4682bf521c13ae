//! Helpers that have nothing to do, do nothing; and leave when there is nothing left to guard.
use std::time::Duration;

use super::site::{Site, until};

/// Waits for the test in a child that outlives the script, then writes more than a pipe holds.
const DAEMON: &str = "
(until [ -e go ] || [ $((i += 1)) -gt 1200 ]; do sleep 0.05; done
 head -c 3000000 /dev/zero; touch written) &
touch running
";

/// How long a helper worked so far, in clock ticks.
fn worked(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
    fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
}

/// A spinning process works 100 ticks a second, one that looks now and then not one.
fn assert_idle(pid: i32) {
    let before = worked(pid);
    std::thread::sleep(Duration::from_secs(1));
    let ticks = worked(pid) - before;
    assert!(ticks < 10, "{ticks} ticks in a second without events");
}

#[test]
fn a_keeper_whose_script_is_done_in_time_waits_quietly_for_what_it_left() {
    let mut site = Site::new(DAEMON);
    site.spec.timeout_s = Some(1);
    let keeper = site.start();
    let pid = keeper.id() as i32;
    assert!(site.follow(Some(keeper)).exit.unwrap().is_success());
    assert_idle(pid);
    site.touch("go");
    site.until_file("written");
    until("the keeper to leave", || site.helper("keeper").is_none());
    assert!(site.inspect().stop.is_none(), "it was in time");
}

#[test]
fn a_keeper_whose_attempt_was_deleted_is_quiet_and_takes_output_to_the_end() {
    let site = Site::new(&format!(
        "{DAEMON}until [ -e end ] || [ $((j += 1)) -gt 1200 ]; do sleep 0.05; done"
    ));
    let mut keeper = site.start();
    site.until_file("running");
    std::fs::remove_dir_all(site.dir.path()).unwrap();
    site.touch("end");
    until("the shim to leave", || site.helper("shim").is_none());
    assert_idle(keeper.id() as i32);
    site.touch("go");
    site.until_file("written");
    keeper.wait().unwrap();
}

/// Whether a process has a file of this name open.
fn has_open(pid: u32, name: &str) -> bool {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let targets = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    targets.into_iter().any(|target| target.ends_with(name))
}

#[test]
fn an_adopter_whose_attempt_was_deleted_takes_output_to_the_end() {
    let site = Site::new(
        "touch running; until [ -e go ] || [ $((i += 1)) -gt 1200 ]; do sleep 0.05; done
         head -c 3000000 /dev/zero; touch written",
    );
    let mut keeper = site.start();
    site.until_file("running");
    site.kill_helper("shim");
    site.kill_helper("keeper");
    keeper.wait().unwrap();
    let adopt = || buildkeep::run::adopt(&Site::program(), &site.dir, None).unwrap();
    let mut adopter = adopt();
    until("adoption", || {
        // One that finds a dying helper still in charge leaves at once, as it should.
        if adopter.try_wait().unwrap().is_some() {
            adopter = adopt();
        }
        has_open(adopter.id(), "0001.log")
    });
    // The adopter may be making a file at this very moment.
    until("deletion", || {
        std::fs::remove_dir_all(site.dir.path()).is_ok() || !site.dir.path().exists()
    });
    assert_idle(adopter.id() as i32);
    site.touch("go");
    site.until_file("written");
    adopter.wait().unwrap();
}
