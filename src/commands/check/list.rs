//! What sets and checks there are.
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::check::{Check, Fix, Machine, Set, Severity, Tier, without_places};
use crate::ui::{clean, style};

/// The sets that there are.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    sets: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    title: String,
    file: Option<PathBuf>,
    extends: Vec<String>,
    checks: Vec<(String, String)>,
}

impl Listing {
    pub(super) fn new(own: &[Set], built_in: &[Set]) -> Self {
        let row = |set: &Set, file: Option<PathBuf>| Row {
            name: set.name.clone(),
            title: set.title.clone(),
            file,
            extends: set.extends.iter().map(|base| base.name.clone()).collect(),
            checks: set
                .checks
                .iter()
                .map(|c| (c.id.clone(), without_places(&c.what)))
                .collect(),
        };
        let own = own
            .iter()
            .map(|set| row(set, Some(format!("checks/{}.toml", set.name).into())));
        let built_in = built_in.iter().map(|set| row(set, None));
        Self {
            sets: own.chain(built_in).collect(),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for set in &self.sets {
            write!(
                f,
                "{}  {}",
                style::strong(clean(&set.name)),
                clean(&set.title)
            )?;
            if !set.extends.is_empty() {
                write!(f, ", with all of {}", clean(&set.extends.join(", ")))?;
            }
            writeln!(f)?;
            for (id, what) in &set.checks {
                writeln!(f, "  {:18} {}", clean(id), clean(what))?;
            }
        }
        Ok(())
    }
}

/// All that is known of the checks of one id.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    checks: Vec<One>,
}

#[derive(Debug, Serialize)]
struct One {
    id: String,
    set: String,
    what: String,
    required: String,
    why: String,
    severity: Severity,
    tier: Tier,
    timeout_s: f64,
    here: Option<String>,
    fix: Option<Fix>,
}

impl Explained {
    /// What `sets` have under this id; nothing if none does.
    pub(super) fn new(id: &str, sets: &[&Set], machine: &Machine) -> Option<Self> {
        let checks = sets.iter().flat_map(|set| &set.checks);
        let root = machine.root.as_ref().map(|root| root.display().to_string());
        let root = root.unwrap_or_else(|| "${root}".to_owned());
        let one = |check: &Check| One {
            id: check.id.clone(),
            set: check.set.clone(),
            what: machine.with_places(&check.what),
            required: machine.with_places(&check.probe.to_string()),
            why: check.why.clone(),
            severity: check.severity,
            tier: check.tier,
            timeout_s: check.limit.as_secs_f64(),
            here: machine.is_elsewhere(&check.when),
            fix: check
                .fixes
                .here(machine.os.family(), "${found}", Some(&root)),
        };
        let checks: Vec<One> = checks.filter(|check| check.id == id).map(one).collect();
        (!checks.is_empty()).then_some(Self { checks })
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.checks.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let (id, what, set) = (style::strong(&one.id), clean(&one.what), clean(&one.set));
            writeln!(f, "{id} {what}, of {set}")?;
            let mut line = |name: &str, text: &str| writeln!(f, "    {name:9}{}", clean(text));
            line("required", &one.required)?;
            line("why", &one.why)?;
            let severity = match one.severity {
                Severity::Error => "fails",
                Severity::Warning => "warns",
                Severity::Note => "is a note",
            };
            let tier = match one.tier {
                Tier::Fast => "before every run",
                Tier::Normal => "whenever somebody asks",
                Tier::Deep => "with --deep only",
            };
            line("when", &format!("{tier}, for {} s at most", one.timeout_s))?;
            line("else", &format!("it {severity}"))?;
            if let Some(elsewhere) = &one.here {
                line("skipped", elsewhere)?;
            }
            if let Some(fix) = &one.fix {
                line("fix", &fix.run_text())?;
                if let Some(undo) = fix.undo_text() {
                    line("undo", &undo)?;
                }
            }
        }
        Ok(())
    }
}
