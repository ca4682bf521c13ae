//! Off site: any Git remote.
//!
//! A keep's branches and tags go under their own names. A vault in the same remote goes under
//! `refs/vaults/<name>/`, which a plain `git clone` leaves where it is: it can be large.
use std::path::Path;

use serde::Serialize;

use super::{Error, GitProgram, Keep, ObjectId, Repo, without_password};
use crate::fs::AtPath as _;
use crate::world::World;

/// A ref that a push looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushedRef {
    /// Its name at the remote.
    pub name: String,
    /// What became of it.
    pub outcome: PushOutcome,
    /// Git's own words.
    pub summary: String,
}

impl PushedRef {
    /// Whether the remote did not take it.
    pub fn is_rejected(&self) -> bool {
        self.outcome == PushOutcome::Rejected
    }
}

/// What became of a ref in a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushOutcome {
    /// It is new there.
    Created,
    /// It moved on.
    Updated,
    /// It was there already.
    UpToDate,
    /// The remote did not take it.
    Rejected,
}

impl Keep {
    /// Pushes the branch, the state of this host, and all tags.
    pub fn push(&self, git: &GitProgram, remote: &str) -> Result<Vec<PushedRef>, Error> {
        let branch = self.branch()?;
        let state = Self::state_ref(&self.host());
        let mut refs = vec![format!("{branch}:{branch}")];
        if self.state_tip()?.is_some() {
            refs.push(format!("{state}:{state}"));
        }
        refs.push("refs/tags/*:refs/tags/*".into());
        push_refs(git, self.root(), (remote, &refs), &mut |_| {})
    }

    /// Where a remote is pushed to, as seen from anywhere.
    pub fn push_url(&self, git: &GitProgram, remote: &str) -> Result<String, Error> {
        let url = git.run(self.root(), &["remote", "get-url", "--push", "--", remote])?;
        Ok(absolute_url(self.root(), url.trim()))
    }

    /// Where a remote is fetched from, as seen from anywhere.
    pub fn fetch_url(&self, git: &GitProgram, remote: &str) -> Result<String, Error> {
        let url = git.run(self.root(), &["remote", "get-url", "--", remote])?;
        Ok(absolute_url(self.root(), url.trim()))
    }

    /// Clones a keep into `dir`, which must be new or empty, and gives this machine an id in it.
    pub fn clone_from(
        git: &GitProgram,
        url: &str,
        dir: &Path,
        world: &World,
    ) -> Result<Self, Error> {
        if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Error::NotEmpty {
                dir: dir.to_owned(),
            });
        }
        let there_before = dir.exists();
        let target = dir.to_string_lossy();
        git.run(
            &world.cwd,
            &[
                "clone",
                "--quiet",
                "--template=",
                "--origin=origin",
                "--",
                url,
                &target,
            ],
        )?;
        let keep = Self::finish_clone(git, dir, world);
        if keep.is_err() {
            let outside = dir.parent().unwrap_or(dir);
            crate::fs::remove_tree(outside, dir)?;
            if there_before {
                crate::fs::create_dirs_durable(dir)?;
            }
        }
        keep
    }

    fn finish_clone(git: &GitProgram, dir: &Path, world: &World) -> Result<Self, Error> {
        let root = std::fs::canonicalize(dir).at("open", dir)?;
        if !root.join("buildkeep.toml").is_file() {
            check_out(git, &root)?;
        }
        if !root.join("buildkeep.toml").is_file() {
            return Err(Error::NotAKeep { path: root });
        }
        super::skeleton::adopt(&root.join(".git"), super::keep::SETTINGS)?;
        let repo = Repo::open(&root.join(".git"))?;
        if let Some(head) = repo.head()?
            && repo.id_at(head, ".buildkeep")?.is_some()
        {
            return Err(Error::PrivateTracked { path: root });
        }
        let keep = Self::open(&root)?;
        keep.adopt_host(&format!("{}-{}", world.hostname, world.ids.short()))?;
        crate::fs::sync_tree(&root)?;
        Ok(keep)
    }

    /// The names of the vaults that the remote `origin` holds.
    pub fn remote_vaults(&self, git: &GitProgram, remote: &str) -> Result<Vec<String>, Error> {
        let text = git.run(self.root(), &["ls-remote", "--", remote, "refs/vaults/*"])?;
        let names = text.lines().filter_map(|line| {
            let name = line.split_once("\trefs/vaults/")?.1;
            Some(name.split('/').next()?.to_owned())
        });
        let mut names: Vec<_> = names.collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Fetches the snapshots of the vault `name` from a remote into `vault`.
    pub fn fetch_vault(
        &self,
        git: &GitProgram,
        remote: &str,
        vault: &Repo,
        name: &str,
    ) -> Result<(), Error> {
        let url = self.fetch_url(git, remote)?;
        let refs = format!("refs/vaults/{name}/*:refs/tags/*");
        git.run(
            vault.git_dir(),
            &["fetch", "--quiet", "--no-tags", "--", &url, &refs],
        )?;
        crate::fs::sync_tree(vault.git_dir())?;
        Ok(())
    }
}

