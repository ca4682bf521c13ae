use std::process::Command;

use super::*;
use crate::config::{Effective, Files};
use crate::document::render as shown;

const ODD: &[&str] = &[
    "plain",
    "two words",
    "it's",
    "\"quoted\"",
    "$HOME `id` $(id)",
    "a#b",
    "\\#",
    "end\\",
    " lead",
    "trail ",
    "a=b:c",
    "*?[x]",
    "ünï",
    "-n",
    "\\\\#x",
    "$$",
    "",
];

#[test]
fn a_shell_reads_exactly_what_was_quoted() {
    for value in ODD.iter().chain(&["two\nlines"]) {
        let script = format!("printf %s {}", quote::shell(value));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), *value);
        assert_eq!(
            quote::unshell(&quote::shell(value)).as_deref(),
            Some(*value)
        );
    }
    assert_eq!(quote::unshell("\"a b\"c\\ d"), Some("a bc d".into()));
    assert_eq!(quote::unshell("$X"), None);
    assert_eq!(quote::unshell("\"a$X\""), None);
    assert_eq!(quote::unshell("a; b"), None);
}

#[test]
fn make_reads_exactly_what_was_quoted() {
    for value in ODD {
        let quoted = quote::make(value).unwrap();
        assert_eq!(quote::unmake(&quoted).as_deref(), Some(*value), "{quoted}");
        let dir = tempfile::tempdir().unwrap();
        let makefile = format!("export V := {quoted}\nall:\n\t@printf %s \"$$V\"\n");
        std::fs::write(dir.path().join("Makefile"), makefile).unwrap();
        let Ok(output) = Command::new("make")
            .arg("-s")
            .current_dir(dir.path())
            .output()
        else {
            return;
        };
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            *value,
            "{quoted}"
        );
    }
    assert_eq!(quote::make("a\nb"), None);
    assert_eq!(quote::unmake("$(X)"), None);
}

fn effective(toml: &str) -> Effective {
    let files: Files = [("config/c.toml".to_owned(), toml.as_bytes().to_vec())]
        .into_iter()
        .collect();
    Effective::of_files(&Sources::read(&files).unwrap(), "h")
}

const TOML: &str = "[build]\njobs = 4\nc-flags = \"-O2 -g\"\nsets = [\"a\", \"b\"]\n[net]\ntoken = \"secret:mirror\"\n";

fn render(table: &str) -> Render {
    let toml = format!("[[render]]\nto = \"x\"\n{table}\n");
    let files: Files = [("buildkeep.toml".to_owned(), toml.into_bytes())]
        .into_iter()
        .collect();
    let (mut renders, problems) = Render::all(&Sources::read(&files).unwrap());
    assert!(problems.is_empty(), "{}", shown(&problems));
    renders.remove(0)
}

fn text(table: &str, template: &str) -> Result<String, String> {
    let reveal = |name: &str| Ok(format!("value of {name}"));
    let effective = effective(TOML);
    let values = Values {
        effective: &effective,
        places: [("host", "h-1".to_owned())].into(),
        env: [
            ("HOME".to_owned(), "/home/ada".to_owned()),
            ("X".to_owned(), "x".to_owned()),
        ]
        .into(),
        reveal: &reveal,
    };
    let rendered = values.text(&render(table), template);
    rendered.map_err(|problem| {
        format!(
            "{}:{} {} ({})",
            problem.line,
            problem.column,
            problem.message,
            problem.help.unwrap_or_default()
        )
    })
}

#[test]
fn templates_name_the_configuration() {
    let template = "template = \"t\"";
    let ok = |source: &str, expected: &str| {
        assert_eq!(text(template, source).as_deref(), Ok(expected), "{source}");
    };
    ok(
        "CFLAGS={{ build['c-flags'] | shquote }}\n",
        "CFLAGS='-O2 -g'\n",
    );
    ok(
        "{% for set in build.sets %}[{{ set }}]{% endfor %}",
        "[a][b]",
    );
    ok("{{ build.sets | shquote }}", "'a b'");
    ok(
        "{{ host }} {{ build.none | default('-') }}\n\n",
        "h-1 -\n\n",
    );
    ok("{{ '<&>' }} {{ '$x#' | makequote }}", "<&> $$x\\#");
    assert_eq!(
        text("template = \"t\"\nenv = [\"HOME\"]", "{{ env.HOME }}").as_deref(),
        Ok("/home/ada")
    );
    let secret = "template = \"t\"\nsecrets = true";
    assert_eq!(
        text(secret, "{{ net.token }}").as_deref(),
        Ok("value of mirror")
    );
}

