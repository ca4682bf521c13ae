//! What is told of a step that failed: real compilers, real make.
use super::run::{json, keep, run};

const BUILD: &str = "#!/bin/bash
set -e
export LC_ALL=C
cd \"$(dirname \"$BUILDKEEP_KEEP\")/src\"
make -j2
make install
";

fn source(env: &super::env::Env, body: &str) {
    env.write("src/good.c", "int good(void) { return 0; }\n");
    env.write("src/lib/bad.c", body);
    let lib = "all: bad.o\n";
    env.write("src/lib/Makefile", lib);
    let top = "all: good.o\n\t$(MAKE) -C lib all\ninstall:\n\t@echo installed\n";
    env.write("src/Makefile", top);
}

#[test]
fn a_compile_error_is_told_with_its_line_its_folder_and_what_changed() {
    let env = keep(&[("01-lib.sh", BUILD)]);
    source(&env, "int bad(void) { return 0; }\n");
    assert!(run(&env, &["run"]).contains("done"));

    source(&env, "int bad(void) { return nothing; }\n");
    std::fs::remove_file(env.path("src/lib/bad.o")).unwrap();
    env.write("k/scripts/01-lib.sh", &BUILD.replace("-j2", "-j2 V=1"));
    let shown = run(&env, &["run"]);
    for expected in [
        "scripts/01-lib.sh:5  make -j2 V=1 (by what it said)",
        "bad.c:1:24: error: 'nothing' undeclared (first use in this function)",
        "1 | int bad(void) { return nothing; }",
        "since it last worked:\n  · script changed",
        "by hand        make -C [ROOT]/src/lib bad.o",
        "what changed   buildkeep why lib",
        "then go on     buildkeep run",
        "/log/0001.log:",
    ] {
        assert!(shown.contains(expected), "{expected}:\n{shown}");
    }

    let status = run(&env, &["status"]);
    assert!(
        status.contains("          line 5: make -j2 V=1\n"),
        "{status}"
    );
    assert!(
        status.contains("          bad.c:1:24: error: 'nothing'"),
        "{status}"
    );
    let status = &json(&env, &["status"])[0];
    let note = &status["failed"][0]["failure"];
    assert_eq!(
        (&note["line"], &note["trouble"]),
        (&5.into(), &"compile".into())
    );

    let why = run(&env, &["why", "lib"]);
    assert!(
        why.contains("\n  exit code 2\n  line 5: make -j2 V=1\n  bad.c:1:24: error:"),
        "{why}"
    );
    assert!(
        why.contains("+make -j2 V=1") || why.contains("V=1"),
        "{why}"
    );
}

#[test]
fn memory_and_crashes_are_told_with_advice() {
    let env = keep(&[
        ("01-killed.sh", "#!/bin/bash\nset -e\nsh -c 'kill -9 $$'\n"),
        (
            "02-crash.sh",
            "#!/bin/bash\nset -e\nsh -c 'kill -SEGV $$'\n",
        ),
        ("03-full.sh", "#!/bin/bash\nset -e\necho x > /dev/full\n"),
    ]);
    let lines = json(&env, &["run", "--keep-going", "killed"]);
    let failed = lines
        .iter()
        .find(|line| line["event"] == "step-failed")
        .unwrap();
    assert_eq!(failed["excerpt"]["trouble"], "killed");
    assert_eq!(failed["excerpt"]["line"]["number"], 3);
    assert_eq!(failed["excerpt"]["line"]["guessed"], false);
    assert!(failed["advice"].as_str().unwrap().contains("fewer jobs"));

    env.write("k/plan.toml", "schema = 1\nscripts = \"scripts\"\n[[step]]\nid = \"crash\"\nneeds = []\n[[step]]\nid = \"full\"\nneeds = []\n");
    let shown = run(&env, &["run", "crash"]);
    assert!(shown.contains("suspect memory or heat"), "{shown}");
    let shown = run(&env, &["run", "full"]);
    assert!(
        shown.contains("No space left on device\n  make room"),
        "{shown}"
    );
}
