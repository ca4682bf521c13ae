//! Packs: each has its index, and both end with the checksum of what they should hold.
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::hash::Kind;
use gix::odb::pack::index;

use super::{Finding, Patient, Remedy, counted};

/// More packs than this slow down every look for an object.
const MOST: usize = 50;
/// How long a SHA-1 is.
const ID: usize = 20;

/// What there is of packs.
#[derive(Default)]
pub(super) struct Packs {
    /// The indexes of those that are whole.
    pub(super) indexes: Vec<index::File>,
    pub(super) findings: Vec<Finding>,
}

impl Packs {
    /// Whether a pack that is whole holds an object.
    pub(super) fn hold(&self, id: ObjectId) -> bool {
        self.indexes.iter().any(|index| index.lookup(id).is_some())
    }
}

impl Patient {
    pub(super) fn look_at_packs(&self) -> Packs {
        let mut packs = Packs::default();
        let folder = self.objects_dir().join("pack");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let of_kind = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "pack");
        for path in paths.filter(of_kind) {
            self.look_at_pack(&path, &mut packs);
        }
        let count = packs.indexes.len();
        if count > MOST {
            let why = "each is searched for every object: all commands get slower";
            packs.findings.push(
                Finding::new("many-packs", format!("{count} packs"), why)
                    .remedy("make one pack of them", Remedy::Collect),
            );
        }
        packs
    }

    fn look_at_pack(&self, pack: &Path, packs: &mut Packs) {
        let shown = self.shown(pack);
        let Some(checksum) = whole(pack) else {
            let why = "objects in it may be lost; what can still be read is saved one by one";
            packs.findings.push(
                Finding::new("damaged-pack", format!("{shown} is damaged"), why).remedy(
                    "move it aside, and write what can be read of it back as objects",
                    Remedy::Salvage(pack.to_owned()),
                ),
            );
            return;
        };
        let path = pack.with_extension("idx");
        let index = whole(&path).and_then(|_| index::File::at(&path, Kind::Sha1).ok());
        match index.filter(|index| index.pack_checksum() == checksum) {
            Some(index) => packs.indexes.push(index),
            None => packs.findings.push(
                Finding::new(
                    "damaged-pack-index",
                    format!("{shown} has no index that belongs to it"),
                    "without its index nothing in a pack can be found",
                )
                .remedy("index it again", Remedy::IndexPack(pack.to_owned())),
            ),
        }
    }
}

/// The checksum of a file that ends with it, if it is right.
fn whole(path: &Path) -> Option<ObjectId> {
    let mut file = File::open(path).ok()?;
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    let mut left = length.checked_sub(ID)?;
    let mut hasher = gix::hash::hasher(Kind::Sha1);
    let mut buffer = vec![0; 1 << 17];
    while left > 0 {
        let part = left.min(buffer.len());
        file.read_exact(&mut buffer[..part]).ok()?;
        hasher.update(&buffer[..part]);
        left -= part;
    }
    let mut stored = [0; ID];
    file.read_exact(&mut stored).ok()?;
    let found = hasher.try_finalize().ok()?;
    (found.as_slice() == stored).then_some(found)
}

/// Words for what a consolidation led to.
pub(super) fn counted_objects(count: usize) -> String {
    counted(count, "object", "objects")
}
