//! The rules of renaming and moving: the items of a transaction, judged one after the other, each seeing what the ones
//! before it did.

use super::crossing::Going;
use super::move_nodes::Move;
use crate::domain::access::{Actor, NodeRole};
use crate::domain::lineage::Lineage;
use crate::domain::name::Name;
use crate::domain::quota::{Level, NESTED};
use crate::error::Refusal;
use crate::store::journal::{Change, ChangeKind};
use crate::store::moves::Placed;
use crate::store::nodes::NodeView;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Error, Result};
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;

/// Who holds which name in which folder.
pub(super) type Holders = HashMap<(NodeId, String), NodeId>;

/// The items of a transaction, judged one after the other: each sees what the ones before it did.
pub(super) struct Batch {
    actor: Actor,
    now: OffsetDateTime,
    lineage: Lineage,
    views: HashMap<NodeId, NodeView>,
    holders: Holders,
    /// Each node that moved, in the order of first moves.
    moved: Vec<NodeId>,
    pub(super) changes: Vec<Change>,
    /// Quotas that take nothing more in.
    full: Vec<Level>,
}

impl Batch {
    /// `views` are the nodes of the items and the folders that they go to, `holders` whoever holds a name that an item may
    /// ask for, `full` the quotas that nothing may come into.
    pub(super) fn new(
        actor: Actor,
        now: OffsetDateTime,
        lineage: Lineage,
        views: HashMap<NodeId, NodeView>,
        holders: Holders,
        full: &[Level],
    ) -> Self {
        Self {
            actor,
            now,
            lineage,
            views,
            holders,
            moved: Vec::new(),
            changes: Vec::new(),
            full: full.to_vec(),
        }
    }

    /// Applies the rules to one item; answers where its node is then.
    pub(super) fn judge(&mut self, item: &Move) -> Result<Placed, Refusal> {
        let account = self.actor.account;
        let view = self.views.get(&item.node).ok_or(Refusal::NodeNotFound)?.clone();
        let Some(from) = view.parent_id else {
            // To whom may not see it, the top of a tree does not exist.
            let role = self.lineage.role(account, item.node);
            return Err(role.map_or(Refusal::NodeNotFound, |_| Refusal::RootFixed));
        };
        let target = item.parent.unwrap_or(from);
        self.lineage
            .require(account, item.node, NodeRole::Editor, Refusal::NodeNotFound)?;
        if item.revision.is_some_and(|seen| seen != view.revision) {
            return Err(Refusal::RevisionConflict(view.revision));
        }
        // To take something out of one folder and put it into another is to change both; a new name is the node's own.
        if from != target {
            self.lineage
                .require(account, from, NodeRole::Editor, Refusal::FolderNotYours)?;
            let folder = self
                .lineage
                .require(account, target, NodeRole::Editor, Refusal::ParentNotFound)?;
            if !folder.is_folder {
                return Err(Refusal::NotAFolder);
            }
        }
        if self.lineage.within(target, item.node) {
            return Err(Refusal::IntoItself);
        }
        let within = |id: NodeId, full: &&Level| self.lineage.within(id, full.node);
        let full = self
            .full
            .iter()
            .find(|full| within(target, full) && !within(from, full));
        if let Some(full) = full {
            return Err(full.refusal(self.actor, &self.lineage));
        }
        self.limits(&view, from, target)?;
        let name = item.name.clone().unwrap_or_else(|| view.own_name());
        let place = (target, name.key.clone());
        if self
            .holders
            .get(&place)
            .is_some_and(|holder| *holder != item.node)
        {
            return Err(Refusal::NameTaken(name.text));
        }
        let revision = if from == target && view.name == name.text {
            view.revision
        } else {
            self.place(view, place, &name)
        };
        Ok(Placed {
            id: item.node,
            parent: target,
            name,
            revision,
        })
    }

    /// Refuses a folder with a limit of its own where as many hold already as may stand above each other.
    fn limits(&self, view: &NodeView, from: NodeId, target: NodeId) -> Result<(), Refusal> {
        let limited = self.lineage.quotas(view.id).next() == Some(view.id);
        let above = self.lineage.quotas(target).count();
        if from == target || !limited || above < NESTED {
            return Ok(());
        }
        Err(Refusal::TooManyQuotas(above))
    }

    /// Puts a node elsewhere; answers its new revision.
    fn place(&mut self, mut view: NodeView, place: (NodeId, String), name: &Name) -> i64 {
        if let Some(from) = view.parent_id {
            self.holders.remove(&(from, view.name_key.clone()));
        }
        let id = view.id;
        let change = Change::of(id, ChangeKind::Moved, 0, self.actor.account)
            .out_of(view.parent_id)
            .inherited(self.lineage.any(id).is_none_or(|facts| facts.inherits));
        view.revision = self.lineage.relocate(id, place.0).unwrap_or(view.revision + 1);
        view.parent_id = Some(place.0);
        view.name.clone_from(&name.text);
        view.name_key.clone_from(&name.key);
        view.updated_at = self.now;
        let revision = view.revision;
        if !self.changes.iter().any(|change| change.node == id) {
            self.moved.push(id);
        }
        self.holders.insert(place, id);
        self.views.insert(id, view);
        self.changes.push(Change { revision, ..change });
        revision
    }

    /// The nodes that are in another folder after all items. `before` are the nodes as they were.
    pub(super) fn going(&self, before: &HashMap<NodeId, NodeView>) -> Vec<Going> {
        let going = self.all_placed().into_iter().filter_map(|node| {
            let view = before.get(&node.id)?;
            (view.parent_id != Some(node.parent)).then_some(Going {
                node: node.id,
                is_folder: view.is_folder,
                to: node.parent,
            })
        });
        going.collect()
    }

    /// Where each node that moved is after all items.
    pub(super) fn all_placed(&self) -> Vec<Placed> {
        self.moved.iter().filter_map(|id| self.placed(*id)).collect()
    }

    /// Whether some nodes take over the names that others give up. `before` are the nodes as they were.
    pub(super) fn swaps(&self, before: &HashMap<NodeId, NodeView>) -> bool {
        let placed = self.all_placed();
        let given_up: HashSet<(NodeId, &str)> = placed
            .iter()
            .filter_map(|node| before.get(&node.id))
            .filter_map(|view| Some((view.parent_id?, view.name_key.as_str())))
            .collect();
        let own = |node: &Placed| {
            let view = before.get(&node.id);
            view.is_some_and(|view| view.parent_id == Some(node.parent) && view.name_key == node.name.key)
        };
        placed
            .iter()
            .any(|node| !own(node) && given_up.contains(&(node.parent, node.name.key.as_str())))
    }

    /// A node as an item left it. A later item may have moved it on.
    pub(super) fn after(&self, placed: Placed) -> Result<NodeView> {
        let view = self.views.get(&placed.id);
        let view = view.ok_or_else(|| Error::internal("read a moved node", "it is not there"))?;
        Ok(NodeView {
            parent_id: Some(placed.parent),
            name: placed.name.text,
            revision: placed.revision,
            ..view.clone()
        })
    }

    /// Where a node is after all items.
    fn placed(&self, id: NodeId) -> Option<Placed> {
        let view = self.views.get(&id)?;
        Some(Placed {
            id,
            parent: view.parent_id?,
            name: view.own_name(),
            revision: view.revision,
        })
    }
}
