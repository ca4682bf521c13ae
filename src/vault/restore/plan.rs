//! Deciding what a restore has to do.
use std::collections::HashMap;
use std::path::PathBuf;

use super::existing::{Action, Existing, decide};
use super::problem::{Problem, Trouble};
use super::removal::Removal;
use super::target::{Compare, Request, Spared, open_target};
use crate::fs::{AtPath as _, Folder, is_mount_point};
use crate::store::ObjectId;
use crate::store::pack::{ObjectReader, Objects};
use crate::vault::folder::{StoredFolder, shown};
use crate::vault::meta::{Decoded, Kind, Record};
use crate::vault::stat::Stat;
use crate::vault::wanted::{Choice, Wanted};
use crate::vault::{Error, Snapshot, Vault, join};

/// How many folders may be inside one another: as many as a path of the system can name.
const DEEPEST: usize = 2048;
/// Room for as many.
const STACK: usize = 64 << 20;

/// What a restore will do.
#[derive(Debug)]
pub struct Plan {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The target.
    pub to: PathBuf,
    /// How it was decided which files are as they should be.
    pub compare: Compare,
    /// Files, links and devices to be made or replaced.
    pub files: u64,
    /// Folders to be made.
    pub dirs: u64,
    /// Bytes to be written.
    pub bytes: u64,
    /// Entries that are there and only get other attributes.
    pub changed: u64,
    /// Entries that are as they should be.
    pub unchanged: u64,
    /// What cannot be restored.
    pub problems: Vec<Problem>,
    /// The paths of files that will be replaced.
    pub replaced: Vec<String>,
    /// The paths of what will be removed; a folder stands for all in it, and ends in a slash.
    pub removed: Vec<String>,
    /// What is replaced, removed, or gets other attributes, as bytes.
    pub(super) touched: Vec<Vec<u8>>,
    pub(super) folders: Vec<PlannedFolder>,
    pub(super) links: Vec<PlannedLink>,
    /// What the file system will need, rounded up to its blocks.
    room: u64,
}

/// A folder and what is to be done with each of its entries.
#[derive(Debug)]
pub(super) struct PlannedFolder {
    pub(super) path: Vec<u8>,
    pub(super) tree_id: ObjectId,
    /// `Make`, `Attributes` or `Keep`.
    pub(super) own: Action,
    /// One per entry of its metadata.
    pub(super) actions: Vec<Action>,
    /// What is taken away before anything is made.
    pub(super) removals: Vec<Removal>,
    /// The subfolders with something to do: number of the entry, number of the plan.
    pub(super) subfolders: Vec<(usize, usize)>,
}

/// Another name of a file.
#[derive(Debug)]
pub(super) struct PlannedLink {
    /// The path of the folder where the file is, and its name there.
    pub(super) from: (Vec<u8>, Vec<u8>),
    /// The folder and the name that it gets.
    pub(super) to: (usize, Vec<u8>),
}

/// The first name of a file in the plan, and its inode if it is there and stays.
struct FirstName {
    folder: Vec<u8>,
    name: Vec<u8>,
    inode: Option<u64>,
}

