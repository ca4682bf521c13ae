//! What checkpoints tell of a build: what a step did, and whose a file is.
use snapbox::{assert_data_eq, str};

use crate::env::Env;

const LIBZ: &str = "#!/bin/sh -e
mkdir -p \"$LFS/usr/lib\" \"$LFS/etc\"
echo z1 > \"$LFS/usr/lib/libz.so.1.3\"
ln -s libz.so.1.3 \"$LFS/usr/lib/libz.so.1\"
ln -s usr/lib \"$LFS/lib\"
printf 'a\\nb\\nc\\n' > \"$LFS/etc/conf\"
echo x > \"$LFS/etc/tmp\"
";
const GCC: &str = "#!/bin/sh -e
mkdir \"$LFS/usr/bin\"
echo gcc > \"$LFS/usr/bin/gcc\"
chmod 755 \"$LFS/usr/bin/gcc\"
printf 'a\\nB\\nc\\n' > \"$LFS/etc/conf\"
rm \"$LFS/etc/tmp\"
";
const FINISH: &str = "#!/bin/sh -e
chmod 600 \"$LFS/etc/conf\"
touch -d 2020-01-01 \"$LFS/usr/lib/libz.so.1.3\"
ln -f \"$LFS/usr/bin/gcc\" \"$LFS/usr/bin/cc\"
";

/// A keep `k` that builds `root` in three steps, each with a checkpoint.
pub(super) fn unbuilt() -> Env {
    let env = Env::new();
    env.script("s/01-libz.sh", LIBZ);
    env.script("s/02-gcc.sh", GCC);
    env.script("s/03-finish.sh", FINISH);
    std::fs::create_dir(env.path("root")).unwrap();
    env.stdout(&["init", "k", "--scripts", "s", "--root", "root", "--yes"]);
    let plan = "schema = 1\nscripts = \"scripts\"\nroot = \"../root\"\ncheckpoint = \"after\"\n\
        [env]\nLFS = \"${root}\"\n";
    env.write("k/plan.toml", plan);
    env
}

/// The same, built.
pub(super) fn built() -> Env {
    let env = unbuilt();
    env.stdout(&["-C", "k", "run"]);
    env
}

/// Runs us in the keep.
fn told(env: &Env, args: &[&str]) -> String {
    env.run(&[&["-C", "k"], args].concat())
}

