//! `doctor`: damage made for real, found, mended; then Git's own check is content and commands work.
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use snapbox::{assert_data_eq, str};

use crate::env::Env;

/// A keep with three versions.
fn keep() -> Env {
    let env = Env::new();
    env.stdout(&["init", "k", "--template", "generic", "--yes"]);
    for jobs in ["3", "5"] {
        env.stdout(&["-C", "k", "config", "set", "build.jobs", jobs]);
    }
    env
}

fn git(env: &Env, args: &str) -> String {
    let args: Vec<&str> = ["-C", "k"].into_iter().chain(args.split(' ')).collect();
    env.git(&args).trim().to_owned()
}

/// The file of a loose object.
fn object(env: &Env, name: &str) -> PathBuf {
    let id = git(env, &format!("rev-parse {name}"));
    env.path(format!("k/.git/objects/{}/{}", &id[..2], &id[2..]))
}

/// What a power cut leaves of a file that was never synced.
fn empty(path: &Path) {
    if let Ok(meta) = fs::metadata(path) {
        fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() | 0o200)).unwrap();
    }
    fs::write(path, "").unwrap();
}

/// The names of what is wrong.
fn found(env: &Env) -> Vec<String> {
    let answer = env.json(&["-C", "k", "doctor"]);
    let findings = answer["findings"].as_array().unwrap().clone();
    let ids = findings.iter().map(|one| one["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// Mends what was damaged; afterwards nothing is wrong, and the keep can be written.
fn mended(env: &Env, expected: &[&str]) -> String {
    assert_eq!(found(env), expected, "{}", env.run(&["-C", "k", "doctor"]));
    let shown = env.run(&["-C", "k", "doctor", "--fix", "--yes"]);
    assert!(!shown.contains("--- exit"), "{shown}");
    git(env, "fsck --strict");
    git(env, "status");
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "9"]);
    assert_eq!(env.run(&["-C", "k", "doctor"]), "nothing is wrong\n");
    shown
}

fn version(env: &Env) -> u64 {
    env.json(&["-C", "k", "status"])["config"]["version"]
        .as_u64()
        .unwrap()
}

#[test]
fn content_that_is_in_the_work_tree_or_the_index_is_written_again() {
    let env = keep();
    let objects = ["HEAD:config/build.toml", "HEAD:config", "HEAD^{tree}"];
    let objects = objects.map(|name| object(&env, name));
    for path in &objects {
        empty(path);
    }
    let shown = env.run(&["-C", "k", "doctor"]);
    assert!(
        shown.contains("folder / of commit") && shown.contains("--- exit 1"),
        "{shown}"
    );
    mended(&env, &["broken-object", "damaged-object"]);
    assert_eq!(version(&env), 4, "no commit was given up");
}

#[test]
fn a_lost_commit_sends_its_branch_back_to_the_newest_whole_one() {
    let env = keep();
    let before = git(&env, "rev-parse HEAD~1");
    empty(&object(&env, "HEAD"));
    let expected = ["broken-object", "lost-object", "broken-ref", "broken-ref"];
    let shown = mended(&env, &expected);
    assert!(
        shown.contains("given up lost-object: 1 object lost"),
        "{shown}"
    );
    assert_eq!(git(&env, "rev-parse HEAD~1"), before);
    let shown = env.run(&["-C", "k", "undo", "--yes"]);
    assert!(!shown.contains("damaged"), "{shown}");
}

#[test]
fn a_lost_object_comes_back_from_another_copy() {
    let env = keep();
    env.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--no-hardlinks",
        "k",
        "copy.git",
    ]);
    let (commit, old) = (
        object(&env, "HEAD~1"),
        object(&env, "HEAD~1:config/build.toml"),
    );
    empty(&commit);
    fs::set_permissions(&old, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&old, "garbage").unwrap();
    assert_eq!(
        found(&env),
        ["broken-object", "lost-object", "broken-ref"],
        "without a copy, operations would have to go"
    );
    let shown = env.run(&["-C", "k", "doctor", "--fix", "--yes", "--from", "copy.git"]);
    assert!(shown.contains("mended  lost-object"), "{shown}");
    git(&env, "fsck --strict");
    assert_eq!(git(&env, "rev-list --count main"), "3");
    let kept = env.path("k/.buildkeep/trash/doctor/20260102T030405Z/.git/objects");
    assert!(kept.is_dir(), "what was not empty is kept");
    assert_eq!(found(&env), [""; 0]);
}

