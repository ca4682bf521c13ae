//! What a worker can be asked to do.
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::node::Node;
use crate::vault::queue::{Job, Queue};
use crate::vault::stat::Stat;

pub(super) type CreateJob<'c> = Job<Folder<'c>, Large<'c>>;
pub(super) type CreateQueue<'c> = Queue<Folder<'c>, Large<'c>>;

/// A folder to look into.
pub(super) struct Folder<'c> {
    pub(super) parent: Arc<OwnedFd>,
    pub(super) name: Vec<u8>,
    pub(super) stat: Stat,
    /// The file system of the folder around it.
    pub(super) file_system: u64,
    pub(super) node: Arc<Node<'c>>,
}

/// A large file, an entry of a folder that was looked into.
pub(super) struct Large<'c> {
    pub(super) dir: Arc<OwnedFd>,
    pub(super) name: Vec<u8>,
    pub(super) node: Arc<Node<'c>>,
    pub(super) slot: usize,
}
