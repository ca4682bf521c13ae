//! Programs that are odd, old, missing, hanging.
use super::{Machine, lines, tool};

#[test]
fn odd_versions_of_real_programs_are_read() {
    let programs = [
        (
            "bash",
            "GNU bash, version 3.2.57(1)-release (x86_64-apple-darwin23)",
            ">= 3.2",
            "3.2.57(1)-release",
        ),
        (
            "ld",
            "GNU ld (Linaro_Binutils-2019.12) 2.28.2.20170706",
            "< 2019",
            "2.28.2.20170706",
        ),
        ("grep", "grep (GNU grep) 2.5.1a", ">= 2.5.1a", "2.5.1a"),
        (
            "less",
            "less 668 (PCRE2 regular expressions)",
            ">= 668",
            "668",
        ),
        (
            "gawk",
            "GNU Awk 5.3.1, API 4.0, PMA Avon 8-g1",
            ">= 4.0.1",
            "5.3.1",
        ),
        (
            "gcc",
            "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
            ">= 5.2, < 13",
            "12.2.0",
        ),
        ("byacc", "byacc - 2.0 20240109", ">= 2", "2.0"),
        (
            "xz",
            "xz (XZ Utils) 5.6.0alpha\nliblzma 5.6.0alpha",
            "< 5.6.0",
            "5.6.0alpha",
        ),
    ];
    let checks: String = programs
        .iter()
        .map(|(name, _, version, _)| tool(name, &format!("version = \"{version}\"")))
        .collect();
    let machine = Machine::new(&checks);
    for (name, says, ..) in programs {
        machine.program(name, &format!("echo '{says}'"));
    }
    let expected: Vec<String> = programs
        .iter()
        .map(|(name, _, _, found)| format!("{name} ok {found}"))
        .collect();
    assert_eq!(machine.results(), expected);
}

