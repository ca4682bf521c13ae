use snapbox::{assert_data_eq, str};
use toml_edit::Value;

use super::{set, unset};
use crate::document::{KeyPath, render};

fn path(key: &str) -> KeyPath {
    KeyPath::parse(key).unwrap()
}

/// The lines that an edit takes away and adds, or the problem.
fn change(text: &str, edited: Result<String, super::Problem>) -> String {
    match edited {
        Ok(edited) => {
            let diff = similar::TextDiff::from_lines(text, &edited);
            let shown = diff.unified_diff().context_radius(1).to_string();
            shown.replace("\r\n", "␍\n")
        }
        Err(problem) => anstream::adapter::strip_str(&render(&[problem])).to_string(),
    }
}

fn set_in(text: &str, key: &str, value: &str) -> String {
    change(
        text,
        set("f.toml", text, &path(key), &value.parse::<Value>().unwrap()),
    )
}

fn unset_in(text: &str, key: &str) -> String {
    change(text, unset("f.toml", text, &path(key)))
}

const TEXT: &str = "\
#:schema ../schemas/build.schema.json
# Settings of the build.
title   = 'lfs'   # the name

  [build]   # how
  jobs    = 8      # cores
  flags = [
    \"-O2\",   # fast
  ]
  # test_level = 2

  [build.env]
  CC = \"gcc\"

[mirror]
a.url = \"x\"
a.tries = 3
point = { x = 1, y = 2 }  # here

[[step]]
id = \"libs\"

