//! Refs: files of 41 bytes, which a power cut leaves empty.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use gix::ObjectId;
use gix::hash::Kind;
use gix::objs::{CommitRef, Find as _};

use super::reach::{is_whole, missing};
use super::{Finding, Patient, Remedy};
use crate::store::Message;
use crate::store::operations::LOG;

/// What is written where a ref should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Object(ObjectId),
    Symbolic(String),
    Nothing,
    Garbage,
}

impl Target {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        if let Some(name) = text.strip_prefix("ref: ") {
            return Self::Symbolic(name.trim().to_owned());
        }
        match ObjectId::from_hex(text.as_bytes()) {
            Ok(id) => Self::Object(id),
            Err(_) if text.trim_matches('\0').is_empty() => Self::Nothing,
            Err(_) => Self::Garbage,
        }
    }
}

impl Patient {
    /// Refs that are empty, or hold something else.
    pub(super) fn look_at_empty_refs(&self) -> Vec<Finding> {
        let mut findings = self.look_at_each(|target| match target {
            Target::Nothing => Some("is empty".to_owned()),
            Target::Garbage => Some("holds no commit id".to_owned()),
            _ => None,
        });
        findings.extend(self.look_for_branch());
        findings
    }

    /// The branch that is checked out, if it is gone and was there.
    fn look_for_branch(&self) -> Option<Finding> {
        let Target::Symbolic(name) = Target::read(&self.git_dir.join("HEAD")) else {
            return None;
        };
        let is_gone = !self.refs().contains_key(&name) && !self.logged(&name).is_empty();
        let is_gone = is_gone && !self.is_packed_damaged();
        is_gone.then(|| self.wrong_ref(&name, "is missing"))
    }

    /// Refs that name what is not there.
    pub(super) fn look_at_broken_refs(&self) -> Vec<Finding> {
        self.look_at_each(|target| match target {
            Target::Object(id) if !self.is_sound(*id) => Some(format!(
                "points at {}, which is missing or damaged",
                id.to_hex_with_len(10)
            )),
            _ => None,
        })
    }

    fn look_at_each(&self, wrong: impl Fn(&Target) -> Option<String>) -> Vec<Finding> {
        let refs = self.refs().into_iter();
        let wrong = refs.filter_map(|(name, target)| Some((wrong(&target)?, name)));
        wrong
            .map(|(found, name)| self.wrong_ref(&name, &found))
            .collect()
    }

    /// The operation log holds on to all that its operations moved.
    pub(super) fn look_at_operations(&self) -> Option<Finding> {
        let Some(Target::Object(tip)) = self.refs().remove(LOG) else {
            return None;
        };
        let is_broken = self.is_sound(tip) && !self.is_complete(tip);
        is_broken.then(|| self.wrong_ref(LOG, "tells of commits that are lost"))
    }

    /// All refs by name; what is written in a file of its own counts before packed ones.
    pub(super) fn refs(&self) -> BTreeMap<String, Target> {
        let text = fs::read_to_string(self.git_dir.join("packed-refs")).unwrap_or_default();
        let mut refs = BTreeMap::new();
        for line in text.lines() {
            if let Some((id, name)) = line.split_once(' ')
                && let Ok(id) = ObjectId::from_hex(id.as_bytes())
            {
                refs.insert(name.to_owned(), Target::Object(id));
            }
        }
        self.collect_refs(&self.git_dir.join("refs"), &mut refs);
        refs
    }

