//! Secrets: none is committed by us; references are resolved when a step starts.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

/// A made-up secret: put together here, so that no scanner finds it in this file.
fn made_up() -> String {
    ["f7Kq2ZxP", "9wLmR4tY"].concat()
}

fn without(text: &str) -> String {
    assert!(!text.contains(&made_up()), "{text}");
    text.to_owned()
}

#[test]
fn what_comes_back_is_looked_at_and_only_warned_of() {
    let env = keep();
    let script = format!("#!/bin/sh\nMIRROR_TOKEN={} make\n", made_up());
    env.script("k/scripts/02-two.sh", &script);
    env.git(&["-C", "k", "add", "-A"]);
    env.git(&["-C", "k", "commit", "-qm", "past you", "--no-verify"]);
    std::fs::remove_file(env.path("k/scripts/02-two.sh")).unwrap();
    k(&env, "commit -m gone");
    let shown = [
        k(&env, "undo --dry-run"),
        k(&env, "undo"),
        k(&env, "redo"),
        k(&env, "rollback --to HEAD~1 --file scripts --yes"),
        k(&env, "config set build.jobs 9"),
        k(&env, "undo"),
    ];
    assert_data_eq!(
        without(&shown.join("\n")),
        str![[r#"
undoing `gone` of 2026-01-02 03:04 changes:
  scripts/02-two.sh is added
--- stderr
warning: scripts/02-two.sh:2:14 comes back: this looks like a password or a token (rule `password`)
hint: if it is one, `push` refuses it: take it out again (docs/guide/secrets.md)

undid `gone` of 2026-01-02 03:04, committed [COMMIT]
  scripts/02-two.sh is added
to do it again: buildkeep redo
--- stderr
warning: scripts/02-two.sh:2:14 comes back: this looks like a password or a token (rule `password`)
hint: if it is one, `push` refuses it: take it out again (docs/guide/secrets.md)

did again `gone` of 2026-01-02 03:04, committed [COMMIT]
  scripts/02-two.sh is removed
to undo: buildkeep undo

brought back scripts of [COMMIT], committed [COMMIT]
  scripts/02-two.sh is added
to undo: buildkeep undo
--- stderr
warning: scripts/02-two.sh:2:14 comes back: this looks like a password or a token (rule `password`)
hint: if it is one, `push` refuses it: take it out again (docs/guide/secrets.md)

build.jobs: 4 -> 9
  config/build.toml, version 3, committed [COMMIT]

undid `config: set build.jobs to 9` of 2026-01-02 03:04, committed [COMMIT]
  build.jobs: 9 -> 4
  config/build.toml changes
to do it again: buildkeep redo

"#]]
    );
}

#[test]
fn commits_with_what_looks_like_a_secret_are_refused() {
    let env = keep();
    let script = format!("#!/bin/sh\nMIRROR_TOKEN={} make\n", made_up());
    env.script("k/scripts/02-two.sh", &script);
    let refused = [k(&env, "commit"), k(&env, "run"), k(&env, "secret scan")];
    assert_data_eq!(
        without(&refused.join("\n")),
        str![[r#"
--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/02-two.sh:2:14
  |
2 | MIRROR_TOKEN=… make
  |              ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)
hint: nothing was committed
--- exit 2

--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/02-two.sh:2:14
  |
2 | MIRROR_TOKEN=… make
  |              ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)
hint: nothing was committed
--- exit 2

error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/02-two.sh:2:14
  |
2 | MIRROR_TOKEN=… make
  |              ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)

1 finding in 10 files
--- exit 1

"#]]
    );
    let allowed = script.replace(
        " make",
        " make # buildkeep: allow secret(password) of a test",
    );
    env.script("k/scripts/02-two.sh", &allowed);
    assert!(k(&env, "commit").starts_with("committed "));
}

#[test]
fn a_key_that_is_marked_secret_takes_no_value() {
    let env = keep();
    let set = k(&env, &format!("config set mirror.token {}", made_up()));
    env.write(
        "k/config/mirror.toml",
        "[mirror]\ntoken = \"hunter2\" # mine\n",
    );
    let shown = [set, k(&env, "commit"), {
        let allowed =
            "[mirror]\ntoken = \"hunter2\" # buildkeep: allow secret(literal) of no use\n";
        env.write("k/config/mirror.toml", allowed);
        k(&env, "commit")
    }];
    assert_data_eq!(
        without(&shown.join("\n")),
        str![[r#"
--- stderr
error[K304]: this looks like a secret itself: its schema wants a reference here (rule `literal`)
  --> config/build.toml:11:9
   |
11 | token = …
   |         ^
   |
   = help: say in `[secrets]` of buildkeep.toml where it comes from, and write `secret:NAME` here; if it is none, add a comment: `# buildkeep: allow secret(literal) WHY` (docs/guide/secrets.md)
hint: nothing was changed
--- exit 2

--- stderr
error[K304]: this looks like a secret itself: its schema wants a reference here (rule `literal`)
 --> config/mirror.toml:2:9
  |
2 | token = … # mine
  |         ^
  |
  = help: say in `[secrets]` of buildkeep.toml where it comes from, and write `secret:NAME` here; if it is none, add a comment: `# buildkeep: allow secret(literal) WHY` (docs/guide/secrets.md)
hint: nothing was committed
--- exit 2

committed [COMMIT] keep: change config/mirror.toml
  added    config/mirror.toml

"#]]
    );
}

#[test]
fn a_waiver_is_for_some_files_and_some_time() {
    let env = keep();
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let waived = |until: &str| {
        let waiver = format!(
            "[[secrets.allow]]\npath = \"tests/**\"\nreason = \"made up\"\nuntil = \"{until}\"\n"
        );
        env.write("k/buildkeep.toml", &format!("{settings}\n{waiver}"));
    };
    env.write("k/tests/a.env", &format!("A_TOKEN={}\n", made_up()));
    waived("2026-01-01");
    let expired = k(&env, "commit");
    waived("2026-01-02");
    let shown = [expired, k(&env, "commit")];
    assert_data_eq!(
        without(&shown.join("\n")),
        str![[r#"
--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> tests/a.env:1:9
  |
1 | A_TOKEN=…
  |         ^
  |
  = help: it was allowed until 2026-01-01, by line 12 of buildkeep.toml: look again, and give it another day
hint: nothing was committed
--- exit 2

committed [COMMIT] keep: change buildkeep.toml and 1 more
  modified buildkeep.toml
  added    tests/a.env

"#]]
    );
}

#[test]
fn no_command_commits_a_secret_on_the_way() {
    let env = keep();
    let line = format!("echo '# https://me:{}@host.org/' >>\"$1\"", made_up());
    env.script("editor", &format!("#!/bin/sh\n{line}\n"));
    let mut edit = env.buildkeep(&["config", "edit", "config/build.toml"]);
    edit.current_dir(env.path("k"))
        .env("EDITOR", env.path("editor"));
    let edited = without(&env.shown(&edit.output().unwrap()));
    assert!(edited.contains("error[K303]"), "{edited}");
    assert_eq!(env.git(&["-C", "k", "status", "--porcelain"]), "");
    k(&env, "config set build.jobs 8");
    env.write("k/notes.env", &format!("A_TOKEN={}\n", made_up()));
    let back = without(&k(&env, "rollback --to HEAD~1 --yes"));
    assert!(back.contains("beside the branch"), "{back}");
    let branches = env.git(&["-C", "k", "log", "--branches", "-p"]);
    without(&branches);
}

#[test]
fn a_keep_does_not_begin_with_a_secret() {
    let env = Env::new();
    env.script("s/01-a.sh", &format!("#!/bin/sh\nA_TOKEN={}\n", made_up()));
    let copied = without(&env.run(&["init", "k", "--scripts", "s", "--yes"]));
    assert!(copied.contains("--> scripts/01-a.sh:2:9") && copied.contains("no keep was made"));
    assert!(!env.path("k/.git").exists());
    env.write("there/notes.env", &format!("A_TOKEN={}\n", made_up()));
    let there = without(&env.run(&["init", "there", "--yes"]));
    assert!(
        there.contains("notes.env:1:9") && there.contains("begin again"),
        "{there}"
    );
    env.write("there/notes.env", "none\n");
    assert!(
        env.run(&["init", "there", "--yes"])
            .starts_with("made the keep")
    );
}

#[test]
fn any_file_can_be_scanned_without_a_keep() {
    let env = Env::new();
    env.write("a/b.sh", &format!("export A_PASSWORD='{}'\n", made_up()));
    env.write("a/c.sh", "echo\n");
    let shown = without(&env.run(&["secret", "scan", "a"]));
    assert!(
        shown.contains("a/b.sh:1:20") && shown.contains("1 finding in 2 files"),
        "{shown}"
    );
    assert_eq!(
        env.json(&["secret", "scan", "a"])["findings"][0]["code"],
        "K303"
    );
    assert!(env.run(&["secret", "scan"]).contains("--- exit 2"));
}

/// A keep with two steps: the first reads the token, the second nothing.
fn build() -> Env {
    let env = Env::new();
    env.script(
        "s/01-fetch.sh",
        "#!/bin/sh\necho \"with $TOKEN.\" && test -z \"$MIRROR_TOKEN\"\n",
    );
    env.script(
        "s/02-make.sh",
        "#!/bin/sh\nenv | grep -c hunter || echo clean\n",
    );
    env.stdout(&["init", "k", "--scripts", "s", "--yes"]);
    env.write(
        "k/schemas/net.schema.json",
        r#"{"properties": {"net": {"properties": {"token": {"x-buildkeep-secret": true}}}}}"#,
    );
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:mirror\"\n");
    env.write(
        "k/plan.toml",
        "scripts = \"scripts\"\n[env]\nTOKEN = \"${net.token}\"\n",
    );
    source(&env, "mirror = { env = \"MIRROR_TOKEN\" }");
    env
}

/// Says where the secret comes from.
fn source(env: &Env, line: &str) {
    env.write(
        "k/buildkeep.toml",
        &format!("schema = 1\n\n[secrets]\n{line}\n"),
    );
    env.stdout(&["-C", "k", "commit", "-m", "secrets: a source"]);
}

fn with(env: &Env, value: &str, words: &str) -> String {
    let mut command = env.buildkeep(&words.split(' ').collect::<Vec<_>>());
    let output = command
        .current_dir(env.path("k"))
        .env("MIRROR_TOKEN", value)
        .output();
    env.shown(&output.unwrap())
}

/// All that the keep holds, Git's objects unpacked, but the log of the script itself.
fn everything(env: &Env) -> String {
    let objects = env.git(&[
        "-C",
        "k",
        "cat-file",
        "--batch-check",
        "--batch-all-objects",
    ]);
    let mut all = String::new();
    for line in objects.lines() {
        let (id, kind) = line.split_once(' ').unwrap();
        let kind = kind.split(' ').next().unwrap();
        all += &env.git(&["-C", "k", "cat-file", "-p", id]);
        all += &format!("{kind}\n");
    }
    let files = env
        .command("grep")
        .args(["-rla", "hunter22", "k"])
        .output()
        .unwrap();
    all + &String::from_utf8(files.stdout).unwrap()
}

#[test]
fn a_step_gets_its_secret_and_nobody_else_does() {
    let env = build();
    let run = with(&env, "hunter22", "run");
    assert!(run.contains("2 steps done"), "{run}");
    assert_eq!(k(&env, "logs fetch"), "with [secret mirror].\n");
    assert_eq!(k(&env, "logs make"), "0\nclean\n");
    assert_eq!(k(&env, "config get net.token"), "secret:mirror\n");
    assert_eq!(
        with(&env, "hunter22", "config get net.token --reveal"),
        "hunter22\n"
    );
    let all = everything(&env);
    let found: Vec<&str> = all
        .lines()
        .filter(|line| line.contains("hunter22"))
        .collect();
    assert_eq!(found, [""; 0], "in the history");
    let files: Vec<&str> = all.lines().filter(|line| line.starts_with("k/")).collect();
    assert!(
        files.len() == 1 && files[0].ends_with("log/0001.log"),
        "{files:?}"
    );
    assert!(
        all.contains("secret mirror "),
        "its digest is what it was built from"
    );
}

#[test]
fn a_changed_secret_makes_stale_the_steps_that_read_it() {
    let env = build();
    with(&env, "hunter22", "run");
    let shown = [
        with(&env, "hunter22", "run"),
        with(&env, "hunter33", "plan"),
        with(&env, "hunter33", "run --dry-run"),
        with(&env, "hunter33", "secret list --check"),
        k(&env, "plan"),
    ];
    let why = k(&env, "why fetch");
    assert!(why.contains("`net.token` changed (secret mirror)"), "{why}");
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
nothing to run: all 2 steps are done

2 steps, one after the other: 2 done
  1  done         fetch  01-fetch.sh
  2  done         make   02-make.sh

fetch  `net.token` changed (secret mirror)
1 to run, 1 done

mirror  variable MIRROR_TOKEN  has a value
        for net.token

2 steps, one after the other: 1 done, 1 stale
  1  stale        fetch  01-fetch.sh  `net.token` changed (secret mirror)
  2  done         make   02-make.sh

"#]]
    );
}

#[test]
fn a_secret_that_has_no_value_stops_the_run_before_its_step() {
    let env = build();
    let told = |line: &str| {
        source(&env, line);
        let run = k(&env, "run");
        let from = run.find("error").unwrap_or_default();
        run[from..].to_owned()
    };
    let shown = [
        told("mirror = { env = \"MIRROR_TOKEN\" }"),
        told("mirror = { command = [\"no-such-program\", \"x\"] }"),
        told("mirror = { command = [\"sh\", \"-c\", \"echo hunter22; echo no key >&2; exit 3\"] }"),
        told("mirror = { command = [\"sleep\", \"9\"], timeout = 1 }"),
        told("mirror = { command = [\"true\"] }"),
        told("mirror = { command = [\"sh\", \"-c\", \"yes | head -c 200000\"] }"),
        told("mirror = { age = \"secrets/mirror.age\" }"),
        told("mirror = { age = \"secrets/mirror.age\", identity = \"~/key\" }"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
error: the secret `mirror` cannot be resolved from variable MIRROR_TOKEN: it is not set
hint: set it: `export MIRROR_TOKEN=…`
--- exit 2

error: the secret `mirror` cannot be resolved from command no-such-program: there is no program `no-such-program`
hint: install it, or correct `command` in `[secrets]`
--- exit 2

error: the secret `mirror` cannot be resolved from command sh: it ended with exit status: 3 and said: no key
hint: try it by hand, then again
--- exit 2

error: the secret `mirror` cannot be resolved from command sleep: it took longer than 1 s
hint: give it a longer `timeout` in `[secrets]`
--- exit 2

error: the secret `mirror` cannot be resolved from command true: the value is empty
hint: give it one, and try again
--- exit 2

error[K109]: the value of `TOKEN` is 195 KiB long; a variable holds 128 KiB
 --> plan.toml:3:9
  |
3 | TOKEN = "${net.token}"
  |         ^^^^^^^^^^^^^^
  |
  = help: put it into a file, and let the script read that
--- exit 2

error: the secret `mirror` cannot be resolved from age file secrets/mirror.age: no `identity` says which private key reads it
hint: add `identity = "~/.config/age/key.txt"` to it, or to all of `[secrets]`
--- exit 2

error: the secret `mirror` cannot be resolved from age file secrets/mirror.age: there is no file [ROOT]/k/secrets/mirror.age
hint: make it: `buildkeep secret set NAME`
--- exit 2

"#]]
    );
    assert!(!shown.concat().contains("hunter22"));
    assert!(k(&env, "logs fetch").contains("has not run on this machine"));
}

#[test]
fn a_command_prints_the_secret_when_its_step_starts() {
    let env = build();
    source(
        &env,
        "mirror = { command = [\"sh\", \"-c\", \"echo x >>asked; echo hunter22\"] }",
    );
    env.write("k/.gitignore", "/.buildkeep/\nasked\n");
    assert!(k(&env, "run").contains("2 steps done"));
    assert_eq!(k(&env, "logs fetch"), "with [secret mirror].\n");
    k(&env, "run");
    k(&env, "status");
    let asked = std::fs::read_to_string(env.path("k/asked")).unwrap();
    assert_eq!(asked, "x\n", "asked once, for the step that reads it");
}

#[test]
fn age_files_of_ours_and_of_age_itself_are_read() {
    use age::secrecy::ExposeSecret as _;
    let env = build();
    let key = age::x25519::Identity::generate();
    let text = format!("# mine\n{}\n", key.to_string().expose_secret());
    std::fs::write(env.work().join("../home/key.txt"), text).unwrap();
    let public = key.to_public().to_string();
    let common = format!("recipients = [\"{public}\"]\nidentity = \"~/key.txt\"\n");
    source(
        &env,
        &format!("{common}mirror = {{ age = \"secrets/mirror.age\" }}"),
    );
    let set = |name: &str, value: &str| {
        let input = env.write("value", value);
        let mut command = env.buildkeep(&["-C", "k", "secret", "set", name]);
        let output = command.stdin(std::fs::File::open(input).unwrap()).output();
        env.shown(&output.unwrap())
    };
    let shown = [
        set("mirror", "hunter22\n"),
        set("signing", "s3cr3t-phrase"),
        set("bad/name", "x"),
        k(&env, "secret list --check"),
    ];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
mirror: encrypted into secrets/mirror.age, committed [COMMIT]
  refer to it: `buildkeep config set KEY secret:mirror`

signing: encrypted into secrets/signing.age, committed [COMMIT]
  refer to it: `buildkeep config set KEY secret:signing`

--- stderr
error: `bad/name` cannot be the name of a secret
hint: use letters, digits, `-` and `_`
--- exit 2

mirror   age file secrets/mirror.age  has a value
         for net.token
signing  age file secrets/signing.age  has a value

"#]]
    );
    assert!(k(&env, "run").contains("2 steps done"));
    assert_eq!(k(&env, "logs fetch"), "with [secret mirror].\n");
    let binary = age::encrypt(&key.to_public(), b"[mirror]\ntoken = 'hunter44'\n").unwrap();
    std::fs::write(env.path("k/secrets/mirror.age"), binary).unwrap();
    source(
        &env,
        &format!("{common}mirror = {{ age = \"secrets/mirror.age\", key = \"mirror.token\" }}"),
    );
    assert_eq!(k(&env, "config get net.token --reveal"), "hunter44\n");
    set("mirror", "hunter55");
    assert_eq!(k(&env, "config get net.token --reveal"), "hunter55\n");
    by_age_itself(&env, &public);
}

/// What the program `age` writes is read, where it is installed.
fn by_age_itself(env: &Env, public: &str) {
    let plain = env.write("plain", "[mirror]\ntoken = 'hunter66'\n");
    let target = env.path("k/secrets/mirror.age");
    let args = ["--encrypt", "--armor", "-r", public, "-o"];
    let age = env
        .command("age")
        .args(args)
        .arg(&target)
        .arg(plain)
        .status();
    if age.is_ok_and(|status| status.success()) {
        assert_eq!(k(env, "config get net.token --reveal"), "hunter66\n");
    }
}

#[test]
fn references_that_lead_nowhere_are_errors() {
    let env = build();
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:miror\"\n");
    let unknown = k(&env, "config validate");
    env.write("k/config/net.toml", "[net]\ntoken = \"secret:mirror\"\n");
    env.write(
        "k/buildkeep.toml",
        "[secrets]\nmirror = { env = \"A\", age = \"b\" }\n",
    );
    let shown = [unknown, k(&env, "config validate")];
    assert_data_eq!(
        shown.join("\n"),
        str![[r#"
error[K305]: `[secrets]` in buildkeep.toml has no `miror`
 --> config/net.toml:2:9
  |
2 | token = "secret:miror"
  |         ^^^^^^^^^^^^^^
  |
  = help: did you mean `secret:mirror`?

1 error in 4 files
--- exit 1

error[K306]: `secrets.mirror` must have exactly one of `env`, `command` and `age`
 --> buildkeep.toml:2:10
  |
2 | mirror = { env = "A", age = "b" }
  |          ^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: as in `mirror = { env = "VARIABLE" }`

1 error in 4 files
--- exit 1

"#]]
    );
}

/// The keep with our hooks and a remote.
fn hooked() -> Env {
    let env = keep();
    env.stdout(&["-C", "k", "hooks", "install"]);
    env.git(&["init", "-q", "--bare", "bare.git"]);
    env.git(&["-C", "k", "remote", "add", "origin", "../bare.git"]);
    env
}

#[test]
fn plain_git_is_stopped_at_commit_and_at_push() {
    let env = hooked();
    let git = |words: &[&str]| {
        let output = env.command("git").args(["-C", "k"]).args(words).output();
        env.shown(&output.unwrap())
    };
    env.write("k/scripts/a.env", &format!("A_TOKEN={}\n", made_up()));
    git(&["add", "scripts/a.env"]);
    let commit = git(&["commit", "-qm", "scripts: a token"]);
    git(&["commit", "-qnm", "scripts: a token"]);
    git(&["rm", "-q", "scripts/a.env"]);
    git(&["commit", "-qm", "scripts: no token"]);
    let push = git(&["push", "-q", "origin", "main"]);
    let ours = k(&env, "push");
    let shown = [
        commit,
        push.replace("error: failed to push some refs to '../bare.git'\n", ""),
        ours,
    ];
    assert_data_eq!(
        without(&shown.join("\n")),
        str![[r#"
--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/a.env:1:9
  |
1 | A_TOKEN=…
  |         ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)

buildkeep: the commit was refused: it would hold a secret
hint: take it out, `git add` the file, and commit again
--- exit 1

--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/a.env:1:9
  |
1 | A_TOKEN=…
  |         ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)

buildkeep: the push of refs/heads/main was refused: [COMMIT] (scripts: a token) holds what looks like a secret
hint: take it out of that commit: `git rebase -i [COMMIT]~1`
hint: or, if it is none, allow it in `[[secrets.allow]]` of buildkeep.toml
--- exit 1

--- stderr
error[K303]: this looks like a password or a token (rule `password`)
 --> scripts/a.env:1:9
  |
1 | A_TOKEN=…
  |         ^
  |
  = help: give it to the step as a variable: a configuration key with `secret:NAME`, named in plan.toml; if it is none, add a comment: `# buildkeep: allow secret(password) WHY` (docs/guide/secrets.md)

buildkeep: the push was refused: [COMMIT] (scripts: a token) holds what looks like a secret
hint: take it out of that commit: `git rebase -i [COMMIT]~1`
hint: or, if it is none, allow it in `[[secrets.allow]]` of buildkeep.toml
--- exit 2

"#]]
    );
    allow(&env);
    assert_eq!(git(&["push", "-q", "origin", "main"]), "");
}

fn allow(env: &Env) {
    let settings = std::fs::read_to_string(env.path("k/buildkeep.toml")).unwrap();
    let waiver = "[[secrets.allow]]\npath = \"scripts/a.env\"\nreason = \"revoked long ago\"\n";
    env.write("k/buildkeep.toml", &format!("{settings}\n{waiver}"));
    env.stdout(&["-C", "k", "commit"]);
}