#[test]
fn what_is_nowhere_is_named_and_the_rest_goes_on() {
    let env = keep();
    empty(&object(&env, "HEAD~1:config/build.toml"));
    let shown = env.run(&["-C", "k", "doctor", "--fix", "--yes"]);
    assert!(
        shown.contains("file config/build.toml of commit"),
        "{shown}"
    );
    assert!(
        shown.contains("doctor --fix --from COPY") && shown.contains("--- exit 1"),
        "{shown}"
    );
    env.stdout(&["-C", "k", "config", "set", "build.jobs", "9"]);
}

#[test]
fn refs_and_head_are_read_from_what_is_left() {
    let env = keep();
    empty(&env.path("k/.git/refs/heads/main"));
    mended(&env, &["broken-ref"]);
    env.write("k/.git/refs/heads/main", "no commit\n");
    mended(&env, &["broken-ref"]);
    empty(&env.path("k/.git/HEAD"));
    mended(&env, &["broken-head"]);
    env.stdout(&["-C", "k", "tag", "-m", "as it was", "first"]);
    git(&env, "pack-refs --all");
    let refs = git(&env, "for-each-ref");
    empty(&env.path("k/.git/packed-refs"));
    assert_eq!(found(&env), ["damaged-packed-refs"]);
    env.stdout(&["-C", "k", "doctor", "--fix", "--yes"]);
    assert_eq!(
        git(&env, "for-each-ref"),
        refs,
        "branch, tag and operations"
    );
    git(&env, "fsck --strict");
}

#[test]
fn a_missing_or_damaged_index_is_read_from_the_last_commit() {
    let env = keep();
    empty(&env.path("k/.git/index"));
    mended(&env, &["damaged-index"]);
    fs::remove_file(env.path("k/.git/index")).unwrap();
    mended(&env, &["no-index"]);
    let path = env.path("k/.git/index");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    mended(&env, &["damaged-index"]);
    assert_eq!(git(&env, "status --porcelain"), "");
}

#[test]
fn what_killed_processes_left_goes_and_what_living_ones_have_stays() {
    let env = keep();
    let left = [
        ".git/index.lock",
        ".git/packed-refs.lock",
        ".git/refs/heads/main.lock",
        ".git/objects/pack/tmp_pack_x1",
        "config/.buildkeep-tmp-999999-0",
    ];
    for path in left {
        env.write(&format!("k/{path}"), "");
    }
    let open = fs::File::create(env.path("k/.git/HEAD.lock")).unwrap();
    mended(&env, &["stale-lock", "temporary-files"]);
    assert!(env.path("k/.git/HEAD.lock").exists());
    drop(open);
}

#[test]
fn settings_rules_and_modes() {
    let env = keep();
    empty(&env.path("k/.git/config"));
    mended(&env, &["git-config"]);
    empty(&env.path("k/.git/info/exclude"));
    mended(&env, &["not-ignored"]);
    let anybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(env.path("k/config"), anybody).unwrap();
    mended(&env, &["world-writable"]);
    let nobody = fs::Permissions::from_mode(0o000);
    fs::set_permissions(env.path("k/.git/refs/heads/main"), nobody).unwrap();
    mended(&env, &["wrong-mode"]);
}

#[test]
fn root_gives_back_what_root_took() {
    let env = keep();
    if chown(env.path("k/.git/HEAD"), Some(1234), None).is_err() {
        eprintln!("skipped: only root may give files away");
        return;
    }
    mended(&env, &["wrong-owner"]);
    let owner = fs::metadata(env.path("k")).unwrap().uid();
    assert_eq!(fs::metadata(env.path("k/.git/HEAD")).unwrap().uid(), owner);
}

