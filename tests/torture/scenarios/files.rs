//! Files beside the configuration: secrets, renderings, hooks, packs, and what was mended.
use std::process::Stdio;

use age::secrecy::ExposeSecret as _;

use super::{expect, is_clean, set_jobs};
use crate::place::{Outcome, Place};
use crate::power::Scenario;

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "secret set",
        cuts: 30,
        prepare: |place| {
            place.init();
            let key = age::x25519::Identity::generate();
            let home = place.env.work().join("../home/key.txt");
            std::fs::write(home, key.to_string().expose_secret()).unwrap();
            let recipients = format!("recipients = [\"{}\"]", key.to_public());
            let settings = "schema = 1\n\n[secrets]\nidentity = \"~/key.txt\"\n";
            place.write("buildkeep.toml", &format!("{settings}{recipients}\n"));
            place.keep(&["commit", "-m", "secrets: who"]).unwrap();
        },
        act: |place, n| {
            let input = place.env.write("value", &format!("value {n}"));
            let name = format!("name-{}", n % 3);
            let mut set = place.env.buildkeep(&["-C", &place.dir, "secret", "set"]);
            set.arg(name).stdin(std::fs::File::open(input).unwrap());
            place.outcome(&mut set, &["secret", "set"]).map(drop)
        },
        holds: |place, n| {
            let listed = place.keep(&["secret", "list", "--check"])?;
            let has_values = listed.matches("has a value").count();
            expect(&has_values.to_string(), &n.min(3).to_string())?;
            is_clean(place)
        },
    },
    Scenario {
        name: "config apply",
        cuts: 50,
        prepare: |place| {
            place.init();
            let files = "[[render]]\nto = \"env.sh\"\nexports = \"sh\"\nnames = { JOBS = \"build.jobs\" }\n\
                [[render]]\nto = \"${root}/etc/site\"\ntemplate = \"site.j2\"\n";
            place.write("buildkeep.toml", &format!("schema = 1\n{files}"));
            let root = format!("{}-root", place.path("").display());
            let root = root.replace("/-root", "-root");
            place.write(
                "plan.toml",
                &format!("scripts = \"scripts\"\nroot = \"{root}\"\n"),
            );
            place.write("site.j2", "jobs {{ build.jobs }}\n");
            place.write(".gitignore", "/.buildkeep/\n/env.sh\n");
            place.keep(&["commit", "-m", "config: files"]).unwrap();
        },
        act: |place, n| {
            set_jobs(place, n)?;
            place.keep(&["config", "apply", "--yes"]).map(drop)
        },
        holds: |place, n| {
            let read = |path| std::fs::read_to_string(path).unwrap_or_default();
            let made = read(place.path("env.sh"));
            let line = format!("export JOBS='{n}'");
            expect(made.lines().last().unwrap_or_default(), &line)?;
            let root = place.path("").display().to_string();
            let made = read(format!("{}-root/etc/site", root.trim_end_matches('/')).into());
            expect(&made, &format!("jobs {n}\n"))?;
            // The answer is no, and an error here, if a file is not as it is known to be.
            place.keep(&["config", "drift"]).map(drop)
        },
    },
    Scenario {
        name: "config migrate",
        cuts: 20,
        prepare: |place| {
            place.init();
            place.write("plan.toml", "scripts = \"scripts\"\n");
            place.write("schemas/build.schema.json", NEW_FORM);
            place.write("config/build.toml", "schema = 2\n[build]\njobs = 1\n");
            place.keep(&["commit", "-m", "schemas: form 2"]).unwrap();
        },
        act: |place, n| {
            let old = format!("schema = 1\n[build]\ncores = {n}\n");
            place.write("config/build.toml", &old);
            place.keep(&["commit", "-m", "config: an old form"])?;
            place.keep(&["config", "migrate"]).map(drop)
        },
        holds: |place, n| {
            let text = place.git(&["show", "HEAD:config/build.toml"])?;
            expect(&text, &format!("schema = 2\n[build]\njobs = {n}\n"))?;
            is_clean(place)
        },
    },
    Scenario {
        name: "doctor --fix",
        cuts: 30,
        prepare: Place::init,
        act: |place, n| {
            set_jobs(place, n)?;
            let id = place.git(&["rev-parse", "HEAD:config/build.toml"])?;
            let object = format!(".git/objects/{}/{}", &id[..2], id[2..].trim());
            std::fs::remove_file(place.path(&object)).unwrap();
            std::fs::write(place.path(&object), "").unwrap();
            for path in [".git/index", ".git/config", ".git/index.lock"] {
                place.write(path, "");
            }
            place.disk.settle();
            well_after(place, &["doctor", "--fix", "--yes"])
        },
        holds: |place, n| {
            well_after(place, &["doctor"])?;
            let text = place.git(&["show", "HEAD:config/build.toml"])?;
            let has_it = text.contains(&format!("\njobs = {n} "));
            expect(&has_it.to_string(), "true")?;
            is_clean(place)
        },
    },
    Scenario {
        name: "hooks install and remove",
        cuts: 30,
        prepare: |place| {
            place.init();
            place.keep(&["hooks", "remove"]).unwrap();
            let hook = format!("{}/.git/hooks/pre-commit", place.dir);
            place.env.script(&hook, OWN_HOOK);
        },
        act: |place, n| {
            let verb = if n % 2 == 1 { "install" } else { "remove" };
            place.keep(&["hooks", verb]).map(drop)
        },
        holds: |place, n| {
            let name = if n % 2 == 1 {
                "pre-commit.user"
            } else {
                "pre-commit"
            };
            let own = std::fs::read_to_string(place.path(".git/hooks").join(name));
            expect(&own.unwrap_or_default(), OWN_HOOK)?;
            let is_installed = place.keep(&["hooks", "status"]).is_ok();
            expect(&is_installed.to_string(), &(n % 2 == 1).to_string())
        },
    },
    Scenario {
        name: "a commit of many files",
        cuts: 10,
        prepare: Place::init,
        act: |place, n| {
            for file in 0..1100 {
                let path = format!("data/{}/{file}", file % 10);
                place.write(&path, &format!("{n} {file}\n"));
            }
            place.keep(&["commit", "-m", "data: all of it"]).map(drop)
        },
        holds: |place, n| {
            let text = place.git(&["show", "HEAD:data/9/1099"])?;
            expect(&text, &format!("{n} 1099\n"))?;
            is_clean(place)
        },
    },
    Scenario {
        name: "run, which packs at its end",
        cuts: 5,
        prepare: Place::init,
        act: |place, n| {
            let mut many = place.env.command("sh");
            many.current_dir(place.path("")).stdout(Stdio::null());
            many.args(["-ec", MANY_OBJECTS, "sh", &n.to_string()]);
            place.outcome(&mut many, &["many objects"])?;
            place.disk.settle();
            place.keep(&["run", "--force"]).map(drop)
        },
        holds: |place, n| {
            let count = place.git(&["count-objects"])?;
            expect(&count, "0 objects, 0 kilobytes\n")?;
            let last = place.git(&["show", &format!("kept-{n}:5000")])?;
            expect(&last, &format!("{n} 5000\n"))
        },
    },
];

