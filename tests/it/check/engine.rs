//! The engine: deadlines, programs that do not want to end, results that are remembered.
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use super::{Machine, lines, tool};

/// How often a fake program ran that writes a line each time.
fn runs(machine: &Machine, name: &str) -> usize {
    let text = fs::read_to_string(machine.0.path(name)).unwrap_or_default();
    text.lines().count()
}

fn counting(machine: &Machine, name: &str, says: &str) {
    let log = machine.0.path("log").display().to_string();
    machine.program(name, &format!("echo x >>{log}; {says}"));
}

/// A machine whose keep may remember.
fn remembering(checks: &str) -> Machine {
    let machine = Machine::new(checks);
    fs::create_dir(machine.0.path(".buildkeep")).unwrap();
    machine
}

fn results(machine: &Machine, args: &[&str]) -> Vec<String> {
    lines(&machine.report(machine.command(args)))
}

#[test]
fn good_results_are_remembered_and_new_failures_never_hidden() {
    let machine = remembering(&tool("made", "version = \">= 2\""));
    counting(&machine, "made", "echo made 2.1");
    let look = || results(&machine, &["check", "own"]);
    assert_eq!(look(), ["made ok 2.1"]);
    let report = machine.report(machine.command(&["check", "own"]));
    assert_eq!(lines(&report), ["made ok 2.1"]);
    assert_eq!(report["results"][0]["cached"], true);
    assert_eq!(runs(&machine, "log"), 1);
    // Whoever asks for it gets a new look.
    let again = results(&machine, &["check", "own", "--no-cache"]);
    assert_eq!(again, ["made ok 2.1"]);
    assert_eq!(runs(&machine, "log"), 2);
    // Another definition.
    machine
        .0
        .write("checks/own.toml", &tool("made", "version = \">= 3\""));
    assert_eq!(look(), ["made fail 2.1"]);
    machine
        .0
        .write("checks/own.toml", &tool("made", "version = \">= 2\""));
    // Other variables.
    let mut command = machine.command(&["check", "own"]);
    command.env("POSIXLY_CORRECT", "1");
    let before = runs(&machine, "log");
    assert_eq!(lines(&machine.report(command)), ["made ok 2.1"]);
    assert_eq!(runs(&machine, "log"), before + 1);
    // Another program; a failure is looked at each time.
    counting(&machine, "made", "echo made 1.9");
    assert_eq!(look(), ["made fail 1.9"]);
    assert_eq!(look(), ["made fail 1.9"]);
    fs::remove_file(machine.0.path("bin/made")).unwrap();
    assert_eq!(look(), ["made fail nothing"]);
}

#[test]
fn what_interprets_a_program_and_what_comes_before_it_counts_too() {
    let machine = remembering(&tool("made", "version = \">= 2\""));
    machine.program("wrapped", "echo made 2.1");
    let interpreter = machine.0.path("bin/wrapped").display().to_string();
    machine.0.script("bin/made", &format!("#!{interpreter}\n"));
    let look = || results(&machine, &["check", "own"]);
    assert_eq!(
        (look(), look()),
        (
            vec!["made ok 2.1".to_owned()],
            vec!["made ok 2.1".to_owned()]
        )
    );
    let report = machine.report(machine.command(&["check", "own"]));
    assert_eq!(report["results"][0]["cached"], true);
    machine.program("wrapped", "echo made 1.1");
    assert_eq!(look(), ["made fail 1.1"]);
    machine.program("wrapped", "echo made 2.1");
    assert_eq!(look(), ["made ok 2.1"]);
    machine.0.script("first/made", "#!/bin/sh\necho made 1.0\n");
    let mut command = machine.command(&["check", "own"]);
    let path = format!(
        "{}:{}",
        machine.0.path("first").display(),
        machine.0.path("bin").display()
    );
    command.env("PATH", path);
    assert_eq!(lines(&machine.report(command)), ["made fail 1.0"]);
}

#[test]
fn a_damaged_cache_is_only_slow() {
    let machine = remembering(&tool("made", "version = \">= 2\""));
    machine.program("made", "echo made 2.1");
    for damage in [
        "",
        "{",
        "[]",
        "{\"form\": 1, \"results\": {\"own/made\": {}}}",
    ] {
        machine.0.write(".buildkeep/cache/checks", damage);
        assert_eq!(machine.results(), ["made ok 2.1"], "{damage}");
    }
}