    fn collect_refs(&self, folder: &Path, refs: &mut BTreeMap<String, Target>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.collect_refs(&path, refs);
            } else if path.extension().is_none_or(|kind| kind != "lock")
                && let Ok(name) = path.strip_prefix(&self.git_dir)
            {
                refs.insert(name.display().to_string(), Target::read(&path));
            }
        }
    }

    /// What all that is kept hangs on.
    pub(super) fn tips(&self) -> Vec<(String, ObjectId)> {
        let head = [("HEAD".to_owned(), Target::read(&self.git_dir.join("HEAD")))];
        let all = head.into_iter().chain(self.refs());
        let objects = all.filter_map(|(name, target)| match target {
            Target::Object(id) => Some((name, id)),
            _ => None,
        });
        let mut tips: Vec<_> = objects.collect();
        // Whoever needs an object is called by the name that people know best.
        tips.sort_by_key(|(name, _)| !name.starts_with("refs/heads/"));
        tips
    }

    pub(super) fn look_at_head(&self) -> Option<Finding> {
        let found = match Target::read(&self.git_dir.join("HEAD")) {
            Target::Symbolic(name) if name.starts_with("refs/heads/") => return None,
            Target::Object(_) => {
                let found = "HEAD names a commit, and no branch";
                let why = "commits go to a branch: every command that changes something refuses";
                return Some(Finding::new("detached-head", found, why).command("git switch main"));
            }
            Target::Nothing => "HEAD is empty or missing",
            Target::Symbolic(_) | Target::Garbage => "HEAD names no branch",
        };
        let why = "neither Git nor buildkeep see a repository here at all";
        let finding = Finding::new("broken-head", found, why);
        Some(match self.branch_of_old(&self.refs()) {
            Some(branch) => finding.remedy(
                format!("check out {} again; no file changes", short(&branch)),
                Remedy::Head(branch),
            ),
            None => finding.command("echo 'ref: refs/heads/BRANCH' > .git/HEAD"),
        })
    }

    /// The branch that was probably checked out.
    fn branch_of_old(&self, refs: &BTreeMap<String, Target>) -> Option<String> {
        let is_own = |name: &&String| {
            name.starts_with("refs/heads/") && !name.starts_with("refs/heads/state/")
        };
        let branches: Vec<&String> = refs.keys().filter(is_own).collect();
        let log = fs::read_to_string(self.git_dir.join("logs/HEAD")).unwrap_or_default();
        let moved = log.lines().rev().find_map(|line| line.split_once(" to "));
        let moved = moved.map(|(_, name)| format!("refs/heads/{name}"));
        let moved = moved.filter(|name| branches.contains(&name));
        let main = || branches.iter().find(|name| name.ends_with("/main"));
        moved
            .or_else(|| main().map(|name| (*name).clone()))
            .or_else(|| branches.first().map(|name| (*name).clone()))
            .or_else(|| refs.is_empty().then(|| "refs/heads/main".to_owned()))
    }

    /// An empty file of packed refs, whose refs live on in reflogs.
    pub(super) fn look_at_packed(&self) -> Vec<Finding> {
        let path = self.git_dir.join("packed-refs");
        let Ok(bytes) = fs::read(&path) else {
            return Vec::new();
        };
        if !is_damaged(&bytes) {
            return Vec::new();
        }
        let found = "packed-refs is empty or damaged";
        let why = "branches and tags that were in it are gone; Git refuses a damaged one";
        let mut finding = Finding::new("damaged-packed-refs", found, why);
        finding.mend = String::from(
            "move it aside; bring back the refs that its whole lines, reflogs, tags and \
            operations tell of",
        );
        let mut back = packed(&bytes);
        back.retain(|name, id| self.is_fit(name, *id));
        let logged = self.names_in_logs().into_iter();
        let logged = logged.filter_map(|name| Some((name.clone(), self.newest_whole(&name)?.0)));
        for (name, id) in logged.chain(self.unnamed()) {
            back.entry(name).or_insert(id);
        }
        let there = self.standing();
        back.retain(|name, _| !there.contains_key(name));
        let back = back.into_iter().map(|(name, id)| Remedy::Ref(name, id));
        finding.remedies.extend(back);
        finding.remedies.push(Remedy::Packed(path));
        vec![finding]
    }

    /// Whether Git cannot read packed refs, or not all that there were.
    pub(super) fn is_packed_damaged(&self) -> bool {
        fs::read(self.git_dir.join("packed-refs")).is_ok_and(|bytes| is_damaged(&bytes))
    }

    /// The refs that are there whatever becomes of damaged packed refs.
    pub(super) fn standing(&self) -> BTreeMap<String, Target> {
        if !self.is_packed_damaged() {
            return self.refs();
        }
        let mut refs = BTreeMap::new();
        self.collect_refs(&self.git_dir.join("refs"), &mut refs);
        refs
    }

    fn wrong_ref(&self, name: &str, found: &str) -> Finding {
        let finding = Finding::new("broken-ref", format!("{} {found}", short(name)), why(name));
        match self.newest_whole(name) {
            Some((id, text)) => finding.remedy(
                format!("set it to {text}"),
                Remedy::Ref(name.to_owned(), id),
            ),
            None if name == LOG => finding.remedy(
                "move it aside: what was done before cannot be undone any more",
                Remedy::Aside([self.git_dir.join(name)].into()),
            ),
            None => finding.command(format!(
                "buildkeep doctor --fix --from COPY   (or begin anew: git update-ref -d {name})"
            )),
        }
    }

    /// Whether this ref may point at an object; the operation log holds on to all of its history.
    pub(super) fn is_fit(&self, name: &str, id: ObjectId) -> bool {
        self.is_sound(id) && (name != LOG || self.is_complete(id))
    }

    /// Whether all of the history of a commit is there.
    fn is_complete(&self, id: ObjectId) -> bool {
        let tips = [(String::new(), id)];
        missing(&self.objects_dir(), &tips, &BTreeSet::new()).is_empty()
    }

    /// Whether a ref may point at an object: it is there, and so is all of its commit.
    fn is_sound(&self, id: ObjectId) -> bool {
        let Some((kind, data)) = self.object(id) else {
            return false;
        };
        match kind {
            gix::objs::Kind::Commit => is_whole(&self.objects_dir(), id, &BTreeSet::new()),
            gix::objs::Kind::Tag => gix::objs::TagRefIter::from_bytes(&data, Kind::Sha1)
                .target_id()
                .is_ok_and(|target| self.is_sound(target)),
            _ => true,
        }
    }

    /// The newest commit that logs name for a ref and that is whole, with words for it.
    fn newest_whole(&self, name: &str) -> Option<(ObjectId, String)> {
        let logged = self.logged(name).into_iter().map(|id| (id, "its reflog"));
        let told = self
            .told(name)
            .into_iter()
            .map(|id| (id, "the operation log"));
        let mut all = logged.chain(told);
        let (id, log) = all.find(|(id, _)| self.is_fit(name, *id))?;
        let subject = self.message(id).map(|message| message.subject);
        let short = id.to_hex_with_len(10);
        let text = match subject {
            Some(subject) => format!("{short} (`{subject}`), the newest whole one in {log}"),
            None => format!("{short}, the newest whole one in {log}"),
        };
        Some((id, text))
    }

    /// What the operation log tells of a ref, newest first; of the log itself, its operations.
    fn told(&self, name: &str) -> Vec<ObjectId> {
        let mut ids = Vec::new();
        let mut next = match self.refs().remove(LOG) {
            Some(Target::Object(id)) => Some(id),
            _ => None,
        };
        while let Some(id) = next {
            let Some(message) = self.message(id) else {
                break;
            };
            if name == LOG {
                ids.push(id);
            }
            for moved in message.trailers.all("Ref") {
                let rest = moved.strip_prefix(name);
                if let Some(rest) = rest.and_then(|rest| rest.strip_prefix(' ')) {
                    let words = rest.split(' ').rev();
                    ids.extend(words.filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok()));
                }
            }
            let command = message.trailers.get("Command");
            next = command.and_then(|_| self.parent(id));
        }
        ids
    }

    pub(super) fn odb(&self) -> Option<gix::odb::Handle> {
        let mut odb = gix::odb::at(self.objects_dir(), Kind::Sha1).ok()?;
        odb.refresh_never();
        Some(odb)
    }

    fn object(&self, id: ObjectId) -> Option<(gix::objs::Kind, Vec<u8>)> {
        let odb = self.odb()?;
        let mut buffer = Vec::new();
        let data = odb.try_find(&id, &mut buffer).ok().flatten()?;
        Some((data.kind, data.data.to_vec()))
    }

    fn message(&self, id: ObjectId) -> Option<Message> {
        let (_, data) = self.object(id)?;
        let commit = CommitRef::from_bytes(&data, Kind::Sha1).ok()?;
        Some(Message::parse(&String::from_utf8_lossy(commit.message)))
    }

    fn parent(&self, id: ObjectId) -> Option<ObjectId> {
        let (_, data) = self.object(id)?;
        let commit = CommitRef::from_bytes(&data, Kind::Sha1).ok()?;
        commit.parents().next()
    }
}

