//! Sending through Git, in batches.
use std::collections::{HashMap, HashSet};

use super::{CARRIED, Destination, Lacking, Sending, Sent};
use crate::store::pack::{
    Kind, Mode, Objects, PackScan, Packs, Size, TreeEntry, encode_tree, loose_objects,
};
use crate::store::{
    self, Advertised, Expect, Message, ObjectId, PushedRef, Signature, Trailers, index_all,
    push_refs,
};
use crate::vault::{Error, Vault};
use crate::world::World;

/// A part of what is to be sent.
struct Batch {
    entries: Vec<(Kind, ObjectId)>,
    bytes: u64,
}

/// Batches as commits, each on top of the one before.
struct Carried {
    /// The ref that shows how far we are, here and there.
    name: String,
    commits: Vec<ObjectId>,
}

/// Sends all batches but the last, and the last together with the tags.
pub(super) fn send(
    vault: &Vault,
    to: &Destination<'_>,
    (lacking, world): (&Lacking, &World),
    watch: &mut dyn FnMut(Sending),
) -> Result<Sent, Error> {
    let mut batches = split(&lacking.objects, &sizes(vault, lacking)?, to.batch);
    let total = batches.iter().map(|batch| batch.bytes).sum();
    let last = batches.pop().map_or(0, |batch| batch.bytes);
    let known = known(vault, lacking)?;
    let carried = carry(vault, &batches, (known, world))?;
    index(vault, to, world)?;
    let mut sending = Sending { sent: 0, total };
    for (batch, commit_id) in batches.iter().zip(&carried.commits) {
        let refs = [format!("{commit_id}:{}", carried.name)];
        step(vault, to, (&refs, batch.bytes), (&mut sending, watch))?;
    }
    let refs: Vec<_> = lacking
        .tags
        .iter()
        .map(|(tag, _)| to.refspec(tag))
        .collect();
    let pushed = step(vault, to, (&refs, last), (&mut sending, watch))?;
    let is_done = pushed.iter().all(|pushed| !pushed.is_rejected());
    if is_done && (known.is_some() || !carried.commits.is_empty()) {
        forget(vault, to, &carried.name)?;
    }
    Ok(Sent {
        refs: pushed,
        bytes: total,
    })
}

impl Destination<'_> {
    fn refspec(&self, tag: &str) -> String {
        format!("refs/tags/{tag}:{}", self.ref_of(tag))
    }
}

/// Pushes one batch.
fn step(
    vault: &Vault,
    to: &Destination<'_>,
    (refs, bytes): (&[String], u64),
    (sending, watch): (&mut Sending, &mut dyn FnMut(Sending)),
) -> Result<Vec<PushedRef>, Error> {
    let before = *sending;
    let mut percent = |percent: u64| {
        watch(Sending {
            sent: before.sent + bytes * percent / 100,
            ..before
        });
    };
    percent(0);
    let pushed = push_refs(to.git, vault.path(), (to.url, refs), &mut percent);
    let broken = |source| Error::PushBroken {
        sent: before.sent,
        total: before.total,
        source,
    };
    let pushed = pushed.map_err(broken)?;
    if let Some(torn) = pushed.iter().find(|pushed| is_torn(pushed)) {
        return Err(broken(store::Error::Torn {
            said: torn.summary.clone(),
        }));
    }
    sending.sent += bytes;
    Ok(pushed)
}

/// Whether a ref was refused because not all came through, and not for what it is.
fn is_torn(pushed: &PushedRef) -> bool {
    let carries = pushed.name.starts_with(CARRIED);
    pushed.is_rejected() && (carries || pushed.summary.contains("unpacker error"))
}

/// Tells Git what each snapshot leads to, for which commits have to be in packs.
fn index(vault: &Vault, to: &Destination<'_>, world: &World) -> Result<(), Error> {
    let _lock = vault.lock(world)?;
    let dir = vault.objects_dir();
    let loose = loose_objects(&dir);
    if !loose.is_empty() {
        let (packs, objects) = (Packs::begin(&dir, &[])?, Objects::open(&dir)?);
        let (mut writer, mut reader) = (packs.writer(), objects.reader());
        let mut content = Vec::new();
        for id in loose {
            let kind = reader.read(&id, &mut content)?;
            writer.add(kind, &content, Size::Small)?;
        }
        writer.finish()?;
        packs.finish()?;
    }
    Ok(index_all(to.git, vault.repo())?)
}

