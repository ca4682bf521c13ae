//! Off site: any Git remote.
//!
//! A keep's branches and tags go under their own names. A vault in the same remote goes under
//! `refs/vaults/<name>/`, which a plain `git clone` leaves where it is: it can be large.
use std::path::Path;

use serde::Serialize;

use super::{Error, GitProgram, Keep, Repo, without_password};
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
        push(git, self.root(), remote, &refs)
    }

    /// Pushes all snapshots of a vault to the same remote, reusing its packs as they are.
    pub fn push_vault(
        &self,
        git: &GitProgram,
        remote: &str,
        vault: &Repo,
        name: &str,
    ) -> Result<Vec<PushedRef>, Error> {
        let url = git.run(self.root(), &["remote", "get-url", "--push", "--", remote])?;
        // A snapshot has no parent; without a bitmap Git would send every object again.
        git.run(vault.git_dir(), &["multi-pack-index", "write", "--bitmap"])?;
        let refs = [format!("refs/tags/*:refs/vaults/{name}/*")];
        push(
            git,
            vault.git_dir(),
            &absolute_url(self.root(), url.trim()),
            &refs,
        )
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
        let url = git.run(self.root(), &["remote", "get-url", "--", remote])?;
        let url = absolute_url(self.root(), url.trim());
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

fn push(
    git: &GitProgram,
    dir: &Path,
    remote: &str,
    refs: &[String],
) -> Result<Vec<PushedRef>, Error> {
    let mut args = vec!["push", "--porcelain", "--", remote];
    args.extend(refs.iter().map(String::as_str));
    let output = git.output(dir, &args)?;
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
    if output.status.success()
        || pushed
            .iter()
            .any(|pushed| pushed.outcome == PushOutcome::Rejected)
    {
        return Ok(pushed);
    }
    Err(Error::GitProgram {
        command: format!("push {}", without_password(remote)),
        code: output.status.code(),
        stderr: without_password(said.trim()),
    })
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
}
