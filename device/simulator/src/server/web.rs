//! What people do on the web, and what an administrator does. They own everything; what is refused is not done.

use bitvault_device::planner::{AccountId, Name, NodeId, RemoteNode, Sha256, UploadTo};
use bytes::Bytes;
use sha2::Digest as _;
use uuid::Uuid;

use super::ModelServer;

/// Who acts on the web.
const SOMEBODY: AccountId = AccountId(Uuid::nil());

impl ModelServer {
    /// The live nodes, the root first, folders before what they hold.
    pub fn nodes(&self) -> Vec<RemoteNode> {
        let inner = self.lock();
        inner.below(inner.root()).into_iter().cloned().collect()
    }

    /// The bytes of the live files at and below a node.
    pub fn contents(&self, node: NodeId) -> Vec<Bytes> {
        let inner = self.lock();
        let below = inner.below(node).into_iter();
        below
            .filter_map(|node| inner.content(node.kind.content()?.version))
            .collect()
    }

    /// The same, with what the devices' account does not see.
    pub fn all_contents(&self, node: NodeId) -> Vec<Bytes> {
        let inner = self.lock();
        let below = inner.below_all(node).into_iter();
        below
            .filter_map(|node| inner.content(node.kind.content()?.version))
            .collect()
    }

    /// What went to the trash with a folder, and was not to be seen by who deleted that.
    pub fn trashed_unseen(&self) -> Vec<Bytes> {
        let inner = self.lock();
        let versions = inner.trashed_unseen.iter();
        versions.filter_map(|version| inner.content(*version)).collect()
    }

    /// Writes a file, new or a version of one.
    pub fn write(&self, to: &UploadTo, bytes: Bytes) -> bool {
        let sha256 = Sha256(sha2::Sha256::digest(&bytes).into());
        let written = self.lock().upload(SOMEBODY, to, sha256, bytes).is_ok();
        self.wake();
        written
    }

    /// The store loses the bytes of a file's version.
    pub fn lose_bytes(&self, node: NodeId) {
        self.lock().lose_bytes(node);
    }

    /// Creates a folder.
    pub fn create_folder(&self, parent: NodeId, name: &Name) -> bool {
        let created = self.lock().create_folder(SOMEBODY, parent, name).is_ok();
        self.wake();
        created
    }

    /// Puts a node into the trash with all below it.
    pub fn trash(&self, node: NodeId) -> bool {
        let trashed = {
            let mut inner = self.lock();
            let below: Vec<_> = inner
                .below(node)
                .iter()
                .map(|node| (node.id, node.revision))
                .collect();
            let revision = below.first().map_or(0, |(_, revision)| *revision);
            inner.delete(SOMEBODY, node, revision, &below).is_ok()
        };
        self.wake();
        trashed
    }

    /// The live nodes at and below a node, and their revisions.
    pub fn below(&self, node: NodeId) -> Vec<(NodeId, i64)> {
        let inner = self.lock();
        inner
            .below(node)
            .iter()
            .map(|node| (node.id, node.revision))
            .collect()
    }

    /// What lies in the trash and has a place to come back to.
    pub fn restorable(&self) -> Vec<NodeId> {
        let inner = self.lock();
        let trashed = inner.trashed().into_iter();
        trashed.filter(|id| inner.may_come_back(*id)).collect()
    }

    /// Lets the devices' account write a node and all below it, or not.
    pub fn set_writable(&self, node: NodeId, writable: bool) {
        self.lock().set_writable(node, writable);
        self.wake();
    }

    /// Takes a node out of the account's sight, or brings it back.
    pub fn set_hidden(&self, node: NodeId, hidden: bool) {
        self.lock().set_hidden(node, hidden);
        self.wake();
    }

    /// Gives the devices' account every right again.
    pub fn give_all_rights(&self) {
        let hidden = self.lock().hidden();
        for node in hidden {
            self.set_hidden(node, false);
        }
        for node in self.nodes().iter().filter(|node| !node.writable) {
            self.set_writable(node.id, true);
        }
    }

    /// The bytes of live files that nobody ever took out of sight, and that no other file ever had.
    pub fn never_gone(&self) -> Vec<Bytes> {
        let inner = self.lock();
        let nodes = inner.below(inner.root()).into_iter();
        nodes
            .filter(|node| !inner.ever_gone.contains(&node.id))
            .filter_map(|node| inner.content(node.kind.content()?.version))
            .filter(|bytes| inner.times_held(bytes) == 1)
            .collect()
    }

    /// Tells of every node once more, as of one that a listing failed to name.
    pub fn tell_all(&self) {
        let mut inner = self.lock();
        let root = inner.root();
        inner.tell_below(root);
    }

    /// Whether each live version's bytes are there and hash right.
    pub fn is_whole(&self) -> bool {
        let inner = self.lock();
        let nodes = inner.below(inner.root());
        nodes
            .iter()
            .filter_map(|node| node.kind.content())
            .all(|content| {
                let bytes = inner.content(content.version);
                bytes.is_some_and(|bytes| Sha256(sha2::Sha256::digest(&bytes).into()) == content.sha256)
            })
    }
}
