//! The output of a script: segments `NNNN.log`, byte for byte, and beside them an index.
//!
//! The index has a line `at OFFSET MILLISECONDS` about once a second of output, and a line
//! `gap OFFSET BYTES` for output that no disk had room for. Offsets count over all segments.
mod gap;
mod reader;
mod times;
mod writer;

pub(super) use reader::tail as tail_of;
pub use reader::{Gap, LogReader, gaps, log_size};
pub use times::LogTimes;

pub(super) use reader::dropped;
pub(super) use writer::LogWriter;

use std::path::{Path, PathBuf};

use crate::fs::{AtPath as _, PathError, is_absent};

fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:04}.log"))
}

fn index_path(dir: &Path) -> PathBuf {
    dir.join("index")
}

/// The segments in a log folder with their sizes, in order.
fn segments(dir: &Path) -> Result<Vec<(u32, u64)>, PathError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).at("read", dir),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.at("read", dir)?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, entry.metadata().at("look at", dir)?.len()));
        }
    }
    found.sort_unstable();
    Ok(found)
}
