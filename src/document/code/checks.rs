//! What can be wrong with files of checks.
use super::Explained;

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K501",
        means: "A check of this kind does not read the key",
        remedy: "remove the key, or correct the kind",
        text: "Whoever writes a key expects something of it. Each kind of check has keys of its own \
               besides those that all have; `docs/guide/checks.md` lists them.",
        wrong: &[(
            "checks/own.toml",
            "[[check]]\nid = \"ccache\"\nkind = \"tool\"\npath = \"/usr/bin\"\nwhy = \"Rebuilds are quick with it.\"\n",
        )],
        right: &[("checks/own.toml", CCACHE)],
    },
    Explained {
        code: "K502",
        means: "A check of this kind needs a key that is not there",
        remedy: "write the key",
        text: "Without it there would be nothing to look at, or everything would pass. \
               `docs/guide/checks.md` lists what each kind needs.",
        wrong: &[(
            "checks/own.toml",
            "[[check]]\nid = \"disk\"\nkind = \"resource\"\nresource = \"disk\"\nwhy = \"GCC is large.\"\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[check]]\nid = \"disk\"\nkind = \"resource\"\nresource = \"disk\"\nat_least = \"10 GB\"\nwhy = \"GCC is large.\"\n",
        )],
    },
    Explained {
        code: "K503",
        means: "The text does not limit a version",
        remedy: "write `>= 4.2`, or several limits: `>= 5.4, < 17`",
        text: "A limit is one of `>=`, `>`, `<=`, `<`, `=` and a version, as its makers write it \
               (`2.5.1a`, `668`). All limits must hold.",
        wrong: &[(
            "checks/own.toml",
            "[[check]]\nid = \"ccache\"\nkind = \"tool\"\nversion = \"4.2\"\nwhy = \"Rebuilds are quick with it.\"\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[check]]\nid = \"ccache\"\nkind = \"tool\"\nversion = \">= 4.2\"\nwhy = \"Rebuilds are quick with it.\"\n",
        )],
    },
    Explained {
        code: "K504",
        means: "Two checks of one file have the same id",
        remedy: "give one of them another id",
        text: "The later one would replace the earlier one without a word. A check of another set \
               is replaced so on purpose: one with its id in a set that extends it.",
        wrong: &[(
            "checks/own.toml",
            "[[check]]\nid = \"git\"\nkind = \"tool\"\nwhy = \"a.\"\n[[check]]\nid = \"git\"\nkind = \"tool\"\nwhy = \"b.\"\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[check]]\nid = \"git\"\nkind = \"tool\"\nwhy = \"a.\"\n[[check]]\nid = \"hub\"\nkind = \"tool\"\nwhy = \"b.\"\n",
        )],
    },
    Explained {
        code: "K505",
        means: "There is no such set of checks",
        remedy: "correct the name; `buildkeep check --list` names all sets",
        text: "A set is built in, or a file `checks/NAME.toml` of the keep. `extends` and the key \
               `checks` of buildkeep.toml name sets.",
        wrong: &[("checks/own.toml", "extends = [\"genric\"]\n")],
        right: &[("checks/own.toml", "extends = [\"generic\"]\n")],
    },
    Explained {
        code: "K506",
        means: "A waiver or `needs` names a check that no set has",
        remedy: "correct the id; `buildkeep check --list` names all checks",
        text: "A waiver would accept nothing, and the finding that it was meant for would stop the \
               build; a check would build on nothing.",
        wrong: &[(
            "checks/own.toml",
            "[[waive]]\ncheck = \"memry\"\nreason = \"it swaps to NVMe\"\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[waive]]\ncheck = \"memory\"\nreason = \"it swaps to NVMe\"\n",
        )],
    },
    Explained {
        code: "K507",
        means: "A waiver ends on a day that no calendar has",
        remedy: "write year, month and day: `2027-01-31`",
        text: "A waiver holds until the end of that day, in UTC; afterwards the finding is one again.",
        wrong: &[(
            "checks/own.toml",
            "[[waive]]\ncheck = \"memory\"\nreason = \"it swaps to NVMe\"\nuntil = \"2027-02-31\"\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[waive]]\ncheck = \"memory\"\nreason = \"it swaps to NVMe\"\nuntil = \"2027-02-28\"\n",
        )],
    },
    Explained {
        code: "K508",
        means: "Nobody can carry the fix out",
        remedy: "write programs and arguments as a list under `run`, or advice under `say`",
        text: "A fix is a list of words, `run = [\"ln\", \"-sf\", \"bash\", \"/bin/sh\"]`, or a list of such \
               lists. No shell reads it, so `$HOME`, `*` and `&&` mean nothing in it; `${found}` is what \
               was found and `${root}` what is built. What only a person can do is said under `say`.",
        wrong: &[(
            "checks/own.toml",
            "[[check]]\nid = \"ccache\"\nkind = \"tool\"\nwhy = \"Rebuilds are quick.\"\nfix.any = { say = \"build it\", run = [\"make\"] }\n",
        )],
        right: &[(
            "checks/own.toml",
            "[[check]]\nid = \"ccache\"\nkind = \"tool\"\nwhy = \"Rebuilds are quick.\"\nfix.any = { say = \"build it\" }\n",
        )],
    },
];

/// A check with nothing wrong.
const CCACHE: &str =
    "[[check]]\nid = \"ccache\"\nkind = \"tool\"\nwhy = \"Rebuilds are quick with it.\"\n";
