//! What the Git hooks refuse besides files.
use super::Explained;

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K201",
        means: "The message of a commit says that buildkeep made it, and it did not",
        remedy: "take the line out",
        text: "Lines such as `Buildkeep-Kind: config` at the end of a message are facts that \
               buildkeep writes and reads back. The hook `commit-msg` refuses them in a commit \
               made with plain Git, unless they come unchanged from the commit that is amended, \
               rebased or picked.",
        wrong: &[],
        right: &[],
    },
    Explained {
        code: "K202",
        means: "A line at the end of a message begins with `Buildkeep-` and cannot be read",
        remedy: "take the line out, or begin it in another way",
        text: "It looks like a fact of buildkeep's (`Buildkeep-Key: value`), and is none: other \
               programs would read it in another way than buildkeep does.",
        wrong: &[],
        right: &[],
    },
];
