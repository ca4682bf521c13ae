use std::path::Path;
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
    "$()x$() $$(y)",
    "\u{b}tab",
    "form\u{c}",
    "\u{a0}wide\u{2003}",
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
    ok("a\r\n{{ host }}\r\n", "a\r\nh-1\r\n");
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
        wrong("{{ host.name }}"),
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
1:4 `host` has nothing inside: it is h-1 (a template cannot name a table of the configuration that is called `env`, `host`, `keep` or `root`)
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

const REFUSED: &[&str] = &[
    "../x",
    "a/../../x",
    ".git/config",
    ".buildkeep/x",
    "config/a.toml",
    "buildkeep.toml",
    "/etc/x",
    "a/",
    ".",
    "${root}",
    "${root}/.",
    "${home}/x",
    "a/${root}/x",
    "~/x",
    "a\nBuildkeep-Kind: undo",
    "t",
];

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
    for to in REFUSED {
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

#[test]
fn what_is_there_is_kept_apart_and_never_endless() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places {
        keep: dir.path().join("k"),
        root: Some(dir.path().join("root")),
    };
    std::fs::create_dir(&places.keep).unwrap();
    let target = |to: &str| {
        let mut render = render("template = \"t\"");
        render.to = to.to_owned();
        Target::of(&render, &places).unwrap()
    };
    assert_ne!(target("root/a").aside(), target("${root}/a").aside());
    assert_ne!(target("a/b").aside(), target("a_b").aside());
    let large = std::fs::File::create(places.keep.join("large")).unwrap();
    large.set_len(1 << 40).unwrap();
    assert!(target("large").read().is_err());
}

#[test]
fn a_root_inside_the_keep_is_the_keep() {
    let dir = tempfile::tempdir().unwrap();
    let keep = std::fs::canonicalize(dir.path()).unwrap().join("k");
    std::fs::create_dir(&keep).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&keep, &link).unwrap();
    let target = |root: &Path, to: &str| {
        let places = Places {
            keep: keep.clone(),
            root: Some(root.to_owned()),
        };
        let mut render = render("template = \"t\"");
        render.to = to.to_owned();
        Target::of(&render, &places)
    };
    assert!(target(&link, "${root}/.git/hooks/pre-commit").is_err());
    assert!(target(&keep.join(".git"), "${root}/config").is_err());
    let (plain, rooted) = (target(&link, "a"), target(&link, "${root}/a"));
    let (plain, rooted) = (plain.unwrap(), rooted.unwrap());
    assert!(plain.is_same(&rooted));
    assert_eq!(rooted.in_keep(), Some(Path::new("a")));
}

#[test]
fn a_template_that_does_not_end_is_stopped() {
    let template = "template = \"t\"";
    let told = "1:1 the template takes too long, or makes too much ()";
    for inside in ["", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"] {
        let forever = "{% for a in range(99999) %}{% for b in range(99999) %}";
        let source = format!("{forever}{inside}{{% endfor %}}{{% endfor %}}");
        assert_eq!(text(template, &source).unwrap_err(), told);
    }
    let twice = "{% set n = namespace(a='x') %}{% for i in range(60) %}{% set n.a = n.a ~ n.a %}{% endfor %}";
    assert_eq!(text(template, twice).unwrap_err(), told);
}

#[test]
fn only_secrets_that_a_template_names_are_asked_for() {
    let effective = effective(
        "[net]\ntoken = \"secret:mirror\"\nother = \"secret:other\"\nall = [\"secret:a\", \"b\"]\n",
    );
    let asked = std::cell::RefCell::new(Vec::new());
    let reveal = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        Ok(format!("<{name}>"))
    };
    let values = Values {
        effective: &effective,
        places: [("host", "h-1".to_owned())].into(),
        env: BTreeMap::new(),
        reveal: &reveal,
    };
    let text = |table: &str, template: &str| {
        asked.borrow_mut().clear();
        let text = values.text(&render(table), template);
        let text = text.map_err(|problem| problem.message);
        (text, asked.borrow().join(" "))
    };
    let secret = "template = \"t\"\nsecrets = true";
    let ok = |text: &str, asked: &str| (Ok(text.to_owned()), asked.to_owned());
    assert_eq!(text(secret, "{{ host }}"), ok("h-1", ""));
    assert_eq!(text(secret, "{{ net.token }}"), ok("<mirror>", "mirror"));
    assert_eq!(
        text(secret, "{% for x in net.all %}{{ x }}{% endfor %}"),
        ok("<a>b", "a")
    );
    assert_eq!(
        text(secret, "{{ net['other'] }}"),
        ok("<other>", "mirror other a")
    );
    let hidden = "{% if host == '' %}{% set net = 1 %}{% endif %}{{ net.other }}";
    assert!(
        !text(secret, hidden)
            .0
            .unwrap_or_default()
            .contains("secret:")
    );
    let exports = "exports = \"env\"\nsecrets = true\nnames = { A = \"net.all\" }";
    let (text, asked) = text(exports, "");
    assert_eq!(
        (text.unwrap().lines().last(), asked.as_str()),
        (Some("A=<a> b"), "a")
    );
}

#[test]
fn a_value_with_a_nul_byte_is_no_variable() {
    let effective = effective("[a]\nb = \"x\\u0000y\"\n");
    let reveal = |_: &str| unreachable!();
    let values = Values {
        effective: &effective,
        places: BTreeMap::new(),
        env: BTreeMap::new(),
        reveal: &reveal,
    };
    for format in ["sh", "make", "env"] {
        let table = format!("exports = \"{format}\"\nkeys = [\"a\"]");
        let told = values.text(&render(&table), "").unwrap_err().message;
        assert_eq!(told, "`a.b` has a NUL byte, which this format cannot hold");
    }
}
