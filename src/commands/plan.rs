//! `plan`
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::fs::read_optional;
use crate::plan::{self, Checkpoint, Plan, Step};
use crate::store::Keep;
use crate::ui::{clean, style};

/// Show the steps in the order in which they are built
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only these steps: an id, the end of one, or a script's name
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

/// The plan of a keep, as `plan --json` shows it.
#[derive(Debug, Serialize)]
struct Listing {
    root: Option<String>,
    scripts: Option<String>,
    jobs: Option<u32>,
    linear: bool,
    total: usize,
    steps: Vec<Row>,
}

/// A step of it.
#[derive(Debug, Serialize)]
struct Row {
    number: usize,
    id: String,
    file: String,
    needs: Vec<String>,
    reads: Vec<String>,
    inputs: Vec<String>,
    workdir: String,
    checkpoint: Checkpoint,
    timeout_s: Option<u64>,
    sbu: Option<f64>,
    disk: Option<u64>,
}

/// The plan of `keep`, from its work tree.
pub(super) fn load(keep: &Keep) -> Result<Plan, Failure> {
    let path = keep.root().join("plan.toml");
    let bytes = read_optional(&path)?.unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::user("plan.toml is not UTF-8 text")
            .hint("save it as UTF-8; `iconv -f latin1 -t utf-8` converts old files")
    })?;
    Ok(plan::load(keep.root(), "plan.toml", &text)?)
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let keep = cx.keep()?;
    let plan = load(&keep)?;
    let mut wanted = Vec::new();
    for name in &args.steps {
        wanted.push(plan.find(name)?.id.clone());
    }
    let listing = Listing::new(&plan, keep.root(), &wanted);
    cx.ui.show(&listing)?;
    if listing.total == 0 {
        let usual = keep.root().join("scripts");
        let folder = plan.scripts.as_ref().unwrap_or(&usual).display();
        let hint = format!("put scripts into {folder}, named like 01-first.sh; each is a step");
        cx.ui.hint(hint);
    }
    Ok(Answer::Yes)
}

impl Listing {
    fn new(plan: &Plan, keep: &Path, wanted: &[String]) -> Self {
        let rows = plan.steps.iter().zip(1..);
        let rows = rows.filter(|(step, _)| wanted.is_empty() || wanted.contains(&step.id));
        let text = |path: &Path| path.display().to_string();
        let scripts = plan.scripts.as_deref();
        let below = |path: &Path| text(path.strip_prefix(keep).unwrap_or(path));
        Self {
            root: plan.root.as_deref().map(text),
            scripts: scripts.map(below),
            jobs: plan.jobs,
            linear: plan.is_linear(),
            total: plan.steps.len(),
            steps: rows.map(|(step, number)| Row::new(step, number)).collect(),
        }
    }

    fn headline(&self) -> String {
        let steps = match self.total {
            0 => return "no steps yet".into(),
            1 => "1 step".into(),
            total if self.linear => format!("{total} steps, one after the other"),
            total => format!("{total} steps, by their needs"),
        };
        match &self.root {
            Some(root) => format!("{steps}, building {root}"),
            None => steps,
        }
    }
}

impl Row {
    fn new(step: &Step, number: usize) -> Self {
        let inputs = step.inputs.iter().map(|input| input.name.clone());
        Self {
            number,
            id: step.id.clone(),
            file: step.file.clone(),
            needs: step.needs.clone(),
            reads: step.reads.clone(),
            inputs: inputs.collect(),
            workdir: step.workdir.display().to_string(),
            checkpoint: step.checkpoint,
            timeout_s: step.timeout.map(|timeout| timeout.as_secs()),
            sbu: step.sbu,
            disk: step.disk,
        }
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
        let mut group = "";
        let widths = self.widths();
        for row in &self.steps {
            let (folder, _) = row.split();
            if folder != group {
                let in_group = |row: &&Row| row.split().0 == folder;
                let count = self.steps.iter().filter(in_group).count();
                let count = style::faint(format!("({count})"));
                writeln!(f, "\n{} {count}", style::strong(clean(folder)))?;
                group = folder;
            }
            self.line(row, widths, f)?;
        }
        Ok(())
    }
}

impl Listing {
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
        (names, scripts): (usize, usize),
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let number = format!("{:>1$}", row.number, self.total.to_string().len());
        let name = format!("{:names$}", clean(row.split().1));
        let script = row.script(self.scripts.as_deref());
        write!(f, "  {}  {name}  ", style::faint(number))?;
        if self.linear || row.needs.is_empty() {
            return writeln!(f, "{}", style::faint(clean(script)));
        }
        let script = format!("{:scripts$}", clean(script));
        let needs = row.needs.join(", ");
        writeln!(f, "{}  needs {}", style::faint(script), clean(&needs))
    }
}
