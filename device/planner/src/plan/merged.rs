//! The merged tree: what both sides should have.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::ids::{LocalId, NodeId, Sha256};
use crate::names::{Name, original_of_moving};
use crate::operation::{Operation, Place, Problem, Reason, Side};
use crate::policy::Policy;
use crate::trees::{
    Fingerprint, LocalKind, LocalNode, LocalTree, RemoteNode, RemoteTree, SyncedNode, SyncedTree,
};

/// Index of a slot. The root's is 0.
pub(super) type Slot = usize;

/// The slot of the root.
pub(super) const ROOT: Slot = 0;

/// Whether a merged node stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Both sides should have it.
    Keep,
    /// It stays where each side has it until more is known.
    Wait,
    /// The device deleted it: it goes from the server.
    DeleteRemote,
    /// The server has a tombstone for it: it goes from the device.
    DeleteLocal,
    /// An unsynced entry that turned out to be an unsynced node of the server; its slot is that node's.
    Absorbed,
}

/// A node of the merged tree. Of a first sync there are hundreds of thousands: what few nodes have is in boxes.
#[derive(Debug)]
pub(super) struct Node<'a> {
    /// The server's node.
    pub(super) remote: Option<&'a RemoteNode>,
    /// The device's entry.
    pub(super) local: Option<&'a LocalNode>,
    /// What both agreed on.
    pub(super) synced: Option<&'a SyncedNode>,
    /// The content that this device began to put in place for it.
    pub(super) fetched: Option<Box<Sha256>>,
    pub(super) fate: Fate,
    /// Its fate was a deletion before something turned up in it that stays.
    pub(super) was_deleted: bool,
    /// What was agreed on no longer holds and is forgotten first; nothing else is done with it in this plan.
    pub(super) forget: bool,
    /// The folder that should hold it.
    pub(super) parent: Slot,
    /// Its name on the server, as it should be.
    pub(super) name: Name,
    /// Its place as the server has it, and as the device has it, the latter where the server has that folder: what one side
    /// learns of by a move.
    pub(super) place_there: Option<Box<Place>>,
    pub(super) place_here: Option<Box<Place>>,
    /// Whether `parent` is where the device moved it.
    pub(super) moved_here: bool,
    /// Its place on the device can't be brought to the server; both stay as they are.
    pub(super) stuck: bool,
    /// Its name was another's, so it got a name as a conflicted copy.
    pub(super) is_copy: bool,
    /// Selective sync leaves it out.
    pub(super) excluded: bool,
}

