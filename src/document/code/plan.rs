//! What can be wrong with plan.toml and its scripts.
use super::Explained;

const SCRIPTS: [(&str, &str); 2] = [
    ("scripts/01-libs.sh", "#!/bin/sh\n"),
    ("scripts/02-app.sh", "#!/bin/sh\n"),
];

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K101",
        means: "A need leads to no step, to several, or to the step itself",
        remedy: "write the name as `buildkeep plan` lists it",
        text: "`needs` takes names of steps, or the ends of names if these are enough to tell \
               steps apart.",
        wrong: &[
            SCRIPTS[0],
            SCRIPTS[1],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[[step]]\nid = \"app\"\nneeds = [\"lib\"]\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[[step]]\nid = \"app\"\nneeds = [\"libs\"]\n",
        )],
    },
    Explained {
        code: "K102",
        means: "Steps need one another in a circle",
        remedy: "take one of the needs out",
        text: "None of them could be the first. Scripts of a folder need the one before them, \
               unless their `[[step]]` has `needs`.",
        wrong: &[
            SCRIPTS[0],
            SCRIPTS[1],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[[step]]\nid = \"libs\"\nneeds = [\"app\"]\n",
            ),
        ],
        right: &[("plan.toml", "scripts = \"scripts\"\n")],
    },
    Explained {
        code: "K103",
        means: "Two scripts would be the same step, or a step is described twice",
        remedy: "give one of them another `id`",
        text: "A step is called like its script without number and ending, so `02-app.sh` and \
               `03-app.sh` are both `app`. Records are kept by that name.",
        wrong: &[
            SCRIPTS[0],
            SCRIPTS[1],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[[step]]\nid = \"app\"\nsbu = 2\n\n\
                 [[step]]\nid = \"app\"\ntimeout = \"2h\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[[step]]\nid = \"app\"\nsbu = 2\ntimeout = \"2h\"\n",
        )],
    },
    Explained {
        code: "K104",
        means: "There is no such script",
        remedy: "correct the path: from the scripts folder, or from the keep",
        text: "A `[[step]]` names its script with `script`, or a script of the folder with `id`.",
        wrong: &[
            SCRIPTS[0],
            SCRIPTS[1],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[[step]]\nscript = \"02-ap.sh\"\nsbu = 2\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[[step]]\nscript = \"02-app.sh\"\nsbu = 2\n",
        )],
    },
    Explained {
        code: "K105",
        means: "This is neither a duration nor a size",
        remedy: "write \"90m\", \"1h30m\" or seconds; \"6.3 GB\", \"512 MiB\" or bytes",
        text: "Durations know s, m (or min), h and d; sizes kB, MB, GB, TB (powers of 1000) and \
               KiB, MiB, GiB, TiB (powers of 1024).",
        wrong: &[
            SCRIPTS[0],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[[step]]\nid = \"libs\"\ntimeout = \"soon\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[[step]]\nid = \"libs\"\ntimeout = \"90m\"\n",
        )],
    },
    Explained {
        code: "K106",
        means: "A `$` means nothing here",
        remedy: "`${key}` for a configuration value, `$$` for a dollar",
        text: "plan.toml replaces `${…}` by configuration values, `${root}` and `${keep}`. \
               Variables of the shell are not known when it is read: let the script use them.",
        wrong: &[
            SCRIPTS[0],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[env]\nOUT = \"$HOME/out\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[env]\nOUT = \"${keep}/out\"\n",
        )],
    },
    Explained {
        code: "K107",
        means: "A configuration key has no value",
        remedy: "correct its spelling, or give it a value: `buildkeep config set KEY VALUE`",
        text: "A variable made of nothing would be empty without a word. `buildkeep config list` \
               shows the keys that have a value.",
        wrong: &[
            SCRIPTS[0],
            ("config/build.toml", "[build]\njobs = 16\n"),
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[env]\nJOBS = \"${build.jbos}\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[env]\nJOBS = \"${build.jobs}\"\n",
        )],
    },
    Explained {
        code: "K108",
        means: "The root cannot be this folder",
        remedy: "name a folder of its own, as `/mnt/lfs`",
        text: "`root` is what is built, kept by checkpoints and rolled back. It is never `/`, the \
               keep itself, or a folder around the keep; and nothing is replaced in it, neither \
               `$LFS` nor `~`.",
        wrong: &[
            SCRIPTS[0],
            ("plan.toml", "scripts = \"scripts\"\nroot = \"/\"\n"),
        ],
        right: &[("plan.toml", "scripts = \"scripts\"\nroot = \"/mnt/lfs\"\n")],
    },
    Explained {
        code: "K109",
        means: "A variable cannot be set",
        remedy: "use letters, digits and `_`, and no name that begins with `BUILDKEEP_`",
        text: "buildkeep sets variables of its own for every script: `BUILDKEEP_STEP` and others. \
               Values end at a NUL.",
        wrong: &[
            SCRIPTS[0],
            (
                "plan.toml",
                "scripts = \"scripts\"\n\n[env]\n\"my-jobs\" = \"16\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\n\n[env]\nMY_JOBS = \"16\"\n",
        )],
    },
    Explained {
        code: "K110",
        means: "A root is needed here, and the plan has none",
        remedy: "add `root = \"/mnt/lfs\"`, say",
        text: "Checkpoints are of the root, and `${root}` stands for it.",
        wrong: &[
            SCRIPTS[0],
            (
                "plan.toml",
                "scripts = \"scripts\"\ncheckpoint = \"after\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "scripts = \"scripts\"\nroot = \"/mnt/lfs\"\ncheckpoint = \"after\"\n",
        )],
    },
    Explained {
        code: "K111",
        means: "There is no such folder",
        remedy: "create it, or name the folder that holds the scripts",
        text: "`scripts` is taken from the keep, or is absolute.",
        wrong: &[SCRIPTS[0], ("plan.toml", "scripts = \"script\"\n")],
        right: &[("plan.toml", "scripts = \"scripts\"\n")],
    },
    Explained {
        code: "K112",
        means: "No step can have this name",
        remedy: "use letters, digits and `-`, `_`, `.`, `+`, `@`",
        text: "Names become names of files and parts of refs of Git, which are stricter than file \
               systems.",
        wrong: &[
            SCRIPTS[0],
            (
                "plan.toml",
                "[[step]]\nid = \"my libs\"\nscript = \"scripts/01-libs.sh\"\n",
            ),
        ],
        right: &[(
            "plan.toml",
            "[[step]]\nid = \"my-libs\"\nscript = \"scripts/01-libs.sh\"\n",
        )],
    },
    Explained {
        code: "K113",
        means: "A script cannot be run",
        remedy: "type the command shown: often `chmod +x SCRIPT`",
        text: "No run bit, no `#!` line, Windows line ends, an interpreter that does not exist, an \
               empty file or a dangling link: each would fail in the middle of a build. What is \
               no step can stay beside the scripts under a name that begins with `_`.",
        wrong: &[
            ("scripts/01-libs.sh", "make\n"),
            ("plan.toml", "scripts = \"scripts\"\n"),
        ],
        right: &[("scripts/01-libs.sh", "#!/bin/sh\nmake\n")],
    },
    Explained {
        code: "K114",
        means: "The system has no user of this name",
        remedy: "add the user, or correct `user` in plan.toml",
        text: "Users are looked up in /etc/passwd and /etc/group when a run begins; for a step with \
               `chroot`, in those of the root when the step begins, because an earlier one may make \
               them. Root is always known, and so is any number.",
        wrong: &[],
        right: &[],
    },
    Explained {
        code: "K115",
        means: "Only root may do this",
        remedy: "run all of it as root: `sudo buildkeep run`",
        text: "Another user's name and a root of one's own are for root to give. Who runs \
               everything as the user whom the plan names needs no root for that.",
        wrong: &[],
        right: &[],
    },
];
