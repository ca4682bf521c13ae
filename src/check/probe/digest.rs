//! Sums of files, made here: of SHA-2 three times as fast as by a program without its instructions.
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use md5::{Digest, Md5};
use sha2::{Sha256, Sha512};

/// Read at once.
const BLOCK: usize = 256 * 1024;

/// Kinds of sums that are made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Md5,
    Sha256,
    Sha512,
}

/// The sum of a file in hexadecimal digits; nothing if `is_late` says so before it is known.
pub(super) fn of_file(
    path: &Path,
    sum: Sum,
    is_late: &dyn Fn() -> bool,
) -> io::Result<Option<String>> {
    match sum {
        Sum::Md5 => hash::<Md5>(path, is_late),
        Sum::Sha256 => hash::<Sha256>(path, is_late),
        Sum::Sha512 => hash::<Sha512>(path, is_late),
    }
}

fn hash<D: Digest>(path: &Path, is_late: &dyn Fn() -> bool) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK];
    let mut digest = D::new();
    loop {
        if is_late() {
            return Ok(None);
        }
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(count) => digest.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    Ok(Some(
        digest
            .finalize()
            .iter()
            .flat_map(digits)
            .flatten()
            .collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_that_everybody_knows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        let sum = |sum| of_file(&path, sum, &|| false).unwrap().unwrap();
        assert_eq!(sum(Sum::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert!(sum(Sum::Sha256).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(sum(Sum::Sha512).starts_with("ddaf35a193617abacc417349ae204131"));
        assert_eq!(of_file(&path, Sum::Md5, &|| true).unwrap(), None);
    }
}
