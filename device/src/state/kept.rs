//! The trees in memory, and what of them is not written yet.

mod asked;
mod told;
mod untold;

pub use untold::Answered;

use std::collections::{BTreeMap, BTreeSet};

use bitvault_planner::{
    Content, Fingerprint, LocalId, LocalNode, Name, NodeId, Observed, Place, RemoteKind, RemoteNode,
    RemoteTree, Scan, Sha256, SyncedTree, Trees,
};

use super::{Changes, Loaded, LogLine, Meta, NodeRow, Outside};
use crate::remote::ConflictOf;

/// Nodes and entries that are written at once, where what changes need not be written as one.
const MANY_CHANGES: usize = 4096;

/// The trees, kept together with what changed since they were last written.
///
/// Invariants: the trees change only by the methods here, each of which marks all that it may have changed.
#[derive(Debug)]
pub struct Kept {
    trees: Trees,
    outside: Outside,
    meta: Meta,
    /// Entries that become conflicted copies, and of what: until the server has them.
    asides: BTreeMap<LocalId, ConflictOf>,
    asides_changed: BTreeSet<LocalId>,
    /// Where the server was asked to have entries, and is not known to have answered.
    asked: BTreeMap<LocalId, Place>,
    asked_changed: bool,
    /// What the server answered that it has, and the journal has not told of yet.
    untold: BTreeMap<NodeId, Answered>,
    nodes: BTreeSet<NodeId>,
    locals: BTreeSet<LocalId>,
    log: Vec<LogLine>,
    meta_changed: bool,
    begins_anew: bool,
    /// While the server is read anew: what it has not named yet.
    unnamed: Option<BTreeSet<NodeId>>,
}

impl Kept {
    /// What a store holds.
    pub fn loaded(loaded: Loaded) -> Self {
        Self {
            trees: loaded.trees,
            outside: loaded.outside,
            meta: loaded.meta,
            asides: loaded.asides,
            asides_changed: BTreeSet::new(),
            asked: loaded.asked,
            asked_changed: false,
            untold: loaded.untold,
            nodes: BTreeSet::new(),
            locals: BTreeSet::new(),
            log: Vec::new(),
            meta_changed: false,
            begins_anew: false,
            unnamed: None,
        }
    }

    /// Nothing but the two roots: everything that is on both sides will be adopted by equal content.
    pub fn begin(meta: Meta, remote: RemoteNode, local: LocalNode) -> Self {
        let (node, entry) = (remote.id, local.id);
        let mut kept = Self::loaded(Loaded {
            meta,
            trees: Trees {
                remote: RemoteTree::new(remote),
                local: bitvault_planner::LocalTree::new(local),
                synced: SyncedTree::new(),
            },
            outside: Outside::default(),
            asides: BTreeMap::new(),
            asked: BTreeMap::new(),
            untold: BTreeMap::new(),
        });
        kept.begins_anew = true;
        kept.meta_changed = true;
        kept.nodes.insert(node);
        kept.locals.insert(entry);
        kept
    }

    /// The trees.
    pub fn trees(&self) -> &Trees {
        &self.trees
    }

    /// What the state belongs to and how far it is.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Changes what the state belongs to or how far it is.
    pub fn set_meta(&mut self, change: impl FnOnce(&mut Meta)) {
        change(&mut self.meta);
        self.meta_changed = true;
    }

    /// Notes something for people.
    pub fn log(&mut self, line: LogLine) {
        self.log.push(line);
    }

    /// Whether so much changed that it should be written although more is about to: until then it is in memory twice.
    pub fn has_many_changes(&self) -> bool {
        self.nodes.len() + self.locals.len() >= MANY_CHANGES
    }

    /// What changed since this was last asked for. Until the store has taken it, these trees are ahead of it.
    pub fn take_changes(&mut self) -> Changes {
        let nodes = std::mem::take(&mut self.nodes);
        let locals = std::mem::take(&mut self.locals);
        Changes {
            nodes: nodes
                .into_iter()
                .map(|id| NodeRow {
                    id,
                    remote: self.trees.remote.get(id).cloned(),
                    outside: self.outside.get(id).cloned(),
                    tombstone: self.trees.remote.tombstone(id).copied(),
                    fetched: self.trees.remote.fetched(id),
                    untold: self.untold.get(&id).copied(),
                    synced: self.trees.synced.get(id).cloned(),
                })
                .collect(),
            asides: std::mem::take(&mut self.asides_changed)
                .into_iter()
                .map(|id| (id, self.asides.get(&id).copied()))
                .collect(),
            asked: std::mem::take(&mut self.asked_changed).then(|| self.asked.clone()),
            locals: locals
                .into_iter()
                .map(|id| (id, self.trees.local.get(id).cloned()))
                .collect(),
            begins_anew: std::mem::take(&mut self.begins_anew),
            meta: std::mem::take(&mut self.meta_changed).then(|| self.meta.clone()),
            log: std::mem::take(&mut self.log),
        }
    }

    // --- what a scan saw

    /// The folder was looked at, or all of it: which entries are here is known now.
    pub fn seen(&mut self, is_all: bool) {
        self.nodes.extend(self.trees.seen(is_all));
    }

    /// Takes in a scan; tells what that changed.
    pub fn observe(&mut self, scan: &Scan) -> Observed {
        let observed = scan.observe(&mut self.trees.local, &self.trees.synced);
        for local in &observed.gone {
            self.note_aside(*local, None);
        }
        self.locals.extend(&observed.changed);
        self.locals.extend(&observed.gone);
        observed
    }