/// Plans a restore; changes nothing.
pub fn plan(vault: &Vault, snapshot: &Snapshot, request: &Request) -> Result<Plan, Error> {
    let target = open_target(request)?;
    let objects = Objects::open(&vault.objects_dir())?;
    let spared = Spared::new(vault, snapshot, request);
    let (objects, target) = (&objects, target.as_ref());
    // Folders inside folders inside folders need more stack than the main thread has.
    std::thread::scope(|scope| {
        let planner = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, move || {
                plan_with(objects, (snapshot, request, spared), target)
            })
            .at("start a thread for", &request.to)?;
        planner
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn plan_with(
    objects: &Objects,
    (snapshot, request, spared): (&Snapshot, &Request, Spared),
    target: Option<&Folder>,
) -> Result<Plan, Error> {
    let mut planner = Planner {
        reader: objects.reader(),
        wanted: Wanted::new(&request.paths),
        spared,
        file_system: target.map(stat_of).transpose().at("read", &request.to)?,
        shared: HashMap::new(),
        plan: Plan {
            snapshot: snapshot.clone(),
            to: request.to.clone(),
            compare: request.compare,
            files: 0,
            dirs: 0,
            bytes: 0,
            changed: 0,
            unchanged: 0,
            problems: Vec::new(),
            replaced: Vec::new(),
            removed: Vec::new(),
            touched: Vec::new(),
            folders: Vec::new(),
            links: Vec::new(),
            room: 0,
        },
    };
    planner.folder(Vec::new(), snapshot.tree_id, target)?;
    planner.wanted.all_found(&snapshot.tag)?;
    planner.plan.removed.sort();
    planner.plan.check_room()?;
    Ok(planner.plan)
}

fn stat_of(dir: &Folder) -> Result<u64, rustix::io::Errno> {
    rustix::fs::fstat(dir).map(|stat| stat.st_dev)
}

pub(super) struct Planner<'a> {
    reader: ObjectReader<'a>,
    pub(super) wanted: Wanted,
    pub(super) spared: Spared,
    pub(super) file_system: Option<u64>,
    shared: HashMap<(u64, u64), FirstName>,
    pub(super) plan: Plan,
}

impl Planner<'_> {
    /// Plans a folder, which is `there` or not; tells its number.
    fn folder(
        &mut self,
        path: Vec<u8>,
        tree_id: ObjectId,
        there: Option<&Folder>,
    ) -> Result<usize, Error> {
        let stored = StoredFolder::read(&mut self.reader, tree_id, &path)?;
        let number = self.plan.folders.len();
        let own = self.own(&path, &stored.meta.folder, there);
        self.plan.folders.push(PlannedFolder {
            path: path.clone(),
            tree_id,
            own,
            actions: Vec::new(),
            removals: Vec::new(),
            subfolders: Vec::new(),
        });
        self.removals(number, &stored, there);
        for (at, entry) in stored.meta.entries.iter().enumerate() {
            let full = join(&path, entry.name());
            let action = match (self.wanted.choose(&full), entry) {
                (Choice::No, _) => Action::Keep,
                _ if self.spared.is_spared(&full) => Action::Keep,
                (Choice::OnTheWay, Decoded::Known(record)) if record.kind != Kind::Folder => {
                    Action::Keep
                }
                (_, Decoded::Known(record)) if record.kind == Kind::Folder => {
                    let object = stored.object(record).map(|(_, id)| id);
                    self.subfolder((number, at), (full, object), (record, there))?
                }
                (_, Decoded::Known(record)) => self.entry(number, &full, (record, there)),
                (_, Decoded::Unknown(_)) => {
                    self.problem(&full, Trouble::Unknown, None);
                    Action::Keep
                }
            };
            self.plan.folders[number].actions.push(action);
        }
        self.settle(number);
        Ok(number)
    }

    /// A folder in which something is made gets its time back afterwards.
    fn settle(&mut self, number: usize) {
        let folder = &self.plan.folders[number];
        let made =
            |action: &Action| matches!(action, Action::Make | Action::Replace | Action::Link);
        let makes = folder.actions.iter().any(made)
            || folder
                .subfolders
                .iter()
                .any(|(_, child)| self.plan.folders[*child].own == Action::Make);
        let makes = makes || !folder.removals.is_empty();
        let whole = self.wanted.choose(&folder.path.clone()) == Choice::Yes;
        let folder = &mut self.plan.folders[number];
        if makes && whole && folder.own == Action::Keep {
            folder.own = Action::Attributes;
        }
    }

    /// Takes a folder out of the plan in which nothing is to be done; tells whether it was one.
    fn is_idle(&mut self, number: usize) -> bool {
        let idle = self.plan.folders.get(number).is_some_and(|folder| {
            folder.own == Action::Keep
                && folder.removals.is_empty()
                && folder.actions.iter().all(|action| *action == Action::Keep)
        });
        let last = number + 1 == self.plan.folders.len();
        if idle && last {
            self.plan.folders.pop();
        }
        idle && last
    }

    /// What becomes of the folder itself. Folders on the way to what is wanted stay as they are.
    fn own(&mut self, path: &[u8], record: &Record, there: Option<&Folder>) -> Action {
        let Some(there) = there else {
            self.plan.dirs += 1;
            self.plan.room += 4096;
            return Action::Make;
        };
        if self.wanted.choose(path) != Choice::Yes {
            return Action::Keep;
        }
        let Ok(stat) = rustix::fs::fstat(there).map(Stat::from) else {
            return Action::Attributes;
        };
        let same = (stat.mode, stat.uid, stat.gid) == (record.mode, record.uid, record.gid)
            && stat.mtime == record.mtime
            && super::attributes::same_xattrs(&super::attributes::xattrs_of(there), record);
        if same {
            self.plan.unchanged += 1;
            Action::Keep
        } else {
            self.plan.changed += 1;
            Action::Attributes
        }
    }

    fn subfolder(
        &mut self,
        (number, at): (usize, usize),
        (full, tree_id): (Vec<u8>, Option<ObjectId>),
        (record, there): (&Record, Option<&Folder>),
    ) -> Result<Action, Error> {
        let Some(tree_id) = tree_id else {
            self.problem(&full, Trouble::Damaged, Some("it has no tree".into()));
            return Ok(Action::Keep);
        };
        let inside = match there.map(|there| there.folder(&record.name)) {
            None | Some(Err(rustix::io::Errno::NOENT)) => None,
            Some(Ok(inside)) if self.is_mounted(&inside) => {
                return self.mounted(&full, tree_id);
            }
            Some(Ok(inside)) => Some(inside),
            Some(Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP)) => {
                self.replaces(&full);
                None
            }
            Some(Err(errno)) => {
                self.problem(&full, Trouble::NotMade, Some(crate::fs::reason(errno)));
                return Ok(Action::Keep);
            }
        };
        let depth = full.split(|byte| *byte == b'/').count() - 1;
        if depth >= DEEPEST {
            let reason = format!("more than {DEEPEST} folders are around it");
            self.problem(&full, Trouble::NotMade, Some(reason));
            return Ok(Action::Keep);
        }
        let child = match self.folder(full.clone(), tree_id, inside.as_ref()) {
            Err(error) if error.is_damage() => {
                self.problem(&full, Trouble::Damaged, Some(error.to_string()));
                return Ok(Action::Keep);
            }
            planned => planned?,
        };
        if self.is_idle(child) {
            return Ok(Action::Keep);
        }
        self.plan.folders[number].subfolders.push((at, child));
        Ok(Action::Enter)
    }

    /// Something is mounted where a folder belongs: fine if that was empty, as mount points are.
    fn mounted(&mut self, full: &[u8], tree_id: ObjectId) -> Result<Action, Error> {
        let stored = StoredFolder::read(&mut self.reader, tree_id, full)?;
        if stored.meta.entries.is_empty() {
            self.plan.unchanged += 1;
        } else {
            self.problem(full, Trouble::Mounted, None);
        }
        Ok(Action::Keep)
    }

    pub(super) fn is_mounted(&self, folder: &Folder) -> bool {
        stat_of(folder).ok() != self.file_system || is_mount_point(folder)
    }

    /// Plans an entry that is no folder.
    fn entry(
        &mut self,
        number: usize,
        full: &[u8],
        (record, there): (&Record, Option<&Folder>),
    ) -> Action {
        let existing = there.map_or(Ok(Existing::Nothing), |dir| Existing::look(dir, record));
        let stat = match existing {
            Ok(Existing::Nothing) => None,
            Ok(Existing::Entry(stat)) => Some(stat),
            Ok(Existing::Folder) if self.gives_way(number, (full, &record.name), there) => None,
            Ok(Existing::Folder) => {
                self.problem(full, Trouble::InTheWay, None);
                return Action::Keep;
            }
            Err(errno) => {
                self.problem(full, Trouble::NotMade, Some(crate::fs::reason(errno)));
                return Action::Keep;
            }
        };
        if let Some(action) = self.other_name(number, full, (record, stat.as_ref())) {
            return action;
        }
        let action = match (&stat, there) {
            (Some(stat), Some(dir)) => decide(dir, record, stat, self.plan.compare),
            _ => Action::Make,
        };
        self.count(action, full, record);
        if let Some(group) = record.hard_link {
            let stays = matches!(action, Action::Keep | Action::Attributes);
            let first = FirstName {
                folder: self.plan.folders[number].path.clone(),
                name: record.name.clone(),
                inode: stat.filter(|_| stays).map(|stat| stat.inode),
            };
            self.shared.insert(group, first);
        }
        action
    }

    /// An entry that is another name of a file which the plan has already.
    fn other_name(
        &mut self,
        number: usize,
        full: &[u8],
        (record, there): (&Record, Option<&Stat>),
    ) -> Option<Action> {
        let first = self.shared.get(&record.hard_link?)?;
        if first.inode.is_some() && there.map(|stat| stat.inode) == first.inode {
            self.plan.unchanged += 1;
            return Some(Action::Keep);
        }
        let from = (first.folder.clone(), first.name.clone());
        self.plan.files += 1;
        self.plan.links.push(PlannedLink {
            from,
            to: (number, record.name.clone()),
        });
        if there.is_some() {
            self.replaces(full);
        }
        Some(Action::Link)
    }

    fn count(&mut self, action: Action, full: &[u8], record: &Record) {
        let plan = &mut self.plan;
        match action {
            Action::Keep => plan.unchanged += 1,
            Action::Attributes => plan.changed += 1,
            _ => {
                let extents = record.sparse.as_ref();
                let data = extents.map_or(record.size, |all| all.iter().map(|(_, n)| n).sum());
                let data = if record.kind == Kind::File { data } else { 0 };
                plan.files += 1;
                // A vault of somebody else may say any size.
                plan.bytes = plan.bytes.saturating_add(data);
                plan.room = plan
                    .room
                    .saturating_add(data.saturating_add(4095) / 4096 * 4096);
            }
        }
        match action {
            Action::Replace => self.replaces(full),
            Action::Attributes => plan.touched.push(full.to_vec()),
            _ => {}
        }
    }

    fn replaces(&mut self, full: &[u8]) {
        self.plan.replaced.push(shown(full));
        self.plan.touched.push(full.to_vec());
    }

    pub(super) fn problem(&mut self, path: &[u8], trouble: Trouble, reason: Option<String>) {
        self.plan.problems.push(Problem {
            trouble,
            path: shown(path),
            reason,
        });
    }
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.files + self.dirs + self.changed == 0 && self.removed.is_empty()
    }

    /// Entries of the folders in which something is to be done.
    pub fn entries(&self) -> u64 {
        let entries = self.folders.iter().map(|folder| folder.actions.len());
        entries.sum::<usize>() as u64
    }

    /// Refuses a target in which something is mounted where the snapshot has content, or where
    /// something would be removed.
    pub fn refuse_mounted(&self) -> Result<(), Error> {
        let mounted = |problem: &&Problem| problem.trouble == Trouble::Mounted;
        let mut all = self.problems.iter().filter(mounted);
        let Some(first) = all.next() else {
            return Ok(());
        };
        Err(Error::Mounted {
            path: self.to.join(&first.path),
            more: all.count(),
        })
    }

    /// Refuses to begin what cannot end.
    fn check_room(&self) -> Result<(), Error> {
        let Some(place) = self.to.ancestors().find(|path| path.exists()) else {
            return Ok(());
        };
        let free = rustix::fs::statvfs(place).at("read", place)?;
        let bytes = free.f_bavail.saturating_mul(free.f_frsize);
        let lacking = |needed, available, unit| Error::NoRoom {
            path: place.to_owned(),
            needed,
            available,
            unit,
        };
        if self.room > bytes {
            return Err(lacking(self.room, bytes, "bytes"));
        }
        let inodes = self.files + self.dirs;
        if free.f_files > 0 && inodes > free.f_favail {
            return Err(lacking(inodes, free.f_favail, "files"));
        }
        Ok(())
    }
}
