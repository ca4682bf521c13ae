//! Taking a tar archive into a vault, as a snapshot.
use std::io::Read;

use chrono::{DateTime, Utc};

use super::builder::{Builder, Built, refused};
use super::entry::{Entry, EntryKind};
use super::origin::Origin;
use super::reader::TarReader;
use super::store::{Store, blob_mode};
use crate::store::pack::Packs;
use crate::store::{Expect, Message, ObjectId, Signature, Trailers};
use crate::vault::folder::shown;
use crate::vault::snapshot::ref_part;
use crate::vault::{Error, Progress, Snapshot, Vault};
use crate::world::World;

/// The longest target that a link can have.
const LONGEST_TARGET: usize = 4095;

/// How an archive is filed.
#[derive(Clone, Debug)]
pub struct Import {
    /// The machine, unless the archive tells.
    pub host: String,
    /// The set that was asked for.
    pub set: Option<String>,
    /// The set, unless one was asked for or the archive tells.
    pub default_set: String,
    /// The id shared by all that one command records.
    pub op: String,
    /// Where it comes from, in a few words.
    pub from: String,
}

/// What became of an archive.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Whether the vault had it.
    pub was_there: bool,
    /// Bytes read, uncompressed.
    pub bytes_read: u64,
    /// Bytes added to the vault.
    pub bytes_added: u64,
    /// What could not be taken over, a sentence each.
    pub notes: Vec<String>,
}

impl Import {
    /// Takes in a tar archive.
    pub fn tar(
        &self,
        vault: &Vault,
        input: &mut dyn Read,
        world: &World,
        progress: &dyn Progress,
    ) -> Result<Imported, Error> {
        let _lock = vault.lock(world)?;
        let packs = Packs::begin(&vault.objects_dir(), &vault.damaged()?.packs)?;
        let mut tar = TarReader::new(input);
        let mut taking = Taking {
            builder: Builder::new(),
            store: Store::new(packs.writer()),
            notes: Vec::new(),
            read: 0,
            progress,
        };
        while let Some(entry) = tar.next()? {
            taking.entry(&mut tar, &entry)?;
        }
        let origin = tar.origin.take();
        let (notes, bytes_read) = (taking.notes, taking.read);
        let mut writer = taking.store.writer;
        let built = taking.builder.finish(&mut writer)?;
        writer.finish()?;
        let bytes_added = packs.finish()?.bytes;
        let (snapshot, was_there) = self.record(vault, (built, origin), world)?;
        Ok(Imported {
            snapshot,
            was_there,
            bytes_read,
            bytes_added,
            notes,
        })
    }

    /// Gives what was built a commit and a tag, unless it has them.
    pub(super) fn record(
        &self,
        vault: &Vault,
        (built, origin): (Built, Option<Origin>),
        world: &World,
    ) -> Result<(Snapshot, bool), Error> {
        let own = |name: &Option<String>| name.as_deref().map(ref_part);
        let (mut set, mut host) = (own(&self.set), ref_part(&self.host));
        let mut time = world.clock.now();
        let mut facts = Vec::new();
        if let Some(origin) = origin {
            let set_of_it = set.get_or_insert_with(|| origin.set.clone());
            if let Some(there) = known(vault, &origin, (set_of_it, built.tree_id))? {
                return Ok((there, true));
            }
            (host, time, facts) = (origin.host, origin.time, origin.facts);
        }
        let set = set.unwrap_or_else(|| ref_part(&self.default_set));
        let tag = vault.free_tag(&format!("{host}/{set}/{}", time.format("%Y%m%dT%H%M%SZ")))?;
        let mut trailers = Trailers::new("backup", &self.op, &host)
            .with("Snapshot", &tag)
            .with("Set", &set)
            .with("Files", built.files)
            .with("Dirs", built.dirs)
            .with("Bytes", built.bytes);
        for (key, value) in facts {
            trailers.push(&key, value);
        }
        trailers.push("From", &self.from);
        let what = format!("backup: {set}, {} files from {}", built.files, self.from);
        commit(
            vault,
            (&tag, built.tree_id),
            Message::new(what, trailers),
            (world, time),
        )?;
        let target = vault.repo().find_ref(&format!("refs/tags/{tag}"))?;
        let target = target.ok_or_else(|| Error::NotASnapshot { tag: tag.clone() })?;
        Ok((vault.read(tag, target)?, false))
    }
}

/// The snapshot that an archive was written from, if the vault has it.
fn known(
    vault: &Vault,
    origin: &Origin,
    (set, tree_id): (&str, ObjectId),
) -> Result<Option<Snapshot>, Error> {
    let is_it = |one: &Snapshot| {
        one.tree_id == tree_id
            && one.host == origin.host
            && one.set == set
            && one.time == origin.time
    };
    Ok(vault.snapshots()?.into_iter().find(is_it))
}

fn commit(
    vault: &Vault,
    (tag, tree_id): (&str, ObjectId),
    message: Message,
    (world, time): (&World, DateTime<Utc>),
) -> Result<(), Error> {
    let signature = Signature::new(&world.person, time);
    let mut change = vault.repo().begin();
    let commit_id = change.commit(tree_id, &[], &message, &signature)?;
    let tag_id = change.tag(tag, commit_id, &message, &signature)?;
    change.set_ref(
        &format!("refs/tags/{tag}"),
        Expect::Absent,
        tag_id,
        &message.subject,
    )?;
    Ok(change.finish()?)
}

/// An archive that is being taken in.
struct Taking<'p, 'v> {
    builder: Builder,
    store: Store<'v>,
    notes: Vec<String>,
    read: u64,
    progress: &'p dyn Progress,
}

impl Taking<'_, '_> {
    fn entry(&mut self, tar: &mut TarReader<'_>, entry: &Entry) -> Result<(), Error> {
        // Refused before its content is read.
        super::entry::names(&entry.name).map_err(|reason| refused(entry, reason))?;
        if entry.lost_acls {
            let path = shown(&entry.name);
            self.notes.push(format!(
                "{path}: its access control list was not understood"
            ));
        }
        let object = match entry.kind {
            EntryKind::File => {
                let before = self.store.read;
                let id = self
                    .store
                    .file((entry.size, entry.sparse.as_deref()), &mut |buffer| {
                        tar.read(buffer)?;
                        Ok(buffer.len())
                    })?;
                self.progress.read(self.store.read - before);
                self.read += self.store.read - before;
                Some((id.0.unwrap_or_else(|| blob_mode(entry.mode)), id.1))
            }
            EntryKind::Link if entry.target.is_empty() || entry.target.len() > LONGEST_TARGET => {
                let reason = format!("is a link to a name of {} bytes", entry.target.len());
                return Err(refused(entry, reason).into());
            }
            EntryKind::Link => Some(self.store.link(&entry.target)?),
            _ => None,
        };
        self.progress.seen(1);
        Ok(self.builder.add(entry, object)?)
    }
}
