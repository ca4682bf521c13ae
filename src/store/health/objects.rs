//! Objects: those that cannot be read, those that are missing, and who needs them.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use gix::ObjectId;
use gix::hash::Kind;
use gix::odb::loose::Store;

use super::packs::{Packs, counted_objects};
use super::reach::{self, Missing};
use super::{Finding, Lost, Patient, Remedy, some};

/// More loose objects than this slow down every look for one, and fill the disk with small files.
const MOST_LOOSE: usize = 5000;

/// Objects that are in no place that we can look at without asking.
pub(super) const LOST: &str = "lost-object";

/// Why a missing object matters.
const UNREADABLE: &str = "the commits that need them cannot be read, checked out or pushed";

/// The loose objects.
#[derive(Default)]
struct Loose {
    count: usize,
    /// Those that do not hold what their name says, and whether they hold anything.
    damaged: BTreeMap<ObjectId, (PathBuf, bool)>,
}

impl Patient {
    pub(super) fn look_at_objects(&self) -> Vec<Finding> {
        let packs = self.look_at_packs();
        let loose = self.look_at_loose();
        let mut findings = Vec::new();
        let missing = self.unreachable_from_refs(&loose, &packs);
        let rescued = self.rescue(&missing);
        findings.extend(self.unreadable(&loose, &rescued));
        findings.extend(Self::needed(&loose, &missing, &rescued));
        let remedies = packs.findings.iter().flat_map(|finding| &finding.remedies);
        // What is lost is clear only once the packs can be read.
        if !remedies.into_iter().any(Remedy::brings_objects) {
            findings.extend(self.lost(&missing, &rescued));
        }
        findings.extend(packs.findings);
        if loose.count > MOST_LOOSE {
            let found = format!("{} in files of their own", counted_objects(loose.count));
            let why = "each is a file to find, to open and to back up: all commands get slower";
            let finding = Finding::new("many-objects", found, why);
            findings.push(match &self.git {
                Some(_) => finding.remedy("pack them", Remedy::Collect),
                None => finding.command("git gc (install git first)"),
            });
        }
        findings
    }

    fn look_at_loose(&self) -> Loose {
        let store = Store::at(self.objects_dir(), Kind::Sha1);
        let mut loose = Loose::default();
        let mut buffer = Vec::new();
        for id in store.iter().flatten() {
            loose.count += 1;
            let found = store.try_find(&id, &mut buffer).ok().flatten();
            let name = found.map(|data| gix::objs::compute_hash(Kind::Sha1, data.kind, data.data));
            if !matches!(name, Some(Ok(name)) if name == id) {
                let path = store.object_path(&id);
                let is_empty = fs::metadata(&path).is_ok_and(|meta| meta.len() == 0);
                loose.damaged.insert(id, (path, is_empty));
            }
        }
        loose
    }

    /// What the refs need and nobody has, by name.
    pub(super) fn missing_ids(&self) -> BTreeSet<ObjectId> {
        let missing = self.unreachable_from_refs(&self.look_at_loose(), &self.look_at_packs());
        missing.into_iter().map(|one| one.id).collect()
    }

    /// What the refs need and nobody has.
    fn unreachable_from_refs(&self, loose: &Loose, packs: &Packs) -> Vec<Missing> {
        let gone = loose.damaged.keys().filter(|id| !packs.hold(**id));
        let gone: BTreeSet<ObjectId> = gone.copied().collect();
        reach::missing(&self.objects_dir(), &self.tips(), &gone)
    }

    /// Damaged objects that cannot be written again from here.
    fn unreadable(&self, loose: &Loose, rescued: &[Lost]) -> Option<Finding> {
        let is_rescued = |id: &ObjectId| rescued.iter().any(|one| one.id == *id);
        let damaged = loose.damaged.iter().filter(|(id, _)| !is_rescued(id));
        let (empty, garbled): (Vec<_>, Vec<_>) = damaged.partition(|(_, (_, empty))| *empty);
        if empty.is_empty() && garbled.is_empty() {
            return None;
        }
        let paths = |list: &[(&ObjectId, &(PathBuf, bool))]| {
            let paths = list.iter().map(|(_, (path, _))| path.clone());
            paths.collect::<BTreeSet<_>>()
        };
        let (empty, garbled) = (paths(&empty), paths(&garbled));
        let found = format!(
            "{} that cannot be read: {}",
            counted_objects(empty.len() + garbled.len()),
            self.some(empty.iter().chain(&garbled))
        );
        let why = "`git fsck` stops at them, and `git` takes them for whole: it never writes the same \
            content again";
        let mut finding = Finding::new("broken-object", found, why).remedy(
            "delete empty ones, move others aside",
            Remedy::Remove(empty),
        );
        finding.remedies.push(Remedy::Aside(garbled));
        Some(finding)
    }

    /// Objects that are needed, and whose content is still here.
    fn needed(loose: &Loose, missing: &[Missing], rescued: &[Lost]) -> Option<Finding> {
        let is_rescued = |one: &&Missing| rescued.iter().any(|found| found.id == one.id);
        let found: Vec<_> = missing.iter().filter(is_rescued).collect();
        if found.is_empty() {
            return None;
        }
        let text = format!(
            "{} missing or damaged: {}",
            counted_objects(found.len()),
            some(found.iter().map(ToString::to_string))
        );
        let aside = found.iter().filter_map(|one| loose.damaged.get(&one.id));
        let aside = aside.map(|(path, _)| path.clone()).collect();
        let mut finding = Finding::new("damaged-object", text, UNREADABLE).remedy(
            "write them again: their content is in the work tree or in the index",
            Remedy::Restore(rescued.to_vec()),
        );
        finding.remedies.push(Remedy::Aside(aside));
        Some(finding)
    }

    /// What is in no place that we can look at without asking.
    fn lost(&self, missing: &[Missing], rescued: &[Lost]) -> Option<Finding> {
        let is_rescued = |one: &Missing| rescued.iter().any(|found| found.id == one.id);
        let lost: Vec<_> = missing.iter().filter(|one| !is_rescued(one)).collect();
        if lost.is_empty() {
            return None;
        }
        let text = format!(
            "{} lost: {}",
            counted_objects(lost.len()),
            some(lost.iter().map(ToString::to_string))
        );
        let finding = Finding::new(LOST, text, format!("{UNREADABLE}; all others can"));
        Some(match self.other_copies().as_slice() {
            [] => finding.command(
                "buildkeep doctor --fix --from COPY   (a clone, a bundle or a URL that still has them)",
            ),
            copies => {
                let words = format!("look for them in {}", copies.join(", "));
                let mut finding = finding.command(words);
                finding.remedies = copies.iter().cloned().map(Remedy::Fetch).collect();
                finding
            }
        })
    }

    /// Git takes a remote that begins with a dot from the root of the work tree.
    fn absolute(&self, url: String) -> String {
        if url.starts_with('.') {
            self.root.join(url).display().to_string()
        } else {
            url
        }
    }

    /// Where else the objects may be: what was named, else the remotes.
    fn other_copies(&self) -> Vec<String> {
        if self.git.is_none() {
            return Vec::new();
        }
        if let Some(source) = &self.source {
            return vec![source.clone()];
        }
        let path = self.git_dir.join("config");
        let file = gix::config::File::from_path_no_includes(path, gix::config::Source::Local);
        let Ok(file) = file else { return Vec::new() };
        let sections = file.sections_by_name("remote").into_iter().flatten();
        let urls = sections.filter_map(|section| Some(section.value("url")?.to_string()));
        urls.map(|url| self.absolute(url)).collect()
    }
}