#[test]
fn packs_are_indexed_or_salvaged() {
    let env = keep();
    git(&env, "repack -adq");
    let folder = env.path("k/.git/objects/pack");
    let of_kind = |kind: &str| {
        let paths = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        paths
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == kind))
            .unwrap()
    };
    fs::remove_file(of_kind("idx")).unwrap();
    mended(&env, &["damaged-pack-index"]);
    git(&env, "repack -adq");
    let pack = of_kind("pack");
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&pack, bytes).unwrap();
    mended(&env, &["damaged-pack"]);
    assert_eq!(git(&env, "rev-list --count main"), "4");
}

#[test]
fn many_objects_become_one_pack_and_readers_do_not_notice() {
    let env = keep();
    let script = "export GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z; \
        cd k && for n in $(seq 5200); do echo $n > n$n; done && git add . && \
        git commit -qnm many && git rm -q 'n*' && git commit -qnm fewer";
    let done = env.command("sh").args(["-c", script]).status().unwrap();
    assert!(done.success());
    assert_eq!(found(&env), ["many-objects"]);
    let refs = git(&env, "for-each-ref");
    let log = git(&env, "reflog");
    env.stdout(&["-C", "k", "doctor", "--fix", "--yes"]);
    assert!(git(&env, "count-objects").starts_with("0 objects"));
    assert_eq!(
        (git(&env, "for-each-ref"), git(&env, "reflog")),
        (refs, log)
    );
    git(&env, "fsck --strict");
    assert_eq!(
        env.stdout(&["-C", "k", "config", "get", "build.jobs"]),
        "5\n"
    );
    assert_eq!(found(&env), [""; 0]);
}

