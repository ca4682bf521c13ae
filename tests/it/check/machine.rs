//! Everything that is no program.
use std::path::Path;

use super::{Machine, lines};
use crate::env::Env;

#[test]
fn files_devices_and_mounts_are_looked_at() {
    let file = |id: &str, path: &str, more: &str| {
        format!(
            "[[check]]\nid = \"{id}\"\nkind = \"file\"\npath = \"{path}\"\nwhy = \"Needed.\"\nis = {more}\n"
        )
    };
    let checks = [
        file("null", "/dev/null", "\"char-device\""),
        file("null-file", "/dev/null", "\"file\""),
        file("proc", "/proc", "\"mount\"\nfs_type = \"proc\""),
        file("proc-type", "/proc", "\"mount\"\nfs_type = \"devpts\""),
        file("no-mount", "checks", "\"mount\""),
        file("own", "checks/own.toml", "\"file\""),
        file("gone", "no/such", "\"folder\""),
        file("absent", "no/such", "\"absent\""),
        file("present", "checks", "\"absent\""),
        file("writable", "checks", "\"writable-folder\""),
        file("root", "${root}/etc", "\"folder\""),
    ];
    let machine = Machine::new(&checks.concat());
    assert_eq!(
        machine.results(),
        [
            "null ok a character device",
            "null-file fail a character device",
            "proc ok a folder",
            "proc-type fail proc mounted there",
            "no-mount fail nothing mounted there",
            "own ok a file",
            "gone fail nothing",
            "absent ok absent",
            "present fail it exists",
            "writable ok a folder",
            "root skipped it is not known what is built: name `root` in plan.toml, or set LFS",
        ]
    );
    machine.0.write("plan.toml", "root = \"checks\"\n");
    assert_eq!(machine.results()[10], "root fail nothing");
}

