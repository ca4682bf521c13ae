//! The starter keeps.
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::Wishes;
use super::files::{NewFile, Scripts};
use crate::config::BUILTIN;
use crate::failure::Failure;

/// What a keep begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// Any folder of build scripts
    Generic,
    /// Linux From Scratch: scripts in chapters, `$LFS`
    Lfs,
    /// A little C project, to see how everything works
    Demo,
}

impl Template {
    pub(super) const ALL: &[Self] = &[Self::Generic, Self::Lfs, Self::Demo];

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Generic => "generic: any folder of build scripts",
            Self::Lfs => "lfs: Linux From Scratch, scripts in chapters",
            Self::Demo => "demo: a little C project, to see how everything works",
        }
    }

    fn contents(self) -> &'static [Content] {
        match self {
            Self::Generic => GENERIC,
            Self::Lfs => LFS,
            Self::Demo => DEMO,
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generic => "generic",
            Self::Lfs => "lfs",
            Self::Demo => "demo",
        })
    }
}

/// Path in the keep, content.
type Content = (&'static str, &'static str);

/// The content of a file below `templates/`, with its path in the keep.
macro_rules! template {
    ($($folder:literal : $($path:literal)+);+ $(;)?) => {
        &[$($(($path, include_str!(concat!("../../../templates/", $folder, "/", $path))),)+)+]
    };
}

const COMMON: &[Content] = &[(".gitignore", include_str!("../../../templates/gitignore"))];
const GENERIC: &[Content] = template! {
    "generic": "buildkeep.toml" "plan.toml" "config/build.toml" "schemas/build.schema.json";
};
const LFS: &[Content] = template! {
    "lfs": "buildkeep.toml" "plan.toml" "config/lfs.toml" "schemas/lfs.schema.json";
};
const DEMO: &[Content] = template! {
    "demo": "buildkeep.toml" "plan.toml" "config/tally.toml" "schemas/tally.schema.json"
        "scripts/01-configure.sh" "scripts/02-library.sh" "scripts/03-program.sh"
        "scripts/04-test.sh" "scripts/05-install.sh" "scripts/06-smoke.sh"
        "src/tally.h" "src/tally.c" "src/main.c" "src/test.c" "src/tally.1";
};

/// The files of a new keep: those of the template, filled in, and the scripts.
pub(super) fn files(
    wishes: &Wishes,
    scripts: Option<&Scripts>,
    keep: &Path,
) -> Result<Vec<NewFile>, Failure> {
    let blanks = blanks(wishes, scripts, keep)?;
    let contents = COMMON.iter().chain(wishes.template.contents());
    let mut files: Vec<_> = contents
        .map(|(path, text)| NewFile::text(path, fill(text, &blanks)))
        .collect();
    let builtin = BUILTIN
        .iter()
        .map(|(name, text)| NewFile::text(&format!("schemas/{name}"), (*text).to_owned()));
    files.extend(builtin);
    files.extend(
        scripts
            .into_iter()
            .flat_map(|scripts| scripts.copies.iter().cloned()),
    );
    Ok(files)
}

/// What stands for the `@NAMES@` in a template.
fn blanks(
    wishes: &Wishes,
    scripts: Option<&Scripts>,
    keep: &Path,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let root = wishes.root.as_deref().map(quoted).transpose()?;
    let scripts = match scripts.and_then(|scripts| scripts.stay.as_deref()) {
        Some(folder) => quoted(folder)?,
        None => "\"scripts\"".to_owned(),
    };
    let inside = wishes
        .root
        .as_deref()
        .and_then(|root| root.strip_prefix(keep).ok());
    let variable = if wishes.template == Template::Lfs {
        "LFS"
    } else {
        "DEST"
    };
    let known = root.is_some();
    let line = |text: String, without: &str| if known { text } else { without.to_owned() };
    Ok(vec![
        ("@SCRIPTS@", scripts),
        (
            "@IGNORED_ROOT@",
            inside.map_or_else(|| "/root/".to_owned(), ignored),
        ),
        (
            "@ROOT_LINE@",
            line(
                format!(
                    "\n# What is built; the only folder that checkpoints, backups and restores touch.\nroot = {}\n",
                    root.unwrap_or_default()
                ),
                "\n# What is built; the only folder that checkpoints, backups and restores touch.\n# root = \"/mnt/lfs\"\n",
            ),
        ),
        ("@CHECKPOINT@", line("\"after\"".into(), "\"never\"")),
        (
            "@DEST_LINE@",
            line(
                format!("{variable} = \"${{root}}\""),
                &format!("# {variable} = \"${{root}}\""),
            ),
        ),
        ("@JOBS@", wishes.jobs.to_string()),
        ("@ARCH@", std::env::consts::ARCH.to_owned()),
    ])
}

fn fill(text: &str, blanks: &[(&'static str, String)]) -> String {
    let filled = blanks.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(name, value)
    });
    filled.replace("\n\n\n", "\n\n").trim_end().to_owned() + "\n"
}

/// A folder of the keep as a line of .gitignore: what is built is in no commit.
fn ignored(folder: &Path) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | '\\');
    let path = folder.to_string_lossy();
    let escaped = path.chars().map(|c| {
        if special(c) {
            format!("\\{c}")
        } else {
            c.to_string()
        }
    });
    format!("/{}/", escaped.collect::<String>())
}

/// A path as a TOML string.
pub(super) fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().ok_or_else(|| {
        Failure::user(format!(
            "{} is not UTF-8, which TOML files must be",
            path.display()
        ))
    })?;
    Ok(toml_edit::Value::from(text).to_string())
}