#[test]
fn what_is_old_missing_or_something_else_fails() {
    let checks = [
        tool("old", "version = \">= 2.5.1a\""),
        tool("missing", "version = \">= 1\""),
        tool("other", "says = \"GNU tar\"\nversion = \">= 1.22\""),
        tool("new", "version = \">= 5.4\"\ntested = \"<= 16.2\""),
        tool("advised", "version = \">= 4\"\nseverity = \"warning\""),
    ];
    let machine = Machine::new(&checks.concat());
    machine
        .program("old", "echo old 2.5.1")
        .program(
            "other",
            "echo 'BusyBox v1.36.1 (2023-11-07) multi-call binary.' >&2; exit 1",
        )
        .program("new", "echo new 17.1.0")
        .program("advised", "echo advised 3.9");
    assert_eq!(
        machine.results(),
        [
            "old fail 2.5.1",
            "missing fail nothing",
            "other fail BusyBox, which is no full other",
            "new warn 17.1.0, which nobody has tried (tested: <= 16.2)",
            "advised warn 3.9",
        ]
    );
    assert_eq!(
        machine
            .command(&["check", "own"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn what_cannot_be_found_out_is_unknown_and_no_failure() {
    let checks = [
        tool("hangs", "timeout = 0.3"),
        tool("floods", ""),
        tool("crashes", "version = \">= 1\""),
        tool("silent", "version = \">= 1\""),
        tool("mumbles", "version = \">= 1\""),
        tool("stranger", "says = \"GNU strange\"\nversion = \">= 1\""),
        tool("waits", "version = \">= 1\"\ntimeout = 60"),
        tool("leaves", "version = \">= 1\"\ntimeout = 60"),
    ];
    let machine = Machine::new(&checks.concat());
    let pid = machine.0.path("pid").display().to_string();
    machine
        .program(
            "hangs",
            &format!("echo $$ >{pid}; echo hangs 1.0; exec /bin/sleep 1000"),
        )
        .program(
            "floods",
            "while :; do echo 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0; done",
        )
        .program("crashes", "echo crashes 1.0; kill -SEGV $$")
        .program("silent", "exit 0")
        .program("mumbles", "echo one point zero")
        .program("stranger", "echo strange 9.0")
        .program("waits", "read line; echo waits 1.0")
        .program("leaves", "/bin/sleep 1000 & echo leaves 1.0");
    assert_eq!(
        machine.results(),
        [
            "hangs unknown no answer within 300ms",
            "floods unknown it prints without end",
            "crashes unknown it was killed by signal 11",
            "silent unknown no version in an empty answer",
            "mumbles unknown no version in `one point zero`",
            "stranger unknown it is not known what this is: `strange 9.0`",
            "waits ok 1.0",
            "leaves ok 1.0",
        ]
    );
    let pid = std::fs::read_to_string(pid).unwrap();
    let left = std::fs::read_to_string(format!("/proc/{}/comm", pid.trim()));
    assert_ne!(left.unwrap_or_default(), "sleep\n", "what hangs is killed");
    let output = machine.command(&["check", "own"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn programs_that_cannot_be_started_fail() {
    let machine = Machine::new(&[tool("a", ""), tool("b", ""), tool("c", "")].concat());
    machine.0.script("bin/a", "#!/no/such/interpreter\n");
    machine
        .0
        .script("bin/b", "neither a script nor a program\n");
    machine.0.write("bin/c", "#!/bin/sh\necho 1.0\n");
    let results = machine.results();
    assert!(
        results[0].starts_with("a fail it cannot be started: "),
        "{}",
        results[0]
    );
    assert!(
        results[1].starts_with("b fail it cannot be started: "),
        "{}",
        results[1]
    );
    assert_eq!(results[2], "c fail nothing");
}

#[test]
fn an_alias_is_what_it_leads_to_or_what_it_says() {
    let check = "[[check]]\nid = \"awk\"\nkind = \"alias\"\ntarget = \"gawk\"\n\
        says = \"GNU Awk\"\nwhy = \"It is needed.\"\n\
        fix.any = { run = [\"ln\", \"-sf\", \"gawk\", \"AWK\"], undo = [\"ln\", \"-sf\", \"${found}\", \"AWK\"] }\n";
    let machine = Machine::new(check);
    assert_eq!(machine.result(), "awk fail nothing");
    machine.program("mawk", "echo mawk 1.3.4 20200120");
    machine.program("gawk", "echo GNU Awk 5.2.1, API 3.2");
    std::os::unix::fs::symlink("mawk", machine.0.path("bin/awk")).unwrap();
    let mawk = machine.0.path("bin/mawk").display().to_string();
    assert_eq!(machine.result(), format!("awk fail {mawk}"));
    let report = machine.report(machine.command(&["check", "own"]));
    assert_eq!(report["results"][0]["undo"], "ln -sf mawk AWK");
    std::fs::remove_file(machine.0.path("bin/awk")).unwrap();
    std::os::unix::fs::symlink("gawk", machine.0.path("bin/awk")).unwrap();
    assert!(machine.result().starts_with("awk ok "));
    machine.program("wrapper", "exec gawk \"$@\"");
    std::fs::remove_file(machine.0.path("bin/awk")).unwrap();
    std::os::unix::fs::symlink("wrapper", machine.0.path("bin/awk")).unwrap();
    assert!(
        machine.result().starts_with("awk ok "),
        "a script that runs it is fine"
    );
}

#[test]
fn a_compiler_must_compile() {
    let check = "[[check]]\nid = \"compiles\"\nkind = \"compile\"\nprogram = \"CC\"\nwhy = \"It is needed.\"\n\
        args = [\"-x\", \"c++\"]\nsource = \"int main(){}\"\n";
    let real = Machine::new(&check.replace("CC", "/usr/bin/c++"));
    let mut command = real.command(&["check", "own"]);
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TMPDIR", real.0.work());
    assert_eq!(lines(&real.report(command)), ["compiles ok compiles"]);
    let broken = Machine::new(
        &check
            .replace("CC", "/usr/bin/c++")
            .replace("main()", "main("),
    );
    let mut command = broken.command(&["check", "own"]);
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("TMPDIR", broken.0.work());
    let result = lines(&broken.report(command)).concat();
    assert!(result.starts_with("compiles fail <stdin>:1:"), "{result}");
    let left = std::fs::read_dir(broken.0.work())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        !left
            .into_iter()
            .any(|name| name.to_string_lossy().starts_with("buildkeep-check"))
    );
    let fake = Machine::new(&check.replace("CC", "cc"));
    assert_eq!(fake.result(), "compiles fail nothing");
    fake.program("cc", "echo 'ld: cannot find crt1.o: error' >&2; exit 1");
    assert_eq!(fake.result(), "compiles fail ld: cannot find crt1.o: error");
    fake.program("cc", "exit 0");
    assert_eq!(fake.result(), "compiles fail it says nothing");
    fake.program("cc", "kill -KILL $$");
    assert_eq!(fake.result(), "compiles unknown it was killed by signal 9");
}