#[test]
fn what_a_step_did_is_what_its_checkpoint_has_that_the_one_before_had_not() {
    let env = built();
    assert_data_eq!(
        told(&env, &["diff", "gcc", "-p"]),
        str![[r#"
~ etc/conf  content
etc/conf (modified)
@@ -1,3 +1,3 @@
 a
-b
+B
 c
- etc/tmp  2 B
+ usr/bin/
+ usr/bin/gcc  4 B
2 added, 1 changed, 1 removed; 2 B more
from 20260102T030405Z to 20260102T030405Z-2

"#]]
    );
    assert_data_eq!(
        told(&env, &["diff", "finish"]),
        str![[r#"
~ etc/conf  mode 0644 to 0600
+ usr/bin/cc  4 B
~ usr/bin/gcc  links
1 added, 2 changed, 0 removed; 4 B more
from 20260102T030405Z-2 to 20260102T030405Z-3

"#]]
    );
    let times = told(&env, &["diff", "finish", "--times"]);
    assert!(times.contains("~ usr/lib/libz.so.1.3  time\n"), "{times}");
    let first = told(&env, &["diff", "libz"]);
    assert!(first.contains("+ lib -> usr/lib\n"), "{first}");
    assert!(
        first.contains("warning: nothing was snapshot before libz"),
        "{first}"
    );
    let unknown = told(&env, &["diff", "nosuch"]);
    assert!(
        unknown.contains("names no version") && unknown.contains("checkpoint list"),
        "{unknown}"
    );
}

#[test]
fn a_version_goes_before_a_step_of_the_same_name() {
    let env = built();
    env.git(&["-C", "k", "tag", "gcc"]);
    assert!(!told(&env, &["diff", "gcc"]).contains("usr/bin"));
}

#[test]
fn a_manifest_is_the_list_of_what_a_step_installed() {
    let env = built();
    let list = env.stdout(&["-C", "k", "manifest", "gcc"]);
    assert_data_eq!(
        list,
        str![[r#"
/etc/conf
/usr/bin/
/usr/bin/gcc

"#]]
    );
    let list = env.json(&["-C", "k", "manifest", "gcc"]);
    assert_eq!(list["step"], "gcc");
    assert_eq!(list["entries"][2]["mode"], "0755");
    assert_data_eq!(
        told(&env, &["manifest", "nosuch"]),
        str![[r#"
--- stderr
error: no step is called `nosuch`
hint: `buildkeep plan` lists the steps
hint: list the checkpoints that are there: `buildkeep checkpoint list`
--- exit 2

"#]]
    );
}

#[test]
fn a_path_is_owned_by_the_step_that_brought_what_it_holds() {
    let env = built();
    assert_data_eq!(
        told(
            &env,
            &["owns", "libz.so", "gcc", "tmp", "conf", "/lib/libz.so.1"]
        ),
        str![[r#"
usr/lib/libz.so.1  libz
usr/lib/libz.so.1.3  libz
usr/bin/gcc  gcc
etc/tmp  libz, removed by gcc
etc/conf  gcc, first by libz
usr/lib/libz.so.1  libz

"#]]
    );
    let on_disk = env.path("root/usr/bin/cc");
    let owned = env.json(&["-C", "k", "owns", on_disk.to_str().unwrap()]);
    let owner = &owned["owners"][0];
    assert_eq!(
        (&owner["path"], &owner["step"]),
        (&"usr/bin/cc".into(), &"finish".into())
    );
    assert!(owner["attempt"].is_string() && owner["snapshot"].is_string());
    let nobody = told(&env, &["owns", "root/nothing", "gcc"]);
    assert!(
        nobody.contains("no step brought root/nothing") && nobody.contains("exit 1"),
        "{nobody}"
    );
}

#[test]
fn the_index_of_owners_is_only_a_cache() {
    let env = built();
    let asked = ["-C", "k", "owns", "conf", "gcc", "tmp"];
    let fresh = env.stdout(&asked);
    let cache = std::fs::read_dir(env.path("k/.buildkeep/cache")).unwrap();
    let mut files = cache.map(|entry| entry.unwrap().path());
    let index = files
        .find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("owners-")
        })
        .unwrap();
    let bytes = std::fs::read(&index).unwrap();
    assert_eq!(env.stdout(&asked), fresh, "from the cache");
    for damaged in [&bytes[..bytes.len() - 1], &[], b"BKOWNER\x01hostile"] {
        std::fs::write(&index, damaged).unwrap();
        assert_eq!(env.stdout(&asked), fresh);
    }
    // A later checkpoint is added to what is known.
    env.script(
        "k/scripts/04-more.sh",
        "#!/bin/sh\necho more > \"$LFS/etc/conf\"\n",
    );
    env.stdout(&["-C", "k", "run"]);
    let more = env.stdout(&asked);
    assert!(
        more.starts_with("etc/conf  more, first by libz\n"),
        "{more}"
    );
    std::fs::remove_file(&index).unwrap();
    assert_eq!(env.stdout(&asked), more);
}

#[test]
fn two_steps_are_compared_and_one_is_restored() {
    let env = built();
    let both = env.json(&["-C", "k", "checkpoint", "diff", "libz", "gcc"]);
    assert_eq!((&both["added"], &both["removed"]), (&2.into(), &1.into()));
    let until_now = env.json(&["-C", "k", "checkpoint", "diff", "libz"]);
    assert_eq!(until_now["added"], 3);
    let part = env.json(&["-C", "k", "checkpoint", "diff", "libz", "--path", "usr/bin"]);
    assert_eq!((&part["added"], &part["changed"]), (&3.into(), &0.into()));
    env.stdout(&["-C", "k", "checkpoint", "restore", "libz", "--to", "old"]);
    assert_eq!(std::fs::read(env.path("old/etc/tmp")).unwrap(), b"x\n");
    assert!(!env.path("old/usr/bin").exists());
}

#[test]
fn without_checkpoints_it_is_said_how_to_get_some() {
    let env = unbuilt();
    for args in [&["manifest", "gcc"][..], &["owns", "gcc"]] {
        let said = told(&env, args);
        assert!(
            said.contains("there is no vault") && said.contains("exit 2"),
            "{said}"
        );
    }
    let said = told(&env, &["diff", "gcc"]);
    assert!(
        said.contains("there is no checkpoint after gcc") && said.contains("checkpoint = "),
        "{said}"
    );
}
