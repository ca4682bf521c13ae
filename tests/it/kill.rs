//! Our processes die; the script, its exit code and its log do not.
use std::time::Duration;

use buildkeep::run::{AttemptState, Interrupts, Spec, Tick, Unknown, adopt};

use super::site::{Site, is_alive, kill, lines, until};

/// Says that it was started, speaks, waits for the test, speaks again, ends with 7.
const PATIENT: &str = "
echo started >> starts
echo before
touch running
until [ -e go ] || [ $((i += 1)) -gt 6000 ]; do sleep 0.01; done
seq 1 20000
echo after >&2
exit 7
";

/// What `seq` says.
fn numbers(last: u32) -> String {
    let mut text = String::new();
    for number in 1..=last {
        text.push_str(&number.to_string());
        text.push('\n');
    }
    text
}

fn expected_log() -> String {
    format!("before\n{}after\n", numbers(20_000))
}

/// What must hold however it came to its end.
fn assert_whole(site: &Site) {
    let attempt = site.inspect();
    assert_eq!(attempt.state, AttemptState::Failed);
    assert_eq!(attempt.exit.unwrap().code, Some(7));
    assert_eq!(lines(&site.file("starts")), 1, "started once");
    assert!(site.text() == expected_log());
}

#[test]
fn nobody_dies() {
    let site = Site::new(PATIENT);
    let keeper = site.start();
    site.until_file("running");
    assert_eq!(site.inspect().state, AttemptState::Running);
    site.touch("go");
    let attempt = site.follow(Some(keeper));
    assert_whole(&site);
    assert_eq!(attempt.exit.unwrap().by, "shim");
}

#[test]
fn the_keeper_dies() {
    let site = Site::new(PATIENT);
    let keeper = site.start();
    site.until_file("running");
    site.kill_helper("keeper");
    assert_eq!(site.inspect().state, AttemptState::Running);
    site.touch("go");
    let attempt = site.follow(Some(keeper));
    assert_whole(&site);
    assert_eq!(attempt.exit.unwrap().by, "shim");
}

#[test]
fn the_shim_dies() {
    let site = Site::new(PATIENT);
    let keeper = site.start();
    site.until_file("running");
    site.kill_helper("shim");
    assert_eq!(site.inspect().state, AttemptState::Running);
    site.touch("go");
    let attempt = site.follow(Some(keeper));
    assert_whole(&site);
    let exit = attempt.exit.unwrap();
    assert_eq!(exit.by, "keeper");
    assert!(exit.usage.unwrap().max_rss_bytes > 0);
}

#[test]
fn both_die_and_the_next_command_adopts_the_script() {
    let site = Site::new(PATIENT);
    let mut keeper = site.start();
    site.until_file("running");
    site.kill_helper("keeper");
    site.kill_helper("shim");
    keeper.wait().unwrap();
    let attempt = site.inspect();
    assert_eq!(attempt.state, AttemptState::Running);
    assert!(!attempt.is_guarded);
    let follower = site.follower(None);
    site.touch("go");
    let attempt = site.finish(follower);
    assert_eq!(lines(&site.file("starts")), 1);
    assert!(site.text() == expected_log());
    let exit = attempt.exit.unwrap();
    assert_eq!(exit.by, "adopter");
    if kernel_tells() {
        assert_eq!(exit.code, Some(7));
    } else {
        assert!(exit.code == Some(7) || exit.unknown == Some(Unknown::Lost));
    }
}

/// Exit codes of orphans are told since Linux 6.15.
fn kernel_tells() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(15))
}

/// Whoever waits in the foreground remembers for the adopter how the script ended.
#[test]
fn the_script_ends_while_nobody_but_the_foreground_lives() {
    let site = Site::new(PATIENT);
    let mut keeper = site.start();
    site.until_file("running");
    let interrupts = Interrupts::watch().unwrap();
    let mut follower = site.follower(None);
    let tick = follower.wait(Duration::ZERO, &interrupts).unwrap();
    assert!(matches!(tick, Tick::Running));
    let script = site.inspect().process.unwrap();
    site.kill_helper("keeper");
    site.kill_helper("shim");
    keeper.wait().unwrap();
    site.touch("go");
    until("the end", || !script.is_running());
    let exit = site.finish(follower).exit.unwrap();
    assert_eq!(lines(&site.file("starts")), 1);
    assert!(site.text() == expected_log());
    assert!(exit.code == Some(7) || !kernel_tells(), "{exit:?}");
}

#[test]
fn the_adopter_dies_too() {
    let site = Site::new(PATIENT);
    let mut keeper = site.start();
    site.until_file("running");
    site.kill_helper("shim");
    site.kill_helper("keeper");
    keeper.wait().unwrap();
    for _ in 0..3 {
        let mut adopter = adopt(&Site::program(), &site.dir, None).unwrap();
        until("adoption", || site.inspect().is_guarded);
        kill(adopter.id() as i32);
        adopter.wait().unwrap();
        assert_eq!(site.inspect().state, AttemptState::Running);
    }
    let follower = site.follower(None);
    site.touch("go");
    site.finish(follower);
    assert_eq!(lines(&site.file("starts")), 1);
    assert!(site.text() == expected_log());
}

