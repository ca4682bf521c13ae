//! The store against the real `git`.
use std::fs;
use std::path::Path;

use super::journal::{Event, Journal};
use super::*;
use crate::world::World;

fn git(dir: &Path, args: &[&str]) -> String {
    GitProgram::find(&World::for_test().env)
        .unwrap()
        .run(dir, args)
        .unwrap()
}

fn keep(dir: &Path) -> (Keep, World) {
    let world = World::for_test();
    fs::write(dir.join("buildkeep.toml"), "").unwrap();
    (Keep::create(dir, "host-1").unwrap(), world)
}

fn message(subject: &str) -> Message {
    Message::new(subject, Trailers::new("config", "OP", "host-1"))
}

#[test]
fn git_agrees_with_our_commits_and_our_index() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
    fs::write(dir.path().join("x.log"), "").unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/a b"), "1\n").unwrap();
    std::os::unix::fs::symlink("a b", dir.path().join("sub/link")).unwrap();
    let guard = keep.lock(&world).unwrap();
    let changes = keep.changes().unwrap();
    assert_eq!(changes.len(), 4, "{changes:?}");
    let signature = keep.signature(&world);
    keep.commit_work_tree(&guard, &changes, &message("first"), &signature)
        .unwrap()
        .unwrap();
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
    let change = FileChange::put("sub/new/deep.toml", "x = 1\n");
    keep.commit_files(&guard, &[change], &message("second"), &signature)
        .unwrap();
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
    assert_eq!(
        git(
            dir.path(),
            &[
                "log",
                "--format=%s %(trailers:key=Buildkeep-Kind,valueonly,separator=%x2C)"
            ]
        ),
        "second config\nfirst config\n"
    );
    git(dir.path(), &["fsck", "--strict"]);
    assert!(keep.changes().unwrap().is_empty());
}

#[test]
fn other_uncommitted_changes_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    fs::write(dir.path().join("mine"), "1\n").unwrap();
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let changes = keep.changes().unwrap();
    keep.commit_work_tree(&guard, &changes, &message("first"), &signature)
        .unwrap();
    fs::write(dir.path().join("mine"), "2\n").unwrap();
    git(dir.path(), &["add", "mine"]);
    fs::write(dir.path().join("mine"), "3\n").unwrap();
    fs::write(dir.path().join("new"), "n\n").unwrap();
    git(dir.path(), &["add", "new"]);
    git(dir.path(), &["rm", "-q", "--cached", "buildkeep.toml"]);
    keep.commit_files(
        &guard,
        &[FileChange::put("ours", "x")],
        &message("second"),
        &signature,
    )
    .unwrap();
    assert_eq!(
        git(dir.path(), &["status", "--porcelain"]),
        "D  buildkeep.toml\nMM mine\nA  new\n?? buildkeep.toml\n"
    );
    assert_eq!(git(dir.path(), &["show", ":mine"]), "2\n");
}

#[test]
fn without_a_branch_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let changes = keep.changes().unwrap();
    keep.commit_work_tree(&guard, &changes, &message("first"), &signature)
        .unwrap();
    git(dir.path(), &["checkout", "-q", "--detach"]);
    let change = FileChange::put("new", "x");
    let refused = keep.commit_files(&guard, &[change], &message("second"), &signature);
    assert!(matches!(refused, Err(Error::DetachedHead { .. })));
    assert!(!dir.path().join("new").exists());
}

#[test]
fn a_git_at_work_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let lock = dir.path().join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let change = FileChange::put("new", "x");
    let refused = keep.commit_files(
        &guard,
        std::slice::from_ref(&change),
        &message("first"),
        &signature,
    );
    assert!(matches!(refused, Err(Error::GitAtWork { .. })));
    assert!(!dir.path().join("new").exists() && lock.exists());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            fs::remove_file(&lock).unwrap();
        });
        keep.commit_files(&guard, &[change], &message("first"), &signature)
            .unwrap();
    });
    assert!(!lock.exists());
}

#[test]
fn a_ref_that_moved_meanwhile_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let signature = keep.signature(&world);
    let mut first = keep.repo().begin();
    let tree = first.edit_tree(None, &[FileChange::put("a", "1")]).unwrap();
    let one = first
        .commit(tree, &[], &message("one"), &signature)
        .unwrap();
    first
        .set_ref("refs/heads/main", Expect::Absent, one, "one")
        .unwrap();
    first.finish().unwrap();
    let mut late = keep.repo().begin();
    let other = late
        .commit(tree, &[one], &message("two"), &signature)
        .unwrap();
    late.set_ref("refs/heads/main", Expect::Absent, other, "two")
        .unwrap();
    assert!(matches!(late.finish(), Err(Error::Exists { .. })));
    assert_eq!(keep.repo().head().unwrap(), Some(one));
}