/// Nothing is wrong any more, but for the disk, which is small.
fn well_after(place: &Place, doctor: &[&str]) -> Outcome {
    let said = place.env.json(&[&["-C", &place.dir], doctor].concat());
    let findings = said["findings"].as_array().into_iter().flatten();
    let is_left = |one: &&serde_json::Value| one["state"] == "found" && one["id"] != "disk-full";
    let left: Vec<_> = findings.filter(is_left).collect();
    let has_failed = said["failed"] != serde_json::json!([]);
    if left.is_empty() && !has_failed {
        return Ok(());
    }
    Err(format!("the doctor says {said:#}"))
}

const NEW_FORM: &str = r#"{"x-buildkeep-version": 2,
    "x-buildkeep-migrations": [{"from": 1, "steps": [
        {"rename": {"from": "build.cores", "to": "build.jobs"}}]}],
    "properties": {"schema": {"const": 2}, "build": {"properties": {
        "jobs": {"type": "integer"}}}}}"#;

const OWN_HOOK: &str = "#!/bin/sh\n# mine\nexit 0\n";

/// A tree of 5,000 files, in files of their own, and a tag for it.
const MANY_OBJECTS: &str = "
mkdir ../many; cd ../many
for n in $(seq 5000); do echo $1 $n >$n; done
cd - >/dev/null
ls ../many | sed 's|^|../many/|' | git hash-object -w --stdin-paths --no-filters >../ids
ls ../many | paste ../ids - | sed 's/^/100644 blob /' | git mktree | xargs git tag kept-$1
rm -r ../many ../ids
";