[[step]]
id = \"prog\"
needs = [\"libs\"]

[x.y.z]
w = 1

# the end
";

#[test]
fn a_value_is_replaced_in_its_place_and_style() {
    assert_data_eq!(
        set_in(TEXT, "build.jobs", "16"),
        str![[r#"
@@ -5,3 +5,3 @@
   [build]   # how
-  jobs    = 8      # cores
+  jobs    = 16      # cores
   flags = [

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "title", "\"blfs\""),
        str![[r#"
@@ -2,3 +2,3 @@
 # Settings of the build.
-title   = 'lfs'   # the name
+title   = 'blfs'   # the name
 

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "build.flags", "[\"-O3\", \"-g\"]"),
        str![[r#"
@@ -7,3 +7,4 @@
   flags = [
-    "-O2",   # fast
+    "-O3",
+    "-g",
   ]

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "mirror.point.y", "7"),
        str![[r#"
@@ -17,3 +17,3 @@
 a.tries = 3
-point = { x = 1, y = 2 }  # here
+point = { x = 1, y = 7 }  # here
 

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "step[prog].needs", "[]"),
        str![[r#"
@@ -24,3 +24,3 @@
 id = "prog"
-needs = ["libs"]
+needs = []
 

"#]]
    );
    assert_data_eq!(set_in(TEXT, "build.jobs", "8"), str![""]);
}

#[test]
fn a_new_key_joins_its_neighbours() {
    assert_data_eq!(
        set_in(TEXT, "build.target", "\"x86_64\""),
        str![[r#"
@@ -9,2 +9,3 @@
   ]
+  target = "x86_64"
   # test_level = 2

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "mirror.a.wait", "1.5"),
        str![[r#"
@@ -17,2 +17,3 @@
 a.tries = 3
+a.wait = 1.5
 point = { x = 1, y = 2 }  # here

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "mirror.point.z", "3"),
        str![[r#"
@@ -17,3 +17,3 @@
 a.tries = 3
-point = { x = 1, y = 2 }  # here
+point = { x = 1, y = 2, z = 3 }  # here
 

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "step[0].needs", "[]"),
        str![[r#"
@@ -21,2 +21,3 @@
 id = "libs"
+needs = []
 

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "edition", "1"),
        str![[r#"
@@ -3,2 +3,3 @@
 title   = 'lfs'   # the name
+edition = 1
 

"#]]
    );
}

#[test]
fn a_missing_table_gets_a_header() {
    assert_data_eq!(
        set_in(TEXT, "build.limits.cpu", "1"),
        str![[r#"
@@ -14,2 +14,5 @@
 
+[build.limits]
+cpu = 1
+
 [mirror]

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "step[0].env.CC", "\"cc\""),
        str![[r#"
@@ -22,2 +22,5 @@
 
+[step.env]
+CC = "cc"
+
 [[step]]

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "x.y.v", "1"),
        str![[r#"
@@ -30 +30,4 @@
 # the end
+
+[x.y]
+v = 1

"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "new.\"a b\".c", "1"),
        str![[r#"
@@ -30 +30,4 @@
 # the end
+
+[new."a b"]
+c = 1

"#]]
    );
}

#[test]
fn a_missing_table_goes_to_the_end() {
    assert_data_eq!(
        set_in("", "a.b", "1"),
        str![[r#"
@@ -0,0 +1,2 @@
+[a]
+b = 1

"#]]
    );
    assert_data_eq!(
        set_in("[a]\nx = 1", "b.c", "1"),
        str![[r#"
@@ -1,2 +1,5 @@
 [a]
-x = 1
/ No newline at end of file
+x = 1
+
+[b]
+c = 1

"#]]
    );
}

#[test]
fn a_first_key_outside_tables_goes_above_them() {
    assert_data_eq!(
        set_in("# top\n\n# about a\n[a]\n", "k", "1"),
        str![[r#"
@@ -2,2 +2,4 @@
 
+k = 1
+
 # about a

"#]]
    );
    assert_data_eq!(
        set_in("#:schema x\n[a]\n", "k", "1"),
        str![[r#"
@@ -1,2 +1,4 @@
 #:schema x
+k = 1
+
 [a]

"#]]
    );
    assert_data_eq!(
        set_in("# only this", "k", "1"),
        str![[r#"
@@ -1 +1,2 @@
-# only this
/ No newline at end of file
+# only this
+k = 1
/ No newline at end of file

"#]]
    );
}

#[test]
fn keys_are_taken_out_with_their_lines() {
    assert_data_eq!(
        unset_in(TEXT, "build.flags"),
        str![[r#"
@@ -6,5 +6,2 @@
   jobs    = 8      # cores
-  flags = [
-    "-O2",   # fast
-  ]
   # test_level = 2

"#]]
    );
    assert_data_eq!(
        unset_in(TEXT, "mirror.a.url"),
        str![[r#"
@@ -15,3 +15,2 @@
 [mirror]
-a.url = "x"
 a.tries = 3

"#]]
    );
    assert_data_eq!(
        unset_in(TEXT, "mirror.point.x"),
        str![[r#"
@@ -17,3 +17,3 @@
 a.tries = 3
-point = { x = 1, y = 2 }  # here
+point = { y = 2 }  # here
 

"#]]
    );
    assert_data_eq!(
        unset_in(TEXT, "mirror.point.y"),
        str![[r#"
@@ -17,3 +17,3 @@
 a.tries = 3
-point = { x = 1, y = 2 }  # here
+point = { x = 1 }  # here
 

"#]]
    );
    assert_data_eq!(
        unset_in("a = 1\r\nb = 2", "b"),
        str![[r#"
@@ -1,2 +1 @@
-a = 1␍
-b = 2
/ No newline at end of file
+a = 1
/ No newline at end of file

"#]]
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    assert_data_eq!(
        set_in(TEXT, "build", "1"),
        str![[r#"
error[K012]: `build` is a table
 --> f.toml:5:3
  |
5 |   [build]   # how
  |   ^^^^^^^
  |
  = help: name one of its keys, for example `build.jobs`
"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "build.jobs.x", "1"),
        str![[r#"
error[K012]: `build.jobs` is a value: it has no keys
 --> f.toml:6:13
  |
6 |   jobs    = 8      # cores
  |             ^
  |
  = help: to change it name `build.jobs` itself
"#]]
    );
    assert_data_eq!(
        set_in(TEXT, "step[2].needs", "1"),
        str![[r#"
error[K012]: `step` has 2 items: `step[0]` to `step[1]`
  --> f.toml:20:1
   |
20 | [[step]]
   | ^^^^^^^^
"#]]
    );
}

#[test]
fn what_cannot_be_taken_out_is_said() {
    assert_data_eq!(
        unset_in(TEXT, "build.env"),
        str![[r#"
error[K012]: `build.env` is a table
  --> f.toml:12:3
   |
12 |   [build.env]
   |   ^^^^^^^^^^^
   |
   = help: name one of its keys, for example `build.env.CC`
"#]]
    );
    assert_data_eq!(
        unset_in(TEXT, "build.nothing"),
        str![[r#"
error[K012]: `build.nothing` is not set here
 --> f.toml:5:3
  |
5 |   [build]   # how
  |   ^^^^^^^
"#]]
    );
    assert_data_eq!(
        unset_in(TEXT, "build.flags[0]"),
        str![[r#"
error[K012]: `build.flags[0]` is an item of a list
 --> f.toml:8:5
  |
8 |     "-O2",   # fast
  |     ^^^^^
  |
  = help: set the whole list instead
"#]]
    );
}

/// Every key of many texts, in every line-end style: an edit moves no other byte, and taking a
/// new key out again gives the old text back.
#[test]
fn all_other_bytes_stay() {
    let small = [
        "a = 1",
        "a = 1\n",
        "[t]\na=1\n\n\n",
        "t = {}\n",
        "t = { a = 1 }\n[u]\n",
        TEXT,
    ];
    let all = small.iter().flat_map(|text| {
        let windows = text.replace('\n', "\r\n");
        let marked = format!("\u{feff}{text}");
        [(*text).to_owned(), windows, marked]
    });
    for text in all {
        for key in [
            "a",
            "t.b",
            "t.a",
            "build.new",
            "mirror.point.z",
            "mirror.a.q",
            "step[1].q",
            "title",
        ] {
            let Ok(edited) = set("f", &text, &path(key), &Value::from("new")) else {
                continue;
            };
            let (head, tail) = common(&text, &edited);
            let inserted = edited.len() - head - tail;
            let removed = text.len() - head - tail;
            assert!(
                inserted <= 40 + removed,
                "{key} in {text:?} gave {edited:?}"
            );
            assert_eq!(edited.contains("\r\n"), text.contains("\r\n"), "{edited:?}");
            let was_new = removed == 0 && !edited[head..head + inserted].contains('[');
            if was_new {
                assert_eq!(
                    unset("f", &edited, &path(key)).unwrap(),
                    text,
                    "{key}: {edited:?}"
                );
            }
        }
    }
}

/// How many bytes two texts share at the front and at the end.
fn common(a: &str, b: &str) -> (usize, usize) {
    let head = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let rest = (a.len() - head).min(b.len() - head);
    let tail = a.bytes().rev().zip(b.bytes().rev());
    let tail = tail.take(rest).take_while(|(a, b)| a == b).count();
    (head, tail)
}
