//! A repository that has only some objects of a remote: those that were asked for.
use std::path::Path;

use super::{Advertised, Error, GitProgram, ObjectId};
use crate::fs::create_dirs_durable;

/// Makes Git give single objects where nobody forbade it, as nobody does on a disk of ours.
const WILLING: &str =
    "git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true upload-pack";

/// What comes with an object that is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// Nothing.
    Nothing,
    /// All that it leads to.
    All,
}

/// Fetches objects of a remote into a bare repository of ours.
#[derive(Clone, Debug)]
pub struct PartialRemote<'a> {
    git: &'a GitProgram,
    dir: &'a Path,
    url: &'a str,
    /// Whether the other side has to be made willing.
    ask: bool,
    /// What it says it has.
    pub refs: Vec<Advertised>,
}

impl<'a> PartialRemote<'a> {
    /// Makes `dir` a repository for objects of `url`, unless it is one; asks what is there. None if
    /// the remote gives nothing less than all.
    pub fn open(git: &'a GitProgram, dir: &'a Path, url: &'a str) -> Result<Option<Self>, Error> {
        if !dir.join("HEAD").exists() {
            create_dirs_durable(dir)?;
            git.run(dir, &["init", "--quiet", "--bare", "--template=", "."])?;
        }
        for (key, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialCloneFilter", "tree:0"),
            ("remote.origin.url", url),
            ("gc.auto", "0"),
        ] {
            git.run(dir, &["config", key, value])?;
        }
        for ask in [false, true] {
            let mut remote = Self {
                git,
                dir,
                url,
                ask,
                refs: Vec::new(),
            };
            if remote.look()? {
                return Ok(Some(remote));
            }
        }
        Ok(None)
    }

    /// Asks for the refs; tells whether single objects can be had.
    fn look(&mut self) -> Result<bool, Error> {
        let pack = self.upload_pack();
        let mut args = vec!["-c", "protocol.version=2", "ls-remote", "--refs"];
        args.extend(pack.iter().map(String::as_str));
        args.extend(["--", self.url]);
        let traced = self.git.traced(self.dir, &args)?;
        self.refs = super::remote::refs_of(&traced.printed);
        let offers = |line: &str| {
            let offered = line.split_once("fetch=").map(|(_, offered)| offered);
            offered.is_some_and(|words| words.split(' ').any(|word| word == "filter"))
        };
        Ok(traced.trace.lines().any(offers))
    }

    fn upload_pack(&self) -> Option<String> {
        self.ask.then(|| format!("--upload-pack={WILLING}"))
    }

    /// Fetches refs as `from:to`, and only what they name and its commits.
    pub fn fetch_refs(&self, refs: &[String]) -> Result<(), Error> {
        self.fetch(&["--prune", "--filter=tree:0"], refs)
    }

    /// Fetches objects.
    pub fn fetch_objects(&self, ids: &[ObjectId], with: With) -> Result<(), Error> {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        if ids.is_empty() {
            return Ok(());
        }
        match with {
            With::Nothing => self.fetch(&["--filter=tree:0"], &ids),
            // What is here may lack what it leads to, but Git would take it for whole.
            With::All => self.fetch(&["--refetch", "--no-filter"], &ids),
        }
    }

    fn fetch(&self, options: &[&str], what: &[String]) -> Result<(), Error> {
        let pack = self.upload_pack();
        // What is here leads to things that are not: telling the remote of it would make it believe
        // that we have those, too.
        let mut args = vec![
            "-c",
            "protocol.version=2",
            "-c",
            "fetch.negotiationAlgorithm=noop",
        ];
        args.extend(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]);
        args.extend(options);
        args.extend(pack.iter().map(String::as_str));
        args.extend(["--", "origin"]);
        args.extend(what.iter().map(String::as_str));
        self.git.run(self.dir, &args).map(drop)
    }
}
