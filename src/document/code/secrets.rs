//! What can be wrong with secrets, and with what is rendered.
use super::Explained;

/// Examples of these would be secrets in our own files.
const NONE: super::Sample = &[];

pub(super) const TABLE: &[Explained] = &[
    Explained {
        code: "K301",
        means: "A file holds what looks like a private key",
        remedy: "keep the key outside of the keep and name it: `secret:NAME`",
        text: "What is committed is in the history for ever, on every machine that has a clone. A \
               line `-----BEGIN … PRIVATE KEY-----` counts only with a key below it. If it is a key \
               that protects nothing (of a test), allow it: docs/guide/secrets.md says how.",
        wrong: NONE,
        right: NONE,
    },
    Explained {
        code: "K302",
        means: "A file holds what looks like a token of a service",
        remedy: "keep the token outside of the keep and name it: `secret:NAME`; if it was pushed, revoke it",
        text: "Tokens of AWS, GitHub, GitLab, Slack, npm, PyPI, Docker, Google, Stripe and private \
               keys of age are known by how they begin and how long they are.",
        wrong: NONE,
        right: NONE,
    },
    Explained {
        code: "K303",
        means: "A file holds what looks like a password",
        remedy: "keep it outside of the keep and name it: `secret:NAME`",
        text: "An address `https://user:password@host`, a line as in `.netrc`, an `Authorization:` \
               header, or, in settings and scripts of a shell, a random-looking value of a name such \
               as `MIRROR_TOKEN` or `password`.",
        wrong: NONE,
        right: NONE,
    },
    Explained {
        code: "K304",
        means: "A key that its schema marks secret has a value of its own",
        remedy: "say where the value comes from in `[secrets]` of buildkeep.toml, and write `\"secret:NAME\"`",
        text: "Secrets are references, never values: a value would be in the history for ever. The \
               reference is resolved when a step starts that reads the key.",
        wrong: NONE,
        right: NONE,
    },
    Explained {
        code: "K305",
        means: "A value refers to a secret that `[secrets]` does not describe",
        remedy: "correct the name, or add it to `[secrets]` in buildkeep.toml",
        text: "`secret:NAME` is a reference wherever it is the whole text of a value. `buildkeep secret \
               list` shows the names there are.",
        wrong: &[("config/net.toml", "[net]\ntoken = \"secret:mirror\"\n")],
        right: &[(
            "buildkeep.toml",
            "[secrets]\nmirror = { env = \"MIRROR_TOKEN\" }\n",
        )],
    },
    Explained {
        code: "K306",
        means: "A secret in `[secrets]` has no source, or several",
        remedy: "give it one of `env`, `command`, `age`",
        text: "`env` is a variable, `command` a program with its arguments that prints the value, \
               `age` an encrypted file in the keep, which needs an `identity` to read it.",
        wrong: &[(
            "buildkeep.toml",
            "[secrets]\nmirror = { env = \"A\", age = \"secrets/a.age\" }\n",
        )],
        right: &[("buildkeep.toml", "[secrets]\nmirror = { env = \"A\" }\n")],
    },
    Explained {
        code: "K320",
        means: "A template cannot be rendered",
        remedy: "see the place in the template; `buildkeep config list` shows the keys there are",
        text: "Every name must have a value: a template never renders nothing for a key that is \
               misspelt. `{{ x | default(\"\") }}` says that one may be missing.",
        wrong: NONE,
        right: NONE,
    },
    Explained {
        code: "K321",
        means: "A rendering may not be written where it should",
        remedy: "choose another `to`, or say `outside = true` or `mode = \"0600\"` as the message tells",
        text: "Renderings go below the keep or below the root of the build, through no symlink; \
               elsewhere only with `outside = true`. One with secrets is never put where Git would \
               see it, and only its owner may read it.",
        wrong: NONE,
        right: NONE,
    },
];
