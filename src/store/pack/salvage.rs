//! Saving what is whole in damaged packs.
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::hash::object_id;
use super::reader::{ObjectReader, Objects};
use super::{PackError, PackScan, PackWriter, Size};

/// What became of the objects of damaged packs.
#[derive(Clone, Debug, Default)]
pub struct Salvaged {
    /// Those that could not be read.
    pub lost: Vec<ObjectId>,
}

/// Writes what is whole in `damaged` packs, named by their indexes, into other packs.
pub fn salvage(
    objects_dir: &Path,
    damaged: &[PathBuf],
    mut writer: PackWriter<'_>,
) -> Result<Salvaged, PackError> {
    let (objects, _) = Objects::open_intact(objects_dir)?;
    let mut reader = objects.reader();
    let (mut salvaged, mut content) = (Salvaged::default(), Vec::new());
    for index in damaged {
        // What cannot be opened at all has nothing that could be saved.
        let Ok(scan) = PackScan::open(index) else {
            continue;
        };
        for entry in scan.entries() {
            if !save(&mut reader, &entry.id, (&mut writer, &mut content))? {
                salvaged.lost.push(entry.id);
            }
        }
    }
    writer.finish()?;
    Ok(salvaged)
}

fn save(
    reader: &mut ObjectReader<'_>,
    id: &ObjectId,
    (writer, content): (&mut PackWriter<'_>, &mut Vec<u8>),
) -> Result<bool, PackError> {
    match reader.read(id, content) {
        Ok(kind) if object_id(kind, content).is_ok_and(|found| found == *id) => {
            writer.add(kind, content, Size::Small)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}
