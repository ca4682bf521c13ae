//! The steps as people and scripts read them.
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::graph::{Graph, Node};
use crate::commands::project::Project;
use crate::commands::run::{Reason, reason};
use crate::plan::{Checkpoint, Fingerprint, RunsAs, Step};
use crate::run::Manifest;
use crate::ui::{clean, style};

/// The state of a step that is built from what is there now.
const DONE: &str = "done";
/// The state of a step that was never tried.
const PENDING: &str = "pending";
/// The state of a step that was built from something else.
const STALE: &str = "stale";

/// What is known of the steps, by step.
pub(super) struct Seen {
    /// Their newest attempts.
    pub(super) manifests: BTreeMap<String, Manifest>,
    /// What they would be built from now.
    pub(super) fingerprints: BTreeMap<String, Fingerprint>,
}

/// The plan of a keep, as `plan --json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    root: Option<String>,
    scripts: Option<String>,
    jobs: Option<u32>,
    linear: bool,
    pub(super) total: usize,
    counts: BTreeMap<&'static str, usize>,
    steps: Vec<Row>,
}

/// A step of it.
#[derive(Debug, Serialize)]
struct Row {
    number: usize,
    id: String,
    /// `done`, `stale`, `pending`, or the state of the newest attempt.
    state: &'static str,
    /// Why it is not done, if it was tried.
    because: Option<String>,
    file: String,
    needs: Vec<String>,
    reads: Vec<String>,
    inputs: Vec<String>,
    workdir: String,
    runs_as: RunsAs,
    checkpoint: Checkpoint,
    timeout_s: Option<u64>,
    sbu: Option<f64>,
    disk: Option<u64>,
}

impl Listing {
    /// The steps of `project` that are `wanted`; all if none is.
    pub(super) fn new(project: &Project, seen: &Seen, wanted: &[String]) -> Self {
        let (plan, keep) = (&project.plan, project.keep.root());
        let rows = plan.steps.iter().zip(1..);
        let rows: Vec<Row> = rows
            .map(|(step, number)| Row::new(step, number, seen))
            .collect();
        let mut counts = BTreeMap::new();
        for row in &rows {
            *counts.entry(row.state).or_default() += 1;
        }
        let is_wanted = |row: &Row| wanted.is_empty() || wanted.contains(&row.id);
        let text = |path: &Path| path.display().to_string();
        let below = |path: &Path| text(path.strip_prefix(keep).unwrap_or(path));
        Self {
            root: plan.root.as_deref().map(text),
            scripts: plan.scripts.as_deref().map(below),
            jobs: plan.jobs,
            linear: plan.is_linear(),
            total: plan.steps.len(),
            counts,
            steps: rows.into_iter().filter(is_wanted).collect(),
        }
    }

    /// The same as a graph.
    pub(super) fn graph(&self) -> Graph {
        let nodes = self.steps.iter().map(|row| Node {
            id: &row.id,
            state: row.state,
            needs: &row.needs,
        });
        Graph::dot(nodes)
    }

    /// Whether nothing has been built yet.
    fn is_fresh(&self) -> bool {
        self.counts.keys().all(|state| *state == PENDING)
    }

    fn headline(&self) -> String {
        let steps = match self.total {
            0 => return "no steps yet".into(),
            1 => "1 step".into(),
            total if self.linear => format!("{total} steps, one after the other"),
            total => format!("{total} steps, by their needs"),
        };
        let steps = match &self.root {
            Some(root) => format!("{steps}, building {root}"),
            None => steps,
        };
        if self.is_fresh() {
            return steps;
        }
        let counts = self.counts.iter();
        let counts: Vec<String> = counts.map(|(state, n)| format!("{n} {state}")).collect();
        format!("{steps}: {}", counts.join(", "))
    }
}

impl Row {
    fn new(step: &Step, number: usize, seen: &Seen) -> Self {
        let now = &seen.fingerprints[&step.id];
        let (state, because) = match reason(step, seen.manifests.get(&step.id), now) {
            Reason::Done => (DONE, None),
            Reason::New | Reason::Forced => (PENDING, None),
            Reason::Again(state) => (state.word(), None),
            changed @ (Reason::Changed(_) | Reason::Unmarked(_)) => {
                (STALE, Some(changed.to_string()))
            }
        };
        let keys = now
            .parts
            .keys()
            .filter_map(|part| part.strip_prefix("key:"));
        let inputs = step.inputs.iter().map(|input| input.name.clone());
        Self {
            number,
            id: step.id.clone(),
            state,
            because,
            file: step.file.clone(),
            needs: step.needs.clone(),
            reads: keys.map(str::to_owned).collect(),
            inputs: inputs.collect(),
            workdir: step.workdir.display().to_string(),
            runs_as: step.runs_as.clone(),
            checkpoint: step.checkpoint,
            timeout_s: step.timeout.map(|timeout| timeout.as_secs()),
            sbu: step.sbu,
            disk: step.disk,
        }
    }