#[test]
fn other_kinds_of_repositories_are_told_what_converts_them() {
    let env = Env::new();
    env.git(&[
        "init",
        "--quiet",
        "--object-format=sha256",
        "-b",
        "main",
        "k",
    ]);
    env.write("k/buildkeep.toml", "");
    git(&env, "add .");
    git(&env, "commit -qm x");
    let answer = env.json(&["-C", "k", "doctor"]);
    assert_eq!(answer["findings"][0]["id"], "sha256");
    let command = answer["findings"][0]["mend"].as_str().unwrap();
    let refused = env.run(&["-C", "k", "status"]);
    assert!(refused.contains(command), "{refused}");
    let mut shell = env.command("sh");
    let done = shell
        .args(["-ec", command])
        .current_dir(env.path("k"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", env.shown(&done));
    env.stdout(&["-C", "new-keep", "status"]);

    let env = keep();
    if !env
        .command("git")
        .args(["-C", "k", "refs", "migrate", "--ref-format=reftable"])
        .output()
        .unwrap()
        .status
        .success()
    {
        eprintln!("skipped: this git has no reftables");
        return;
    }
    assert_eq!(found(&env), ["reftable"]);
    git(&env, "refs migrate --ref-format=files");
    assert_eq!(found(&env), [""; 0]);
}

#[test]
fn what_only_people_can_decide_is_told_with_its_command() {
    let env = keep();
    fs::remove_dir_all(env.path("k/.git/hooks")).unwrap();
    git(&env, "config extensions.partialClone origin");
    env.write("k/plan.toml", "schema = 1\nroot = \"/nonexistent/lfs\"\n");
    git(&env, "add -f .buildkeep/host");
    let shown = env.run(&["-C", "k", "doctor"]);
    assert_data_eq!(
        shown,
        str![[r#"
partial-clone: it is a partial clone: objects are fetched when somebody wants them
  why   buildkeep never goes to the network by itself, so old versions may be unreadable
  type  git fetch --refetch --no-filter && git config unset extensions.partialClone
private-tracked: Git tracks files below .buildkeep: 1
  why   they belong to this machine only; whoever clones the keep cannot work with them
  type  git rm -r -q --cached .buildkeep && git commit -m 'private files are private'
no-hooks: our hooks are missing, or those of another buildkeep: pre-commit, pre-merge-commit, commit-msg, pre-push, post-merge, post-checkout, post-rewrite
  why   plain `git commit` and `git push` would let invalid configuration through
  type  buildkeep hooks install
no-root: the root of the plan is not there: /nonexistent/lfs
  why   nothing can be built, and no snapshot taken; is its disk mounted?
  type  findmnt && grep -n root plan.toml
4 things are wrong
--- stderr
hint: type these commands in [ROOT]/k
--- exit 1

"#]]
    );
}

#[test]
fn nothing_is_mended_that_was_not_agreed_to() {
    let env = keep();
    empty(&env.path("k/.git/index"));
    let shown = env.run(&["-C", "k", "doctor", "--fix"]);
    assert!(
        shown.contains("add `--yes`") && shown.contains("--- exit 2"),
        "{shown}"
    );
    assert_eq!(fs::metadata(env.path("k/.git/index")).unwrap().len(), 0);
    let none = env.run(&["-C", "/", "doctor"]);
    assert!(none.contains("no keep in /"), "{none}");
}

#[test]
fn a_run_packs_at_its_end_if_there_is_much_to_pack() {
    let env = keep();
    env.script("k/scripts/01-one.sh", "#!/bin/sh\n");
    env.stdout(&["-C", "k", "run"]);
    let loose = |env: &Env| git(env, "count-objects");
    assert!(
        !loose(&env).starts_with("0 "),
        "few objects stay as they are"
    );
    let blobs = "cd k && seq 5000 | while read n; do echo $n > ../n$n; echo ../n$n; done | \
        git hash-object -w --stdin-paths --no-filters | sed 's/.*/100644 blob &\t&/' | \
        git mktree | xargs git tag kept";
    let done = env.command("sh").args(["-c", blobs]).status().unwrap();
    assert!(done.success());
    env.stdout(&["-C", "k", "run", "--force"]);
    assert!(loose(&env).starts_with("0 objects"), "{}", loose(&env));
    git(&env, "fsck --strict");
}

#[test]
fn packed_refs_that_were_cut_off_lose_nothing_of_what_they_still_say() {
    let env = keep();
    env.stdout(&["-C", "k", "tag", "light"]);
    git(&env, "branch side");
    git(&env, "tag plain");
    git(&env, "pack-refs --all");
    let refs = git(&env, "for-each-ref");
    let path = env.path("k/.git/packed-refs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}0123456789")).unwrap();
    mended(&env, &["damaged-packed-refs"]);
    let left = git(&env, "for-each-ref");
    for line in refs
        .lines()
        .filter(|line| !line.contains("main") && !line.contains("/op"))
    {
        assert!(left.contains(line), "{line} is not in\n{left}");
    }
    assert_eq!(version(&env), 4);
}

#[test]
fn a_branch_that_is_gone_comes_back() {
    let env = keep();
    fs::remove_file(env.path("k/.git/refs/heads/main")).unwrap();
    mended(&env, &["broken-ref"]);
    assert_eq!(version(&env), 4);
}

#[test]
fn a_machine_on_which_no_run_would_begin_is_told() {
    let env = keep();
    let path = env.path("k/buildkeep.toml");
    let settings = fs::read_to_string(&path).unwrap();
    let rest: Vec<&str> = settings
        .lines()
        .filter(|line| !line.starts_with("checks"))
        .collect();
    fs::write(&path, format!("checks = [\"own\"]\n{}\n", rest.join("\n"))).unwrap();
    let check = "[[check]]\nid = \"disk\"\nkind = \"file\"\npath = \"sources\"\nis = \"folder\"\nwhy = \"Sources lie there.\"\n";
    env.write("k/checks/own.toml", check);
    git(&env, "add .");
    env.stdout(&["-C", "k", "commit", "-m", "checks"]);
    assert_eq!(found(&env), ["machine"]);
    let shown = env.run(&["-C", "k", "doctor"]);
    assert!(
        shown.contains("not fit for the build: sources is a folder (found: nothing)"),
        "{shown}"
    );
    fs::create_dir(env.path("k/sources")).unwrap();
    assert!(found(&env).is_empty());
}
