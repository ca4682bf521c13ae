//! Git hooks: the second net, for people who commit with plain `git`.
//!
//! Ours stand beside the user's own, in one of three ways: named in the repository's
//! configuration, which Git runs itself since 2.54; as a script in its folder of hooks that runs
//! the user's first ([`script`]); or as a line in a script of theirs, where `core.hooksPath` leads
//! Git to a folder of theirs, and only if they ask for it. Whatever was there comes back byte for
//! byte.
mod catalogue;
mod line;
mod message;
mod script;
mod settings;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use catalogue::{Event, KEEP, SERVER};
use line::Line;
pub use message::message_problems;
use script::{Found, Script, TOOLS};
use settings::Settings;

use super::Error;
use crate::fs::read_optional;
use crate::store::GitFacts;

/// How things are with a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is none.
    Missing,
    /// Ours runs, as this program would write it.
    Installed,
    /// Ours runs, from another version or place of this program.
    Outdated,
    /// Somebody else's, without ours.
    Foreign,
    /// Ours was put aside by another tool, which does not run it.
    SetAside,
    /// Ours is there, and this Git does not look at it.
    NotRun,
}

/// How Git comes to run ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A script in the repository's folder of hooks.
    Script,
    /// The same, put aside and run by pre-commit.
    PreCommit,
    /// The repository's configuration.
    Config,
    /// A line in a script of the user's, or in the file of a tool that runs hooks.
    Line,
}

/// The files in which such tools are told what to run.
const TOLD: [&str; 5] = [
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".pre-commit-config.yaml",
];

/// A hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// Its name, as Git calls it.
    pub name: &'static str,
    /// How things are.
    pub state: State,
    /// How Git comes to run ours, if it does.
    pub via: Option<Via>,
    /// The user's own hook that runs too.
    pub own: Option<PathBuf>,
}

/// A repository as Git sees it, and what we put there.
#[derive(Debug)]
pub struct Place<'a> {
    /// Which hooks Git runs.
    pub git: GitFacts,
    /// Where Git runs them.
    pub root: &'a Path,
    /// Our own program.
    pub program: &'a Path,
    /// The hooks that we have for it.
    pub events: &'static [Event],
}

/// What to do where `core.hooksPath` names a folder of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// Leave it alone, and say which lines are wanted.
    Leave,
    /// Write the lines.
    Write,
}

