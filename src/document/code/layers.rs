//! What can be wrong with files together.
use super::Explained;

const SCHEMA: (&str, &str) = (
    "schemas/build.schema.json",
    r#"{
  "properties": {
    "build": {
      "properties": {
        "device": {"type": "string", "x-buildkeep-scope": "host"},
        "cores": {"type": "integer", "deprecated": true, "x-buildkeep-replaced-by": "build.jobs"},
        "jobs": {"type": "integer"}
      }
    }
  }
}
"#,
);

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
        means: "`BUILDKEEP_SET_…` or `-c` names no key, or has a value that is none",
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
    Explained {
        code: "K018",
        means: "A key may not be set in this layer",
        remedy: "move it to `config/hosts/HOST.toml`, or to the shared files",
        text: "The schema says where a key belongs: `\"x-buildkeep-scope\": \"host\"` is for what \
               differs from machine to machine, as a disk, and would be wrong for all others; \
               `\"shared\"` is for what must be the same everywhere.",
        wrong: &[
            SCHEMA,
            ("config/build.toml", "[build]\ndevice = \"/dev/sdb\"\n"),
        ],
        right: &[
            ("config/build.toml", "[build]\njobs = 16\n"),
            ("config/hosts/box.toml", "[build]\ndevice = \"/dev/sdb\"\n"),
        ],
    },
    Explained {
        code: "K019",
        means: "A key goes away (a warning)",
        remedy: "use the key that replaces it",
        text: "The schema says `\"deprecated\": true`; the key works as before. \
               `x-buildkeep-replaced-by` names the key to use in its place.",
        wrong: &[SCHEMA, ("config/build.toml", "[build]\ncores = 16\n")],
        right: &[("config/build.toml", "[build]\njobs = 16\n")],
    },
];