#[test]
fn at_the_deadline_there_is_a_report_of_what_is_known() {
    let hangs = |id: &str| tool(id, "timeout = 600");
    let ids: Vec<String> = (0..20).map(|number| format!("hangs{number}")).collect();
    let checks: String = ids.iter().map(|id| hangs(id)).collect();
    let machine = Machine::new(&(tool("quick", "") + &checks));
    machine.program("quick", "echo quick");
    for id in &ids {
        machine.program(
            id,
            "trap '' TERM HUP INT; while :; do /bin/sleep 1000; done",
        );
    }
    let report = machine.report(machine.command(&["check", "own", "--deadline", "5"]));
    let found = lines(&report);
    assert_eq!(found[0], "quick ok quick");
    assert!(
        found[1..]
            .iter()
            .all(|line| line.contains(" unknown deadline: ")),
        "{found:#?}"
    );
    assert_eq!(report["summary"]["unknown"], 20);
    assert_eq!(report["summary"]["fail"], 0);
}

/// Whether the process is still there, some time after it was killed.
fn is_left(pid: &str) -> bool {
    let stat = format!("/proc/{}/stat", pid.trim());
    for _ in 0..3000 {
        match fs::read_to_string(&stat) {
            Ok(text) if !text.contains(") Z ") => std::thread::sleep(Duration::from_millis(10)),
            _ => return false,
        }
    }
    true
}

#[test]
fn nothing_that_programs_start_is_left_behind() {
    let checks = [
        tool("hangs", "timeout = 5"),
        tool("forks", ""),
        tool("flees", ""),
    ];
    let machine = Machine::new(&checks.concat());
    let pid = |name: &str| machine.0.path(name).display().to_string();
    machine
        .program(
            "hangs",
            &format!(
                "trap '' TERM; echo $$ >{}; /bin/sleep 1000; /bin/sleep 1000",
                pid("1")
            ),
        )
        .program(
            "forks",
            &format!("/bin/sleep 1000 & echo $! >{}; echo forks", pid("2")),
        )
        .program(
            "flees",
            &format!(
                "/usr/bin/setsid /bin/sh -c 'echo $$ >{0}; exec /bin/sleep 1000' & \
                while ! /usr/bin/test -s {0}; do :; done; echo flees",
                pid("3")
            ),
        );
    let found = machine.results();
    assert_eq!(found[1..], ["forks ok forks", "flees ok flees"]);
    assert!(found[0].starts_with("hangs unknown"), "{}", found[0]);
    for name in ["1", "2", "3"] {
        let pid = fs::read_to_string(machine.0.path(name)).unwrap();
        assert!(!is_left(&pid), "{name}");
    }
}

#[test]
fn a_run_does_not_start_on_a_machine_that_is_not_fit() {
    let machine = Machine::new(
        "[[check]]\nid = \"seen\"\nkind = \"file\"\npath = \"seen\"\nis = \"file\"\n\
        what = \"The file seen is there\"\nwhy = \"It is needed.\"\n",
    );
    machine.0.write("buildkeep.toml", "checks = [\"own\"]\n");
    machine.0.write("plan.toml", "scripts = \"scripts\"\n");
    machine.0.script("scripts/01-one.sh", "#!/bin/sh\n:\n");
    let run = |args: &[&str]| {
        machine
            .0
            .shown(&machine.0.buildkeep(args).output().unwrap())
    };
    let shown = run(&["run"]);
    let told = "this machine is not fit for the build: The file seen is there (found: nothing)";
    assert!(
        shown.contains(told) && shown.contains("--- exit 2"),
        "{shown}"
    );
    let log = run(&["log", "--kind", "check"]);
    assert!(log.contains("check: seen of own"), "{log}");
    let shown = run(&["run", "--unchecked"]);
    assert!(!shown.contains("exit"), "{shown}");
    machine.0.script("scripts/02-two.sh", "#!/bin/sh\n:\n");
    machine.0.write("seen", "");
    let shown = run(&["run"]);
    assert!(!shown.contains("exit"), "{shown}");
}

