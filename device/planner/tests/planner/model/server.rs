//! The server: nodes, versions, trash and a journal, with the preconditions of the real one.

use std::collections::BTreeMap;

use bitvault_planner::{
    Cause, Content, Name, NodeId, RemoteKind, RemoteNode, Tombstone, VersionId, check_for_server,
};
use uuid::Uuid;

use crate::model::{Payload, Refused, sha256, size};

#[derive(Debug, Clone)]
struct Node {
    parent: Option<NodeId>,
    name: Name,
    /// Empty for a folder.
    versions: Vec<(VersionId, Payload)>,
    revision: i64,
    is_live: bool,
    writable: bool,
}

/// What the journal tells a device.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Seen(RemoteNode),
    Gone(NodeId, Tombstone),
}

#[derive(Debug)]
pub(crate) struct Server {
    nodes: BTreeMap<NodeId, Node>,
    pub(crate) journal: Vec<Event>,
}

impl Server {
    pub(crate) const ROOT: NodeId = NodeId(Uuid::from_u128(1));

    pub(crate) fn new() -> Self {
        let root = Node {
            parent: None,
            name: Name::from(""),
            versions: Vec::new(),
            revision: 1,
            is_live: true,
            writable: true,
        };
        Self {
            nodes: BTreeMap::from([(Self::ROOT, root)]),
            journal: Vec::new(),
        }
    }

    /// The node as the server describes it.
    pub(crate) fn get(&self, id: NodeId) -> Option<RemoteNode> {
        let node = self.nodes.get(&id).filter(|node| node.is_live)?;
        let kind = match node.versions.last() {
            Some((version, payload)) => RemoteKind::File(Content {
                version: *version,
                sha256: sha256(*payload),
                size: size(*payload),
            }),
            None => RemoteKind::Folder,
        };
        Some(RemoteNode {
            id,
            parent: node.parent,
            name: node.name.clone(),
            kind,
            revision: node.revision,
            writable: node.writable,
        })
    }

    /// The current content of a live file.
    pub(crate) fn payload(&self, id: NodeId) -> Option<Payload> {
        let node = self.nodes.get(&id).filter(|node| node.is_live)?;
        node.versions.last().map(|(_, payload)| *payload)
    }

    /// All live nodes but the root.
    pub(crate) fn live(&self) -> Vec<NodeId> {
        let live = self.nodes.iter().filter(|(_, node)| node.is_live);
        live.map(|(id, _)| *id).filter(|id| *id != Self::ROOT).collect()
    }

    pub(crate) fn live_folders(&self) -> Vec<NodeId> {
        let live = self.nodes.iter().filter(|(_, node)| node.is_live);
        live.filter(|(_, node)| node.versions.is_empty())
            .map(|(id, _)| *id)
            .collect()
    }

    pub(crate) fn is_free(&self, parent: NodeId, name: &Name) -> bool {
        self.check_place(None, parent, name).is_ok()
    }

    pub(crate) fn create(
        &mut self,
        parent: NodeId,
        name: &Name,
        content: Option<Payload>,
    ) -> Result<RemoteNode, Refused> {
        self.check_place(None, parent, name)?;
        let id = NodeId(Uuid::from_u128(self.nodes.len() as u128 + 1));
        let node = Node {
            parent: Some(parent),
            name: name.clone(),
            versions: Vec::new(),
            revision: 0,
            is_live: true,
            writable: true,
        };
        self.nodes.insert(id, node);
        self.change(id, |node| {
            node.versions
                .extend(content.map(|payload| (version(id, 0), payload)))
        })
    }

    pub(crate) fn upload(
        &mut self,
        id: NodeId,
        base: VersionId,
        payload: Payload,
    ) -> Result<RemoteNode, Refused> {
        let node = self
            .nodes
            .get(&id)
            .filter(|node| node.is_live && node.writable)
            .ok_or(Refused)?;
        if node.versions.last().map(|(version, _)| *version) != Some(base) {
            return Err(Refused);
        }
        let next = version(id, node.versions.len());
        self.change(id, |node| node.versions.push((next, payload)))
    }

