//! demo: the whole tool on a real C project.
use crate::env::Env;

#[test]
fn the_demo_plays_to_its_end() {
    let env = Env::new();
    let mut demo = env.buildkeep(&["demo"]);
    // Its commands are processes of their own; ids that repeat would be the same in all of them.
    demo.env_remove("BUILDKEEP_TEST_SEED")
        .env_remove("BUILDKEEP_TEST_CLOCK");
    let output = demo.output().unwrap();
    let shown = env.shown(&output);
    assert!(output.status.success(), "{shown}");
    for line in [
        "$ buildkeep init buildkeep-demo --template demo --yes",
        "6 steps done",
        "library again: `tally.standard` changed from c99 to c89",
        "error: ",
        "1 step done, 5 done before",
        "6 of 6 steps done",
        "Three commands to try in it next",
    ] {
        assert!(shown.contains(line), "no `{line}` in:\n{shown}");
    }
    assert!(
        env.path("buildkeep-demo/root/usr/bin/tally").exists(),
        "it was restored"
    );
    env.git(&["-C", "buildkeep-demo", "fsck", "--strict"]);
    env.git(&[
        "-C",
        "buildkeep-demo/.buildkeep/vault.git",
        "fsck",
        "--strict",
    ]);
    assert_eq!(
        env.git(&["-C", "buildkeep-demo", "status", "--porcelain"]),
        ""
    );
}

#[test]
fn the_demo_needs_a_new_folder() {
    let env = Env::new();
    std::fs::create_dir(env.path("buildkeep-demo")).unwrap();
    let output = env.buildkeep(&["demo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
