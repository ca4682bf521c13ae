//! Whole plans, from folders of scripts and texts of plan.toml.
mod folders;
mod schema;
mod stale;
mod wrong;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::document::Problem;

struct Keep(TempDir);

impl Keep {
    /// A keep with executable scripts under `scripts/`.
    fn new(scripts: &[&str]) -> Self {
        let keep = Self(tempfile::tempdir().unwrap());
        for script in scripts {
            keep.script(&format!("scripts/{script}"), "#!/bin/sh\ntrue\n");
        }
        keep
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, content: &str, mode: u32) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn script(&self, file: &str, content: &str) {
        self.write(file, content, 0o755);
    }

    fn load(&self, toml: &str) -> Result<Plan, Error> {
        load(self.path(), "plan.toml", toml)
    }

    fn plan(&self, toml: &str) -> Plan {
        self.load(toml).unwrap()
    }

    /// The ids in build order.
    fn ids(&self, toml: &str) -> Vec<String> {
        self.plan(toml)
            .steps
            .into_iter()
            .map(|step| step.id)
            .collect()
    }

    /// What a person is told who has this plan.toml.
    fn told(&self, toml: &str) -> String {
        let text = match self.load(toml).unwrap_err() {
            Error::Document(problems) => problems.iter().map(line).collect(),
            error => error.to_string(),
        };
        text.replace(self.path().to_str().unwrap(), "[KEEP]")
    }
}

fn line(problem: &Problem) -> String {
    let help = problem.help.as_deref().unwrap_or_default();
    let Problem {
        line,
        column,
        message,
        ..
    } = problem;
    format!("{line}:{column} {message} ({help})\n")
}

fn keys(values: &[(&str, &str)]) -> Keys {
    let value = |(key, text): &(&str, &str)| {
        let effect = match key.rsplit('.').next() {
            Some("jobs") => Effect::Nothing,
            Some("token") => Effect::Secret,
            _ => Effect::Builds,
        };
        let text = (*text).to_owned();
        let steps = match key.rsplit('.').next() {
            Some("kernel") => Some(vec!["*kernel".to_owned()]),
            _ => None,
        };
        let value = Value {
            text,
            effect,
            steps,
            mark: None,
        };
        ((*key).to_owned(), value)
    };
    values.iter().map(value).collect()
}