    /// As whom it runs, and whether in the root, if that is not as usual.
    fn runs_as(&self) -> Option<String> {
        let user = self.runs_as.user.as_ref().map(|user| format!("as {user}"));
        let root = self.runs_as.chroot.then(|| "in the root".to_owned());
        let notes: Vec<String> = user.into_iter().chain(root).collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    /// The folder in its id, and the rest.
    fn split(&self) -> (&str, &str) {
        self.id.rsplit_once('/').unwrap_or(("", &self.id))
    }

    /// Its script: the name alone, where the folder has just been said.
    fn script(&self, scripts: Option<&str>) -> &str {
        let (group, _) = self.split();
        let below = scripts.and_then(|scripts| self.file.strip_prefix(scripts)?.strip_prefix('/'));
        match below.map(|file| file.rsplit_once('/').unwrap_or(("", file))) {
            Some((folder, name)) if folder == group => name,
            _ => &self.file,
        }
    }
}

/// The widest that a column gets.
const WIDEST: usize = 40;

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", clean(&self.headline()))?;
        let (mut group, mut common) = ("", None);
        let widths = self.widths();
        for row in &self.steps {
            let (folder, _) = row.split();
            if folder != group {
                let in_group = |row: &&Row| row.split().0 == folder;
                let count = self.steps.iter().filter(in_group).count();
                let count = style::faint(format!("({count})"));
                write!(f, "\n{} {count}", style::strong(clean(folder)))?;
                common = self.common(folder);
                match &common {
                    Some(note) => writeln!(f, " {}", style::faint(clean(note)))?,
                    None => writeln!(f)?,
                }
                group = folder;
            }
            let own = row.runs_as().filter(|_| common.is_none());
            self.line(row, own, widths, f)?;
        }
        Ok(())
    }
}

impl Listing {
    /// As whom all steps of a folder run.
    fn common(&self, folder: &str) -> Option<String> {
        let rows = self.steps.iter().filter(|row| row.split().0 == folder);
        let mut notes = rows.map(Row::runs_as);
        let first = notes.next().flatten().filter(|_| !folder.is_empty())?;
        notes
            .all(|note| note.as_ref() == Some(&first))
            .then_some(first)
    }

    /// How wide the columns of names and scripts are.
    fn widths(&self) -> (usize, usize) {
        let script = |row: &Row| row.script(self.scripts.as_deref()).chars().count();
        let names = self.steps.iter().map(|row| row.split().1.chars().count());
        let scripts = self.steps.iter().map(script);
        (
            names.max().unwrap_or(0).min(WIDEST),
            scripts.max().unwrap_or(0).min(WIDEST),
        )
    }

    fn line(
        &self,
        row: &Row,
        runs_as: Option<String>,
        (names, scripts): (usize, usize),
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let number = format!("{:>1$}", row.number, self.total.to_string().len());
        let name = format!("{:names$}", clean(row.split().1));
        write!(f, "  {}  ", style::faint(number))?;
        if !self.is_fresh() {
            let state = format!("{:13}", row.state);
            match row.state {
                DONE => write!(f, "{}", style::good(state))?,
                PENDING => write!(f, "{}", style::faint(state))?,
                STALE => write!(f, "{}", style::notable(state))?,
                _ => write!(f, "{}", style::bad(state))?,
            }
        }
        let script = clean(row.script(self.scripts.as_deref()));
        let mut notes = row.because.clone().into_iter().collect::<Vec<_>>();
        if !self.linear && !row.needs.is_empty() {
            notes.insert(0, format!("needs {}", row.needs.join(", ")));
        }
        notes.extend(runs_as);
        if notes.is_empty() {
            return writeln!(f, "{name}  {}", style::faint(script));
        }
        let script = format!("{script:scripts$}");
        let notes = notes.join("; ");
        writeln!(f, "{name}  {}  {}", style::faint(script), clean(&notes))
    }
}