/// A ref as people call it.
pub(super) fn short(name: &str) -> String {
    match name.strip_prefix("refs/heads/") {
        Some(branch) => format!("branch {branch}"),
        None => name.strip_prefix("refs/").unwrap_or(name).to_owned(),
    }
}

fn why(name: &str) -> String {
    if name == LOG {
        return "`undo` and `redo` cannot tell what was done".to_owned();
    }
    let what = if name.starts_with("refs/heads/state/") {
        "what was built here cannot be told, and events cannot be published"
    } else {
        "its history cannot be shown, and nothing can be committed to it"
    };
    what.to_owned()
}

/// Whether packed refs are empty, cut off, or have lines that are none.
fn is_damaged(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_fine = |line: &str| {
        let id = line.strip_prefix('^').unwrap_or(line).get(..40);
        line.starts_with('#') || id.is_some_and(|id| ObjectId::from_hex(id.as_bytes()).is_ok())
    };
    bytes.is_empty() || !text.ends_with('\n') || !text.lines().all(is_fine)
}

/// The refs of lines that are whole.
fn packed(bytes: &[u8]) -> BTreeMap<String, ObjectId> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    let refs = whole.filter_map(|line| {
        let (id, name) = line.split_once(' ')?;
        let id = ObjectId::from_hex(id.as_bytes()).ok()?;
        name.starts_with("refs/").then(|| (name.to_owned(), id))
    });
    refs.collect()
}
