//! `docs/guide/json.md` against what the commands answer: the same fields, in the same places.
use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::env::Env;
use crate::site::until;

/// The shape of a value: the names in it, without the values.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// A number, a text, yes or no.
    Leaf,
    /// `null`, or an empty list: nothing is known.
    Unknown,
    /// A list whose items look like this.
    List(Box<Self>),
    Object(BTreeMap<String, Self>),
}

/// Objects whose names are data.
const MAPS: &[&str] = &["trailers", "counts", "value", "data"];

fn shape(value: &Json) -> Shape {
    match value {
        Json::Null => Shape::Unknown,
        Json::Array(items) => {
            let item = items.iter().map(shape).fold(Shape::Unknown, merged);
            Shape::List(Box::new(item))
        }
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                let is_map = MAPS.contains(&name.as_str());
                let shape = if is_map { Shape::Unknown } else { shape(value) };
                (name.clone(), shape)
            };
            Shape::Object(fields.iter().map(field).collect())
        }
        _ => Shape::Leaf,
    }
}

fn merged(one: Shape, other: Shape) -> Shape {
    match (one, other) {
        (Shape::Unknown, known) | (known, Shape::Unknown) => known,
        (Shape::Object(mut fields), Shape::Object(others)) => {
            for (name, other) in others {
                let one = fields.remove(&name).unwrap_or(Shape::Unknown);
                fields.insert(name, merged(one, other));
            }
            Shape::Object(fields)
        }
        (one, _) => one,
    }
}

/// Where the two differ; what is unknown on one side may be anything.
fn differences(at: &str, documented: &Shape, answered: &Shape, found: &mut Vec<String>) {
    match (documented, answered) {
        (Shape::Unknown, _) | (_, Shape::Unknown) | (Shape::Leaf, Shape::Leaf) => {}
        (Shape::List(one), Shape::List(other)) => {
            differences(&format!("{at}[]"), one, other, found);
        }
        (Shape::Object(one), Shape::Object(other)) => {
            for name in one.keys().filter(|name| !other.contains_key(*name)) {
                found.push(format!("{at}.{name} is documented and not answered"));
            }
            for (name, answered) in other {
                match one.get(name) {
                    Some(documented) => {
                        differences(&format!("{at}.{name}"), documented, answered, found);
                    }
                    None => found.push(format!("{at}.{name} is answered and not documented")),
                }
            }
        }
        _ => found.push(format!(
            "{at} is {documented:?} in the guide, and {answered:?}"
        )),
    }
}

/// The examples of the guide by command; those of a stream by `event`.
fn documented() -> BTreeMap<String, Shape> {
    let guide = include_str!("../../docs/guide/json.md");
    let mut examples = BTreeMap::new();
    for section in guide.split("\n## ").skip(1) {
        let (title, rest) = section.split_once('\n').unwrap();
        let text = rest.split("```json\n").nth(1).unwrap();
        let text = text.split("\n```").next().unwrap();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
            let value = value.unwrap_or_else(|error| panic!("{title}: {error}"));
            examples.insert(name_of(title, &value), shape(&value));
        }
    }
    examples
}

fn name_of(command: &str, value: &Json) -> String {
    match value["event"].as_str() {
        Some(event) => format!("{command} {event}"),
        None => command.to_owned(),
    }
}

/// What commands answered, by the titles of the guide.
struct Session {
    env: Env,
    answers: Vec<(String, Json)>,
}

impl Session {
    /// Runs a command in the keep, and keeps what it answered.
    fn ask(&mut self, title: &str, args: &[&str]) {
        let output = self
            .env
            .buildkeep(&["-C", "k", "--json"])
            .args(args)
            .output();
        self.keep(title, &output.unwrap());
    }

    fn keep(&mut self, title: &str, output: &std::process::Output) {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(!text.is_empty(), "{title}: {}", self.env.shown(output));
        for line in text.lines() {
            assert!(line.starts_with("{\"format\":1,"), "{title}: {line}");
            let value: Json = serde_json::from_str(line).unwrap();
            self.answers.push((name_of(title, &value), value));
        }
    }
}

fn session() -> Session {
    let env = Env::new();
    env.script(
        "s/01-libs.sh",
        "#!/bin/sh\necho \"$TESTS\" >\"$DEST\"/libs\n",
    );
    env.script("s/02-app.sh", "#!/bin/sh\necho no; exit 3\n");
    env.git(&["init", "-q", "--bare", "bare.git"]);
    let args = [
        "init",
        "k",
        "--scripts",
        "s",
        "--root",
        "root",
        "--yes",
        "--json",
    ];
    let made = env.buildkeep(&args).output().unwrap();
    let mut session = Session {
        env,
        answers: Vec::new(),
    };
    session.keep("init", &made);
    session
}

