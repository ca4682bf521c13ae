//! `backup create --stdin`
use std::io;
use std::path::PathBuf;

use crate::commands::Context;
use crate::commands::vaults::{set_name, shown};
use crate::failure::Failure;
use crate::vault::Vault;
use crate::vault::archive::{Import, Imported, StdinFile, create_from_reader};

/// What another program writes, as a snapshot.
#[derive(Debug, Default, clap::Args)]
pub(in crate::commands::backup) struct StdinArgs {
    /// Take what comes from standard input, as one file
    #[arg(long, conflicts_with_all = ["paths", "exclude", "exclude_caches", "exclude_larger_than", "cross_file_systems", "one_file_system"])]
    stdin: bool,
    /// The name of that file
    #[arg(long, value_name = "NAME", requires = "stdin", default_value = "stdin")]
    stdin_name: PathBuf,
}

impl StdinArgs {
    /// Whether that is asked for.
    pub(in crate::commands::backup) fn is_asked(&self) -> bool {
        self.stdin
    }

    /// Takes the snapshot.
    pub(in crate::commands::backup) fn take(
        &self,
        cx: &mut Context,
        vault: &Vault,
        (set, host): (Option<String>, String),
    ) -> Result<Imported, Failure> {
        let filing = Import {
            host,
            set,
            default_set: set_name(&self.stdin_name),
            op: cx.op.clone(),
            from: "standard input".to_owned(),
        };
        let now = cx.world.clock.now();
        let file = StdinFile {
            name: self.stdin_name.as_os_str().as_encoded_bytes().to_vec(),
            owner: (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
            mtime: (now.timestamp(), now.timestamp_subsec_nanos()),
        };
        let world = &cx.world;
        let taken = shown(&mut cx.ui, "reading standard input", |counter| {
            create_from_reader(vault, (&filing, &file), &mut io::stdin(), world, counter)
        });
        Ok(taken?)
    }
}
