//! Off site: the snapshots of a vault at a remote.
//!
//! A snapshot has no parent, and may be all that a vault holds; a connection that breaks must not
//! lose all of it. So what the remote lacks is sent in batches: each is a commit of a tree that
//! names the objects of the batch, on top of the batch before, under a ref of its own. Nothing is
//! in a batch whose parts are not in it or in those before. When all is there, the tags follow, which
//! bring next to nothing, and the ref goes. Where a push ended, the next one sees by that ref.
//!
//! A remote that is a plain repository on a disk of ours gets copies of our packs, as they are.

mod batches;
mod copy;
mod partial;
mod plain;

pub use partial::{Depth, Partial};

use std::collections::{HashMap, HashSet};

use super::reach::{mark, unmarked};
use super::{Error, Vault};
use crate::store::pack::{Kind, Objects};
use crate::store::{Advertised, GitProgram, ObjectId, PushOutcome, PushedRef, advertised};
use crate::world::World;

/// Where the refs lie that show how far a push came.
const CARRIED: &str = "refs/buildkeep/carried/";

/// Where snapshots are to go.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// Sends them.
    pub git: &'a GitProgram,
    /// Any URL or folder.
    pub url: &'a str,
    /// The name of the vault there.
    pub name: &'a str,
    /// So many bytes are sent at once.
    pub batch: u64,
}

/// How far a push is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Bytes that the remote has got.
    pub sent: u64,
    /// Bytes that it is to get.
    pub total: u64,
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The snapshots, as refs of the remote.
    pub refs: Vec<PushedRef>,
    /// Bytes of objects.
    pub bytes: u64,
}

/// What the remote has, and what it lacks.
struct Lacking {
    /// What it said it has.
    there: Vec<Advertised>,
    /// The snapshots that it does not have: tag, its object.
    tags: Vec<(String, ObjectId)>,
    /// The snapshots that it has.
    known: Vec<String>,
    /// The objects that it lacks, each after all that it leads to.
    objects: Vec<(Kind, ObjectId)>,
}

/// Sends all snapshots that the remote does not have; `watch` is told how far it is.
pub fn push(
    vault: &Vault,
    to: &Destination<'_>,
    world: &World,
    watch: &mut dyn FnMut(Sending),
) -> Result<Sent, Error> {
    let lacking = vault.lacking(to)?;
    let mut sent = Sent {
        refs: lacking
            .known
            .iter()
            .map(|tag| up_to_date(to, tag))
            .collect(),
        bytes: 0,
    };
    if lacking.tags.is_empty() {
        return Ok(sent);
    }
    let done = match plain::open(to) {
        Some(target) => copy::copy((vault, &target), to, (&lacking, world), watch)?,
        None => batches::send(vault, to, (&lacking, world), watch)?,
    };
    sent.refs.extend(done.refs);
    sent.bytes = done.bytes;
    Ok(sent)
}

impl Vault {
    fn lacking(&self, to: &Destination<'_>) -> Result<Lacking, Error> {
        let there = advertised(to.git, self.path(), to.url)?;
        let ids: HashMap<_, _> = there.iter().map(|r| (&*r.name, r.id)).collect();
        let is_there = |(tag, id): &(String, ObjectId)| ids.get(&*to.ref_of(tag)) == Some(id);
        let (known, tags): (Vec<_>, Vec<_>) = self.tags()?.into_iter().partition(is_there);
        let mut lacking = Lacking {
            known: known.into_iter().map(|(tag, _)| tag).collect(),
            tags,
            objects: Vec::new(),
            there,
        };
        if lacking.tags.is_empty() {
            return Ok(lacking);
        }
        let objects = Objects::open(&self.objects_dir())?;
        let mut reader = objects.reader();
        let (mut roots, mut live) = (Vec::new(), HashSet::new());
        for one in &lacking.there {
            if reader.contains(&one.id)? {
                roots.push(one.id);
            }
        }
        mark(&mut reader, roots, &mut live)?;
        let wanted: Vec<_> = lacking.tags.iter().map(|(_, id)| *id).collect();
        lacking.objects = unmarked(&mut reader, &wanted, &mut live)?;
        Ok(lacking)
    }
}

impl Destination<'_> {
    /// The ref that a snapshot has there.
    fn ref_of(&self, tag: &str) -> String {
        format!("refs/vaults/{}/{tag}", self.name)
    }
}

fn up_to_date(to: &Destination<'_>, tag: &str) -> PushedRef {
    PushedRef {
        name: to.ref_of(tag),
        outcome: PushOutcome::UpToDate,
        summary: "[up to date]".to_owned(),
    }
}
