//! What operations do to the trees, once they are done. The engine calls these, and so do the tests.
//!
//! [`DeleteRemote`](crate::Operation::DeleteRemote) has no effect here: its tombstone comes with the journal, after all that the
//! journal still has to tell of the node. Taken from the answer it would be followed by older news, which bring the node back.
//!
//! Invariants: `synced` moves only here, and only after the thing itself is durable. An answer that was lost leaves the
//! trees nearly as one that came, as soon as the journal or a scan tells: both sides then have made the same change. So who
//! died reads the journal, notes what of its own [has arrived](Trees::arrived), and scans, before it plans again.

use crate::ids::{LocalId, NodeId, Sha256};
use crate::names::Name;
use crate::operation::Place;
use crate::trees::{Content, Fingerprint, LocalNode, RemoteKind, RemoteNode, SyncedNode, Tombstone, Trees};

impl Trees {
    /// After [`Adopt`](crate::Operation::Adopt): both sides agree on place and content. To be done before any tree changes
    /// again.
    pub fn adopt(&mut self, node: NodeId, local: LocalId) {
        let (Some(remote), Some(entry)) = (self.remote.get(node), self.local.get_mut(local)) else {
            return;
        };
        entry.name.share(&remote.name);
        let Some(parent) = remote.parent else { return };
        // What was fetched, and not noted, is what an edit since is an edit of; the server may have a newer one by now.
        let fetched = self.remote.fetched(node);
        let kind = match fetched {
            Some(RemoteKind::File(content)) if entry.content == Some(content.sha256) => {
                RemoteKind::File(content)
            }
            _ => remote.kind,
        };
        let content = kind.content().map(|content| content.sha256);
        let synced = SyncedNode {
            node,
            local,
            parent,
            name: remote.name.clone(),
            kind,
            fingerprint: (entry.content == content).then_some(entry.fingerprint),
        };
        self.synced.insert(synced);
        self.settle(local, content);
        self.remote.set_fetched(node, None);
    }

    /// After [`Forget`](crate::Operation::Forget).
    pub fn forget(&mut self, node: NodeId) {
        self.synced.remove(node);
        self.remote.drop_tombstone(node);
    }

    /// Takes in the journal's word that a node is gone, and gives all that went with it.
    ///
    /// What both sides have not got needs no binding. It ends before the next look at the folder: a file that was moved while
    /// the folder was listed looked deleted, was deleted on the server, and must be a new one when it is found.
    pub fn bury(&mut self, node: NodeId, tombstone: Tombstone) -> Vec<NodeId> {
        let gone = self.remote.below(node);
        self.remote.bury(node, tombstone);
        for node in &gone {
            let synced = self.synced.get(*node);
            if synced.is_some_and(|synced| self.local.get(synced.local).is_none()) {
                self.forget(*node);
            }
        }
        gone
    }

    /// After [`Hash`](crate::Operation::Hash): the file had this fingerprint before and after it was read.
    pub fn hashed(&mut self, local: LocalId, fingerprint: Fingerprint, content: Sha256) {
        if let Some(entry) = self.local.get_mut(local) {
            entry.fingerprint = fingerprint;
            entry.content = Some(content);
        }
    }

    /// Before the first byte of an [`Upload`](crate::Operation::Upload) is sent; to be made durable then.
    pub fn sending(&mut self, local: LocalId, content: Sha256) {
        if let Some(entry) = self.local.get_mut(local) {
            entry.sent = Some(content);
        }
    }

    /// After [`CreateRemoteFolder`](crate::Operation::CreateRemoteFolder) or an [`Upload`](crate::Operation::Upload), with
    /// the node as the server answered it.
    pub fn created_remote(&mut self, local: LocalId, mut node: RemoteNode) {
        if let Some(entry) = self.local.get(local) {
            node.name.share(&entry.name);
        }
        let content = node.kind.content().map(|content| content.sha256);
        let known = self.synced.get(node.id);
        // The entry was read when it was sent: it is here.
        let was_doubted = known.is_some_and(|known| self.remote.is_doubted(known));
        let place = match (known, node.parent) {
            (Some(known), _) => Some((known.parent, known.name.clone())),
            (None, Some(parent)) => Some((parent, node.name.clone())),
            (None, None) => None,
        };
        if let (Some((parent, name)), Some(entry)) = (place, self.local.get(local)) {
            self.synced.insert(SyncedNode {
                node: node.id,
                local,
                parent,
                name,
                kind: node.kind,
                fingerprint: (entry.content == content).then_some(entry.fingerprint),
            });
        }
        if was_doubted {
            self.remote.set_fetched(node.id, None);
        }
        self.settle(local, content);
        self.remote.answered(node);
    }

    /// After [`MoveRemote`](crate::Operation::MoveRemote), with the node as the server answered it.
    pub fn moved_remote(&mut self, node: RemoteNode, agreed: Option<Place>) {
        self.agree(node.id, agreed);
        self.remote.answered(node);
    }

    /// After [`CreateLocalFolder`](crate::Operation::CreateLocalFolder): the folder is durable, and this is what the file
    /// system tells of it.
    pub fn created_local(
        &mut self,
        node: NodeId,
        at: Place,
        parent: LocalId,
        name: Name,
        fingerprint: Fingerprint,
    ) -> LocalId {
        self.bind_new(node, at, RemoteKind::Folder, parent, name, fingerprint)
    }