impl<'a> Node<'a> {
    /// The content that an edit is an edit of: what both agreed on, or what this device itself sent or fetched since.
    pub(super) fn base(&self) -> Option<Sha256> {
        let remote = self.remote.and_then(|node| node.kind.content());
        let here = self.local.and_then(|entry| entry.content);
        let sent = self.local.and_then(|entry| entry.sent);
        if here.is_some() && here.as_ref() == self.fetched.as_deref() {
            return here;
        }
        match (remote, sent) {
            (Some(remote), Some(sent)) if remote.sha256 == sent => Some(sent),
            _ => self
                .synced
                .and_then(|synced| synced.kind.content())
                .map(|content| content.sha256),
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        match (self.remote, self.local) {
            (Some(node), _) => node.kind.content().is_none(),
            (None, Some(entry)) => entry.kind == LocalKind::Folder,
            (None, None) => false,
        }
    }

    /// Whether the node is part of what both sides should have.
    pub(super) fn stays(&self) -> bool {
        matches!(self.fate, Fate::Keep | Fate::Wait)
    }
}

/// The merged tree while it is made, with what turned up on the way.
#[derive(Debug)]
pub(super) struct Merged<'a> {
    pub(super) remote: &'a RemoteTree,
    pub(super) local: &'a LocalTree,
    pub(super) synced: &'a SyncedTree,
    pub(super) policy: &'a Policy,
    /// All folders, and all files that the three trees don't agree on.
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) by_node: HashMap<NodeId, Slot>,
    pub(super) by_local: HashMap<LocalId, Slot>,
    /// Entries that are never synced, and all below them.
    pub(super) unsynced: BTreeSet<LocalId>,
    /// The names that such entries occupy, by folder.
    pub(super) unsynced_names: HashSet<(LocalId, String)>,
    /// Files that nobody synced, in the order of file systems and inodes. Of a first sync it is all of them.
    pub(super) strays: Vec<&'a LocalNode>,
    /// Those of them that turned out to be synced ones from elsewhere: they are bound first, and have no slot.
    pub(super) found: BTreeSet<LocalId>,
    /// Nodes that don't hang on the root: the listing was partial.
    pub(super) orphans: BTreeSet<NodeId>,
    /// Nodes that selective sync leaves out, as the server has them.
    pub(super) excluded: BTreeSet<NodeId>,
    pub(super) operations: Vec<Operation>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Merged<'a> {
    pub(super) fn new(
        remote: &'a RemoteTree,
        local: &'a LocalTree,
        synced: &'a SyncedTree,
        policy: &'a Policy,
    ) -> Self {
        Self {
            remote,
            local,
            synced,
            policy,
            nodes: Vec::new(),
            by_node: HashMap::new(),
            by_local: HashMap::new(),
            unsynced: BTreeSet::new(),
            unsynced_names: HashSet::new(),
            strays: Vec::new(),
            found: BTreeSet::new(),
            orphans: remote.orphans(),
            excluded: BTreeSet::new(),
            operations: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Adds a slot. Its place is not known yet.
    pub(super) fn add(
        &mut self,
        remote: Option<&'a RemoteNode>,
        local: Option<&'a LocalNode>,
        synced: Option<&'a SyncedNode>,
        fate: Fate,
    ) -> Slot {
        let slot = self.nodes.len();
        if let Some(node) = remote {
            self.by_node.insert(node.id, slot);
        }
        if let Some(entry) = local {
            self.by_local.insert(entry.id, slot);
        }
        let node = remote.map(|node| node.id).or(synced.map(|synced| synced.node));
        let name = match (remote, local) {
            (Some(node), _) => node.name.clone(),
            (None, Some(entry)) => entry.name.clone(),
            (None, None) => Name::from(""),
        };
        self.nodes.push(Node {
            remote,
            local,
            synced,
            fetched: node
                .and_then(|node| self.remote.fetched(node)?.content())
                .map(|content| Box::new(content.sha256)),
            fate,
            was_deleted: false,
            forget: false,
            parent: ROOT,
            name,
            place_there: None,
            place_here: None,
            moved_here: false,
            stuck: false,
            is_copy: false,
            excluded: false,
        });
        slot
    }

    /// Lets the plan begin with forgetting what was agreed on about this slot.
    pub(super) fn forget(&mut self, slot: Slot) {
        let node = &mut self.nodes[slot];
        if let (false, Some(synced)) = (node.forget, node.synced) {
            node.forget = true;
            self.operations.push(Operation::Forget { node: synced.node });
        }
    }

    /// The files that nobody synced and that have this inode's number.
    pub(super) fn strays_of(&self, known: &Fingerprint) -> impl Iterator<Item = &'a LocalNode> {
        let number = known.number();
        let first = self
            .strays
            .partition_point(|entry| entry.fingerprint.number() < number);
        let strays = self.strays[first..].iter().copied();
        strays.take_while(move |entry| entry.fingerprint.number() == number)
    }

    pub(super) fn problem(&mut self, slot: Slot, reason: Reason) {
        let node = &self.nodes[slot];
        let problem = Problem {
            local: node.local.map(|entry| entry.id),
            node: node.remote.map(|node| node.id),
            reason,
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The entry's name, under which it would be were it not stepping aside.
    pub(super) fn local_name(&self, entry: &LocalNode) -> Name {
        original_of_moving(&entry.name, &self.policy.device).unwrap_or_else(|| entry.name.clone())
    }

    /// Whether an entry of that name on the device is called as a node of that name on the server is called here.
    pub(super) fn is_called(&self, local: &Name, remote: &Name) -> bool {
        self.policy.names.is_called(local, remote)
    }
}

/// Places as the sides have them, against the merged tree.
impl Merged<'_> {
    /// Whether the server has the node elsewhere than it should be.
    pub(super) fn is_misplaced_there(&self, slot: Slot) -> bool {
        let node = &self.nodes[slot];
        let folder = self.nodes[node.parent].remote.map(|folder| folder.id);
        node.remote.is_some_and(|remote| {
            folder.is_none() || remote.parent != folder || !remote.name.is_same(&node.name)
        })
    }

    /// Whether the device has the entry elsewhere than it should be.
    pub(super) fn is_misplaced_here(&self, slot: Slot) -> bool {
        let node = &self.nodes[slot];
        let folder = self.nodes[node.parent].local.map(|folder| folder.id);
        node.local.is_some_and(|entry| {
            folder.is_none() || entry.parent != folder || !self.is_called(&entry.name, &node.name)
        })
    }

    /// The folder that really holds the node on a side.
    pub(super) fn held_by(&self, side: Side, slot: Slot) -> Option<Slot> {
        let node = &self.nodes[slot];
        match side {
            Side::Remote => self.by_node.get(&node.remote?.parent?).copied(),
            Side::Local => self.by_local.get(&node.local?.parent?).copied(),
        }
    }

    /// Whether the side has the node.
    pub(super) fn has(&self, side: Side, slot: Slot) -> bool {
        match side {
            Side::Remote => self.nodes[slot].remote.is_some(),
            Side::Local => self.nodes[slot].local.is_some(),
        }
    }
}
