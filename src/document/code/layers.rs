//! What can be wrong with files together.
use super::Explained;

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K014",
        means: "Two files in `config/` set the same key",
        remedy: "keep one; exceptions for a machine go to `config/hosts/HOST.toml`",
        text: "All files of `config/` are one layer: none of them is stronger than another, so \
               nothing could say which value holds. Tables may be spread over several files.",
        wrong: &[
            ("config/build.toml", "[build]\njobs = 16\n"),
            ("config/extra.toml", "[build]\njobs = 8\n"),
        ],
        right: &[("config/extra.toml", "[build]\ntests = \"none\"\n")],
    },
    Explained {
        code: "K015",
        means: "`profiles` in buildkeep.toml names a profile that does not exist",
        remedy: "write `config/profiles/NAME.toml`, or take the name out",
        text: "The profiles in force are those that buildkeep.toml names, the last one winning.",
        wrong: &[
            ("buildkeep.toml", "profiles = [\"fst\"]\n"),
            ("config/profiles/fast.toml", "[build]\njobs = 16\n"),
        ],
        right: &[("buildkeep.toml", "profiles = [\"fast\"]\n")],
    },
    Explained {
        code: "K016",
        means: "`BUILDKEEP_SET_…` or `-c` names no key",
        remedy: "write the key as `build.jobs`, in a variable as `BUILD__JOBS`",
        text: "In the name of a variable two underscores are a dot, and capitals do not count. \
               A variable that you did not set yourself may be left from another shell: \
               `env | grep BUILDKEEP_SET`.",
        wrong: &[],
        right: &[],
    },
    Explained {
        code: "K017",
        means: "A configuration file is a symlink",
        remedy: "replace it by the file it points at",
        text: "What a symlink points at lies outside of the history: it could be neither compared \
               nor brought back.",
        wrong: &[],
        right: &[],
    },
];
