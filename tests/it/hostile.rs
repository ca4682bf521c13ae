//! Scripts that do what no script should.
use std::path::Path;

use buildkeep::run::{AttemptState, excerpt};

use super::run::{keep, run};
use super::site::{Site, is_alive, until};

fn code(site: &Site) -> Option<i32> {
    let attempt = site.run();
    let exit = attempt.exit.unwrap();
    assert_eq!(
        (exit.signal, exit.unknown, exit.dropped_bytes),
        (None, None, 0)
    );
    exit.code
}

#[test]
fn one_that_closes_its_output_still_has_its_exit_code() {
    let site = Site::new("echo before; exec > /dev/null 2>&1 >&- 2>&- <&-; sleep 0.2; exit 5");
    assert_eq!(code(&site), Some(5));
    assert_eq!(site.text(), "before\n");
}

#[test]
fn one_that_deletes_its_working_folder_still_has_its_exit_code() {
    let mut site =
        Site::new("touch here; rm -rf \"$PWD\"; mkdir -p x 2>/dev/null; echo gone; exit 6");
    let workdir = site.file("doomed");
    std::fs::create_dir(&workdir).unwrap();
    site.spec.workdir.clone_from(&workdir);
    assert_eq!(code(&site), Some(6));
    assert_eq!(site.text(), "gone\n");
    assert!(!workdir.exists() && site.file("script.sh").exists());
}

/// Children, and children of children that nobody waits for: the keeper has to.
#[test]
fn thousands_of_short_lived_children_are_reaped_and_counted() {
    let site = Site::new(
        "for i in {1..5000}; do ( : ); done; for i in {1..500}; do ( ( : & ) ); done
         touch done; until [ -e go ]; do sleep 0.01; done; exit 7",
    );
    let keeper = site.start();
    site.until_file("done");
    let pid = i32::try_from(keeper.id()).unwrap();
    until("all zombies to be reaped", || zombies_of(pid) == 0);
    site.touch("go");
    let exit = site.follow(Some(keeper)).exit.unwrap();
    assert_eq!(exit.code, Some(7));
    assert!(exit.usage.unwrap().cpu_s() > 0.0);
}

fn zombies_of(parent: i32) -> usize {
    let of_parent = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        fields.starts_with(&format!("Z {parent} "))
    };
    super::site::pids()
        .iter()
        .filter(|pid| of_parent(pid))
        .count()
}

#[test]
fn endless_lines_are_complete_in_the_log_and_short_in_the_excerpt() {
    let site = Site::new(
        "for i in {1..20}; do head -c 1000000 /dev/zero | tr '\\0' x; echo; done | tee copy; echo error: wide; exit 1",
    );
    let attempt = site.run();
    let mut copy = std::fs::read(site.file("copy")).unwrap();
    assert_eq!(copy.len(), 20 * 1_000_001);
    copy.extend_from_slice(b"error: wide\n");
    assert!(site.log() == copy, "{} of {}", site.log().len(), copy.len());
    let told = excerpt(&attempt).unwrap();
    assert!(told.tail.iter().all(|line| line.chars().count() < 1000));
}

#[test]
fn escapes_and_garbage_reach_the_log_and_nobodys_terminal() {
    let body = "#!/bin/bash\nprintf '\\033]0;owned\\007\\033[2J\\033[31mred\\377\\376\\0\\r\\n'\nprintf 'error: \\033[1A\\302\\233evil\\n'\nexit 3\n";
    let env = keep(&[("01-evil.sh", body)]);
    let shown = env.buildkeep(&["-C", "k", "run"]).output().unwrap();
    for stream in [&shown.stdout, &shown.stderr] {
        let text = String::from_utf8_lossy(stream);
        let bad = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(bad), "{text:?}");
    }
    assert_eq!(shown.status.code(), Some(1));
    assert!(run(&env, &["status"]).contains("evil"));
}

#[test]
fn one_that_kills_its_parents_changes_nothing() {
    let site = Site::new(
        "echo before; kill -9 $PPID; sleep 0.1; read -r _ _ _ parent _ < /proc/$$/stat
         [ \"$(cat /proc/$parent/comm)\" = bk-keeper ] && kill -9 $parent; echo after; exit 8",
    );
    let attempt = site.run();
    let exit = attempt.exit.unwrap();
    // Both helpers are gone: how it ended is known from the kernel, or it is not.
    assert!(exit.code == Some(8) || exit.unknown.is_some(), "{exit:?}");
    assert!(attempt.state != AttemptState::Succeeded);
    let site = Site::new("echo before; kill -9 $PPID; echo after; exit 8");
    assert_eq!(code(&site), Some(8));
    assert_eq!(site.text(), "before\nafter\n");
}

#[test]
fn one_that_reads_finds_nothing_to_read() {
    let site = Site::new("read -r line; echo \"$? [$line]\"; cat; exit 9");
    assert_eq!(code(&site), Some(9));
    assert_eq!(site.text(), "1 []\n");
}

/// In a session of its own, orphaned, with all descriptors and its name changed.
#[test]
fn a_daemon_that_hides_is_found_and_told() {
    let site = Site::new(
        "(setsid bash -c 'cd /; exec -a innocent sleep 600 <&- >&- 2>&-' & echo $! > /dev/null) ; sleep 0.2; exit 0",
    );
    let mut keeper = site.start();
    let attempt = loop {
        let attempt = site.inspect();
        if attempt.is_closed {
            break attempt;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!(attempt.state, AttemptState::Succeeded);
    let left = attempt.left_running;
    assert!(
        left.len() == 1 && left[0].command == "innocent 600",
        "{left:?}"
    );
    assert!(is_alive(left[0].pid) && Path::new("/proc").exists());
    super::site::kill(left[0].pid);
    keeper.wait().unwrap();
}
