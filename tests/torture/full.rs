//! A disk that is really full, or read-only: said plainly, nothing half done, and once there is room
//! the same command works.
use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::rc::Rc;

use crate::disk::{Disk, Kind, alone, skip};
use crate::env::Env;
use crate::place::Place;

/// Small enough to be filled at once.
const SIZE: u64 = 24 << 20;

/// What is tried on the full disk.
const COMMANDS: &[&[&str]] = &[
    &["config", "set", "build.jobs", "31"],
    &["commit", "-m", "notes: one more"],
    &["tag", "t"],
    &["config", "apply", "--yes"],
    &["rollback", "--to", "v1", "--yes"],
    &["undo"],
    &["run"],
    &["backup", "create", "tree"],
];

fn small_disk(env: &Rc<Env>, test: &str) -> Option<Place> {
    match Disk::sized(env, Kind::Ext4, SIZE) {
        Ok(disk) => {
            let place = Place::new(env, &Rc::new(disk), "keep");
            place.init();
            let exports = "exports = \"sh\"\nnames = { JOBS = \"build.jobs\" }\n";
            let settings = format!("schema = 1\n[[render]]\nto = \"env.sh\"\n{exports}");
            place.write("buildkeep.toml", &settings);
            place.keep(&["commit", "-m", "config: a file"]).unwrap();
            place.keep(&["config", "set", "build.jobs", "30"]).unwrap();
            Some(place)
        }
        Err(why) => {
            skip(test, &why);
            None
        }
    }
}

/// Fills the disk to the last block.
fn fill(place: &Place) {
    let mut file = File::create(place.path("../filler")).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
    file.sync_all().unwrap();
}

fn make_room(place: &Place) {
    std::fs::remove_file(place.path("../filler")).unwrap();
    place.disk.settle();
}

/// The command is refused with these words, and the keep can be read and is as it was.
fn is_refused(place: &Place, args: &[&str], why: &str) {
    let refs = place.refs();
    let mut command = place.env.buildkeep(&["-C", &place.dir]);
    let output = command.args(args).output().unwrap();
    let shown = place.env.shown(&output);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {shown}");
    assert!(
        shown.contains("error: cannot ") && shown.contains(why),
        "{args:?}: {shown}"
    );
    assert!(shown.contains("hint: "), "{args:?}: {shown}");
    place.still_has(&refs).unwrap();
    place.keep(&["status"]).unwrap();
    assert_eq!(
        place.keep(&["config", "get", "build.jobs"]).unwrap(),
        "30\n",
        "{args:?}"
    );
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    alone("full::a_full_disk_is_said_to_be_full", |env| {
        let Some(place) = small_disk(env, "a full disk") else {
            return;
        };
        env.write("tree/file", &"content\n".repeat(1000));
        for args in COMMANDS {
            place.write("notes", &format!("{args:?}\n"));
            fill(&place);
            is_refused(&place, args, "No space left on device");
            make_room(&place);
            place
                .keep(args)
                .unwrap_or_else(|problem| panic!("{problem}"));
            place.is_sound().unwrap();
            place.keep(&["config", "set", "build.jobs", "30"]).unwrap();
            place.keep(&["commit", "-m", "rest"]).unwrap();
        }
    });
}

#[test]
fn a_read_only_keep_can_be_read() {
    alone("full::a_read_only_keep_can_be_read", |env| {
        let Some(place) = small_disk(env, "a read-only disk") else {
            return;
        };
        let remount = |how: &str| {
            let options = format!("remount,{how}");
            let mut mount = Command::new("mount");
            mount.args(["-o", &options]).arg(place.path(".."));
            assert!(mount.status().unwrap().success());
        };
        env.write("tree/file", "content\n");
        place.write("notes", "one\n");
        remount("ro");
        for reads in [
            &["log"][..],
            &["config", "list"],
            &["diff"],
            &["tag"],
            &["plan"],
        ] {
            place.keep(reads).unwrap();
        }
        for args in COMMANDS {
            is_refused(&place, args, "Read-only file system");
        }
        remount("rw");
        place.keep(COMMANDS[0]).unwrap();
    });
}

#[test]
fn a_disk_that_takes_no_more_files_is_told_from_a_full_one() {
    let name = "full::a_disk_that_takes_no_more_files_is_told_from_a_full_one";
    alone(name, |env| {
        let Some(place) = small_disk(env, "a disk without names") else {
            return;
        };
        let folder = place.path("../names");
        std::fs::create_dir(&folder).unwrap();
        let file = |n: usize| File::create(folder.join(n.to_string()));
        let made = (0..1_000_000).take_while(|n| file(*n).is_ok()).count();
        assert!(made > 100, "{made}");
        for args in COMMANDS.iter().filter(|args| args[0] == "config") {
            is_refused(&place, args, "No space left on device");
            let shown = env.shown(
                &env.buildkeep(&["-C", &place.dir])
                    .args(*args)
                    .output()
                    .unwrap(),
            );
            assert!(shown.contains("`df -i "), "{shown}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        place.keep(COMMANDS[0]).unwrap();
    });
}

/// Waits for a file of the test.
const PATIENT: &str = "#!/bin/sh\necho x >> \"$PLACE\"/starts\necho before\ntouch \"$PLACE\"/running\n\
    until [ -e \"$PLACE\"/go ]; do sleep 0.02; done\necho after\n";

/// A disk that is full at the end of a step: the run waits until there is room, and goes on.
#[test]
fn a_run_waits_for_room() {
    alone("full::a_run_waits_for_room", |env| {
        let Some(place) = small_disk(env, "a run on a full disk") else {
            return;
        };
        let scripts = format!("{}/scripts", place.dir);
        env.script(&format!("{scripts}/01-one.sh"), PATIENT);
        env.script(&format!("{scripts}/02-two.sh"), "#!/bin/sh\necho two\n");
        let plan = format!(
            "schema = 1\nscripts = \"scripts\"\n[env]\nPLACE = \"{}\"\n",
            env.work().display()
        );
        place.write("plan.toml", &plan);
        place.keep(&["commit", "-m", "plan"]).unwrap();
        let said = env.path("said");
        let mut run = env.buildkeep(&["-C", &place.dir, "run"]);
        run.stdout(File::create(env.path("out")).unwrap());
        run.stderr(File::create(&said).unwrap());
        let mut run = run.spawn().unwrap();
        let waits = || {
            let said = std::fs::read_to_string(&said).unwrap();
            said.matches("the run waits until").count()
        };
        until(|| env.path("running").exists());
        place.keep(&["pause"]).unwrap();
        place.keep(&["resume", "one"]).unwrap();
        // While a step runs, its keeper waits, and the run says why; between two steps, the run does.
        fill(&place);
        env.write("go", "");
        until(|| {
            std::fs::read_to_string(&said)
                .unwrap()
                .contains("no space left")
        });
        make_room(&place);
        until(|| {
            place
                .keep(&["status"])
                .unwrap()
                .contains("1 of 2 steps done")
        });
        fill(&place);
        place.keep(&["resume"]).unwrap();
        until(|| waits() == 1);
        make_room(&place);
        let ended = run.wait().unwrap();
        let said = std::fs::read_to_string(&said).unwrap();
        assert!(
            ended.success() && said.contains("the run goes on"),
            "{said}"
        );
        assert_eq!(place.keep(&["logs", "one"]).unwrap(), "before\nafter\n");
        assert_eq!(place.keep(&["logs", "two"]).unwrap(), "two\n");
        let starts = std::fs::read_to_string(env.path("starts")).unwrap();
        assert_eq!(starts, "x\n");
        place.is_sound().unwrap();
    });
}

fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not come");
}
