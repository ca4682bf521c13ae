//! Scripts that do what no script should.
use std::path::Path;

use buildkeep::run::{AttemptState, excerpt};

use super::background::{has, until_over};
use super::run::{keep, run};
use super::site::{Site, is_alive, until};
use super::terminal::Terminal;

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

/// As much as the fastest compilers say, for some seconds.
#[test]
fn a_flood_of_output_is_complete() {
    let site = Site::new(
        "for i in {1..60}; do head -c 1000000 /dev/urandom; sleep 0.05; done | tee copy; exit 4",
    );
    assert_eq!(code(&site), Some(4));
    let copy = std::fs::read(site.file("copy")).unwrap();
    assert_eq!(copy.len(), 60_000_000);
    assert!(site.log() == copy, "{} of {}", site.log().len(), copy.len());
}

/// Twenty thousand as fast as this machine can, more than 5,000 a second where it is idle; a tenth of
/// them orphans.
#[test]
fn a_storm_of_children_is_outlived() {
    let site = Site::new(
        "exec perl -e 'for my $n (1..20000) {
             my $pid = fork; die unless defined $pid;
             if (!$pid) { if ($n % 10 == 0) { my $inner = fork; exit 0 } exit 0 }
             waitpid $pid, 0;
         }
         open F, \">\", \"done\"; until (-e \"go\") { select undef, undef, undef, 0.01 } exit 9'",
    );
    let has_perl = std::process::Command::new("perl").arg("-v").output();
    if has_perl.is_err() {
        eprintln!("skipped: there is no perl");
        return;
    }
    let keeper = site.start();
    site.until_file("done");
    let pid = i32::try_from(keeper.id()).unwrap();
    until("all zombies to be reaped", || zombies_of(pid) == 0);
    site.touch("go");
    let exit = site.follow(Some(keeper)).exit.unwrap();
    assert_eq!((exit.code, exit.by.as_str()), (Some(9), "shim"));
    assert!(exit.usage.unwrap().cpu_s() > 0.0);
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

/// Each of them says something; whoever watches is not killed by it, and hears it all.
#[test]
fn a_storm_of_children_costs_no_monitor_and_no_line() {
    let body = "#!/bin/bash\nfor i in {1..5000}; do ( echo $i ); done\n";
    let env = keep(&[("01-storm.sh", body)]);
    run(&env, &["run", "--detach"]);
    until_over(&env);
    assert!(!has(&env, "monitor-restarted"), "the monitor died");
    let output = env.buildkeep(&["-C", "k", "logs", "storm"]).output();
    let log = String::from_utf8(output.unwrap().stdout).unwrap();
    let numbers = (1..=5000).map(|number: u32| number.to_string());
    assert!(log.lines().eq(numbers), "{} lines", log.lines().count());
    assert_eq!(env.json(&["-C", "k", "status"])["steps"]["done"], 1);
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

/// Whichever view of a step one opens, in a pipe and on a terminal, while it runs and afterwards.
#[test]
fn no_view_lets_an_escape_of_a_script_through() {
    let body = "#!/bin/bash\nset -e\nprintf 'before \\033]0;owned\\007 \\033[?1049hX \\302\\233evil \\377\\376\\0 \\b\\r\\n'\n\
        printf 'error: \\033]0;owned\\007\\n'\ntouch ../running\n\
        until [ -e ../go ] || [ $((i=i+1)) -gt 6000 ]; do sleep 0.02; done\nfalse\n";
    let env = keep(&[("01-evil.sh", body)]);
    run(&env, &["run", "--detach"]);
    until("running", || env.path("running").exists());
    let views: &[&[&str]] = &[
        &["status"],
        &["logs", "evil"],
        &["logs", "evil", "--grep", "."],
        &["logs", "evil", "--json"],
        &["why", "evil"],
        &["events"],
        &["log"],
        &["plan"],
        &["top", "-n", "1"],
        &["status", "--json"],
    ];
    let look = |is_over: bool| {
        for view in views {
            let mut args = vec!["-C", "k"];
            args.extend(*view);
            let mut terminal = Terminal::run(&env, &args, |_| {});
            terminal.end();
            is_clean(&terminal.written(), view);
            let output = env.buildkeep(&args).output().unwrap();
            // To a pipe, a log is what the script wrote.
            if *view != ["logs", "evil"] {
                is_clean(&String::from_utf8_lossy(&output.stdout), view);
            }
            is_clean(&String::from_utf8_lossy(&output.stderr), view);
        }
        assert!(is_over || run(&env, &["status"]).contains("running evil#1"));
    };
    look(false);
    let mut screen = Terminal::run(&env, &["-C", "k", "status", "--watch"], |_| {});
    screen.until_shown("before");
    let mut attached = Terminal::run(&env, &["-C", "k", "attach"], |_| {});
    attached.until_shown("watching run");
    env.write("go", "");
    attached.end();
    is_clean(&attached.written(), &["attach"]);
    screen.until_shown("failed");
    screen.type_in("q");
    screen.end();
    // The screen itself changes to the other screen; with what it has to say, nobody else does.
    is_clean(
        &screen.written().replacen("\u{1b}[?1049h", "", 1),
        &["status", "--watch"],
    );
    look(true);
}

/// Whether nothing of what the script wrote can do anything to a terminal.
fn is_clean(text: &str, view: &[&str]) {
    for evil in ["\u{1b}]0;", "\u{1b}[?1049hX", "\u{9b}", "\u{8}", "\0"] {
        assert!(!text.contains(evil), "{view:?}: {text:?}");
    }
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
