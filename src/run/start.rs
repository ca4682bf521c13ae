//! Starting an attempt, and taking charge of one that was left alone.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::error::Doing as _;
use super::helper::{Helper, Program};
use super::log::LogWriter;
use super::{AttemptDir, Error, Spec};
use crate::fs::{AtPath as _, create_dirs_durable};

/// Starts the attempt in `dir`, whose script gets exactly `environment`.
///
/// What is to be run is on disk before anything runs. The keeper that is returned is a child of
/// ours, but does not care for us.
pub fn start(
    program: &Program,
    dir: &AttemptDir,
    spec: &Spec,
    environment: &BTreeMap<OsString, OsString>,
) -> Result<Child, Error> {
    create_dirs_durable(dir.path())?;
    let fifo = dir.fifo();
    mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).at("create", &fifo)?;
    drop(LogWriter::open(&dir.log())?);
    spec.save(dir)?;
    program
        .helper(&Helper::Keeper, dir)
        .env_clear()
        .envs(environment)
        .spawn()
        .doing("start the helper process")
}

/// Starts a keeper for the attempt in `dir`, which nobody is in charge of; it ends at once if
/// somebody is.
///
/// A descriptor of the `script` that was opened while it lived tells how it ended even if it is gone
/// by now.
pub fn adopt(program: &Program, dir: &AttemptDir, script: Option<OwnedFd>) -> Result<Child, Error> {
    program
        .helper(&Helper::Adopt, dir)
        .stdin(script.map_or_else(Stdio::null, Stdio::from))
        .spawn()
        .doing("start the helper process")
}
