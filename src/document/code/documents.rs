//! What can be wrong with one file.
use super::Explained;

const RIGHT: (&str, &str) = (
    "config/build.toml",
    "[build]\ntarget = \"x86_64-linux\"\njobs = 16\ntests = \"quick\"\n",
);

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K001",
        means: "The text is not TOML",
        remedy: "mend the place shown; text values need quotes, each key stands on a line of its own",
        text: "A file that cannot be read as TOML is not looked at any further, so there may be \
               more to mend once this is. Common reasons: text without quotes, a bracket or quote \
               that is not closed, `:` in place of `=`, a Windows path in double quotes (write it \
               in single ones).",
        wrong: &[("config/build.toml", "[build]\ntarget = x86_64-linux\n")],
        right: &[("config/build.toml", "[build]\ntarget = \"x86_64-linux\"\n")],
    },
    Explained {
        code: "K002",
        means: "Nothing reads this key",
        remedy: "correct its spelling, or move it to the table that it belongs to",
        text: "The schema of the file lists the keys there are and says \
               `\"additionalProperties\": false`. A misspelt key would otherwise be ignored, and \
               the default would hold without a word. A key below the wrong `[table]` header is \
               the other common reason.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njosb = 16\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K003",
        means: "A key that must be there is missing",
        remedy: "add the line shown",
        text: "What counts is what holds in the end: a default of the schema, a profile in force \
               or any file of `config/` may give the value, and no layer has to be complete. The \
               overlay of a host gives it for that host only; a key whose schema says \
               `\"x-buildkeep-scope\": \"host\"` is looked for there alone.",
        wrong: &[("config/build.toml", "[build]\njobs = 16\n")],
        right: &[RIGHT],
    },
    Explained {
        code: "K004",
        means: "The value has the wrong type",
        remedy: "remove or add quotes or brackets, as shown",
        text: "In TOML `16` is a number and `\"16\"` is text; `true` is not `\"true\"`; a list has \
               brackets even if it has one item. Whole numbers have no point: `2`, not `2.0`.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njobs = \"16\"\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K005",
        means: "The value is none of the allowed ones",
        remedy: "choose one of the list",
        text: "The schema lists what may be written (`enum`), or allows one value only (`const`). \
               Capitals count.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njobs = 16\ntests = \"Quick\"\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K006",
        means: "A number is too small or too large, a text or list too short or too long",
        remedy: "see the limits in the message",
        text: "`buildkeep config schema KEY` shows the limits of a key.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njobs = 1000\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K007",
        means: "The text does not have the form that is wanted",
        remedy: "see the pattern in the message, or the example",
        text: "The schema gives a regular expression (`pattern`) or the name of a form (`format`), \
               as `date` or `uri`.",
        wrong: &[("config/build.toml", "[build]\ntarget = \"X86 64\"\n")],
        right: &[RIGHT],
    },
    Explained {
        code: "K008",
        means: "A key is set twice in one file, or a list names the same thing twice",
        remedy: "keep one",
        text: "TOML allows each key and each `[table]` header once in a file. A list whose schema \
               says `\"uniqueItems\": true` may name each thing once.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njobs = 8\njobs = 16\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K009",
        means: "Another rule of the schema is broken",
        remedy: "see the schema: `buildkeep config schema KEY`",
        text: "Rules about several keys at once, such as `not` or `oneOf`, and rules that have no \
               code of their own. They are checked in what holds in the end, so the keys may \
               stand in different layers.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\njobs = 16\nserial = true\n",
        )],
        right: &[RIGHT],
    },
    Explained {
        code: "K010",
        means: "`nan` and `inf` are numbers in TOML only",
        remedy: "write a finite number",
        text: "Neither scripts nor JSON have a use for them, and `nan` does not even equal itself, \
               so no change could be told.",
        wrong: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\nload = inf\n",
        )],
        right: &[(
            "config/build.toml",
            "[build]\ntarget = \"x86_64-linux\"\nload = 1e9\n",
        )],
    },
    Explained {
        code: "K011",
        means: "The file is not UTF-8",
        remedy: "`iconv -f latin1 -t utf-8 OLD > NEW`",
        text: "TOML is UTF-8 by definition. The place shown is the first byte that is not. Files \
               from Windows may be UTF-16: `iconv -f utf-16 -t utf-8`.",
        wrong: &[],
        right: &[],
    },
    Explained {
        code: "K012",
        means: "A key cannot be set or unset like this",
        remedy: "name a key that holds a value; for lists set the whole list",
        text: "`config set` and `config unset` change one value and leave every other byte of the \
               file alone. A table is changed key by key, and an item cannot be taken out of a \
               list by its number. `buildkeep config edit` changes anything.",
        wrong: &[],
        right: &[],
    },
    Explained {
        code: "K013",
        means: "A schema in `schemas/` cannot be used",
        remedy: "mend the JSON; `$ref` may point into the same file only",
        text: "Schemas are JSON Schema, draft 2020-12. Nothing is ever fetched from the network. \
               Annotations of ours (`x-buildkeep-…`) that are misspelt or have values that mean \
               nothing are told too.",
        wrong: &[(
            "schemas/build.schema.json",
            "{\"properties\": {\"build\": {\"type\": \"tabel\"}}}\n",
        )],
        right: &[(
            "schemas/build.schema.json",
            "{\"properties\": {\"build\": {\"type\": \"object\"}}}\n",
        )],
    },
];