impl Place<'_> {
    /// How things are with each hook.
    pub fn status(&self) -> Result<Vec<Hook>, Error> {
        self.events.iter().map(|event| self.hook(*event)).collect()
    }

    /// Installs our hooks beside the user's own.
    pub fn install(&self, theirs: Theirs) -> Result<Vec<Hook>, Error> {
        if self.is_configured() {
            self.remove_scripts()?;
            let command = |event: &Event| (*event, event.command(self.program));
            let commands: Vec<_> = self.events.iter().map(command).collect();
            self.settings()?.install(&commands)?;
            return self.status();
        }
        match (&self.git.hooks_path, theirs) {
            (None, _) => self.install_scripts()?,
            (Some(_), Theirs::Write) => self.lines().try_for_each(|line| line.install())?,
            (Some(path), Theirs::Leave) => {
                let wanted = |line: Line| (line.path, line.text);
                return Err(Error::HooksPath {
                    path: Box::new(path.clone()),
                    lines: self.lines().map(wanted).collect(),
                });
            }
        }
        self.settings()?.remove()?;
        self.status()
    }

    /// Takes our hooks away, all of them, and gives the user's own their names back.
    pub fn remove(&self) -> Result<Vec<Hook>, Error> {
        self.settings()?.remove()?;
        self.remove_scripts()?;
        self.lines().try_for_each(|line| line.remove())?;
        self.status()
    }

    /// Whether ours are named in the configuration: a server must refuse what nobody checks,
    /// whichever `git` it has, so there they are scripts.
    fn is_configured(&self) -> bool {
        self.git.runs_configured() && self.events == KEEP
    }

    fn hook(&self, event: Event) -> Result<Hook, Error> {
        let script = self.script(event);
        let seen = [
            self.configured(event)?,
            self.scripted(&script)?,
            self.lined(event)?,
        ];
        let at = |wanted: State| seen.iter().find(|(state, _)| *state == wanted);
        let order = [
            State::Installed,
            State::Outdated,
            State::SetAside,
            State::NotRun,
            State::Foreign,
        ];
        let (state, via) = order
            .into_iter()
            .find_map(at)
            .copied()
            .unwrap_or((State::Missing, None));
        let beside = || {
            script
                .path
                .symlink_metadata()
                .is_ok()
                .then(|| script.path.clone())
        };
        let own = match via {
            Some(Via::Script) => script.own(),
            Some(Via::PreCommit) => beside(),
            Some(Via::Config) if self.git.hooks_path.is_none() => beside(),
            _ => None,
        };
        Ok(Hook {
            name: event.name,
            state,
            via,
            own,
        })
    }

    fn configured(&self, event: Event) -> Result<(State, Option<Via>), Error> {
        let settings = self.settings()?;
        Ok(match settings.names(event) {
            false => (State::Missing, None),
            true if !self.git.runs_configured() => (State::NotRun, None),
            true if settings.has(event, &event.command(self.program)) => {
                (State::Installed, Some(Via::Config))
            }
            true => (State::Outdated, Some(Via::Config)),
        })
    }

    fn scripted(&self, script: &Script<'_>) -> Result<(State, Option<Via>), Error> {
        let is_looked_at = self.git.hooks_path.is_none();
        let aside = script.aside()?;
        Ok(match (script.found()?, aside) {
            (Found::Nothing, _) => (State::Missing, None),
            (Found::Ours | Found::Stale, _) if !is_looked_at => (State::NotRun, None),
            (Found::Ours, _) => (State::Installed, Some(Via::Script)),
            (Found::Stale, _) => (State::Outdated, Some(Via::Script)),
            (Found::Foreign, _) if !is_looked_at => (State::Missing, None),
            (Found::Foreign, Some(("legacy", Found::Ours))) => {
                (State::Installed, Some(Via::PreCommit))
            }
            (Found::Foreign, Some(("legacy", _))) => (State::Outdated, Some(Via::PreCommit)),
            (Found::Foreign, _) if self.is_told(script)? => (State::Installed, Some(Via::Line)),
            (Found::Foreign, Some(_)) => (State::SetAside, None),
            (Found::Foreign, None) => (State::Foreign, None),
        })
    }

    fn lined(&self, event: Event) -> Result<(State, Option<Via>), Error> {
        let Some(line) = self.line(event) else {
            return Ok((State::Missing, None));
        };
        Ok(match line.found()? {
            (true, _) => (State::Installed, Some(Via::Line)),
            (false, true) => (State::Outdated, Some(Via::Line)),
            (false, false) if line.path.exists() => (State::Foreign, None),
            (false, false) => (State::Missing, None),
        })
    }

    /// Whether the user's own script runs ours, or lets a tool do so.
    fn is_told(&self, script: &Script<'_>) -> Result<bool, Error> {
        let name = script.event.name;
        let runs = |text: &str| {
            let calls = ["buildkeep", "buildkeep'", "buildkeep\""];
            calls
                .iter()
                .any(|call| text.contains(&format!("{call} hook {name}")))
        };
        let text = read_optional(&script.path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if runs(&text) {
            return Ok(true);
        }
        let is_tools = TOOLS.iter().any(|tool| text.contains(tool));
        for file in TOLD.iter().filter(|_| is_tools) {
            let told = read_optional(&self.root.join(file))?.unwrap_or_default();
            if runs(&String::from_utf8_lossy(&told)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn install_scripts(&self) -> Result<(), Error> {
        for script in self.scripts() {
            if script.found()? != Found::Foreign || !self.is_told(&script)? {
                script.install()?;
            }
        }
        Ok(())
    }

    fn remove_scripts(&self) -> Result<(), Error> {
        self.scripts().try_for_each(|script| script.remove())
    }

    fn settings(&self) -> Result<Settings, Error> {
        Settings::read(&self.git.common_dir)
    }

    fn script(&self, event: Event) -> Script<'_> {
        Script::new(&self.git.own_folder(), event, self.program)
    }

    fn scripts(&self) -> impl Iterator<Item = Script<'_>> {
        self.events.iter().map(|event| self.script(*event))
    }

    fn line(&self, event: Event) -> Option<Line> {
        let folder = self.git.hooks_path.as_ref()?;
        Some(Line::new(folder, self.root, self.program, event))
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        self.events.iter().filter_map(|event| self.line(*event))
    }
}
