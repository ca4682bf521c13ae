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

1 finding in 9 files
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
