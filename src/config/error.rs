//! What can go wrong with configuration.
use crate::document::Problem;

/// Why configuration cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Files have problems.
    #[error("the configuration has {}", counted(.0.len()))]
    Invalid(Vec<Problem>),
    /// The disk said no.
    #[error(transparent)]
    Io(#[from] crate::fs::PathError),
    /// The keep said no.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// A key that cannot be read as one.
    #[error("`{key}` is not a key: {reason}")]
    BadKey {
        /// What was typed.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key that neither a file nor a schema knows.
    #[error("there is no key `{key}`")]
    UnknownKey {
        /// What was typed.
        key: String,
        /// What it resembles.
        near: Option<String>,
    },
    /// A key that no file sets.
    #[error("`{key}` is not set in a file: there is nothing to take out")]
    NotSet {
        /// The key.
        key: String,
    },
    /// A `-c` without a value.
    #[error("`-c {option}` has no value")]
    NoValue {
        /// What was typed.
        option: String,
    },
    /// A value that begins like one of TOML, and is none.
    #[error("the value of `{key}` is not TOML: {reason}")]
    NotAValue {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that has no items.
    #[error("`{key}` is no list in {file}")]
    NotAList {
        /// The key.
        key: String,
        /// The file that it is changed in.
        file: String,
    },
    /// An item that is to be taken out and is not there.
    #[error("{item} is not in `{key}` of {file}")]
    NotInList {
        /// The key.
        key: String,
        /// The file that it is changed in.
        file: String,
        /// The item.
        item: String,
    },
    /// A key that is named twice in one command.
    #[error("`{key}` is named twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// A change that is valid only together with others that are not committed.
    #[error("{file} has changes that are not committed, and this one does not stand without them")]
    Entangled {
        /// The file.
        file: String,
        /// What would be wrong with this change alone.
        problems: Vec<Problem>,
    },
    /// A file that is not part of the configuration.
    #[error("{file} is not a configuration file")]
    NotConfiguration {
        /// The file.
        file: String,
    },
    /// A version that a shallow clone does not have.
    #[error("version {asked} {}", cut_off(*.first))]
    CutOff {
        /// What was asked for.
        asked: u64,
        /// The oldest one, if its number is known.
        first: Option<u64>,
    },
    /// A version number that was never given.
    #[error("there is no version {asked}: the newest is {newest}")]
    NoVersion {
        /// What was asked for.
        asked: u64,
        /// The highest number.
        newest: u64,
    },
    /// No earlier version is good.
    #[error("no earlier version is known to be good")]
    NoGoodVersion,
    /// Nothing is that old.
    #[error("the history begins after {date}")]
    NothingThatOld {
        /// What was asked for.
        date: String,
    },
    /// Nothing is there to go back to.
    #[error("{what} is neither in the work tree nor in {version}")]
    NotThere {
        /// The file or key.
        what: String,
        /// The version asked for.
        version: String,
    },
    /// A hook of the user's own is in the way of another one.
    #[error("{} is not ours, and {} exists too", path.display(), own.display())]
    TwoHooks {
        /// The hook.
        path: std::path::PathBuf,
        /// Where it would have to go.
        own: std::path::PathBuf,
    },
    /// What would be taken back was changed again.
    #[error("{}", overlaid(.0))]
    Overlaid(Vec<Overlaid>),
    /// Git looks for hooks in a folder that is the user's.
    #[error("Git looks for hooks in {} only, which is yours (core.hooksPath, set in {})", path.value, path.origin)]
    HooksPath {
        /// The folder.
        path: Box<crate::store::HooksPath>,
        /// The scripts in it, and the line that each of them wants.
        lines: Vec<(std::path::PathBuf, String)>,
    },
    /// A line cannot be added to a hook of the user's.
    #[error("{} {why}", path.display())]
    NotAScript {
        /// The hook.
        path: std::path::PathBuf,
        /// Why not.
        why: &'static str,
        /// The line.
        line: String,
    },
    /// A `git` writes its configuration, or was killed while it did.
    #[error("{} is there: a `git` writes its configuration", lock.display())]
    ConfigLocked {
        /// The lock.
        lock: std::path::PathBuf,
    },
    /// The keep changed between plan and apply.
    #[error("the keep was changed by somebody else in the meantime")]
    Changed,
}

/// A file that was changed again, and which of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlaid {
    /// The file.
    pub path: String,
    /// The keys; none if it is no configuration.
    pub keys: Vec<String>,
}

fn overlaid(all: &[Overlaid]) -> String {
    let names = all.iter().flat_map(|one| {
        let whole = one.keys.is_empty().then_some(&one.path);
        one.keys.iter().chain(whole)
    });
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [one] => format!("{one} was changed again since then"),
        more => format!("{} were changed again since then", more.join(", ")),
    }
}

fn counted(problems: usize) -> String {
    match problems {
        1 => "a problem".to_owned(),
        more => format!("{more} problems"),
    }
}

fn cut_off(first: Option<u64>) -> String {
    first.map_or_else(
        || "cannot be told in this clone, whose history is cut off".to_owned(),
        |first| format!("is not in this clone, whose history begins with version {first}"),
    )
}