#[test]
fn kernel_resources_and_commands_are_looked_at() {
    let check = |id: &str, kind: &str, more: &str| {
        format!("[[check]]\nid = \"{id}\"\nkind = \"{kind}\"\nwhy = \"Needed.\"\n{more}\n")
    };
    let resource = |id, amount: &str| {
        check(
            id,
            "resource",
            &format!("resource = \"{id}\"\nat_least = {amount}"),
        )
    };
    let checks = |amount: &str, kernel: &str, run: &str| {
        let resources = ["disk", "inodes", "memory", "cpus"].map(|id| resource(id, amount));
        let kernel = check("kernel", "kernel", &format!("version = \"{kernel}\""));
        let command = check(
            "command",
            "command",
            &format!("run = [\"fake\", \"{run}\"]\nsays = \"yes\""),
        );
        resources.concat() + &kernel + &command
    };
    let status = |machine: &Machine| {
        machine.program("fake", "echo \"$1\"; test \"$1\" != bad");
        let words = |line: String| line.split(' ').nth(1).unwrap().to_owned();
        machine.results().into_iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(
        status(&Machine::new(&checks("1", ">= 2.6", "yes"))),
        ["ok"; 6]
    );
    let impossible = checks("\"900000 TB\"", ">= 999", "no");
    // A file system may have no count of inodes, and then has enough.
    let statuses = status(&Machine::new(&impossible));
    assert_eq!(
        (&statuses[0], &statuses[2..]),
        (&"fail".into(), &["fail"; 4].map(String::from)[..])
    );
    let bad = Machine::new(&checks("1", ">= 2.6", "bad"));
    status(&bad);
    assert_eq!(bad.results()[5], "command fail it ended with 1: bad");
}

#[test]
fn what_scripts_inherit_is_looked_at() {
    let check = |id: &str, more: &str| {
        format!(
            "[[check]]\nid = \"{id}\"\nkind = \"env\"\nwhy = \"Needed.\"\nmust = {more}\n\
            fix.any = {{ say = \"mend ${{found}}\" }}\n"
        )
    };
    let checks = [
        check(
            "unset",
            "\"unset\"\nvariables = [\"CFLAGS\", \"LD_DEBUG\", \"CDPATH\"]",
        ),
        check("folder", "\"safe-folder\"\nvariables = [\"LFS\"]"),
        check("path", "\"safe-path\""),
        check("umask", "\"umask\"\numask = \"022\""),
    ];
    let machine = Machine::new(&checks.concat());
    let with = |mask: &str, vars: &[(&str, &str)]| {
        let mut command = machine.0.command("/bin/sh");
        let program = env!("CARGO_BIN_EXE_buildkeep");
        let script = format!("umask {mask}; exec {program} check own --json");
        command
            .args(["-c", &script])
            .env("PATH", "/usr/bin:/bin")
            .envs(vars.iter().copied());
        machine.report(command)
    };
    let good = with("022", &[("LFS", "/mnt/lfs")]);
    assert_eq!(
        lines(&good),
        [
            "unset ok unset",
            "folder ok safe",
            "path ok safe",
            "umask ok 022"
        ]
    );
    let bad = [
        ("CFLAGS", "-O9 s3cret"),
        ("CDPATH", "/x"),
        ("LFS", "/"),
        ("PATH", "/usr/bin::bin:/tmp"),
    ];
    let report = with("077", &bad);
    assert_eq!(
        lines(&report),
        [
            "unset fail CFLAGS, CDPATH set",
            "folder fail LFS=/",
            "path fail an empty entry, which is the current folder, \
                `bin`, which is not a whole path, /tmp, which everybody may write to",
            "umask fail 077",
        ]
    );
    assert_eq!(report["results"][0]["fix"], "mend CFLAGS CDPATH");
    assert!(!report.to_string().contains("s3cret"));
    assert_eq!(
        lines(&with("022", &[("LFS", "/mnt/..")]))[1],
        "folder fail LFS=/mnt/.."
    );
}

/// On the machine at hand the set finds what is really missing, and nothing else.
#[test]
fn the_lfs_set_tells_the_truth_about_this_machine() {
    let env = Env::new();
    let report = env.json(&["check", "lfs-12.3"]);
    let failed = |line: &String| line.split(' ').nth(1) == Some("fail");
    let failed: Vec<String> = lines(&report).into_iter().filter(failed).collect();
    let failed: Vec<&str> = failed
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let missing = really_missing();
    let sorted = |mut ids: Vec<&str>| {
        ids.sort_unstable();
        ids.join(" ")
    };
    assert_eq!(sorted(failed), sorted(missing));
    assert_eq!(report["summary"]["unknown"], 0, "{report}");
}

/// The checks that must fail here, found out in a simpler way.
fn really_missing() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap();
    let place = |program: &str| {
        let places = std::env::split_paths(&path).map(|folder| folder.join(program));
        places
            .into_iter()
            .find_map(|place| place.canonicalize().ok())
    };
    let mut missing = Vec::new();
    if Path::new("/bin/sh")
        .canonicalize()
        .unwrap()
        .file_name()
        .unwrap()
        != "bash"
    {
        missing.push("sh");
    }
    if place("awk").is_none_or(|awk| !awk.ends_with("gawk")) {
        missing.push("awk");
    }
    for (id, program) in [
        ("tar", "tar"),
        ("sed", "sed"),
        ("grep", "grep"),
        ("make", "make"),
        ("bash", "bash"),
        ("binutils", "ld"),
        ("bison", "bison"),
        ("yacc", "yacc"),
        ("coreutils", "sort"),
        ("diffutils", "diff"),
        ("findutils", "find"),
        ("gawk", "gawk"),
        ("gcc", "gcc"),
        ("g++", "g++"),
        ("gzip", "gzip"),
        ("m4", "m4"),
        ("patch", "patch"),
        ("perl", "perl"),
        ("python3", "python3"),
        ("texinfo", "texi2any"),
        ("xz", "xz"),
        ("nproc", "nproc"),
    ] {
        if place(program).is_none() {
            missing.push(id);
        }
    }
    missing
}