/// What each lacking object takes in the vault.
fn sizes(vault: &Vault, lacking: &Lacking) -> Result<HashMap<ObjectId, u64>, Error> {
    let wanted: HashSet<_> = lacking.objects.iter().map(|(_, id)| *id).collect();
    let mut sizes = HashMap::with_capacity(wanted.len());
    for index in PackScan::indexes(&vault.objects_dir())? {
        if !PackScan::is_readable(&index) {
            continue;
        }
        for entry in PackScan::open(&index)?.entries() {
            if wanted.contains(&entry.id) {
                sizes.insert(entry.id, entry.end.saturating_sub(entry.offset));
            }
        }
    }
    Ok(sizes)
}

/// Cuts a list, in which each object comes after all that it leads to, into batches. Commits and
/// tags are left out: they go with the tags.
fn split(objects: &[(Kind, ObjectId)], sizes: &HashMap<ObjectId, u64>, most: u64) -> Vec<Batch> {
    let mut batches = Vec::new();
    let empty = || Batch {
        entries: Vec::new(),
        bytes: 0,
    };
    let mut batch = empty();
    for (kind, id) in objects {
        if !matches!(kind, Kind::Blob | Kind::Tree) {
            continue;
        }
        let size = sizes.get(id).copied().unwrap_or_default();
        if batch.bytes + size > most && batch.bytes > 0 {
            batches.push(std::mem::replace(&mut batch, empty()));
        }
        batch.entries.push((*kind, *id));
        batch.bytes += size;
    }
    batches.push(batch);
    batches
}

/// How far an earlier push came.
fn known<'l>(vault: &Vault, lacking: &'l Lacking) -> Result<Option<&'l Advertised>, Error> {
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    for one in &lacking.there {
        if one.name.starts_with(CARRIED) && reader.contains(&one.id)? {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

/// Makes a commit of each batch, and a ref that keeps them here.
fn carry(
    vault: &Vault,
    batches: &[Batch],
    (known, world): (Option<&Advertised>, &World),
) -> Result<Carried, Error> {
    let mut carried = Carried {
        name: known.map(|known| known.name.clone()).unwrap_or_default(),
        commits: Vec::new(),
    };
    if batches.is_empty() {
        return Ok(carried);
    }
    let _lock = vault.lock(world)?;
    let trees = write_trees(vault, batches)?;
    let signature = Signature::new(&world.person, world.clock.now());
    let mut change = vault.repo().begin();
    let mut parent = known.map(|known| known.id);
    for tree_id in trees {
        let message = Message::new("part of a push", Trailers::default());
        let parents: Vec<_> = parent.into_iter().collect();
        let commit_id = change.commit(tree_id, &parents, &message, &signature)?;
        carried.commits.push(commit_id);
        parent = Some(commit_id);
    }
    if carried.name.is_empty() {
        carried.name = format!("{CARRIED}{}", carried.commits[0]);
    }
    if let Some(tip) = parent {
        change.set_ref(&carried.name, Expect::Any, tip, "push")?;
    }
    change.finish()?;
    Ok(carried)
}

fn write_trees(vault: &Vault, batches: &[Batch]) -> Result<Vec<ObjectId>, Error> {
    let packs = Packs::begin(&vault.objects_dir(), &[])?;
    let mut writer = packs.writer();
    let mut trees = Vec::new();
    for batch in batches {
        let entry = |(number, (kind, id)): (usize, &(Kind, ObjectId))| TreeEntry {
            mode: if *kind == Kind::Tree {
                Mode::Tree
            } else {
                Mode::File
            },
            name: format!("{number:08x}").into_bytes(),
            id: *id,
        };
        let mut entries: Vec<_> = batch.entries.iter().enumerate().map(entry).collect();
        trees.push(writer.add(Kind::Tree, &encode_tree(&mut entries), Size::Small)?);
    }
    writer.finish()?;
    packs.finish()?;
    Ok(trees)
}

/// All is there: the refs that showed how far we were go. A remote that deletes nothing keeps its own.
fn forget(vault: &Vault, to: &Destination<'_>, name: &str) -> Result<(), Error> {
    let gone = push_refs(
        to.git,
        vault.path(),
        (to.url, &[format!(":{name}")]),
        &mut |_| {},
    );
    let is_gone = gone.is_ok_and(|pushed| pushed.iter().all(|pushed| !pushed.is_rejected()));
    if let Some(target) = vault.repo().find_ref(name)?.filter(|_| is_gone) {
        let mut change = vault.repo().begin();
        change.delete_ref(name, target)?;
        change.finish()?;
    }
    Ok(())
}
