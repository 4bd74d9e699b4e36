//! What came of calls of which the device knows no answer, as the journal tells it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ids::{LocalId, NodeId, Sha256};
use crate::names::NameRules;
use crate::operation::{Operation, Place};
use crate::trees::Trees;

/// New nodes that the server may show, by where they were to be: so that a folder is looked through once for all of them. The
/// entry that each is, and the content that was sent; none of a folder.
type Awaited = HashMap<(NodeId, String), (LocalId, Option<Sha256>)>;

impl Trees {
    /// The entry that an operation asks the server to have, and where. To be noted before the server is asked, and made durable
    /// then, for [`Self::arrived`]; until the answer is known, or the journal was read.
    pub fn asked_by(&self, operation: &Operation) -> Option<(LocalId, Place)> {
        let (local, parent, name) = match operation {
            Operation::CreateRemoteFolder { local, parent, name } => (*local, parent, name),
            // A move after which both sides don't agree on the place that was asked for is followed by another one: so it is
            // with one that steps aside, and of what both sides moved.
            Operation::MoveRemote {
                node,
                parent,
                name,
                agreed: Some(agreed),
                ..
            } if (&agreed.parent, &agreed.name) == (parent, name) => {
                (self.synced.get(*node)?.local, parent, name)
            }
            _ => return None,
        };
        let at = Place {
            parent: *parent,
            name: name.clone(),
        };
        Some((local, at))
    }

    /// After the journal was read, and before the folder is looked at again: notes what this device sent, or asked for, and the
    /// server now shows, as its answer would have been noted. Tells what that is.
    ///
    /// `asked` tells where the server was asked to have entries: new folders, and what it was to move.
    ///
    /// A scan may find that a person has deleted, moved or replaced the entry since. What is noted before is then known for
    /// ours, and goes or moves with it; otherwise it would look like somebody else's new one or edit.
    pub fn arrived(&mut self, asked: &BTreeMap<LocalId, Place>, names: &NameRules) -> Vec<(NodeId, LocalId)> {
        let mut found = Vec::new();
        let mut awaited = self.awaited_folders(asked);
        for entry in self.local.iter() {
            let Some(sent) = entry.sent else { continue };
            match self.synced.of_local(entry.id) {
                Some(synced) => {
                    let shown = self.remote.get(synced.node).map(|node| node.kind);
                    let content = shown.and_then(|kind| kind.content());
                    let shows_it = content.is_some_and(|now| now.sha256 == sent);
                    if shows_it && shown != Some(synced.kind) {
                        found.push((synced.node, entry.id));
                    }
                }
                None => {
                    if let Some(folder) = entry.parent.and_then(|parent| self.folder_of(parent)) {
                        let key = names.to_remote(&entry.name).key();
                        awaited.insert((folder, key), (entry.id, Some(sent)));
                    }
                }
            }
        }
        found.extend(self.shown_of(&awaited));
        for (node, local) in &found {
            if let Some(node) = self.remote.get(*node).cloned() {
                self.created_remote(*local, node);
            }
        }
        for (node, local, at) in self.moved_there(asked) {
            self.agree(node, Some(at));
            found.push((node, local));
        }
        found
    }

    /// What the server has moved to where it was asked to.
    fn moved_there(&self, asked: &BTreeMap<LocalId, Place>) -> Vec<(NodeId, LocalId, Place)> {
        let moved = |(local, at): (&LocalId, &Place)| {
            let node = self.remote.get(self.synced.of_local(*local)?.node)?;
            let is_there = node.parent == Some(at.parent) && node.name == at.name;
            is_there.then(|| (node.id, *local, at.clone()))
        };
        asked.iter().filter_map(moved).collect()
    }

    fn awaited_folders(&self, asked: &BTreeMap<LocalId, Place>) -> Awaited {
        let is_new = |local| self.local.get(local).is_some() && self.synced.of_local(local).is_none();
        let new = asked.iter().filter(|(local, _)| is_new(**local));
        new.map(|(local, at)| ((at.parent, at.name.key()), (*local, None)))
            .collect()
    }

    /// The nodes that are awaited and that the server shows now.
    fn shown_of(&self, awaited: &Awaited) -> Vec<(NodeId, LocalId)> {
        let folders: BTreeSet<NodeId> = awaited.keys().map(|(folder, _)| *folder).collect();
        let mut found = Vec::new();
        for folder in folders {
            for node in self.remote.children(folder) {
                let content = node.kind.content().map(|content| content.sha256);
                if self.synced.get(node.id).is_none()
                    && let Some((local, sent)) = awaited.get(&(folder, node.name.key()))
                    && *sent == content
                {
                    found.push((node.id, *local));
                }
            }
        }
        found
    }

    /// The server's folder that an entry of the device is.
    fn folder_of(&self, local: LocalId) -> Option<NodeId> {
        match local == self.local.root() {
            true => Some(self.remote.root()),
            false => self.synced.of_local(local).map(|synced| synced.node),
        }
    }
}
