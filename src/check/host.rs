//! What checks are told about where they run.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::definition::When;
use super::probe::WORKDIR;
use super::{Family, KeepFacts};
use crate::world::{Clock, Env, Ids};

/// The machine, and the folders that checks speak of.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The variables that scripts would inherit.
    pub env: Env,
    /// Those of them that the plan sets: nobody is surprised by them.
    pub intended: BTreeSet<String>,
    /// To measure deadlines with.
    pub clock: Clock,
    /// To name temporary folders with.
    pub ids: Ids,
    /// The keep, or the current folder: relative paths start here.
    pub dir: PathBuf,
    /// What is built, if that is known.
    pub root: Option<PathBuf>,
    /// The folder that a step starts in, if we look as a step does.
    pub workdir: Option<PathBuf>,
    /// Where the root is outside, if we look from inside of it.
    pub outside: Option<PathBuf>,
    /// What it runs.
    pub os: Os,
    /// What the keep knows, if there is one.
    pub keep: Option<Arc<KeepFacts>>,
    /// How far the build is, if that is known: `chapter7`.
    pub stage: Option<String>,
    /// Where good results are remembered, if they may be.
    pub cache: Option<PathBuf>,
}

/// The distribution, as `/etc/os-release` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Os {
    /// Its name for programs: `debian`.
    pub id: String,
    /// What it is like.
    pub like: Vec<String>,
    /// Its name for people.
    pub name: String,
}

impl Os {
    /// Reads the text of `/etc/os-release`.
    pub fn of(text: &str) -> Self {
        let value = |name: &str| {
            let line = text
                .lines()
                .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default()
                .trim_matches(['"', '\''])
                .to_owned()
        };
        let like = value("ID_LIKE").to_lowercase();
        Self {
            id: value("ID").to_lowercase(),
            like: like.split_whitespace().map(str::to_owned).collect(),
            name: value("PRETTY_NAME"),
        }
    }

    /// What it is kept up with.
    pub fn family(&self) -> Option<Family> {
        let mut words = std::iter::once(&self.id).chain(&self.like);
        words.find_map(|word| Family::named(word))
    }

    fn is(&self, word: &str) -> bool {
        self.id == word
            || self.like.iter().any(|like| like == word)
            || self.family().is_some_and(|family| family.name() == word)
    }
}

/// A text about places, where nobody knows yet which they are.
pub fn without_places(text: &str) -> String {
    text.replace("${root}", "the root")
        .replace(WORKDIR, "the folder of the build")
}

impl Machine {
    /// A text about places, with those that they are here.
    pub fn with_places(&self, text: &str) -> String {
        let root = self.outside.as_ref().or(self.root.as_ref());
        let workdir = self.workdir.as_ref().unwrap_or(&self.dir);
        let text = text.replace(WORKDIR, &workdir.display().to_string());
        match root {
            Some(root) => text.replace("${root}", &root.display().to_string()),
            None => without_places(&text),
        }
    }
}

/// A machine as one check sees it.
#[derive(Debug)]
pub struct Host<'a> {
    /// The variables that scripts would inherit.
    pub env: &'a Env,
    /// Those of them that the plan sets.
    pub intended: &'a BTreeSet<String>,
    /// To measure deadlines with.
    pub clock: &'a Clock,
    /// To name temporary folders with.
    pub ids: &'a Ids,
    /// The keep, or the current folder: relative paths start here.
    pub dir: PathBuf,
    /// What is built, if that is known.
    pub root: Option<PathBuf>,
    /// The folder that a step starts in.
    pub workdir: Option<PathBuf>,
    /// What the keep knows.
    pub keep: Option<&'a KeepFacts>,
    /// What it is kept up with.
    pub family: Option<Family>,
}

