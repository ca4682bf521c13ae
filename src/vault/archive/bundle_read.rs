//! Taking the snapshots of a Git bundle into a vault.
//!
//! `git index-pack` checks every object and that none is missing; then each snapshot is walked as a
//! restore would, and only then do the tags come, all at once.
use std::io::{self, Read};

use super::ArchiveError;
use super::origin::is_tag;
use super::visit::{Met, Visit};
use crate::fs::sync_dir;
use crate::store::pack::{Mode, ObjectReader, Objects};
use crate::store::{Expect, GitProgram, ObjectId};
use crate::vault::folder::{chunks, shown};
use crate::vault::meta::Kind;
use crate::vault::wanted::Wanted;
use crate::vault::{Error, Progress, Snapshot, Vault};
use crate::world::World;

/// The first lines that are understood.
const BEGINS: [&[u8]; 2] = [b"# v2 git bundle\n", b"# v3 git bundle\n"];
/// The largest header that is read.
const LARGEST_HEADER: usize = 64 << 20;
const LONGEST_LINE: usize = 4096;

/// What was in a bundle.
#[derive(Clone, Debug)]
pub struct ImportedBundle {
    /// Its snapshots, and whether the vault had them.
    pub snapshots: Vec<(Snapshot, bool)>,
    /// Refs that are no snapshots, and were left out.
    pub others: Vec<String>,
    /// Bytes added to the vault.
    pub bytes_added: u64,
}

/// What stands before the pack.
#[derive(Debug, Default)]
struct Header {
    bases: Vec<ObjectId>,
    refs: Vec<(String, ObjectId)>,
}

/// A bundle that is being read.
struct Stream<'r> {
    input: io::BufReader<&'r mut dyn Read>,
    at: u64,
}

/// Whether a file begins as a bundle does.
pub(super) fn is_bundle(begin: &[u8]) -> bool {
    BEGINS.iter().any(|known| begin.starts_with(known))
}

/// Takes in the snapshots of a bundle.
pub fn read_bundle(
    vault: &Vault,
    git: &GitProgram,
    input: &mut dyn Read,
    (world, progress): (&World, &dyn Progress),
) -> Result<ImportedBundle, Error> {
    let mut stream = Stream {
        input: io::BufReader::with_capacity(256 * 1024, input),
        at: 0,
    };
    let header = stream.header()?;
    let (snapshots, others): (Vec<_>, Vec<_>) = header
        .refs
        .into_iter()
        .partition(|(name, _)| name.strip_prefix("refs/tags/").is_some_and(is_tag));
    if snapshots.is_empty() {
        return Err(ArchiveError::NoSnapshots.into());
    }
    let _lock = vault.lock(world)?;
    let _no_gc = vault.repo().keep_gc_out()?;
    refuse_lacking(vault, &header.bases)?;
    let before = vault.size();
    let args = ["index-pack", "--stdin", "--fix-thin", "--strict"];
    git.pipe((vault.path(), &args), &mut |buffer| {
        let length = stream.some(buffer)?;
        progress.read(length as u64);
        Ok::<_, Error>(length)
    })?;
    sync_dir(&vault.objects_dir().join("pack"))?;
    let snapshots = add(vault, snapshots)?;
    progress.seen(snapshots.len() as u64);
    Ok(ImportedBundle {
        snapshots,
        others: others.into_iter().map(|(name, _)| name).collect(),
        bytes_added: vault.size().saturating_sub(before),
    })
}

/// What a bundle builds upon must be here, and in use: what nothing refers to may go any time.
fn refuse_lacking(vault: &Vault, bases: &[ObjectId]) -> Result<(), Error> {
    let all = if bases.is_empty() {
        Vec::new()
    } else {
        vault.snapshots()?
    };
    for base in bases {
        if !all.iter().any(|snapshot| snapshot.commit_id == *base) {
            return Err(ArchiveError::Lacking { commit: *base }.into());
        }
    }
    Ok(())
}