fn event(kind: &str) -> Event {
    Event {
        seq: 0,
        time: "2026-01-02T03:04:05.000Z".into(),
        boot_s: 1.0,
        kind: kind.into(),
        data: serde_json::json!({}),
    }
}

#[test]
fn publishing_twice_adds_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let path = dir.path().join(".buildkeep/j");
    let mut journal = Journal::open(&path).unwrap();
    journal.append(event("a")).unwrap();
    let mut batch = Batch {
        journals: vec![JournalRef {
            name: "r/1".into(),
            path,
            complete: false,
        }],
        files: vec![("steps/x.toml".into(), Some(b"state = 1\n".to_vec()))],
        message: message("run: x"),
    };
    let signature = keep.signature(&world);
    assert!(keep.publish(&guard, &batch, &signature).unwrap().is_some());
    assert!(keep.publish(&guard, &batch, &signature).unwrap().is_none());
    journal.append(event("b")).unwrap();
    batch.journals[0].complete = true;
    assert!(keep.publish(&guard, &batch, &signature).unwrap().is_some());
    let events = String::from_utf8(keep.state_file("events.jsonl").unwrap().unwrap()).unwrap();
    assert_eq!(events.lines().count(), 1);
    assert!(events.contains("\"seq\":2"), "{events}");
    assert_eq!(
        keep.state_file("steps/x.toml").unwrap().unwrap(),
        b"state = 1\n"
    );
    git(dir.path(), &["fsck", "--strict"]);
}

#[test]
fn a_complete_journal_that_is_offered_again_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let publish = |run: &str| {
        let path = dir.path().join(".buildkeep").join(run);
        if !path.exists() {
            Journal::open(&path).unwrap().append(event("a")).unwrap();
        }
        let batch = Batch {
            journals: vec![JournalRef {
                name: run.into(),
                path,
                complete: true,
            }],
            files: Vec::new(),
            message: message("run: ended"),
        };
        keep.publish(&guard, &batch, &signature).unwrap().is_some()
    };
    assert!(publish("run1"));
    assert!(!publish("run1"));
    assert!(publish("run2"));
    let cursors = keep.state_file("cursors.json").unwrap().unwrap();
    assert_eq!(
        String::from_utf8(cursors).unwrap(),
        "{\n  \"run2 ended\": 1\n}\n"
    );
}

#[test]
fn a_keep_inside_a_keep_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let changes = keep.changes().unwrap();
    keep.commit_work_tree(&guard, &changes, &message("first"), &keep.signature(&world))
        .unwrap();
    let inner = dir.path().join("inner");
    assert!(matches!(
        Keep::create(&inner, "h"),
        Err(Error::NestedKeep { .. })
    ));
    assert!(matches!(
        Keep::create(dir.path(), "h"),
        Err(Error::AlreadyKeep { .. })
    ));
}

#[test]
fn the_operation_log_holds_what_an_undo_needs() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, mut world) = keep(dir.path());
    world.argv = ["config", "set", "a.b", "hush"].map(String::from).into();
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let put = |text: &str| {
        let change = FileChange::put("a", text);
        keep.commit_files(&guard, &[change], &message(text), &signature)
            .unwrap()
    };
    let (one, two) = (put("one"), put("two"));
    let mut tag = keep.begin(&guard, &message("tag: t"), &signature);
    let tag_id = tag.tag("t", one, &message("t"), &signature).unwrap();
    tag.set_ref("refs/tags/t", Expect::Absent, tag_id, "tag")
        .unwrap();
    tag.finish().unwrap();
    let mut delete = keep.begin(&guard, &message("tag: delete t"), &signature);
    delete.delete_ref("refs/tags/t", tag_id).unwrap();
    delete.finish().unwrap();

    let told: Vec<Operation> = keep.operations().unwrap().map(Result::unwrap).collect();
    let subjects: Vec<&str> = told
        .iter()
        .map(|op| op.commit.message.subject.as_str())
        .collect();
    assert_eq!(subjects, ["tag: delete t", "tag: t", "two", "one"]);
    assert_eq!(told[0].command, "config set a.b …");
    let branch = RefMove {
        name: "refs/heads/main".into(),
        before: Some(one),
        after: Some(two),
    };
    assert_eq!(told[2].moves, [branch]);
    assert_eq!(told[2].commit.parents, [told[3].id(), one, two]);
    assert_eq!(
        told[2].commit.tree_id,
        keep.repo().commit(two).unwrap().tree_id
    );
    git(dir.path(), &["reflog", "expire", "--expire=now", "--all"]);
    git(dir.path(), &["gc", "--quiet", "--prune=now"]);
    git(dir.path(), &["cat-file", "tag", &tag_id.to_string()]);
    git(dir.path(), &["fsck", "--strict"]);
}