    pub(crate) fn rename(
        &mut self,
        id: NodeId,
        revision: i64,
        parent: NodeId,
        name: &Name,
    ) -> Result<RemoteNode, Refused> {
        let node = self.check_revision(id, revision)?;
        if node.parent != Some(parent) {
            let old = node
                .parent
                .and_then(|parent| self.nodes.get(&parent))
                .ok_or(Refused)?;
            if !old.writable {
                return Err(Refused);
            }
        } else if !node.writable {
            return Err(Refused);
        }
        self.check_place(Some(id), parent, name)?;
        self.change(id, |node| {
            node.parent = Some(parent);
            node.name = name.clone();
        })
    }

    /// Refuses unless just what is covered lies below the node, as it is covered.
    pub(crate) fn trash(&mut self, id: NodeId, covers: &[(NodeId, i64)]) -> Result<(), Refused> {
        let below = self.below(id);
        let has_all = below
            .iter()
            .all(|id| covers.contains(&(*id, self.nodes[id].revision)));
        let parent = self.nodes.get(&id).and_then(|node| node.parent).ok_or(Refused)?;
        if below.is_empty() || !has_all || below.len() != covers.len() || !self.nodes[&parent].writable {
            return Err(Refused);
        }
        self.bury(id, Cause::Trashed);
        Ok(())
    }

    /// Takes the node out of the device's sight.
    pub(crate) fn bury(&mut self, id: NodeId, cause: Cause) {
        for id in self.below(id) {
            if let Some(node) = self.nodes.get_mut(&id) {
                node.is_live = false;
                node.revision += 1;
            }
        }
        let tombstone = Tombstone {
            seq: self.journal.len() as u64,
            actor: None,
            cause,
        };
        self.journal.push(Event::Gone(id, tombstone));
    }

    pub(crate) fn set_writable(&mut self, id: NodeId, writable: bool) {
        for id in self.below(id) {
            let _ = self.change(id, |node| node.writable = writable);
        }
    }

    /// The live nodes of a subtree, its top first; nothing when it is not live.
    pub(crate) fn below(&self, id: NodeId) -> Vec<NodeId> {
        if self.get(id).is_none() {
            return Vec::new();
        }
        let mut found = vec![id];
        let mut next = 0;
        while let Some(folder) = found.get(next).copied() {
            let children = self
                .nodes
                .iter()
                .filter(|(_, node)| node.is_live && node.parent == Some(folder));
            found.extend(children.map(|(id, _)| *id));
            next += 1;
        }
        found
    }

    fn check_revision(&self, id: NodeId, revision: i64) -> Result<&Node, Refused> {
        let node = self.nodes.get(&id).filter(|node| node.is_live);
        node.filter(|node| node.revision == revision).ok_or(Refused)
    }

    fn check_place(&self, id: Option<NodeId>, parent: NodeId, name: &Name) -> Result<(), Refused> {
        let folder = self.nodes.get(&parent).ok_or(Refused)?;
        let is_taken = self.nodes.iter().any(|(other, node)| {
            Some(*other) != id && node.is_live && node.parent == Some(parent) && node.name.key() == name.key()
        });
        let is_inside = id.is_some_and(|id| self.below(id).contains(&parent));
        // A rename in place changes the node only.
        let is_in_place = id.is_some_and(|id| self.nodes[&id].parent == Some(parent));
        let is_folder = folder.versions.is_empty() && folder.is_live && (folder.writable || is_in_place);
        if !is_folder || is_taken || is_inside || check_for_server(name).is_err() {
            return Err(Refused);
        }
        Ok(())
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) -> Result<RemoteNode, Refused> {
        let node = self.nodes.get_mut(&id).ok_or(Refused)?;
        change(node);
        node.revision += 1;
        let node = self.get(id).ok_or(Refused)?;
        self.journal.push(Event::Seen(node.clone()));
        Ok(node)
    }
}

fn version(node: NodeId, number: usize) -> VersionId {
    VersionId(Uuid::from_u128(node.0.as_u128() << 32 | number as u128))
}