#[test]
fn what_a_template_asks_for_in_vain_is_told_where() {
    let template = "template = \"t\"";
    let wrong = |source: &str| text(template, source).unwrap_err();
    let told = [
        wrong("a\n  jobs = {{ build.jbos }}\n"),
        wrong("{{ net.token }}"),
        wrong("{{ env.HOME }}"),
        wrong("{{ nothing }}"),
        wrong("a\n{% if %}\n"),
        wrong("{{ build.jobs | upperr }}"),
        text("exports = \"sh\"\nkeys = [\"net\"]", "").unwrap_err(),
        text("exports = \"sh\"\nkeys = [\"bild\"]", "").unwrap_err(),
        text("exports = \"sh\"\nnames = { A = \"build\" }", "").unwrap_err(),
    ];
    snapbox::assert_data_eq!(
        told.join("\n"),
        snapbox::str![[r#"
2:13 `build.jbos` has no value (did you mean `build.jobs`?)
1:4 `net.token` is a secret (say `secrets = true` in its `[[render]]` to write it)
1:4 `env.HOME` has no value here (name the variable in `env = ["NAME"]` of its `[[render]]`)
1:1 a name in this line has no value ()
2:1 unexpected end of block ()
1:1 filter upperr is unknown ()
0:0 `net.token` is a secret: say `secrets = true` to write it ()
0:0 `bild` has no value ()
0:0 `build` is a table: name one of its keys ()
"#]]
    );
}

#[test]
fn variables_are_written_and_taken_back() {
    let names = |table: &str| match render(table).from {
        From::Exports(format, names) => (format, names),
        From::Template(_) => unreachable!("it exports"),
    };
    let effective = effective(TOML);
    for format in ["sh", "make", "env"] {
        let table =
            format!("exports = \"{format}\"\nkeys = [\"build\"]\nnames = {{ N = \"build.jobs\" }}");
        let written = text(&table, "").unwrap();
        let (format, names) = names(&table);
        let back = |text: &str| exports::changed(format, &names, &effective, text);
        assert_eq!(back(&written), Ok(vec![]), "{written}");
        let changed = written.replace("-O2", "-O3");
        let key = KeyPath::root().key("build").key("c-flags");
        assert_eq!(
            back(&changed),
            Ok(vec![(key, "-O3 -g".to_owned())]),
            "{changed}"
        );
        assert!(
            back(&written.replace("a b", "a c"))
                .unwrap_err()
                .contains("is a list")
        );
        assert!(back(&format!("{written}echo hello\n")).is_err());
        let without: String = written
            .split_inclusive('\n')
            .filter(|line| !line.contains("JOBS"))
            .collect();
        assert!(back(&without).unwrap_err().contains("was taken out"));
    }
}

#[test]
fn targets_stay_where_they_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let (keep, root) = (dir.path().join("k"), dir.path().join("root"));
    for folder in [&keep, &root] {
        std::fs::create_dir(folder).unwrap();
    }
    let places = Places {
        keep: keep.clone(),
        root: Some(root.clone()),
    };
    let target = |to: &str, more: &str| {
        let mut render = render(&format!("template = \"t\"\n{more}"));
        render.to = to.to_owned();
        Target::of(&render, &places)
    };
    for to in [
        "../x",
        "a/../../x",
        ".git/config",
        ".buildkeep/x",
        "config/a.toml",
        "buildkeep.toml",
        "/etc/x",
        "a/",
    ] {
        assert!(target(to, "").is_err(), "{to}");
    }
    let outside = dir.path().join("else/where");
    let outside = outside.to_str().unwrap();
    assert!(target(outside, "").is_err());
    let inside = target("a/b", "").unwrap();
    inside.write(b"1", 0o640).unwrap();
    assert_eq!(
        inside.read().unwrap().unwrap(),
        target::There {
            content: b"1".into(),
            mode: 0o640
        }
    );
    target("${root}/etc/site", "")
        .unwrap()
        .write(b"2", 0o644)
        .unwrap();
    assert_eq!(std::fs::read(root.join("etc/site")).unwrap(), b"2");
    target(outside, "outside = true")
        .unwrap()
        .write(b"3", 0o644)
        .unwrap();
    assert_eq!(std::fs::read(outside).unwrap(), b"3");
    std::os::unix::fs::symlink(dir.path(), keep.join("out")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", keep.join("link")).unwrap();
    assert!(target("out/x", "").unwrap().write(b"4", 0o644).is_err());
    assert!(
        target("link", "").unwrap().read().is_err(),
        "a link is no file"
    );
    assert!(!dir.path().join("x").exists());
}