#[test]
fn an_operation_that_never_came_to_pass_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let put = |text: &str| {
        let change = FileChange::put("a", text);
        keep.commit_files(&guard, &[change], &message(text), &signature)
            .unwrap()
    };
    let subjects = || -> Vec<String> {
        let told = keep.operations().unwrap().map(Result::unwrap);
        told.map(|op| op.commit.message.subject).collect()
    };
    let one = put("one");
    put("two");
    // As if the power had gone between the log and the branch.
    fs::write(dir.path().join(".git/refs/heads/main"), format!("{one}\n")).unwrap();
    assert_eq!(subjects(), ["one"]);
    put("three");
    assert_eq!(subjects(), ["three", "one"]);
    let by_hand = "user.name=T user.email=t@e commit -q --allow-empty -m hand";
    let args: Vec<&str> = by_hand.split(' ').collect();
    let args = [&["-c", args[0], "-c", args[1]], &args[2..]].concat();
    git(dir.path(), &args);
    assert_eq!(subjects(), ["three", "one"]);
    // Amended: no history has it any more, but it was.
    let four = put("four");
    let base = keep.repo().commit(four).unwrap().parents[0];
    git(
        dir.path(),
        &["update-ref", "refs/heads/main", &base.to_string()],
    );
    assert_eq!(subjects(), ["four", "three", "one"]);
}

#[test]
fn a_ref_leaves_packed_refs_and_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let change = FileChange::put("a", "1\n");
    let head = keep
        .commit_files(&guard, &[change], &message("one"), &signature)
        .unwrap();
    for name in ["a", "b", "c"] {
        let who = ["-c", "user.name=T", "-c", "user.email=t@e"];
        let tag = ["tag", "-a", "-m", name, name];
        git(dir.path(), &[&who[..], &tag].concat());
    }
    git(dir.path(), &["pack-refs", "--all"]);
    let tag_id = keep.repo().find_ref("refs/tags/b").unwrap().unwrap();
    let mut change = keep.repo().begin();
    change.delete_ref("refs/tags/b", tag_id).unwrap();
    change.finish().unwrap();
    assert_eq!(git(dir.path(), &["tag"]), "a\nc\n");
    let peeled = git(dir.path(), &["rev-parse", "a^{}", "c^{}", "main"]);
    assert_eq!(peeled, format!("{head}\n{head}\n{head}\n"));
    git(dir.path(), &["fsck", "--strict"]);
    assert!(!keep.repo().git_dir().join("refs/tags/b.lock").exists());
}

#[test]
fn the_reflog_of_plain_git_goes_on_behind_a_torn_line() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let signature = keep.signature(&world);
    let put = |text: &str| {
        let change = FileChange::put("a", text);
        keep.commit_files(&guard, &[change], &message(text), &signature)
            .unwrap()
    };
    put("one");
    for log in ["logs/HEAD", "logs/refs/heads/main"] {
        let path = keep.repo().git_dir().join(log);
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(&text.clone()[..60]);
        fs::write(&path, text).unwrap();
    }
    put("two");
    let shown = "commit: two\ncommit: one\n";
    for name in ["HEAD", "main"] {
        let log = git(dir.path(), &["reflog", "--format=%gs", name]);
        assert_eq!(log, shown, "{name}");
    }
    git(dir.path(), &["fsck", "--strict"]);
}

#[test]
fn an_object_that_plain_git_left_empty_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, world) = keep(dir.path());
    let guard = keep.lock(&world).unwrap();
    let blob_id = Repo::blob_id(b"1\n").unwrap().to_string();
    let object = keep.repo().objects_dir().join(&blob_id[..2]);
    fs::create_dir_all(&object).unwrap();
    fs::write(object.join(&blob_id[2..]), "").unwrap();
    let change = FileChange::put("a", "1\n");
    keep.commit_files(&guard, &[change], &message("one"), &keep.signature(&world))
        .unwrap();
    git(dir.path(), &["fsck", "--strict"]);
}
