//! What sort of repository it is, and whether its settings can be read.
use std::path::Path;

use gix::config::{File, Source};

use super::{Finding, Patient, Remedy};

/// Extensions of Git that change nothing for us.
const HARMLESS: &[&str] = &["noop", "preciousobjects", "relativeworktrees"];

/// What makes a keep with SHA-256 objects one that can be written.
pub const FROM_SHA256: &str = "git init --object-format=sha1 --ref-format=files -b \"$(git branch --show-current)\" ../new-keep && \
    git fast-export --all --signed-tags=strip | git -C ../new-keep fast-import && \
    git -C ../new-keep reset --hard";
/// What makes a keep with a reftable one that can be written; needs Git 2.46.
pub const FROM_REFTABLE: &str = "git refs migrate --ref-format=files";

/// The trouble that makes a keep one of another kind.
const UNSUPPORTED: &[&str] = &["sha256", "reftable", "second-work-tree", "newer-format"];

pub(super) fn is_unsupported(finding: &Finding) -> bool {
    UNSUPPORTED.contains(&finding.id)
}

impl Patient {
    pub(super) fn look_at_format(&self) -> Vec<Finding> {
        if self.git_dir.is_file() {
            return vec![second_work_tree()];
        }
        let path = self.git_dir.join("config");
        let Some(settings) = settings(&path) else {
            let found = format!("{} cannot be read, or is empty", self.shown(&path));
            let why = "Git does not know what kind of repository it is, and forgets its remotes";
            let mend = "write one as `buildkeep init` does; remotes have to be added again";
            return vec![Finding::new("git-config", found, why).remedy(mend, Remedy::Settings)];
        };
        let mut findings: Vec<Finding> = extensions(&settings);
        findings.extend(version(&settings));
        findings.extend(self.shallow());
        findings
    }

    fn shallow(&self) -> Option<Finding> {
        let found = "the history was cut off when it was cloned (`--depth`)";
        let why = "older versions cannot be shown or rolled back to";
        let finding = Finding::new("shallow", found, why).command("git fetch --unshallow");
        self.git_dir.join("shallow").exists().then_some(finding)
    }
}

fn settings(path: &Path) -> Option<File> {
    let file = File::from_path_no_includes(path.to_owned(), Source::Local).ok()?;
    file.sections_by_name("core")?.next()?;
    Some(file)
}

fn version(settings: &File) -> Option<Finding> {
    let text = settings.string("core.repositoryformatversion")?.to_string();
    let found = format!("core.repositoryformatversion is {text}");
    let why = "only versions 0 and 1 are known: what a newer one means, nobody here can tell";
    let finding = Finding::new("newer-format", found, why).command("buildkeep clone . ../new-keep");
    (!matches!(text.as_str(), "0" | "1")).then_some(finding)
}

/// Extensions count in version 1; Git honours some of them in version 0 too.
fn extensions(settings: &File) -> Vec<Finding> {
    let sections = settings.sections_by_name("extensions");
    let mut findings = Vec::new();
    for section in sections.into_iter().flatten() {
        for name in section.value_names() {
            let name = name.to_ascii_lowercase();
            let value = section
                .value(&name)
                .map(|value| value.to_string().to_ascii_lowercase());
            findings.extend(extension(&name, &value.unwrap_or_default()));
        }
    }
    findings
}

fn extension(name: &str, value: &str) -> Option<Finding> {
    let finding = match (name, value) {
        ("objectformat", "sha1") | ("refstorage", "files") => return None,
        ("objectformat", _) => Finding::new(
            "sha256",
            "the objects have SHA-256 names",
            "buildkeep reads and writes SHA-1 repositories only, as nearly all servers do",
        )
        .command(FROM_SHA256),
        ("refstorage", _) => Finding::new(
            "reftable",
            "the refs are kept in a reftable",
            "a power cut can lose them all, and buildkeep cannot write them",
        )
        .command(FROM_REFTABLE),
        ("partialclone", _) => Finding::new(
            "partial-clone",
            "it is a partial clone: objects are fetched when somebody wants them",
            "buildkeep never goes to the network by itself, so old versions may be unreadable",
        )
        .command("git fetch --refetch --no-filter && git config unset extensions.partialClone"),
        ("worktreeconfig", "true") => Finding::new(
            "worktree-config",
            "some settings may be in .git/config.worktree",
            "buildkeep reads .git/config only",
        )
        .command("git config --worktree --list && git config unset extensions.worktreeConfig"),
        (name, _) if HARMLESS.contains(&name) || name == "worktreeconfig" => return None,
        (name, _) => Finding::new(
            "newer-format",
            format!("the repository uses extensions.{name}"),
            "what it changes is not known here, so buildkeep keeps its hands off",
        )
        .command("buildkeep clone . ../new-keep"),
    };
    Some(finding)
}

fn second_work_tree() -> Finding {
    Finding::new(
        "second-work-tree",
        "this is a second work tree, made by `git worktree add`",
        "commands only read here: the lock and the private folder are in the first one",
    )
    .command("cd \"$(git rev-parse --git-common-dir)/..\"")
}
