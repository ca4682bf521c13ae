//! A restore that is killed is finished by the same command.
use std::process::Stdio;

use super::{backup, differences, hostile};
use crate::env::Env;

fn source(env: &Env) {
    for number in 0..40_u64 {
        let path = env.write(&format!("src/{}/{number}", number % 5), "");
        std::fs::write(path, hostile::noise(300_000, number + 1)).unwrap();
    }
    hostile::make(&env.path("src/odd"));
    backup(env);
}

const RESTORE: &[&str] = &["backup", "restore", "latest", "--to", "new", "--vault", "v"];

#[test]
fn the_same_command_goes_on_after_a_kill() {
    let env = Env::new();
    source(&env);
    let mut cuts = 0;
    for wanted in [1, 7, 15, 25] {
        let mut child = env
            .buildkeep(RESTORE)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let count = || {
            (0..40)
                .filter(|n| env.path(format!("new/{}/{n}", n % 5)).exists())
                .count()
        };
        while child.try_wait().unwrap().is_none() && count() < wanted {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        cuts += usize::from(!child.wait().unwrap().success());
    }
    let said = env.run(RESTORE);
    assert!(
        cuts == 0 || said.contains("did not come to its end"),
        "{said}"
    );
    assert_eq!(differences(&env, "src", "new"), "");
    let left = std::fs::read_dir(env.path("v/buildkeep/restores")).unwrap();
    assert_eq!(left.count(), 0);
    let hidden = env
        .command("find")
        .args(["new", "-name", ".buildkeep-tmp*"])
        .output()
        .unwrap();
    assert_eq!(env.shown(&hidden), "");
    // It is a folder with content like any other now.
    let again = env.run(RESTORE);
    assert!(again.contains("is not empty"), "{again}");
}

#[test]
fn another_folder_of_that_name_is_not_taken_for_it() {
    let env = Env::new();
    source(&env);
    let mut child = env
        .buildkeep(RESTORE)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() && !env.path("new").exists() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::rename(env.path("new"), env.path("aside")).unwrap();
    env.write("new/mine", "precious\n");
    let said = env.run(RESTORE);
    assert!(said.contains("is not empty"), "{said}");
    // Nor is another snapshot put into what one was begun with.
    std::fs::rename(env.path("new"), env.path("mine")).unwrap();
    std::fs::rename(env.path("aside"), env.path("new")).unwrap();
    env.write("src/more", "more\n");
    backup(&env);
    let said = env.run(RESTORE);
    assert!(
        said.contains("is not empty") || said.contains("restored"),
        "{said}"
    );
}

/// A power cut can leave files with size and time, and without their content.
#[test]
fn after_a_restart_no_file_is_believed() {
    let env = Env::new();
    source(&env);
    let mut child = env
        .buildkeep(RESTORE)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || std::fs::read_dir(env.path("new")).is_ok_and(|all| all.count() > 1);
    while child.try_wait().unwrap().is_none() && !begun() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    if child.wait().unwrap().success() {
        return;
    }
    let notes: Vec<_> = std::fs::read_dir(env.path("v/buildkeep/restores"))
        .unwrap()
        .map(|note| note.unwrap().path())
        .collect();
    let [note] = &notes[..] else {
        panic!("{notes:?}")
    };
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let noted = std::fs::read_to_string(note).unwrap();
    assert!(noted.contains(boot.trim()), "{noted}");
    std::fs::write(note, noted.replace(boot.trim(), "another")).unwrap();
    // All that is to be there is, by size and time, and nothing of it by content.
    let script = "cp -a src/. new && for file in new/[0-4]/*; do
        truncate -s 0 $file && truncate -s 300000 $file && touch -r src/${file#new/} $file; done";
    let emptied = env.command("sh").args(["-ec", script]).status().unwrap();
    assert!(emptied.success());
    let said = env.run(RESTORE);
    assert!(said.contains("written again"), "{said}");
    assert_eq!(differences(&env, "src", "new"), "");
}