    // --- what operations did; see the methods of the same names of `Trees`

    /// Both sides agree.
    pub fn adopt(&mut self, node: NodeId, local: LocalId) {
        self.touch(node, local);
        self.note_aside(local, None);
        self.trees.adopt(node, local);
    }

    /// The binding means nothing any more.
    pub fn forget(&mut self, node: NodeId) {
        self.nodes.insert(node);
        self.trees.forget(node);
    }

    /// The entry is about to become a conflicted copy: its binding ends, and what it is a copy of is noted. Where a crash came
    /// between this and the rename, the binding is gone already, and what was noted then stays.
    pub fn set_aside(&mut self, local: LocalId) {
        if let Some(synced) = self.trees.synced.of_local(local) {
            let of = ConflictOf {
                node: synced.node,
                base: synced.kind.content().map(|content| content.version),
            };
            self.forget(of.node);
            self.note_aside(local, Some(of));
        } else if let Some(node) = self.holder(local)
            && self.asides.get(&local).is_none_or(|of| of.node != node)
        {
            self.note_aside(local, Some(ConflictOf { node, base: None }));
        }
    }

    fn note_aside(&mut self, local: LocalId, of: Option<ConflictOf>) {
        let before = match of {
            Some(of) => self.asides.insert(local, of),
            None => self.asides.remove(&local),
        };
        if before != of {
            self.asides_changed.insert(local);
        }
    }

    /// The file of the server that has the name of an entry that is bound to nothing.
    fn holder(&self, local: LocalId) -> Option<NodeId> {
        let entry = self.trees.local.get(local)?;
        let folder = entry.parent?;
        let folder = match folder == self.trees.local.root() {
            true => self.trees.remote.root(),
            false => self.trees.synced.of_local(folder)?.node,
        };
        let key = entry.name.key();
        let mut there = self.trees.remote.children(folder);
        let holder = there.find(|node| node.name.key() == key)?;
        holder.kind.content().map(|_| holder.id)
    }

    /// What an entry that the server does not have yet is a conflicted copy of.
    pub fn aside(&self, local: LocalId) -> Option<ConflictOf> {
        self.asides.get(&local).copied()
    }

    /// The file was read.
    pub fn hashed(&mut self, local: LocalId, fingerprint: Fingerprint, content: Sha256) {
        self.locals.insert(local);
        self.trees.hashed(local, fingerprint, content);
    }

    /// The file's content is about to be sent.
    pub fn sending(&mut self, local: LocalId, content: Sha256) {
        self.locals.insert(local);
        self.trees.sending(local, content);
    }

    /// The server has it.
    pub fn created_remote(&mut self, local: LocalId, node: RemoteNode) {
        self.touch(node.id, local);
        self.note_aside(local, None);
        self.note_answer(&node);
        self.trees.created_remote(local, node);
    }

    /// The server moved it.
    pub fn moved_remote(&mut self, node: RemoteNode, agreed: Option<Place>) {
        self.nodes.insert(node.id);
        self.note_answer(&node);
        self.trees.moved_remote(node, agreed);
    }

    /// The folder is there.
    pub fn created_local(
        &mut self,
        node: NodeId,
        at: Place,
        parent: LocalId,
        name: Name,
        fingerprint: Fingerprint,
    ) -> LocalId {
        let local = self.trees.created_local(node, at, parent, name, fingerprint);
        self.touch(node, local);
        local
    }

    /// The file's content, or the folder, is about to be put in place.
    pub fn fetching(&mut self, node: NodeId, kind: RemoteKind) {
        self.nodes.insert(node);
        self.trees.fetching(node, kind);
    }

    /// The new file is there.
    pub fn downloaded(
        &mut self,
        node: NodeId,
        content: Content,
        at: Place,
        (parent, name): (LocalId, Name),
        fingerprint: Fingerprint,
    ) -> LocalId {
        let local = self
            .trees
            .downloaded(node, content, at, parent, name, fingerprint);
        self.touch(node, local);
        local
    }

    /// The file's new content is there.
    pub fn replaced(&mut self, node: NodeId, content: Content, local: LocalId, fingerprint: Fingerprint) {
        self.touch(node, local);
        self.trees.replaced(node, content, local, fingerprint);
    }

    /// The entry has its new place.
    pub fn moved_local(
        &mut self,
        local: LocalId,
        (parent, name): (LocalId, Name),
        fingerprint: Fingerprint,
        agreed: Option<Place>,
    ) {
        self.touch_local(local);
        self.trees.moved_local(local, parent, name, fingerprint, agreed);
    }

    /// The entry is about to be removed because this device leaves it out.
    pub fn leaving(&mut self, local: LocalId) {
        for gone in self.trees.local.below(local) {
            self.touch_local(gone);
        }
        self.trees.leaving(local);
    }

    /// The entry lies in the trash.
    pub fn removed_local(&mut self, local: LocalId) {
        for gone in self.trees.local.below(local) {
            self.touch_local(gone);
            self.note_aside(gone, None);
        }
        self.trees.removed_local(local);
    }

    fn touch(&mut self, node: NodeId, local: LocalId) {
        self.nodes.insert(node);
        self.touch_local(local);
    }

    /// Marks an entry, and the node that it is bound to before what is about to happen.
    fn touch_local(&mut self, local: LocalId) {
        self.locals.insert(local);
        if let Some(bound) = self.trees.synced.of_local(local) {
            self.nodes.insert(bound.node);
        }
    }
}
