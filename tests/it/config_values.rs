//! config set: values of every sort, keys of every form, and slips of the fingers.
use snapbox::{assert_data_eq, str};

use crate::config::{k, keep};
use crate::env::Env;

fn run(env: &Env, args: &[&str]) -> String {
    env.run_in("k", args)
}

fn file(env: &Env, path: &str) -> String {
    std::fs::read_to_string(env.path("k").join(path)).unwrap()
}

/// Values of every sort, and keys of every form.
const PAIRS: &[&str] = &[
    "t.when=2026-01-31T12:00:00Z",
    "t.path=C:\\new \"x\"\ty",
    "t.lines=a\nb",
    "t.\"odd key\"=1",
    "t.p.y={ z = [1, 2] }",
    "t.d.e.g=-3",
    "item[0].n=2",
    "item[b].n=0x1F",
    "t.empty=",
    "t.é=ü",
    "t.list=[1, \"two\", { three = 3 }]",
    "t.text='''it's'''",
    "t.eq=a=b=c",
];

#[test]
fn a_slip_of_the_fingers_is_no_text() {
    let env = keep();
    let set = |value: &str| run(&env, &["config", "set", "build.flags", value]);
    assert_data_eq!(
        set("[\"a\""),
        str![[r#"
--- stderr
error: the value of `build.flags` is not TOML: unclosed array, expected `]`
hint: text that begins with a bracket or a quote is quoted itself: `KEY='"[1"'`
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        k(&env, "-c build.flags=[1 config list"),
        str![[r#"
--- stderr
error[K016]: the value of `build.flags` is not TOML: unclosed array, expected `]`
--> command line -c build.flags
--- exit 2

"#]]
    );
    assert_data_eq!(
        run(&env, &["config", "set", "build.cflags", "[x"]),
        str![[r#"
build.cflags: "-O2" -> "[x"
  config/build.toml, version 3, committed [COMMIT]

"#]]
    );
    assert_data_eq!(
        run(&env, &["config", "set", "build.jobs=5", "-m", " "]),
        str![[r#"
--- stderr
error: the message is empty
hint: say why, or leave -m out for a message of ours
--- exit 2

"#]]
    );
}

#[test]
fn values_and_keys_of_every_sort_are_written() {
    let env = keep();
    env.write(
        "k/config/free.toml",
        "[[item]]\nid = \"a\"\nn = 1\n\n[[item]]\nid = \"b\"\n\n[t]\np = { x = 1 }\nd.e.f = 1\n",
    );
    env.stdout(&["-C", "k", "commit"]);
    let set = |pair: &str| run(&env, &["config", "set", pair, "--quiet"]);
    for pair in PAIRS {
        let shown = set(pair);
        assert!(shown.contains("committed"), "{pair}: {shown}");
    }
    assert_data_eq!(
        file(&env, "config/free.toml"),
        str![[r#"
[[item]]
id = "a"
n = 2

[[item]]
id = "b"
n = 0x1F

[t]
p = { x = 1, y = { z = [1, 2] } }
d.e.f = 1
d.e.g = -3
when = 2026-01-31T12:00:00Z
path = 'C:/new "x"	y'
lines = """
a
b"""
"odd key" = 1
empty = ""
"é" = "ü"
list = [1, "two", { three = 3 }]
text = '''it's'''
eq = "a=b=c"

"#]]
    );
    assert_data_eq!(
        set("item[2].n=1"),
        str![[r#"
--- stderr
error[K012]: `item` has 2 items: `item[0]` to `item[1]`
 --> config/free.toml:1:1
  |
1 | [[item]]
  | ^^^^^^^^
hint: nothing was changed
--- exit 2

"#]]
    );
    assert_data_eq!(
        set("t.p={ x = 2 }"),
        str![[r#"
t.p: {"x":1,"y":{"z":[1,2]}} -> {"x":2}
  config/free.toml, version 17, committed [COMMIT]

"#]]
    );
}