/// Checks a branch out where the remote's `HEAD` names one that is not there: a bare repository
/// made by `git init --bare` may say `master` for ever.
fn check_out(git: &GitProgram, root: &Path) -> Result<(), Error> {
    let format = [
        "for-each-ref",
        "--format=%(refname:lstrip=3)",
        "refs/remotes/origin",
    ];
    let branches = git.run(root, &format)?;
    let is_branch = |name: &&str| *name != "HEAD" && !name.starts_with("state/");
    let found: Vec<_> = branches.lines().filter(is_branch).collect();
    let branch = match found.as_slice() {
        names if names.contains(&"main") => "main",
        [only] => only,
        _ => return Ok(()),
    };
    let start = format!("refs/remotes/origin/{branch}");
    git.run(
        root,
        &["checkout", "--quiet", "-B", branch, "--track", &start],
    )?;
    Ok(())
}

/// A folder that a remote names is relative to the keep.
fn absolute_url(root: &Path, url: &str) -> String {
    let folder = root.join(url);
    if !url.contains(':') && folder.exists() {
        folder.to_string_lossy().into_owned()
    } else {
        url.to_owned()
    }
}

/// A ref that a remote says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Its name.
    pub name: String,
    /// What it points at.
    pub id: ObjectId,
}

/// The refs of a remote.
pub fn advertised(git: &GitProgram, dir: &Path, url: &str) -> Result<Vec<Advertised>, Error> {
    Ok(refs_of(&git.run(dir, &["ls-remote", "--refs", "--", url])?))
}

/// The refs that `git ls-remote` prints.
pub(super) fn refs_of(text: &str) -> Vec<Advertised> {
    let refs = text.lines().filter_map(|line| {
        let (id, name) = line.split_once('\t')?;
        Some(Advertised {
            name: name.to_owned(),
            id: ObjectId::from_hex(id.as_bytes()).ok()?,
        })
    });
    refs.collect()
}

/// Makes Git's index of all packs, with a bitmap: a snapshot has no parent, and without it Git would
/// send every object again. Objects that are in packs as well go from where they are alone.
pub fn index_all(git: &GitProgram, repo: &Repo) -> Result<(), Error> {
    let dir = repo.git_dir();
    git.run(dir, &["prune-packed", "--quiet"])?;
    git.run(
        dir,
        &["multi-pack-index", "write", "--bitmap", "--no-progress"],
    )?;
    Ok(())
}

/// Pushes refs as `from:to`; `watch` is told how much of it is sent, in per cent.
pub fn push_refs(
    git: &GitProgram,
    dir: &Path,
    (remote, refs): (&str, &[String]),
    watch: &mut dyn FnMut(u64),
) -> Result<Vec<PushedRef>, Error> {
    let mut args = vec!["push", "--porcelain", "--progress", "--", remote];
    args.extend(refs.iter().map(String::as_str));
    let output = git.watched(dir, &args, &mut |line| {
        if let Some(percent) = sent_of(line) {
            watch(percent);
        }
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pushed: Vec<_> = text.lines().filter_map(parse_line).collect();
    let said = String::from_utf8_lossy(&output.stderr);
    if is_declined(&pushed) {
        return Err(Error::Refused {
            remote: without_password(remote),
            said: without_password(said.trim()),
        });
    }
    // With refs to tell about, a rejection is a result; without any, the remote was not reached.
    if output.status.success() || pushed.iter().any(PushedRef::is_rejected) {
        return Ok(pushed);
    }
    Err(Error::GitProgram {
        command: format!("push {}", without_password(remote)),
        code: output.status.code(),
        stderr: without_password(said.trim()),
    })
}

/// `Writing objects:  45% (5/11), 1.20 MiB | 3.00 MiB/s` → 45.
fn sent_of(line: &str) -> Option<u64> {
    percent_of(line, "Writing objects:")
}

/// How much of a phase is done.
pub(super) fn percent_of(line: &str, phase: &str) -> Option<u64> {
    let rest = line.strip_prefix(phase)?;
    rest.split_once('%')?.0.trim().parse().ok()
}

/// Whether a hook of the remote refused all of it, for a reason that only the hook knows.
fn is_declined(pushed: &[PushedRef]) -> bool {
    let declined = |pushed: &PushedRef| pushed.summary.contains("pre-receive hook declined");
    pushed.iter().any(declined)
}

/// A line of `git push --porcelain`: flag, `from:to`, summary, separated by tabs.
fn parse_line(line: &str) -> Option<PushedRef> {
    let mut fields = line.split('\t');
    let flag = fields.next().filter(|flag| flag.len() == 1)?;
    let (_, name) = fields.next()?.split_once(':')?;
    let outcome = match flag {
        "*" => PushOutcome::Created,
        "=" => PushOutcome::UpToDate,
        "!" => PushOutcome::Rejected,
        _ => PushOutcome::Updated,
    };
    Some(PushedRef {
        name: name.to_owned(),
        outcome,
        summary: fields.next().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_push_are_read() {
        let created = parse_line("*\trefs/heads/main:refs/heads/main\t[new branch]").unwrap();
        assert_eq!(
            (created.name.as_str(), created.outcome),
            ("refs/heads/main", PushOutcome::Created)
        );
        let rejected = parse_line("!\tHEAD:refs/heads/main\t[rejected] (fetch first)").unwrap();
        assert_eq!(rejected.outcome, PushOutcome::Rejected);
        assert_eq!(parse_line("To /tmp/x"), None);
        assert_eq!(parse_line("Done"), None);
    }

    #[test]
    fn how_much_is_sent_is_read() {
        let line = "Writing objects:  45% (5/11), 1.20 MiB | 3.00 MiB/s";
        assert_eq!(sent_of(line), Some(45));
        assert_eq!(sent_of("Writing objects: 100% (11/11), done."), Some(100));
        assert_eq!(sent_of("Counting objects: 45% (5/11)"), None);
    }
}
