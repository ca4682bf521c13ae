//! Git bundles: plain Git reads them, and so do we.
use super::{differences, export, with_snapshot};
use crate::env::Env;

#[test]
fn git_clones_a_bundle_and_a_vault_takes_it() {
    let env = Env::new();
    let tag = with_snapshot(&env);
    export(&env, &["-o", "all.bundle"]);
    env.git(&["clone", "-q", "--mirror", "all.bundle", "mirror"]);
    env.git(&["-C", "mirror", "fsck", "--strict", "--full"]);
    env.stdout(&[
        "backup", "restore", &tag, "--to", "new", "--vault", "mirror",
    ]);
    assert_eq!(differences(&env, "src", "new"), "");
    let first = env.json(&["backup", "import", "all.bundle", "--vault", "w"]);
    assert_eq!(first["snapshots"][0]["snapshot"], tag.as_str());
    let again = env.json(&["backup", "import", "all.bundle", "--vault", "w"]);
    assert_eq!(again["snapshots"][0]["was_there"], true);
    let heads = |vault: &str| env.git(&["-C", vault, "for-each-ref"]);
    assert_eq!(heads("v"), heads("w"));
}

#[test]
fn a_bundle_upon_another_holds_only_what_is_new() {
    let env = Env::new();
    let old = with_snapshot(&env);
    export(&env, &["-o", "first.bundle"]);
    env.write("src/deep/new", "something new");
    env.json(&["backup", "create", "src", "--vault", "v"]);
    export(&env, &["-o", "second.bundle", "--since", &old]);
    let size = |name: &str| env.path(name).metadata().unwrap().len();
    assert!(size("second.bundle") * 100 < size("first.bundle"));
    let said = env.run(&["backup", "import", "second.bundle", "--vault", "w"]);
    assert!(said.contains("builds upon a snapshot"), "{said}");
    env.stdout(&["backup", "import", "first.bundle", "--vault", "w"]);
    env.stdout(&["backup", "import", "second.bundle", "--vault", "w"]);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "w"]);
    assert_eq!(differences(&env, "src", "new"), "");
    // Plain Git agrees.
    env.git(&["clone", "-q", "--mirror", "first.bundle", "mirror"]);
    env.git(&[
        "-C",
        "mirror",
        "fetch",
        "-q",
        "../second.bundle",
        "refs/tags/*:refs/tags/*",
    ]);
    env.git(&["-C", "mirror", "fsck", "--strict", "--full"]);
}

#[test]
fn the_last_bundle_in_the_catalogue_is_built_upon() {
    let env = Env::new();
    env.stdout(&["init", "--template", "generic", "--yes"]);
    env.write("src/a", "one");
    env.json(&["backup", "create", "src"]);
    let said = env.run(&["backup", "export", "--all", "--since-last"]);
    assert!(said.contains("no bundle of this vault"), "{said}");
    env.stdout(&["backup", "export", "--all", "-o", "1.bundle"]);
    env.write("src/b", "two");
    env.json(&["backup", "create", "src"]);
    let second = env.json(&[
        "backup",
        "export",
        "--all",
        "--since-last",
        "-o",
        "2.bundle",
    ]);
    assert_eq!(second["snapshots"].as_array().unwrap().len(), 1, "{second}");
    assert_eq!(second["since"].as_array().unwrap().len(), 1);
    let said = env.run(&[
        "backup",
        "export",
        "--all",
        "--since-last",
        "-o",
        "3.bundle",
    ]);
    assert!(said.contains("nothing new"), "{said}");
}

#[test]
fn a_bundle_without_snapshots_is_refused() {
    let env = Env::new();
    env.git(&["init", "-q", "repo"]);
    env.git(&["-C", "repo", "commit", "-q", "--allow-empty", "-m", "x"]);
    env.git(&["-C", "repo", "tag", "a/b/c"]);
    env.git(&[
        "-C",
        "repo",
        "bundle",
        "create",
        "-q",
        "../head.bundle",
        "HEAD",
    ]);
    env.git(&[
        "-C",
        "repo",
        "bundle",
        "create",
        "-q",
        "../tag.bundle",
        "a/b/c",
    ]);
    let said = env.run(&["backup", "import", "head.bundle", "--vault", "w"]);
    assert!(said.contains("no snapshot"), "{said}");
    let said = env.run(&["backup", "import", "tag.bundle", "--vault", "w"]);
    assert!(said.contains("names no snapshot"), "{said}");
    assert_eq!(env.git(&["-C", "w", "tag"]), "");
}