#[test]
fn the_guide_shows_the_fields_that_commands_answer() {
    let mut session = session();
    builds(&mut session);
    configures(&mut session);
    renders(&mut session);
    hides(&mut session);
    saves(&mut session);
    carries(&mut session);
    let documented = documented();
    let mut found = Vec::new();
    for (title, answer) in &session.answers {
        match documented.get(title) {
            Some(example) => differences(title, example, &shape(answer), &mut found),
            None => found.push(format!("{title} is not in the guide")),
        }
    }
    let asked = |title: &String| session.answers.iter().any(|(asked, _)| asked == title);
    let unasked = documented.keys().filter(|title| !asked(title));
    found.extend(unasked.map(|title| format!("{title} is in the guide and not tried here")));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn builds(session: &mut Session) {
    session.ask("check", &["check", "generic"]);
    session.ask("plan", &["plan"]);
    session.ask("run --dry-run", &["run", "--dry-run"]);
    session.ask("run", &["run"]);
    session.ask("status", &["status"]);
    session.env.script("k/scripts/02-app.sh", "#!/bin/sh\n");
    session.ask("run", &["run"]);
    let waits = "#!/bin/sh\nuntil [ -e \"$DEST\"/go ]; do sleep 0.01; done\n";
    session.env.script("k/scripts/02-app.sh", waits);
    session.ask("run", &["run", "--detach"]);
    until("the step to run", || {
        session.env.json(&["-C", "k", "status"])["steps"]["running"] == 1
    });
    session.ask("top", &["top", "-n", "2", "-i", "1"]);
    session.ask("pause", &["pause"]);
    session.ask("pause", &["resume"]);
    session.env.write("root/go", "");
    until("the end of the run", || {
        session
            .env
            .run(&["-C", "k", "attach"])
            .contains("no run goes on")
    });
    session.ask("logs", &["logs", "app", "--attempt", "1"]);
    session.ask("events", &["events"]);
    session.ask("config set", &["config", "set", "build.tests", "quick"]);
    let mark = ["mark", "libs", "--done", "-m", "built by hand"];
    session.ask("mark", &mark);
    session.ask("why", &["why", "libs"]);
    session.ask("plan", &["plan"]);
    let log = "KB: 1000 /mnt\nTotalseconds: 380\nKB: 5000 /mnt\n";
    session.env.write("logs/01-libs", log);
    session.ask("import jhalfs", &["import", "jhalfs", "logs"]);
    session.ask("accuracy", &["accuracy"]);
}

fn configures(session: &mut Session) {
    session.ask("config get", &["config", "get", "build.tests"]);
    session.ask("error", &["config", "set", "build.tests", "al"]);
    session.ask("config set", &["config", "unset", "build.tests"]);
    let args = ["-C", "k", "config", "edit", "build", "--json"];
    let mut edit = session.env.buildkeep(&args);
    let edited = edit.env("EDITOR", "sed -i s/^jobs.*/jobs=3/").output();
    session.keep("config edit", &edited.unwrap());
    session.ask("config list", &["config", "list"]);
    session.ask("config diff", &["config", "diff", "v1"]);
    session.ask("config history", &["config", "history", "build.tests"]);
    session.ask("config blame", &["config", "blame"]);
    session.ask("config schema", &["config", "schema"]);
    session.ask("explain", &["explain", "K004"]);
    let file = session.env.path("k/config/build.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    session
        .env
        .write("k/config/build.toml", "[build]\njobs = \"5\"\n");
    session.ask("config validate", &["config", "validate"]);
    session.env.write("k/config/build.toml", &text);
    session.env.write("k/notes", "x\n");
    session.ask("commit", &["commit"]);
    migrates(session);
    session.ask("log", &["log"]);
    session.ask("show", &["show"]);
    session.ask("diff", &["diff", "v1"]);
    session.env.stdout(&["-C", "k", "tag", "first"]);
    session.ask("tag", &["tag"]);
    session.ask("rollback", &["rollback", "--to", "v1", "--yes"]);
    session.ask("undo", &["undo"]);
    session.ask("undo", &["redo", "--dry-run"]);
    session.ask("undo --list", &["undo", "--list"]);
}

fn migrates(session: &mut Session) {
    let schema = session.env.path("k/schemas/build.schema.json");
    let text = std::fs::read_to_string(&schema).unwrap();
    let steps = r#"{"x-buildkeep-version": 2, "x-buildkeep-migrations": [{"from": 1}],"#;
    let newer = text
        .replacen('{', steps, 1)
        .replace("\"const\": 1", "\"const\": 2");
    std::fs::write(&schema, newer).unwrap();
    session.env.stdout(&["-C", "k", "commit"]);
    session.ask("config migrate", &["config", "migrate"]);
}

fn renders(session: &mut Session) {
    let settings = session.env.path("k/buildkeep.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let table = "[[render]]\nto = \"env.sh\"\nexports = \"sh\"\nkeys = [\"build\"]\n";
    session
        .env
        .write("k/buildkeep.toml", &format!("{text}\n{table}"));
    session.ask("config apply", &["config", "apply", "--yes"]);
    session.ask("config drift", &["config", "drift"]);
    session.env.write("k/buildkeep.toml", &text);
}

fn hides(session: &mut Session) {
    let settings = session.env.path("k/buildkeep.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let table = format!("[secrets]\nmirror = {{ env = \"NOT_SET\" }}\nrecipients = [\"{key}\"]\n");
    session
        .env
        .write("k/buildkeep.toml", &format!("{text}\n{table}"));
    session.env.stdout(&["-C", "k", "commit"]);
    session.ask("secret list", &["secret", "list", "--check"]);
    session.ask("secret scan", &["secret", "scan"]);
    let mut set = session
        .env
        .buildkeep(&["-C", "k", "--json", "secret", "set", "signing"]);
    let value = std::fs::File::open(session.env.path("k/scripts/01-libs.sh")).unwrap();
    let output = set.stdin(value).output().unwrap();
    session.keep("secret set", &output);
}

fn saves(session: &mut Session) {
    session.ask("backup create", &["backup", "create"]);
    session.ask("backup list", &["backup", "list"]);
    session.ask("backup list", &["checkpoint", "list"]);
    session.ask("backup show", &["backup", "show", "latest"]);
    session.ask("backup diff", &["backup", "diff", "libs", "latest"]);
    session.ask("backup diff", &["checkpoint", "diff", "libs"]);
    session.ask("backup diff", &["diff", "libs"]);
    session.ask("backup find", &["backup", "find", "app"]);
    session.ask("owns", &["owns", "app"]);
    session.ask("manifest", &["manifest", "libs"]);
    session.ask("backup forget", &["backup", "forget", "--dry-run"]);
    let back = ["rollback", "--tree", "libs", "--dry-run"];
    session.ask("rollback --tree", &back);
    session.ask("backup verify", &["backup", "verify"]);
    session.ask("backup repair", &["backup", "repair"]);
    session.ask(
        "backup restore",
        &["backup", "restore", "latest", "--to", "out"],
    );
    session.ask("vault list", &["vault", "list"]);
    let bare = session.env.path("bare.git");
    session.ask(
        "remote",
        &["remote", "add", "origin", bare.to_str().unwrap()],
    );
    session.ask("remote", &["remote"]);
    session.ask("push", &["push"]);
    session.ask("hooks", &["hooks", "status"]);
    std::fs::write(session.env.path("k/.git/index.lock"), "").unwrap();
    session.ask("doctor", &["doctor"]);
    let cloned = session.env.buildkeep(&["clone", "bare.git", "c", "--json"]);
    let cloned = { cloned }.output().unwrap();
    session.keep("clone", &cloned);
}

/// What goes out of a vault, and comes in.
fn carries(session: &mut Session) {
    let archive = session.env.path("a.tar").to_string_lossy().into_owned();
    let export = |more: &'static [&'static str]| {
        let args = ["backup", "export", "latest", "-o", archive.as_str()];
        [&args, more].concat()
    };
    session.ask("backup export", &export(&[]));
    session.ask("backup archive list", &["backup", "archive", "list"]);
    session.ask("backup archive verify", &["backup", "archive", "verify"]);
    session.ask(
        "backup archive forget",
        &["backup", "archive", "forget", &archive],
    );
    session.ask("backup import", &["backup", "import", &archive]);
    std::fs::remove_file(&archive).unwrap();
    session.ask("backup export", &export(&["--expires", "1d"]));
    let expire = [
        "-C",
        "k",
        "--json",
        "backup",
        "archive",
        "expire",
        "--dry-run",
    ];
    let mut later = session.env.buildkeep(&expire);
    let later = later
        .env("BUILDKEEP_TEST_CLOCK", "2026-03-01T00:00:00Z")
        .output();
    session.keep("backup archive expire", &later.unwrap());
    session.ask(
        "backup push",
        &["backup", "push", "origin", "--name", "more"],
    );
    session.ask("backup optimize", &["backup", "optimize"]);
}
