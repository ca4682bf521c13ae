//! What can be wrong with the forms of files.
use super::Explained;

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K401",
        means: "`schema`, the version of a file's form, is not a whole number",
        remedy: "write `schema = 1`; in an overlay also `schema = { build = 2 }`",
        text: "A file says of which form it is by the key `schema` outside all tables; without it \
               the form is 1. In an overlay, which may have tables of several schemas, it is a \
               table: the names are those of the files in `schemas/`.",
        wrong: &[("buildkeep.toml", "schema = \"1\"\n")],
        right: &[("buildkeep.toml", "schema = 1\n")],
    },
    Explained {
        code: "K402",
        means: "The file is of a newer form than the schema knows",
        remedy: "get the newer schema (`git pull`), or upgrade buildkeep",
        text: "Somebody with a newer schema, or a newer buildkeep, wrote this file. Nobody here \
               knows what its keys mean, so none of it is read. Forms are never migrated back; \
               `buildkeep rollback` brings an older version of file and schema.",
        wrong: &[("buildkeep.toml", "schema = 2\n")],
        right: &[("buildkeep.toml", "schema = 1\n")],
    },
    Explained {
        code: "K403",
        means: "A file of an old form cannot be read as the new one",
        remedy: "mend the value as the old form has it, or rewrite the file by hand",
        text: "The steps of the schema (`x-buildkeep-migrations`) do not fit what the file says: a \
               text that is no number, a key that is set under its old and its new name. The value \
               is not shown, because it may be a secret under a name that no schema knows any more.",
        wrong: &[
            ("schemas/net.schema.json", PORT),
            ("config/net.toml", "[net]\nport = \"https\"\n"),
        ],
        right: &[("config/net.toml", "[net]\nport = \"443\"\n")],
    },
    Explained {
        code: "K404",
        means: "An overlay says one number for tables of several schemas",
        remedy: "say the form of each: `schema = { build = 3, net = 2 }`",
        text: "Each schema counts its own forms. One number in an overlay will do while only one \
               of its tables is of a schema that has several.",
        wrong: &[
            ("schemas/net.schema.json", PORT),
            ("schemas/disk.schema.json", SIZE),
            (
                "config/profiles/big.toml",
                "schema = 2\n[net]\nport = 443\n[disk]\nsize = 1\n",
            ),
        ],
        right: &[(
            "config/profiles/big.toml",
            "schema = { net = 2, disk = 2 }\n[net]\nport = 443\n[disk]\nsize = 1\n",
        )],
    },
    Explained {
        code: "K405",
        means: "`x-buildkeep-version` or `x-buildkeep-migrations` in a schema cannot be used",
        remedy: "see the message; every form below the version needs its steps",
        text: "A schema of form 3 has two entries in `x-buildkeep-migrations`: from 1 and from 2. \
               An entry may be without steps.",
        wrong: &[("schemas/net.schema.json", "{\"x-buildkeep-version\": 2}\n")],
        right: &[(
            "schemas/net.schema.json",
            "{\"x-buildkeep-version\": 2, \"x-buildkeep-migrations\": [{\"from\": 1}]}\n",
        )],
    },
];

const PORT: &str = r#"{
  "x-buildkeep-version": 2,
  "x-buildkeep-migrations": [
    {"from": 1, "steps": [{"convert": {"key": "net.port", "to": "integer"}}]}
  ],
  "properties": {"net": {"properties": {"port": {"type": "integer"}}}}
}
"#;

const SIZE: &str = r#"{
  "x-buildkeep-version": 2,
  "x-buildkeep-migrations": [{"from": 1}],
  "properties": {"disk": {"properties": {"size": {"type": "integer"}}}}
}
"#;
