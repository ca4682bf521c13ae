//! The forms of archives, and which one a file name asks for.
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A form of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(super) enum Form {
    /// A tar archive
    #[value(name = "tar")]
    #[serde(rename = "tar")]
    Tar,
    /// A tar archive, compressed by gzip
    #[value(name = "tar.gz", alias = "tgz")]
    #[serde(rename = "tar.gz")]
    TarGz,
    /// A tar archive, compressed by zstd
    #[value(name = "tar.zst", alias = "tzst")]
    #[serde(rename = "tar.zst")]
    TarZst,
    /// A Git bundle
    #[value(name = "bundle")]
    #[serde(rename = "bundle")]
    Bundle,
    /// A folder
    #[value(name = "dir")]
    #[serde(rename = "dir")]
    Folder,
}

/// How the name of an encrypted archive ends.
pub(super) const SEALED: &str = ".age";

const ENDINGS: [(&str, Form); 6] = [
    (".tar", Form::Tar),
    (".tar.gz", Form::TarGz),
    (".tgz", Form::TarGz),
    (".tar.zst", Form::TarZst),
    (".tzst", Form::TarZst),
    (".bundle", Form::Bundle),
];

impl Form {
    /// The form that a file name asks for.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(SEALED).unwrap_or(&name);
        let known = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending));
        known.map(|(_, form)| *form)
    }

    /// How a file name of this form ends.
    pub(super) fn ending(self) -> &'static str {
        let known = ENDINGS.iter().find(|(_, form)| *form == self);
        known.map_or("", |(ending, _)| ending)
    }

    pub(super) fn is_tar(self) -> bool {
        matches!(self, Self::Tar | Self::TarGz | Self::TarZst)
    }
}

/// A file name without what says of which form it is.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(SEALED).unwrap_or(&name);
    let endings = ENDINGS
        .iter()
        .filter_map(|(ending, _)| name.strip_suffix(ending));
    let stem = endings.min_by_key(|stem| stem.len()).unwrap_or(name);
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_form() {
        for (name, form) in [
            ("a.tar", Some(Form::Tar)),
            ("x/a.TAR.GZ", Some(Form::TarGz)),
            ("a.tgz.age", Some(Form::TarGz)),
            ("a.tar.zst", Some(Form::TarZst)),
            ("a.bundle", Some(Form::Bundle)),
            ("a.zip", None),
            ("tar", None),
        ] {
            assert_eq!(Form::of(Path::new(name)), form, "{name}");
        }
        assert_eq!(stem(Path::new("x/lfs-12.3.tar.zst.age")), "lfs-12.3");
    }
}
