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
    fn new() -> Self {
        let env = Env::new();
        env.write(&format!("k/{BASE}"), TEXT);
        env.stdout(&["init", "k", "--template", "generic", "--yes"]);
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
        self.compare();
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
        if value == old && old == committed {
            return;
        }
        match value {
            Some(value) => drop(expected.insert(at, value)),
            None => drop(expected.remove(&at)),
        }
        self.commit(file, &expected);
    }

    /// One file was written and committed as it is.
    fn commit(&mut self, file: &'static str, expected: &Values) {
        let now = self.on_disk();
        assert_eq!(&values(&now), expected);
        let before = self.head.clone();
        match now.get(file) {
            Some(text) => drop(self.head.insert(file, text.clone())),
            None => drop(self.head.remove(file)),
        }
        self.work = now;
        self.versions.push(self.head.clone());
        self.note(Sort::Change, &before, Vec::new());
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
        let all_there = self.work == self.on_disk();
        if !all_there {
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
        let open = |(at, done): (usize, &Done)| {
            (done.sort == Sort::Change && !done.is_undone || done.sort == Sort::Redo && false)
                .then_some(at)
        };
        let candidates: Vec<usize> = self
            .done
            .iter()
            .enumerate()
            .filter_map(open)
            .rev()
            .collect();
        let (code, told) = self.run(&["undo"]);
        let mut passed = Vec::new();
        for at in candidates {
            match self.back(&self.done[at].clone()) {
                Back::Clash => return assert_eq!(code, 4, "undo of {at} clashes"),
                Back::To(values, files) => {
                    assert_eq!(code, 0, "undo of {at}");
                    passed.push(at);
                    let save = true;
                    return self.undone(&passed, (values, files), save);
                }
                // Comments may still come back: then it was this one.
                Back::Nothing => {
                    passed.push(at);
                    let skipped = told["without_effect"].as_array().map_or(0, Vec::len);
                    let is_it = code == 0 && skipped + 1 == passed.len() && told["applied"] == true;
                    if is_it {
                        let values = values(&self.work);
                        return self.undone(&passed, (values, None), true);
                    }
                }
            }
        }
        assert!(code == 2 || told["applied"] == false, "{told}");
    }

    fn undone(
        &mut self,
        targets: &[usize],
        (expected, files): (Values, Option<Files>),
        _save: bool,
    ) {
        let now = self.on_disk();
        assert_eq!(values(&now), expected);
        if let Some(files) = files {
            assert_eq!(now, files, "bytes");
        }
        self.saved_or_not();
        let before = self.head.clone();
        self.take(now);
        for at in targets {
            self.done[*at].is_undone = true;
        }
        self.note(Sort::Undo, &before, targets.to_vec());
    }

    /// The list tells whether there was work to save: what a plan has already is not.
    fn saved_or_not(&mut self) {
        let listed = self.listed(2);
        if listed.iter().any(|(_, standing)| standing == "save")
            && listed.len() == 2
            && self.work != self.head
        {
            self.save();
        }
    }

    fn undo_named(&mut self, back: usize) {
        let Some(at) = self.done.len().checked_sub(back + 1) else {
            return;
        };
        let done = self.done[at].clone();
        let id = &self.listed(back + 1)[back].0;
        let (code, told) = self.run(&["undo", id]);
        let refused = done.is_undone || done.sort == Sort::First;
        if refused {
            return assert_eq!(code, 2, "{done:?}");
        }
        match self.back(&done) {
            Back::Clash => assert_eq!(code, 4, "{done:?}"),
            Back::Nothing if told["applied"] == false => assert_eq!(code, 0),
            Back::Nothing => self.took(at, (values(&self.work), None)),
            Back::To(values, files) => {
                assert_eq!(code, 0, "{done:?}");
                self.took(at, (values, files));
            }
        }
    }

    /// The operation `at` was taken back, whatever it was.
    fn took(&mut self, at: usize, expected: (Values, Option<Files>)) {
        match self.done[at].sort {
            Sort::Undo => self.redone(at, expected),
            Sort::Redo => {
                let undo = self.done[at].targets[0];
                let targets = self.done[undo].targets.clone();
                self.undone(&targets, expected, true);
            }
            _ => self.undone(&[at], expected, true),
        }
    }

    fn redo(&mut self) {
        let mut newest = None;
        for (at, done) in self.done.iter().enumerate().rev() {
            match done.sort {
                Sort::Undo if !done.is_undone => {
                    newest = Some(at);
                    break;
                }
                Sort::Change if !done.is_undone => break,
                _ => {}
            }
        }
        let (code, told) = self.run(&["redo"]);
        let Some(at) = newest else {
            return assert_eq!(code, 2, "nothing to do again");
        };
        match self.back(&self.done[at].clone()) {
            Back::Clash => assert_eq!(code, 4, "redo of {at} clashes"),
            Back::Nothing if told["applied"] == false => assert_eq!(code, 0),
            Back::Nothing => self.redone(at, (values(&self.work), None)),
            Back::To(values, files) => {
                assert_eq!(code, 0, "redo of {at}");
                self.redone(at, (values, files));
            }
        }
    }

    fn redone(&mut self, undo: usize, (expected, files): (Values, Option<Files>)) {
        let now = self.on_disk();
        assert_eq!(values(&now), expected);
        if let Some(files) = files {
            assert_eq!(now, files, "bytes");
        }
        self.saved_or_not();
        let before = self.head.clone();
        self.take(now);
        self.done[undo].is_undone = true;
        for at in self.done[undo].targets.clone() {
            self.done[at].is_undone = false;
        }
        self.note(Sort::Redo, &before, vec![undo]);
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

    fn finish(&self) {
        let status = self.run(&["status"]).1;
        assert_eq!(status["config"]["version"], self.versions.len());
        let mut effective = BTreeMap::new();
        for ((path, key), value) in values(&self.work) {
            let host = path == HOST;
            if host
                || !effective.contains_key(&key)
                || path == BASE && !effective.contains_key(&key)
            {
                effective.insert(key, value);
            }
        }
        for key in KEYS {
            let (_, told) = self.run(&["config", "get", &format!("m.{key}")]);
            let value = told["value"].as_i64().map(|value| value.to_string());
            assert_eq!(value.as_ref(), effective.get(key), "m.{key}");
        }
        self.env.git(&["-C", "k", "fsck", "--strict"]);
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
    let run = |moves: Vec<Move>| {
        let mut model = Model::new();
        for one in moves {
            model.step(one);
        }
        model.finish();
        Ok(())
    };
    TestRunner::new(config).run(&moves(), run).unwrap();
}