#[test]
fn all_die_with_the_script() {
    let site = Site::new("echo $$ > pid; touch running; sleep 60");
    let mut keeper = site.start();
    site.until_file("running");
    let script: i32 = std::fs::read_to_string(site.file("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    site.kill_helper("keeper");
    site.kill_helper("shim");
    kill(script);
    keeper.wait().unwrap();
    let before = site.inspect().state;
    let attempt = site.follow(None);
    let exit = attempt.exit.unwrap();
    // A zombie that nobody reaped yet still tells.
    if exit.signal == Some(9) {
        assert_eq!(attempt.state, AttemptState::Failed);
    } else {
        assert_eq!(
            (exit.unknown, before),
            (Some(Unknown::Lost), AttemptState::Lost)
        );
        assert_eq!(attempt.state, AttemptState::Lost);
    }
}

/// Whichever of our processes dies at whichever moment of the start: at most one script, and the
/// truth about it.
#[test]
fn a_helper_dies_at_any_moment_of_the_start() {
    let mut started = 0;
    for moment in 0..60 {
        let role = ["keeper", "shim", "launch"][moment % 3];
        let site = Site::new("echo started >> starts; echo out; exit 7");
        let keeper = site.start();
        for _ in 0..moment * 400 {
            std::hint::spin_loop();
        }
        if let Some(pid) = site.helper(role) {
            kill_now(pid);
        }
        let attempt = site.follow(Some(keeper));
        let starts = lines(&site.file("starts"));
        let exit = attempt.exit.unwrap();
        match exit.unknown {
            Some(Unknown::NeverStarted) => assert_eq!(starts, 0),
            Some(_) => panic!("one death must not lose an exit code: {exit:?} {role}"),
            None if exit.signal == Some(9) => assert!(starts <= 1),
            None => {
                assert_eq!((starts, exit.code), (1, Some(7)), "{role}");
                assert_eq!(site.text(), "out\n");
                started += 1;
            }
        }
    }
    assert!(started > 0);
}

fn kill_now(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// Output goes on at full speed while the one who drains it is killed: no byte is lost or doubled.
#[test]
fn no_byte_is_lost_when_either_helper_dies_amid_output() {
    for (round, role) in ["keeper", "shim"].iter().cycle().take(10).enumerate() {
        let site = Site::new("touch running; seq 1 300000; exit 7");
        let keeper = site.start();
        site.until_file("running");
        std::thread::sleep(Duration::from_millis(round as u64 * 3));
        if let Some(pid) = site.helper(role) {
            kill_now(pid);
        }
        let attempt = site.follow(Some(keeper));
        assert_eq!(attempt.exit.unwrap().code, Some(7));
        assert!(site.text() == numbers(300_000), "{role} {round}");
    }
}

#[test]
fn an_attempt_of_an_earlier_boot_is_interrupted() {
    let mut site = Site::new(PATIENT);
    site.spec.boot_id = "an-earlier-boot".into();
    let mut keeper = site.start();
    site.until_file("running");
    let process = std::fs::read_to_string(site.dir.process()).unwrap();
    let boot = buildkeep::run::boot_id().unwrap();
    site.kill_helper("shim");
    site.kill_helper("keeper");
    keeper.wait().unwrap();
    std::fs::write(
        site.dir.process(),
        process.replace(&boot, "an-earlier-boot"),
    )
    .unwrap();
    assert_eq!(site.inspect().state, AttemptState::Interrupted);
    let attempt = site.follow(None);
    assert_eq!(attempt.state, AttemptState::Interrupted);
    assert_eq!(attempt.exit.unwrap().unknown, Some(Unknown::Reboot));
    site.touch("go");
}

#[test]
fn an_attempt_whose_keeper_never_came_is_never_started_afterwards() {
    let site = Site::new("echo started >> starts");
    let mut keeper = site.start();
    kill(keeper.id() as i32);
    keeper.wait().unwrap();
    let attempt = site.follow(None);
    let starts = lines(&site.file("starts"));
    match attempt.exit.unwrap().unknown {
        Some(unknown) => assert_eq!((unknown, starts), (Unknown::NeverStarted, 0)),
        None => assert_eq!(starts, 1),
    }
    let spec = Spec::load(&site.dir).unwrap();
    assert_eq!(spec, site.spec);
}

#[test]
fn the_script_outlives_a_keeper_whose_group_is_interrupted() {
    let site = Site::new(PATIENT);
    let keeper = site.start();
    site.until_file("running");
    for role in ["keeper", "shim"] {
        let pid = rustix::process::Pid::from_raw(site.helper(role).unwrap()).unwrap();
        for signal in [
            rustix::process::Signal::HUP,
            rustix::process::Signal::INT,
            rustix::process::Signal::TERM,
        ] {
            rustix::process::kill_process(pid, signal).unwrap();
        }
        assert!(is_alive(pid.as_raw_nonzero().get()));
    }
    site.touch("go");
    site.follow(Some(keeper));
    assert_whole(&site);
}

#[test]
fn the_helpers_leave_when_their_attempt_is_deleted() {
    let site = Site::new(PATIENT);
    let mut keeper = site.start();
    site.until_file("running");
    std::fs::remove_dir_all(site.dir.path()).unwrap();
    site.touch("go");
    keeper.wait().unwrap();
    until("the shim to leave", || site.helper("shim").is_none());
}