impl Machine {
    /// What one check sees of it.
    pub fn host(&self) -> Host<'_> {
        Host {
            env: &self.env,
            intended: &self.intended,
            clock: &self.clock,
            ids: &self.ids,
            dir: self.dir.clone(),
            root: self.root.clone(),
            workdir: self.workdir.clone(),
            keep: self.keep.as_deref(),
            family: self.os.family(),
        }
    }

    /// Reads which distribution this is.
    pub fn os_here() -> Os {
        let places = ["/etc/os-release", "/usr/lib/os-release"].map(Path::new);
        let text = places
            .iter()
            .find_map(|path| crate::fs::read_optional(path).ok().flatten());
        Os::of(&String::from_utf8_lossy(&text.unwrap_or_default()))
    }

    /// Why a check has no meaning here, if it has none.
    pub fn is_elsewhere(&self, when: &When) -> Option<String> {
        let arch = rustix::system::uname()
            .machine()
            .to_string_lossy()
            .into_owned();
        let stage = self.stage.as_deref();
        if stage.is_none() && !when.stage.is_empty() {
            let stages = when.stage.join(", ");
            return Some(format!(
                "only in {stages}: say where the build is with --stage"
            ));
        }
        let is_stage = |word: &str| stage.is_some_and(|stage| stage == word);
        let wrong = |words: &[String], is_so: &dyn Fn(&str) -> bool, here: &str| {
            (!fits(words, is_so)).then(|| format!("only for {}; this is {here}", words.join(", ")))
        };
        wrong(&when.stage, &is_stage, stage.unwrap_or_default())
            .or_else(|| wrong(&when.arch, &|word| arch == word, &arch))
            .or_else(|| {
                let here = if self.os.id.is_empty() {
                    "unknown"
                } else {
                    &self.os.id
                };
                wrong(&when.distribution, &|word| self.os.is(word), here)
            })
    }
}

/// Whether one of the words is so, if there are any, and none of those after `!`.
fn fits(words: &[String], is_so: &dyn Fn(&str) -> bool) -> bool {
    let (not, must): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.starts_with('!'));
    let is_refused = not.iter().any(|word| is_so(word.trim_start_matches('!')));
    !is_refused && (must.is_empty() || must.iter().any(|word| is_so(word)))
}

impl Host<'_> {
    /// The place that a check names; none if it depends on a root and none is known, or on a folder
    /// that is not there yet.
    pub(super) fn place(&self, path: &str) -> Option<PathBuf> {
        if let Some(below) = path.strip_prefix(WORKDIR) {
            let folder = self.workdir.as_ref().unwrap_or(&self.dir);
            let place = folder.join(below.trim_start_matches('/'));
            return Some(place).filter(|_| folder.is_dir());
        }
        match path.strip_prefix("${root}") {
            Some(below) => {
                let root = self.root.as_deref()?;
                let below = below.trim_start_matches('/');
                Some(if below.is_empty() {
                    root.to_owned()
                } else {
                    root.join(below)
                })
            }
            None => Some(self.dir.join(Path::new(path))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn distributions_are_known_by_what_they_are_like() {
        for (text, family) in [
            ("NAME=x\nID=debian\n", Some(Family::Debian)),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Some(Family::Debian),
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Some(Family::Fedora),
            ),
            ("ID=\"opensuse-tumbleweed\"\n", Some(Family::Suse)),
            ("ID=manjaro\nID_LIKE=arch\n", Some(Family::Arch)),
            ("ID=lfs\nVERSION_ID=12.3\n", None),
            ("", None),
        ] {
            assert_eq!(Os::of(text).family(), family, "{text}");
        }
    }

    #[test]
    fn a_check_has_a_meaning_where_its_words_fit() {
        let world = World::for_test();
        let machine = |stage: Option<&str>| Machine {
            env: world.env.clone(),
            intended: BTreeSet::new(),
            clock: world.clock.clone(),
            ids: world.ids.clone(),
            dir: "/".into(),
            root: None,
            workdir: None,
            keep: None,
            outside: None,
            os: Os::of("ID=ubuntu\nID_LIKE=debian\n"),
            stage: stage.map(str::to_owned),
            cache: None,
        };
        let when = |stage: &str, distribution: &str| When {
            stage: words(stage),
            distribution: words(distribution),
            arch: Vec::new(),
        };
        let is_here = |when: When| machine(Some("chapter7")).is_elsewhere(&when).is_none();
        assert!(is_here(when("", "")));
        assert!(is_here(when("chapter7 chapter8", "debian")));
        assert!(is_here(when("!chapter5", "ubuntu !alpine")));
        assert!(!is_here(when("chapter5", "")));
        assert!(!is_here(when("", "fedora")));
        assert!(!is_here(when("", "!debian")));
        assert!(machine(None).is_elsewhere(&when("chapter7", "")).is_some());
        assert!(machine(None).is_elsewhere(&when("", "debian")).is_none());
        let other = When {
            arch: words("pdp11"),
            ..When::default()
        };
        assert!(
            machine(None)
                .is_elsewhere(&other)
                .unwrap()
                .contains("pdp11")
        );
    }
}