/// Gives the snapshots their tags, once each is known to be whole.
fn add(vault: &Vault, refs: Vec<(String, ObjectId)>) -> Result<Vec<(Snapshot, bool)>, Error> {
    // Opened again: the pack is new.
    let vault_now = Vault::open(vault.path())?;
    let objects = Objects::open(&vault.objects_dir())?;
    let mut reader = objects.reader();
    let mut added = Vec::new();
    let mut change = vault_now.repo().begin();
    for (name, target) in refs {
        let tag = name.trim_start_matches("refs/tags/").to_owned();
        let there = vault_now.repo().find_ref(&name)?;
        if there.is_some_and(|there| there != target) {
            return Err(ArchiveError::Taken { tag }.into());
        }
        let snapshot = vault_now.read(tag.clone(), target)?;
        if !snapshot.is_own {
            return Err(Error::NotASnapshot { tag });
        }
        if there.is_none() {
            check_whole(&mut reader, &snapshot).map_err(|error| ArchiveError::NotWhole {
                tag,
                reason: error.to_string(),
            })?;
            change.set_ref(&name, Expect::Absent, target, "backup: import")?;
        }
        added.push((snapshot, there.is_some()));
    }
    change.finish()?;
    Ok(added)
}

/// Walks a snapshot as a restore would, without reading its files.
fn check_whole(reader: &mut ObjectReader<'_>, snapshot: &Snapshot) -> Result<(), Error> {
    let visit = Visit::new(reader, snapshot.tree_id, Wanted::new(&[]))?;
    visit.all(reader, &mut |reader, path, met| {
        let Met::Entry(record, object) = met else {
            return Ok(());
        };
        let lacking = || ArchiveError::Unreadable {
            path: shown(path),
            reason: "its content is missing".to_owned(),
        };
        let ids = match (record.kind, object) {
            (Kind::File, None) => return Err(Error::from(lacking())),
            (Kind::File, Some((Mode::Tree, id))) => {
                let chunks = chunks(reader, id)?;
                chunks.into_iter().map(|(_, id)| id).collect()
            }
            (Kind::File, Some((_, id))) => vec![id],
            _ => Vec::new(),
        };
        for id in ids {
            if !reader.contains(&id)? {
                return Err(lacking().into());
            }
        }
        Ok(())
    })?;
    Ok(())
}

impl Stream<'_> {
    fn header(&mut self) -> Result<Header, ArchiveError> {
        let mut header = Header::default();
        let first = self.line()?;
        if !BEGINS
            .iter()
            .any(|known| known.strip_suffix(b"\n") == Some(&first))
        {
            return Err(self.damaged("it does not begin like a bundle"));
        }
        loop {
            let line = self.line()?;
            let text = String::from_utf8_lossy(&line).into_owned();
            match text.split_at_checked(1) {
                None => return Ok(header),
                Some(("@", "object-format=sha1")) => {}
                Some(("@", other)) => {
                    let reason = format!("it asks for `{other}`, which is not supported");
                    return Err(self.damaged(&reason));
                }
                Some(("-", rest)) => {
                    let id = rest.split(' ').next().unwrap_or_default();
                    header.bases.push(self.id(id)?);
                }
                Some(_) => {
                    let (id, name) = text.split_once(' ').unwrap_or((&text, ""));
                    header.refs.push((name.to_owned(), self.id(id)?));
                }
            }
            if self.at > LARGEST_HEADER as u64 {
                return Err(self.damaged("its header is too long"));
            }
        }
    }

    fn id(&self, hex: &str) -> Result<ObjectId, ArchiveError> {
        let id = ObjectId::from_hex(hex.as_bytes()).ok();
        id.filter(|id| id.as_slice().len() == 20)
            .ok_or_else(|| self.damaged("a line of its header makes no sense"))
    }

    /// A line without its end.
    fn line(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        loop {
            if self.some(&mut byte)? == 0 {
                return Err(ArchiveError::Cut {
                    at: self.at,
                    inside: "in its header".to_owned(),
                });
            }
            if byte[0] == b'\n' {
                return Ok(line);
            }
            line.push(byte[0]);
            if line.len() > LONGEST_LINE {
                return Err(self.damaged("a line of its header is too long"));
            }
        }
    }

    fn some(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        loop {
            match self.input.read(buffer) {
                Ok(length) => {
                    self.at += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(ArchiveError::Cut {
                        at: self.at,
                        inside: "in the middle of its objects".to_owned(),
                    });
                }
                Err(source) => {
                    return Err(ArchiveError::Read {
                        at: self.at,
                        source,
                    });
                }
            }
        }
    }

    fn damaged(&self, reason: &str) -> ArchiveError {
        ArchiveError::Damaged {
            at: self.at,
            reason: reason.to_owned(),
        }
    }
}
