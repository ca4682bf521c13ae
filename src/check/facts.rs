//! What there is to know of a machine that builds depend on, to be compared with what it was.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::host::Machine;
use super::probe::{cpus, fact_of_mount, memory_size};

/// Facts about a machine, without anything secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The version of this form.
    pub format: u32,
    /// The release of the running kernel.
    pub kernel: String,
    /// The kind of machine: `x86_64`.
    pub architecture: String,
    /// The distribution, as it calls itself.
    pub distribution: String,
    /// The C library.
    pub libc: String,
    /// The model of the processor.
    pub cpu: String,
    /// How many processors builds may use.
    pub cores: u64,
    /// The memory.
    pub memory: String,
    /// Programs that builds use, by name.
    pub tools: BTreeMap<String, ToolFact>,
    /// What lies where builds work, by path.
    pub mounts: BTreeMap<String, String>,
}

/// A program, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolFact {
    /// Its file, links followed.
    pub path: PathBuf,
    /// What it says to `--version`.
    pub version: String,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// What sort of thing: `kernel`, `cpu`, `tool`, `mount`.
    pub kind: &'static str,
    /// Which one, of tools and mounts.
    pub name: Option<String>,
    /// As it was; nothing if it was not there.
    pub before: Option<String>,
    /// As it is; nothing if it is gone.
    pub after: Option<String>,
}

/// The programs that builds use, besides those that are noted of every step.
pub const FACT_TOOLS: &[&str] = &[
    "as", "awk", "bash", "bison", "cc", "g++", "gawk", "grep", "gzip", "ld", "ldd", "m4", "make",
    "patch", "perl", "python3", "sed", "sh", "tar", "texi2any", "xz",
];

impl Facts {
    /// The version of the form that is written.
    const FORMAT: u32 = 1;

    /// What is so now, with these tools; `places` is where builds work.
    pub fn of_here(mut tools: BTreeMap<String, ToolFact>, places: &[&Path]) -> Self {
        let uname = rustix::system::uname();
        let libc = tools.remove("ldd").map(|ldd| ldd.version);
        let mount = |place: &&Path| Some((place.display().to_string(), fact_of_mount(place)?));
        Self {
            format: Self::FORMAT,
            kernel: uname.release().to_string_lossy().into_owned(),
            architecture: uname.machine().to_string_lossy().into_owned(),
            distribution: Machine::os_here().name,
            libc: libc.unwrap_or_default(),
            cpu: cpu(),
            cores: cpus().unwrap_or_default(),
            memory: memory_size().unwrap_or_default(),
            tools,
            mounts: places.iter().filter_map(mount).collect(),
        }
    }

    /// Reads them as they were written down; nothing if this is not understood.
    pub fn parse(text: &[u8]) -> Option<Self> {
        toml_edit::de::from_slice(text).ok()
    }

    /// As they are written down.
    pub fn print(&self) -> String {
        toml_edit::ser::to_string_pretty(self).expect("facts have only what TOML can hold")
    }

    /// What there is one of.
    fn single(&self) -> [(&'static str, String); 7] {
        [
            ("kernel", self.kernel.clone()),
            ("architecture", self.architecture.clone()),
            ("distribution", self.distribution.clone()),
            ("libc", self.libc.clone()),
            ("cpu", self.cpu.clone()),
            ("cores", self.cores.to_string()),
            ("memory", self.memory.clone()),
        ]
    }

    /// What is different from `before`.
    pub fn changes(&self, before: &Self) -> Vec<FactChange> {
        let known = |text: String| Some(text).filter(|text| !text.is_empty());
        let both = before.single().into_iter().zip(self.single());
        let single = both.map(|((kind, before), (_, after))| FactChange {
            kind,
            name: None,
            before: known(before),
            after: known(after),
        });
        let tools = |facts: &Self| -> BTreeMap<String, String> {
            let tools = facts.tools.iter();
            tools
                .map(|(name, tool)| (name.clone(), tool.to_string()))
                .collect()
        };
        single
            .chain(named("tool", &tools(before), &tools(self)))
            .chain(named("mount", &before.mounts, &self.mounts))
            .filter(|change| change.before != change.after)
            .collect()
    }
}

/// What is there under each name, before and after.
fn named(
    kind: &'static str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<FactChange> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| FactChange {
        kind,
        name: Some(name.clone()),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(change).collect()
}

impl std::fmt::Display for ToolFact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display().to_string();
        if self.version == path {
            return f.write_str(&path);
        }
        write!(f, "{} ({path})", self.version)
    }
}

impl std::fmt::Display for FactChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name.as_ref().map(|name| format!(" {name}"));
        let what = format!("{}{}", self.kind, name.unwrap_or_default());
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{what}: {before} -> {after}"),
            (None, Some(after)) => write!(f, "{what} is there now: {after}"),
            (Some(before), None) => write!(f, "{what} is gone (was {before})"),
            (None, None) => f.write_str(&what),
        }
    }
}

/// The model of the first processor, as far as the kernel tells.
fn cpu() -> String {
    model(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
}

fn model(text: &str) -> String {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let names = ["model name", "Model", "cpu model", "Processor", "CPU part"];
    names.into_iter().find_map(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let tool = |path: &str, version: &str| ToolFact {
            path: path.into(),
            version: version.into(),
        };
        Facts {
            format: 1,
            kernel: "6.1.0".into(),
            cores: 4,
            tools: [
                ("cc".into(), tool("/usr/bin/gcc-12", "gcc 12.2.0")),
                ("sh".into(), tool("/usr/bin/dash", "/usr/bin/dash")),
            ]
            .into(),
            mounts: [("/".into(), "ext4 rw".into())].into(),
            ..Facts::default()
        }
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        assert_eq!(Facts::parse(facts().print().as_bytes()), Some(facts()));
        assert_eq!(Facts::parse(b"kernel = 3"), None);
        let here = Facts::of_here(BTreeMap::new(), &[Path::new("/")]);
        assert!(!here.kernel.is_empty() && !here.mounts.is_empty());
        assert_eq!(Facts::parse(here.print().as_bytes()), Some(here));
    }

    #[test]
    fn changes_are_told_by_name() {
        let mut now = facts();
        assert_eq!(now.changes(&facts()), []);
        now.kernel = "6.12.1".into();
        now.cores = 2;
        now.tools.remove("sh");
        now.mounts.insert("/tmp".into(), "tmpfs rw,noexec".into());
        let told: Vec<String> = now
            .changes(&facts())
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected = [
            "kernel: 6.1.0 -> 6.12.1",
            "cores: 4 -> 2",
            "tool sh is gone (was /usr/bin/dash)",
            "mount /tmp is there now: tmpfs rw,noexec",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn processors_have_names_on_most_machines() {
        assert_eq!(
            model("processor : 0\nmodel name\t: Fast 3000\n"),
            "Fast 3000"
        );
        assert_eq!(model("processor : 0\nCPU part : 0xd0c\n"), "0xd0c");
        assert_eq!(model(""), "");
    }
}