    /// Before a [`Download`](crate::Operation::Download) puts its file in place, or a
    /// [`CreateLocalFolder`](crate::Operation::CreateLocalFolder) makes its folder; to be made durable then. After a crash
    /// between, the file is known to be nobody's edit, and the folder to be nobody's new one. Many can be noted at once.
    ///
    /// One fetch of a node is remembered. What an earlier one placed without noting it, and still lies there, is noted now.
    pub fn fetching(&mut self, node: NodeId, kind: RemoteKind) {
        if self.remote.fetched(node) != Some(kind) {
            self.note_placed(node);
        }
        self.remote.set_fetched(node, Some(kind));
    }

    /// Notes what an earlier fetch placed without noting it, where it still lies: it is about to be forgotten.
    pub(super) fn note_placed(&mut self, node: NodeId) {
        if let Some(RemoteKind::File(placed)) = self.remote.fetched(node)
            && let Some(synced) = self.synced.get(node).cloned()
            && let Some(entry) = self.local.get(synced.local)
            && entry.content == Some(placed.sha256)
        {
            self.synced.insert(SyncedNode {
                kind: RemoteKind::File(placed),
                fingerprint: Some(entry.fingerprint),
                ..synced
            });
        }
    }

    /// After a [`Download`](crate::Operation::Download) of a new file: it is durable, and this is what the file system
    /// tells of it.
    pub fn downloaded(
        &mut self,
        node: NodeId,
        content: Content,
        at: Place,
        parent: LocalId,
        name: Name,
        fingerprint: Fingerprint,
    ) -> LocalId {
        self.bind_new(node, at, RemoteKind::File(content), parent, name, fingerprint)
    }

    /// After a [`Download`](crate::Operation::Download) in place of a file's content: it is durable.
    pub fn replaced(&mut self, node: NodeId, content: Content, local: LocalId, fingerprint: Fingerprint) {
        self.hashed(local, fingerprint, content.sha256);
        self.remote.set_fetched(node, None);
        if let Some(synced) = self.synced.get(node).cloned() {
            self.synced.insert(SyncedNode {
                local,
                kind: RemoteKind::File(content),
                fingerprint: Some(fingerprint),
                ..synced
            });
        }
        self.settle(local, Some(content.sha256));
    }

    /// After [`MoveLocal`](crate::Operation::MoveLocal): the rename is durable, and this is what the file system tells of
    /// the entry now. Our own rename moves the change time; it makes no edit of it.
    pub fn moved_local(
        &mut self,
        local: LocalId,
        parent: LocalId,
        name: Name,
        fingerprint: Fingerprint,
        agreed: Option<Place>,
    ) {
        let Some(entry) = self.local.get(local).cloned() else {
            return;
        };
        if let Some(mut synced) = self.synced.of_local(local).cloned()
            && synced.fingerprint == Some(entry.fingerprint)
        {
            synced.fingerprint = Some(fingerprint);
            self.synced.insert(synced);
        }
        if let Some(node) = self.synced.of_local(local).map(|synced| synced.node) {
            self.agree(node, agreed);
        }
        self.local.insert(LocalNode {
            parent: Some(parent),
            name,
            fingerprint,
            ..entry
        });
    }

    /// After [`RemoveLocal`](crate::Operation::RemoveLocal): the entry and all below it lie in the device's trash.
    pub fn removed_local(&mut self, local: LocalId) {
        for gone in self.local.below(local) {
            if let Some(node) = self.synced.of_local(gone).map(|synced| synced.node) {
                self.forget(node);
            }
        }
        self.local.remove(local);
    }

    fn bind_new(
        &mut self,
        node: NodeId,
        at: Place,
        kind: RemoteKind,
        parent: LocalId,
        name: Name,
        fingerprint: Fingerprint,
    ) -> LocalId {
        let local = self.local.fresh_id();
        self.remote.set_fetched(node, None);
        self.local.insert(LocalNode {
            id: local,
            parent: Some(parent),
            name,
            kind: kind.local(),
            fingerprint,
            content: kind.content().map(|content| content.sha256),
            sent: None,
            ignored: false,
        });
        self.synced.insert(SyncedNode {
            node,
            local,
            parent: at.parent,
            name: at.name,
            kind,
            fingerprint: Some(fingerprint),
        });
        local
    }

    /// Notes the place that both sides now know of. Without this, a move that one side took over, and that was then taken
    /// back by the other one, would look like a move of its own, and two devices could push a node to and fro for ever.
    pub(super) fn agree(&mut self, node: NodeId, agreed: Option<Place>) {
        if let (Some(place), Some(synced)) = (agreed, self.synced.get(node).cloned()) {
            self.synced.insert(SyncedNode {
                parent: place.parent,
                name: place.name,
                ..synced
            });
        }
    }

    /// What was sent has arrived, or something else is agreed on since.
    fn settle(&mut self, local: LocalId, content: Option<Sha256>) {
        if let Some(entry) = self.local.get_mut(local)
            && entry.sent == content
        {
            entry.sent = None;
        }
    }
}
