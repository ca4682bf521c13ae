//! What steps read, and what makes them stale.
use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn a_step_reads_what_its_script_names() {
    let keep = Keep::new(&["03-plain.sh"]);
    keep.script(
        "scripts/01-own.sh",
        "#!/bin/sh\necho $GREETING ${WIDTH:-1}\n",
    );
    keep.script(
        "scripts/02-reads.sh",
        "#!/bin/sh\ngrep level config/build.toml\n",
    );
    let toml = r#"
        scripts = "scripts"
        [env]
        CFLAGS = "-O${build.level} $$x"
        GREETING = "${app.greeting}"
        WIDTHS = "${app.widths}"
        MAKEFLAGS = "-j${build.jobs}"
        TOKEN = "${net.token}"
        [[step]]
        id = "own"
        env = { EXTRA = "${app.extra}", GREETING = "own ${app.greeting}" }
        [[step]]
        id = "reads"
        reads = ["app", "net.token", "build.jobs"]
    "#;
    let keys = keys(&[
        ("build.level", "2"),
        ("build.jobs", "4"),
        ("app.greeting", "hi"),
        ("app.widths", "9"),
        ("app.extra", ""),
        ("net.token", "s3cret"),
    ]);
    let plan = keep.plan(toml);
    let env = |id: &str| plan.environment(plan.find(id).unwrap(), &keys).unwrap();
    let read = |id: &str| env(id).keys().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(read("own"), ["app.extra", "app.greeting", "build.level"]);
    assert_eq!(
        read("reads"),
        [
            "app.extra",
            "app.greeting",
            "app.widths",
            "build.level",
            "net.token"
        ]
    );
    assert_eq!(read("plain"), ["build.level"]);
    assert_eq!(env("own").vars["GREETING"], "own hi");
    assert_eq!(env("plain").vars["GREETING"], "hi");
    assert_eq!(env("plain").vars["CFLAGS"], "-O2 $x");
    assert_eq!(env("plain").vars["MAKEFLAGS"], "-j4");
    assert_eq!(
        env("reads").secret.into_iter().collect::<Vec<_>>(),
        ["TOKEN"]
    );
    assert!(!env("plain").vars.contains_key("TOKEN"), "it does not ask");
    let parts = plan.fingerprints(&keys).unwrap();
    let written = serde_json::to_string(&parts).unwrap();
    assert!(!written.contains("s3cret"), "{written}");
}

#[test]
fn unknown_keys_are_told_where() {
    let keep = Keep::new(&["01-a.sh"]);
    let toml = "scripts = \"scripts\"\n[env]\nCFLAGS = \"${build.cflag}\"\n[[step]]\nid = \"a\"\nreads = [\"bild\"]\n";
    let plan = keep.plan(toml);
    let keys = keys(&[("build.cflags", "-O2")]);
    let Err(Error::Document(problems)) = plan.environment(&plan.steps[0], &keys) else {
        panic!("both are unknown")
    };
    assert_data_eq!(
        problems.iter().map(line).collect::<String>(),
        str![[r#"
3:10 `build.cflag` is no configuration key that has a value (did you mean `build.cflags`?)
6:10 `bild` is no configuration key that has a value (`buildkeep config list` shows all keys; `$$` is a dollar)

"#]]
    );
}

#[test]
fn a_change_makes_what_depends_on_it_stale() {
    let keep = Keep::new(&["01-a.sh", "02-b.sh", "03-c.sh"]);
    keep.write("src/x.c", "1", 0o644);
    let toml = "root = \"out\"\n[env]\nCFLAGS = \"${build.cflags}\"\n\
        [[step]]\nscript = \"scripts/01-a.sh\"\ninputs = [\"src\"]\n\
        [[step]]\nscript = \"scripts/02-b.sh\"\nneeds = [\"a\"]\n\
        [[step]]\nscript = \"scripts/03-c.sh\"\n";
    let toml = toml.replace("script =", "env = {}\nscript =");
    let parts = |toml: &str, cflags| {
        let keys = keys(&[("build.cflags", cflags), ("build.jobs", "4")]);
        keep.plan(toml).fingerprints(&keys).unwrap()
    };
    let before = parts(&toml, "-O2");
    let reasons = |now: &BTreeMap<String, Fingerprint>, id: &str| {
        let changes = now[id].changes(&before[id]);
        changes
            .iter()
            .map(Change::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(parts(&toml, "-O2"), before);
    let now = parts(&toml, "-O3");
    assert_eq!(
        reasons(&now, "b"),
        "`build.cflags` changed from -O2 to -O3; needs `a`, which changed"
    );
    keep.write("src/x.c", "2", 0o644);
    keep.script("scripts/03-c.sh", "#!/bin/sh\nfalse\n");
    let now = parts(&toml, "-O2");
    assert_eq!(reasons(&now, "a"), "input src changed");
    assert_eq!(reasons(&now, "b"), "needs `a`, which changed");
    assert_eq!(reasons(&now, "c"), "script changed");
    keep.script("scripts/03-c.sh", "#!/bin/sh\ntrue\n");
    let moved = parts(&toml.replace("\"out\"", "\"elsewhere\""), "-O2");
    assert_eq!(
        reasons(&moved, "c").replace(keep.path().to_str().unwrap(), "[KEEP]"),
        "root changed from [KEEP]/out to [KEEP]/elsewhere"
    );
}

#[test]
fn a_script_that_went_away_is_told() {
    let keep = Keep::new(&["01-a.sh"]);
    let plan = keep.plan("");
    fs::remove_file(keep.path().join("scripts/01-a.sh")).unwrap();
    let error = plan
        .environment(&plan.steps[0], &keys(&[]))
        .unwrap_err()
        .to_string();
    assert!(error.ends_with("01-a.sh: there is no such file"), "{error}");
}

#[test]
fn a_key_may_name_the_steps_it_makes_stale() {
    let keep = Keep::new(&[
        "01-own.sh",
        "chapter10/1001-kernel.sh",
        "chapter10/1002-grub.sh",
    ]);
    let toml = "scripts = \"scripts\"\n[env]\nCFLAGS = \"${build.kernel}\"\n";
    let keys = keys(&[("build.kernel", "6.16"), ("build.level", "2")]);
    let plan = keep.plan(toml);
    let reads = |id: &str| {
        let env = plan.environment(plan.find(id).unwrap(), &keys).unwrap();
        env.keys().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(reads("kernel"), ["build.kernel"], "it is named");
    assert_eq!(reads("own"), [""; 0], "it is not, though it reads the key");
    assert_eq!(plan.unknown_steps(&keys), []);
    let other = keep.plan("[[step]]\nscript = \"scripts/01-own.sh\"\n");
    assert_eq!(other.unknown_steps(&keys), [("build.kernel", "*kernel")]);
}
