//! Which hooks there are, and the text of each.
use std::path::Path;

/// What tells our scripts from others: the beginning of their second line.
pub(super) const MARK: &str = "# Written by `buildkeep hooks install";

/// A hook that Git calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name, as Git has it.
    pub name: &'static str,
    script: &'static str,
}

const CLIENT: &str = include_str!("../../../hooks/client");
const CLIENT_STDIN: &str = include_str!("../../../hooks/client-stdin");
const SERVER_SCRIPT: &str = include_str!("../../../hooks/server");

const fn client(name: &'static str) -> Event {
    Event {
        name,
        script: CLIENT,
    }
}

/// The hooks of a keep.
pub const KEEP: &[Event] = &[
    client("pre-commit"),
    client("pre-merge-commit"),
    client("commit-msg"),
    Event {
        name: "pre-push",
        script: CLIENT_STDIN,
    },
    client("post-merge"),
    client("post-checkout"),
    client("post-rewrite"),
];

/// The hooks of a bare repository that keeps are pushed to.
pub const SERVER: &[Event] = &[Event {
    name: "pre-receive",
    script: SERVER_SCRIPT,
}];

impl Event {
    /// Our script for a folder of hooks.
    pub(super) fn script(self, program: &Path) -> String {
        self.script
            .replace("@NAME@", self.name)
            .replace("@BUILDKEEP@", &quoted(program))
    }

    /// Our command for Git's configuration; Git adds the arguments.
    pub(super) fn command(self, program: &Path) -> String {
        let (name, program) = (self.name, quoted(program));
        let warning = if name.starts_with("pre-") {
            format!("echo 'warning: buildkeep was not found: {name} checks nothing' >&2; ")
        } else {
            String::new()
        };
        format!(
            "buildkeep={program}; [ -x \"$buildkeep\" ] || buildkeep=$(command -v buildkeep) || \
             {{ {warning}exit 0; }}; \"$buildkeep\" hook {name}"
        )
    }

    /// Our line for a script of the user's; a program that is missing (127) stops nobody.
    pub(super) fn line(self, program: &str) -> String {
        let name = self.name;
        format!("{program} hook {name} \"$@\" || [ $? = 127 ] || exit 1 # {LINE_MARK}")
    }
}

/// What tells our line in a script of the user's.
pub(super) const LINE_MARK: &str = "by buildkeep";

/// A path as the shell reads it.
pub(super) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}
