//! What people get wrong in plan.toml.
use snapbox::{assert_data_eq, str};

use super::*;

#[test]
fn wrong_values_are_told_where() {
    let keep = Keep::new(&["01-libs.sh"]);
    assert_data_eq!(
        keep.told(
            r#"schema = 1
root = "/mnt/.."
[env]
CFLAGS = "-O2 $HOME"
BUILDKEEP_RUN = "x"
PREFIX = "${root}/usr"
[[step]]
script = "scripts/01-libs.sh"
timeout = "soon"
disk = "much"
inputs = ["${build.x}"]
"#
        ),
        str![[r#"
2:8 `root` is /, this machine itself (name a folder of its own, as `/mnt/lfs`)
4:10 `$HOME` means nothing here (write `${key}` for a configuration value, `$$` for a dollar; variables of the shell are not known here)
5:1 `BUILDKEEP_RUN` is one of the variables that buildkeep sets itself (choose another name)
9:11 "soon" is not a duration (write "90m", "1h30m" or seconds)
10:8 "much" is not a size (write "6.3 GB", "512 MiB" or bytes)
11:11 `${build.x}` is not known here (paths may name `${root}` and `${keep}` only)

"#]]
    );
}

#[test]
fn wrong_steps_are_told_where() {
    let keep = Keep::new(&["01-libs.sh", "02-app.sh"]);
    assert_data_eq!(
        keep.told(
            r#"scripts = "scripts"
checkpoint = "after"
[[step]]
id = "lib"
[[step]]
script = "02-ap.sh"
[[step]]
needs = ["a"]
[[step]]
id = "app"
needs = ["libz", "app"]
[[step]]
id = "app"
"#
        ),
        str![[r#"
2:14 a checkpoint is asked for, and the plan has no `root` (add `root = "/mnt/lfs"`, say: the folder that is kept after the step)
4:6 no script belongs to the step `lib` (did you mean `libs`?)
6:10 there is no script `02-ap.sh` (did you mean `02-app.sh`?)
7:1 this step has neither `id` nor `script` (add `script = "NAME"`)
11:10 no step is called `libz` (did you mean `libs`?)
11:18 `app` needs itself (take it out of its own `needs`)
13:6 the step `app` is described twice (put both descriptions together, or give one another `id`)

"#]]
    );
}

#[test]
fn a_root_that_would_be_this_machine_is_refused() {
    let keep = Keep::new(&[]);
    let first = |root: &str| {
        let told = keep.told(&format!("root = {root:?}\n"));
        told.lines().next().unwrap_or_default().to_owned()
    };
    for machine in ["/", "//", "/mnt/../..", "/.."] {
        assert!(first(machine).contains("`root` is /, this machine itself"));
    }
    assert!(first(".").contains("`root` is the keep itself"));
    assert!(first("$LFS").contains("nothing is replaced in it"));
    assert!(first("").contains("root"), "{}", first(""));
}

#[test]
fn the_form_of_the_file_is_checked_first() {
    let keep = Keep::new(&[]);
    assert_data_eq!(
        keep.told("scritps = \"x\"\njobs = \"4\"\ncheckpoint = \"befor\"\n"),
        str![[r#"
1:1 unknown key `scritps` (did you mean `scripts`?)
2:8 `jobs` must be a whole number, not text (remove the quotes: `jobs = 4`)
3:14 `checkpoint` is "befor", but must be one of "after", "never" (`checkpoint`: Whether the root is kept after a step)

"#]]
    );
}

#[test]
fn a_circle_is_told_as_a_path() {
    let keep = Keep::new(&["01-a.sh", "02-b.sh", "03-c.sh", "04-d.sh"]);
    let toml = "scripts = \"scripts\"\n[[step]]\nid = \"b\"\nneeds = [\"d\"]\n";
    assert_data_eq!(
        keep.told(toml),
        str![[r#"
4:9 steps need one another in a circle: b → d → c → b (take one of these needs out: `b` needs `d` (plan.toml:4, scripts/02-b.sh); `d` needs `c` (by the order of the scripts, scripts/04-d.sh); `c` needs `b` (by the order of the scripts, scripts/03-c.sh))

"#]]
    );
}