#[test]
fn what_builds_on_another_check_is_not_told_beside_it() {
    let checks = [
        tool("base", ""),
        tool("top", "needs = \"base\""),
        tool("free", "needs = \"good\""),
        tool("good", ""),
    ];
    let machine = Machine::new(&checks.concat());
    machine.program("good", "echo good");
    assert_eq!(
        machine.results(),
        [
            "base fail nothing",
            "top skipped `base` does not hold, on which it builds",
            "free fail nothing",
            "good ok good",
        ]
    );
}

#[test]
fn checks_are_chosen_and_explained() {
    let checks = [
        tool(
            "old",
            "version = \">= 2\"\nfix.any = { run = [\"mend\", \"it\"] }",
        ),
        tool("older", "tier = \"deep\""),
        tool("there", "when = { arch = \"pdp11\" }\ntier = \"fast\""),
    ];
    let machine = Machine::new(&checks.concat());
    machine
        .program("old", "echo old 2")
        .program("older", "echo older 1");
    let look = |args: &[&str]| results(&machine, &[&["check", "own"], args].concat());
    assert_eq!(look(&["--only", "old*"]), ["old ok 2", "older ok older 1"]);
    assert_eq!(
        look(&["--only", "old,older", "--skip", "old"]),
        ["older ok older 1"]
    );
    let fast = look(&["--tier", "fast"]);
    assert_eq!(fast.len(), 1);
    assert!(
        fast[0].starts_with("there skipped only for pdp11; this is "),
        "{fast:?}"
    );
    assert_eq!(look(&["--deep"]).len(), 3);
    assert_data_eq!(
        machine.shown(&["check", "own", "--only", "odl"]),
        str![[r#"
--- stderr
error: there is no check `odl` in these sets
hint: did you mean `old`?
--- exit 2

"#]]
    );
    assert_data_eq!(
        machine.shown(&["check", "--explain", "old"]),
        str![[r#"
old old >= 2, of own
    required old >= 2
    why      It is needed.
    when     whenever somebody asks, for 20 s at most
    else     it fails
    fix      mend it

"#]]
    );
    let explained: Value = machine.report(machine.command(&["check", "--explain", "older"]));
    assert_eq!(explained["checks"][0]["tier"], json!("deep"));
}

#[test]
fn checks_that_build_on_one_another_hide_nothing() {
    let machine = Machine::new(
        &[
            tool("hen", "needs = \"egg\""),
            tool("egg", "needs = [\"hen\"]"),
            tool("self", "needs = \"self\""),
            tool("chick", "needs = \"egg\""),
        ]
        .concat(),
    );
    assert_eq!(
        machine.results(),
        [
            "hen fail nothing",
            "egg fail nothing",
            "self fail nothing",
            "chick skipped `egg` does not hold, on which it builds",
        ]
    );
}

#[test]
fn what_no_set_has_cannot_be_built_on() {
    let machine = Machine::new(&tool("top", "needs = [\"top\", \"memry\"]"));
    let shown = machine.shown(&["check", "own"]);
    let expected = "error[K506]: no set has a check `memry`\n --> checks/own.toml:5:17\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains("did you mean `memory`?"), "{shown}");
    let shown = machine.shown(&["config", "validate"]);
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn of_nothing_to_look_at_nothing_is_said_to_be_good() {
    let machine = Machine::new("title = \"Empty\"\n");
    assert_eq!(
        machine.shown(&["check", "own"]),
        "nothing: no check of own is to be looked at\n"
    );
    machine.0.write("checks/own.toml", &tool("slow", ""));
    assert_eq!(
        machine.shown(&["check", "own", "--tier", "fast"]),
        "nothing: no check of own is to be looked at\n"
    );
}

#[test]
fn sets_that_are_no_files_are_refused_and_not_read_without_end() {
    let machine = Machine::new(&tool("top", ""));
    let set = machine.0.path("checks/odd.toml");
    let made = Command::new("mkfifo").arg(&set).status().unwrap();
    assert!(made.success());
    let expected = "checks/odd.toml: it is not a file";
    let shown = machine.shown(&["check", "own"]);
    assert!(shown.contains(expected), "{shown}");
    fs::remove_file(&set).unwrap();
    symlink("/dev/zero", &set).unwrap();
    let shown = machine.shown(&["check", "own"]);
    assert!(shown.contains(expected), "{shown}");
}
