//! Where an archive goes: a file that nobody sees before it is whole, or standard output.
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::format::Form;
use super::seal;
use crate::failure::Failure;
use crate::fs::{Folder, NewFile, PathError, TEMPORARY, sync_dir};

/// How hard zstd tries: about as small as gzip at its best, and faster than its fastest.
const ZSTD_LEVEL: i32 = 3;

/// An archive that is being written, with what is to be known of it.
pub(super) struct Output {
    place: Place,
    sum: Sha256,
    bytes: u64,
}

enum Place {
    File(NewFile, PathBuf),
    Stdout(io::Stdout),
}

/// Size and checksum.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Output {
    /// Begins a file beside its place.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let dir = path.parent().unwrap_or(path);
        if let Ok(folder) = Folder::open(dir) {
            // What a killed export left; what cannot be deleted is in nobody's way.
            let _ = folder.sweep();
        }
        let file = NewFile::create(dir, TEMPORARY)?;
        Ok(Self::at(Place::File(file, path.to_owned())))
    }

    /// Writes to standard output, which must lead somewhere else than to a person.
    pub(super) fn stdout() -> Result<Self, Failure> {
        let stdout = io::stdout();
        if stdout.is_terminal() {
            return Err(Failure::user("an archive is not shown on a terminal")
                .hint("name a file: `--output FILE`, or lead it on: `--output - | ssh HOST …`"));
        }
        Ok(Self::at(Place::Stdout(stdout)))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            sum: Sha256::new(),
            bytes: 0,
        }
    }

    /// Gives the file its name, durably.
    pub(super) fn finish(self) -> Result<Measured, Failure> {
        match self.place {
            Place::File(file, path) => {
                file.publish(&path, 0o600)?;
                sync_dir(path.parent().unwrap_or(&path))?;
            }
            Place::Stdout(mut stdout) => stdout.flush()?,
        }
        Ok(Measured {
            bytes: self.bytes,
            sha256: hex(&self.sum.finalize()),
        })
    }
}

/// Bytes as lower-case digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    let both = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(both).collect()
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.place {
            // Its name for now says little.
            Place::File(file, path) => file
                .write(bytes)
                .map_err(|error| PathError {
                    path: path.clone(),
                    ..error
                })
                .map_err(|error| io::Error::new(error.source.kind(), error))?,
            Place::Stdout(stdout) => stdout.write_all(bytes)?,
        }
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.place {
            Place::File(..) => Ok(()),
            Place::Stdout(stdout) => stdout.flush(),
        }
    }
}

/// Has `work` write into `output`: compressed as the form says, and encrypted.
pub(super) fn through<T>(
    (form, keys): (Form, &[String]),
    output: &mut Output,
    work: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut buffered = io::BufWriter::with_capacity(256 * 1024, output);
    let done = seal::sealed(keys, &mut buffered, |out| compressed(form, out, work))?;
    buffered.flush()?;
    Ok(done)
}

fn compressed<T>(
    form: Form,
    out: &mut dyn Write,
    work: impl FnOnce(&mut dyn Write) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match form {
        Form::TarGz => {
            let mut writer = GzEncoder::new(out, Compression::default());
            let done = work(&mut writer)?;
            writer.finish()?;
            Ok(done)
        }
        Form::TarZst => {
            let mut writer = zstd::Encoder::new(out, ZSTD_LEVEL)?;
            writer.include_checksum(true)?;
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            writer.multithread(cores as u32)?;
            let done = work(&mut writer)?;
            writer.finish()?;
            Ok(done)
        }
        Form::Tar | Form::Bundle | Form::Folder => work(out),
    }
}
