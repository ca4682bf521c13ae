//! Any sequence of set, unset, rollback, undo, redo, commits by hand and edits left lying about,
//! against a model of what should come out of it.
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value as Json;

use crate::env::Env;

const BASE: &str = "config/m.toml";
const HOST: &str = "config/hosts/box-00z9.toml";
const TEXT: &str = "# about m\n[m]\na = 0   # first\nb = 0   # second\n\nc = 0   # third\n";
const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Copy, Debug)]
enum Move {
    Set(usize, u8, &'static str),
    Unset(usize, &'static str),
    /// To the version so many back.
    Rollback(usize),
    RollbackKey(usize, usize),
    Undo,
    /// The operation so many back.
    UndoNamed(usize),
    Redo,
    /// Edited and committed by plain Git.
    ByHand(usize, u8),
    /// Edited and left so.
    Edit(usize, u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let layer = || prop_oneof![3 => Just(BASE), 1 => Just(HOST)];
    let one = prop_oneof![
        5 => (0..3usize, 0..3u8, layer()).prop_map(|(key, to, file)| Move::Set(key, to, file)),
        1 => (0..3usize, layer()).prop_map(|(key, file)| Move::Unset(key, file)),
        1 => (1..4usize).prop_map(Move::Rollback),
        1 => (1..4usize, 0..3usize).prop_map(|(back, key)| Move::RollbackKey(back, key)),
        6 => Just(Move::Undo),
        1 => (0..5usize).prop_map(Move::UndoNamed),
        3 => Just(Move::Redo),
        1 => (0..3usize, 0..3u8).prop_map(|(key, to)| Move::ByHand(key, to)),
        1 => (0..3usize, 0..3u8).prop_map(|(key, to)| Move::Edit(key, to)),
    ];
    proptest::collection::vec(one, 1..9)
}

/// The files by path.
type Files = BTreeMap<&'static str, String>;
/// What they say, by file and key.
type Values = BTreeMap<(&'static str, String), String>;

fn values(files: &Files) -> Values {
    let mut values = Values::new();
    for (path, text) in files {
        let document: toml_edit::DocumentMut = text.parse().unwrap();
        let table = document.get("m").and_then(|item| item.as_table_like());
        for (key, item) in table.into_iter().flat_map(|table| table.iter()) {
            values.insert(
                (*path, key.to_owned()),
                item.as_integer().unwrap().to_string(),
            );
        }
    }
    values
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    First,
    Change,
    Save,
    Undo,
    Redo,
}

#[derive(Clone, Debug)]
struct Done {
    sort: Sort,
    before: Files,
    after: Files,
    is_undone: bool,
    /// Of an undo: what it undid. Of a redo: the undo that it took back.
    targets: Vec<usize>,
}

/// What taking an operation back comes to.
#[derive(Debug, PartialEq)]
enum Back {
    /// Its values, and the bytes if they are known.
    To(Values, Option<Files>),
    /// Two changes of one key.
    Clash,
    /// Values stay; there may be comments or spaces to put back.
    Nothing,
}

struct Model {
    env: Env,
    head: Files,
    work: Files,
    versions: Vec<Files>,
    done: Vec<Done>,
}

impl Model {
    /// In a copy of the keep of `template`.
    fn new(template: &Env) -> Self {
        let env = Env::new();
        let from = template.path("k");
        env.command("cp")
            .arg("-a")
            .arg(from)
            .arg("k")
            .status()
            .unwrap();
        let mut model = Self {
            env,
            head: Files::new(),
            work: Files::new(),
            versions: Vec::new(),
            done: Vec::new(),
        };
        let now = model.on_disk();
        model.take(now);
        model.note(Sort::First, &Files::new(), Vec::new());
        model
    }

    fn on_disk(&self) -> Files {
        let read = |path| {
            let text = std::fs::read_to_string(self.env.path(format!("k/{path}"))).ok()?;
            Some((path, text))
        };
        [BASE, HOST].into_iter().filter_map(read).collect()
    }

    /// What is on disk is committed now.
    fn take(&mut self, files: Files) {
        self.versions.push(files.clone());
        self.work.clone_from(&files);
        self.head = files;
    }

    fn note(&mut self, sort: Sort, before: &Files, targets: Vec<usize>) {
        self.done.push(Done {
            sort,
            before: before.clone(),
            after: self.head.clone(),
            is_undone: false,
            targets,
        });
    }

    fn run(&self, args: &[&str]) -> (i32, Json) {
        let output = self
            .env
            .buildkeep(&["-C", "k", "--json"])
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or("null");
        let code = output.status.code().unwrap();
        assert!(
            matches!(code, 0 | 2 | 4),
            "{args:?}: {}",
            self.env.shown(&output)
        );
        (code, serde_json::from_str(last).unwrap())
    }

    fn step(&mut self, one: Move) {
        match one {
            Move::Set(key, to, file) => self.set(KEYS[key], Some(to), file),
            Move::Unset(key, file) => self.set(KEYS[key], None, file),
            Move::Rollback(back) => self.rollback(back, None),
            Move::RollbackKey(back, key) => self.rollback(back, Some(KEYS[key])),
            Move::Undo => self.undo(),
            Move::UndoNamed(back) => self.undo_named(back),
            Move::Redo => self.redo(),
            Move::ByHand(key, to) => {
                self.edit(KEYS[key], to);
                if self.work != self.head {
                    self.env.git(&["-C", "k", "commit", "-qam", "by hand"]);
                    self.take(self.work.clone());
                }
            }
            Move::Edit(key, to) => self.edit(KEYS[key], to),
        }
        assert_eq!(self.on_disk(), self.work, "after {one:?}");
    }

    fn edit(&mut self, key: &str, to: u8) {
        let Some(text) = self.work.get_mut(BASE) else {
            return;
        };
        let lines = text.split_inclusive('\n').map(|line| {
            if line.starts_with(&format!("{key} = ")) {
                format!("{key} = {}{}", to, &line[5..])
            } else {
                line.to_owned()
            }
        });
        *text = lines.collect();
        self.env.write(&format!("k/{BASE}"), text);
    }

    fn set(&mut self, key: &str, to: Option<u8>, file: &'static str) {
        let name = format!("m.{key}");
        let value = to.map(|to| to.to_string());
        let mut args = vec!["config"];
        match &value {
            Some(value) => args.extend(["set", &name, value, "--file", file]),
            None => args.extend(["unset", &name, "--file", file]),
        }
        let mut expected = values(&self.work);
        let at = (file, key.to_owned());
        let old = expected.get(&at).cloned();
        let committed = values(&self.head).get(&at).cloned();
        let (code, _) = self.run(&args);
        if value.is_none() && old.is_none() {
            assert_eq!(code, 2, "{args:?}");
            return;
        }
        assert_eq!(code, 0, "{args:?}");
        let mut recorded = values(&self.head);
        for values in [&mut expected, &mut recorded] {
            match &value {
                Some(value) => drop(values.insert(at.clone(), value.clone())),
                None => drop(values.remove(&at)),
            }
        }
        let was_dirty = self.work != self.head;
        let before = self.head.clone();
        self.work = self.on_disk();
        assert_eq!(values(&self.work), expected, "{args:?}");
        if value == committed {
            return;
        }
        // Only the key is committed: what else was edited stays as it is.
        let head = self.work.clone();
        self.head = if was_dirty { self.committed() } else { head };
        assert_eq!(values(&self.head), recorded, "{args:?}");
        self.versions.push(self.head.clone());
        self.note(Sort::Change, &before, Vec::new());
    }

    /// The files of the last commit.
    fn committed(&self) -> Files {
        let read = |path| {
            let spec = format!("HEAD:{path}");
            let output = self
                .env
                .command("git")
                .args(["-C", "k", "show", &spec])
                .output();
            let output = output.unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            output.status.success().then_some((path, text))
        };
        [BASE, HOST].into_iter().filter_map(read).collect()
    }

    /// Work that nobody committed is a version of its own before anything is overwritten.
    fn save(&mut self) {
        if self.work != self.head {
            let before = self.head.clone();
            self.take(self.work.clone());
            self.note(Sort::Save, &before, Vec::new());
        }
    }

    fn rollback(&mut self, back: usize, key: Option<&str>) {
        let Some(at) = self
            .versions
            .len()
            .checked_sub(back + 1)
            .filter(|at| *at > 0)
        else {
            return;
        };
        let then = self.versions[at].clone();
        let version = format!("v{}", at + 1);
        let name = key.map(|key| format!("m.{key}"));
        let mut args = vec!["rollback", "--to", &version, "--yes"];
        args.extend(name.iter().flat_map(|name| ["--key", name]));
        let mut expected = values(&then);
        if let Some(key) = key {
            let wanted = |(at, _): &(&(&str, String), &String)| at.1 == *key;
            let mut mixed = values(&self.work);
            mixed.retain(|at, _| at.1 != *key);
            mixed.extend(
                expected
                    .iter()
                    .filter(wanted)
                    .map(|(at, value)| (at.clone(), value.clone())),
            );
            expected = mixed;
        }
        let (code, told) = self.run(&args);
        let nowhere = key.is_some_and(|key| {
            let all = [values(&then), values(&self.work)];
            !all.iter().any(|values| values.keys().any(|at| at.1 == key))
        });
        assert_eq!(code, if nowhere { 2 } else { 0 }, "{args:?}");
        if nowhere || told["files"].as_array().unwrap().is_empty() {
            assert!(nowhere || expected == values(&self.work), "{args:?}");
            return;
        }
        if told["saved"].is_string() {
            self.save();
        }
        let now = self.on_disk();
        assert_eq!(values(&now), expected, "{args:?}");
        if key.is_none() {
            assert_eq!(now, then, "{args:?}");
        }
        let before = self.head.clone();
        self.take(now);
        self.note(Sort::Change, &before, Vec::new());
    }

    /// What taking back `done` should come to.
    fn back(&self, done: &Done) -> Back {
        let touched: BTreeSet<_> = [BASE, HOST]
            .into_iter()
            .filter(|path| done.before.get(path) != done.after.get(path))
            .collect();
        let (old, new, now) = (
            values(&done.before),
            values(&done.after),
            values(&self.work),
        );
        let mut expected = now.clone();
        for at in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (before, after, present) = (old.get(at), new.get(at), now.get(at));
            if before == after || present == before {
                continue;
            }
            if present != after {
                return Back::Clash;
            }
            match before {
                Some(value) => drop(expected.insert(at.clone(), value.clone())),
                None => drop(expected.remove(at)),
            }
        }
        let same = |a: &Files, b: &Files| touched.iter().all(|path| a.get(path) == b.get(path));
        let known = same(&self.work, &done.after).then(|| {
            let mut files = self.work.clone();
            for path in &touched {
                match done.before.get(path) {
                    Some(text) => drop(files.insert(path, text.clone())),
                    None => drop(files.remove(path)),
                }
            }
            files
        });
        if known.is_none() && expected == now {
            return Back::Nothing;
        }
        Back::To(expected, known)
    }

    fn undo(&mut self) {
        let is_open = |(at, done): (usize, &Done)| {
            let open = done.sort == Sort::Change && !done.is_undone;
            open.then_some(at)
        };
        let all = self.done.iter().enumerate();
        let candidates: Vec<usize> = all.filter_map(is_open).rev().collect();
        let (code, told) = self.run(&["undo"]);
        let mut passed = Vec::new();
        for at in candidates {
            let back = self.back(&self.done[at]);
            if back == Back::Clash {
                return assert_eq!(code, 4, "undo of {at} clashes");
            }
            passed.push(at);
            // Of what has no value to bring back, comments may still come back: then it was this.
            let skipped = told["without_effect"].as_array().map_or(0, Vec::len);
            let is_it = told["applied"] == true && skipped + 1 == passed.len();
            if is_it || matches!(back, Back::To(..)) {
                assert_eq!(code, 0, "undo of {at}");
                return self.taken_back((Sort::Undo, passed), back, &told);
            }
        }
        assert!(code == 2 || told["applied"] == false, "{told}");
    }

    fn undo_named(&mut self, back: usize) {
        let Some(at) = self.done.len().checked_sub(back + 1) else {
            return;
        };
        let id = &self.listed(back + 1)[back].0;
        let (code, told) = self.run(&["undo", id]);
        let done = &self.done[at];
        if done.is_undone || done.sort == Sort::First {
            return assert_eq!(code, 2, "{done:?}");
        }
        let what = match done.sort {
            Sort::Undo => (Sort::Redo, vec![at]),
            Sort::Redo => (Sort::Undo, self.done[done.targets[0]].targets.clone()),
            _ => (Sort::Undo, vec![at]),
        };
        self.one_taken_back(at, what, (code, &told));
    }

    fn redo(&mut self) {
        let holds = |(_, done): &(usize, &Done)| {
            !done.is_undone && matches!(done.sort, Sort::Undo | Sort::Change)
        };
        let newest = self.done.iter().enumerate().rev().find(holds);
        let undo = newest.filter(|(_, done)| done.sort == Sort::Undo);
        let at = undo.map(|(at, _)| at);
        let (code, told) = self.run(&["redo"]);
        match at {
            Some(at) => self.one_taken_back(at, (Sort::Redo, vec![at]), (code, &told)),
            None => assert_eq!(code, 2, "nothing to do again"),
        }
    }

    fn one_taken_back(&mut self, at: usize, what: (Sort, Vec<usize>), (code, told): (i32, &Json)) {
        match self.back(&self.done[at]) {
            Back::Clash => assert_eq!(code, 4, "{at} clashes"),
            Back::Nothing if told["applied"] == false => assert_eq!(code, 0),
            back => {
                assert_eq!(code, 0, "{at} is taken back");
                self.taken_back(what, back, told);
            }
        }
    }

    /// What is on disk now is what taking back should come to; notes it.
    fn taken_back(&mut self, (sort, targets): (Sort, Vec<usize>), back: Back, told: &Json) {
        let now = self.on_disk();
        match back {
            Back::To(expected, bytes) => {
                assert_eq!(values(&now), expected);
                assert!(bytes.is_none_or(|bytes| bytes == now), "bytes: {now:?}");
            }
            _ => assert_eq!(values(&now), values(&self.work)),
        }
        if told["saved"].is_string() {
            self.save();
        }
        let before = self.head.clone();
        self.take(now);
        for at in &targets {
            self.done[*at].is_undone = true;
            if sort == Sort::Redo {
                for at in self.done[*at].targets.clone() {
                    self.done[at].is_undone = false;
                }
            }
        }
        self.note(sort, &before, targets);
    }

    /// Ids and standings, newest first.
    fn listed(&self, limit: usize) -> Vec<(String, String)> {
        let limit = limit.to_string();
        let (_, told) = self.run(&["undo", "--list", "-n", &limit]);
        let operations = told["operations"].as_array().unwrap();
        let text = |one: &Json, name: &str| one[name].as_str().unwrap().to_owned();
        operations
            .iter()
            .map(|one| (text(one, "id"), text(one, "standing")))
            .collect()
    }

    fn compare(&self) {
        let standing = |done: &Done| match done.sort {
            _ if done.is_undone => "undone",
            Sort::First => "first",
            Sort::Change => "done",
            Sort::Save => "save",
            Sort::Undo => "undo",
            Sort::Redo => "redo",
        };
        let expected: Vec<&str> = self.done.iter().rev().map(standing).collect();
        let listed: Vec<String> = self
            .listed(100)
            .into_iter()
            .map(|(_, standing)| standing)
            .collect();
        assert_eq!(listed, expected);
    }

    fn finish(&self, thorough: bool) {
        self.compare();
        let status = self.run(&["status"]).1;
        assert_eq!(status["config"]["version"], self.versions.len());
        let mut effective = BTreeMap::new();
        let said = values(&self.work);
        for layer in [BASE, HOST] {
            let own = said.iter().filter(|((path, _), _)| *path == layer);
            effective.extend(own.map(|((_, key), value)| (format!("m.{key}"), value.clone())));
        }
        let (_, told) = self.run(&["config", "list", "m"]);
        let entries = told["entries"].as_array().into_iter().flatten();
        let listed: BTreeMap<String, String> = entries
            .map(|entry| {
                (
                    entry["key"].as_str().unwrap().to_owned(),
                    entry["value"].to_string(),
                )
            })
            .collect();
        assert_eq!(listed, effective);
        if thorough {
            self.env.git(&["-C", "k", "fsck", "--strict"]);
        }
    }
}

#[test]
fn any_sequence_ends_as_the_model_says() {
    let long = std::env::var_os("BUILDKEEP_LONG_TESTS").is_some();
    let config = Config {
        cases: if long { 2000 } else { 64 },
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let template = Env::new();
    template.write(&format!("k/{BASE}"), TEXT);
    template.stdout(&["init", "k", "--template", "generic", "--yes"]);
    let run = |moves: Vec<Move>| {
        let mut model = Model::new(&template);
        for one in moves {
            model.step(one);
        }
        model.finish(long);
        Ok(())
    };
    TestRunner::new(config).run(&moves(), run).unwrap();
}
