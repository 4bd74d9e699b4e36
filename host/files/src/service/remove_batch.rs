//! The rules of deleting: the items of a transaction, judged one after the other, each seeing what the ones before it did.

use super::remove_nodes::{By, COVERED_NODES, Item, Trees};
use crate::domain::access::{Actor, NodeRole, root};
use crate::domain::covers::Covers;
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::store::journal::{Change, ChangeKind};
use crate::store::removal::Below;
use crate::store::{removal, trash};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is in which folder, each with its revision.
type Children = HashMap<NodeId, Vec<(NodeId, i64)>>;

/// The items of a transaction, judged one after the other: each sees what the ones before it did.
pub(super) struct Batch {
    by: By,
    lineage: Lineage,
    trashed_at: HashMap<NodeId, OffsetDateTime>,
    tops: HashSet<NodeId>,
    /// What is in which folder of the trees that may go; absent when it is too much.
    below: Option<Children>,
    trees: Trees,
    /// What was there of the trees and went to the trash with an item.
    gone: HashSet<NodeId>,
    /// Each with its tree.
    trashed: Vec<(NodeId, NodeId)>,
    pub(super) removed: HashSet<NodeId>,
    pub(super) changes: Vec<Change>,
    /// A node may go for good now that might not when we looked below.
    pub(super) unforeseen: bool,
}

impl Batch {
    /// `tops` are the nodes that may go for good, with what is below them; `below` is absent when that is too much;
    /// `trees` is what is there where items go to the trash as they cover it.
    pub(super) fn new(
        by: By,
        lineage: Lineage,
        trashed_at: HashMap<NodeId, OffsetDateTime>,
        tops: &[Uuid],
        below: Option<&[Below]>,
        trees: Trees,
    ) -> Self {
        let children = |nodes: &[Below]| {
            let mut children = Children::new();
            for node in nodes {
                if let Some(parent) = node.parent_id {
                    children.entry(parent).or_default().push((node.id, node.revision));
                }
            }
            children
        };
        Self {
            by,
            lineage,
            trashed_at,
            tops: tops.iter().map(|id| NodeId(*id)).collect(),
            below: below.map(children),
            trees,
            gone: HashSet::new(),
            trashed: Vec::new(),
            removed: HashSet::new(),
            changes: Vec::new(),
            unforeseen: false,
        }
    }

    /// Applies the rules to one item.
    pub(super) fn judge(&mut self, item: &Item) -> Result<(), Refusal> {
        match self.by {
            By::Account(actor) => self.judge_caller(actor, item),
            By::Age(before) => match self.trashed_at.get(&item.node) {
                // It went with one above it.
                _ if self.lineage.any(item.node).is_none() => Err(Refusal::NodeNotFound),
                Some(at) if *at <= before => self.remove(item.node),
                // It was restored, or thrown away again later.
                _ => Err(Refusal::NotInTrash),
            },
        }
    }

    fn judge_caller(&mut self, actor: Actor, item: &Item) -> Result<(), Refusal> {
        let (account, id) = (actor.account, item.node);
        let needs = if item.permanent {
            NodeRole::Owner
        } else {
            NodeRole::Editor
        };
        let reachable = self.lineage.live(id).is_some();
        let node = self
            .lineage
            .permit(account, id, needs, Refusal::NodeNotFound)?
            .clone();
        match node.parent_id {
            None => return Err(Refusal::RootFixed),
            Some(above) if above == root(actor.tenant) => return Err(Refusal::RootFixed),
            // To take something out of a folder is to change that folder.
            Some(folder) => {
                self.lineage
                    .permit(account, folder, NodeRole::Editor, Refusal::FolderNotYours)?
            }
        };
        if item.revision.is_some_and(|seen| seen != node.revision) {
            return Err(Refusal::RevisionConflict(node.revision));
        }
        match (item.permanent, node.trashed) {
            (false, true) => Ok(()),
            (false, false) if !reachable => Err(Refusal::NodeNotFound),
            (false, false) => {
                if let Some(covers) = item.covers {
                    self.compare(id, covers)?;
                }
                self.trash(actor, id)
            }
            (true, true) => self.remove(id),
            (true, false) => Err(Refusal::NotInTrash),
        }
    }

    /// Refuses what goes with a node when it is something else than the caller knows.
    fn compare(&mut self, id: NodeId, covers: Covers) -> Result<(), Refusal> {
        let Some(tree) = self.trees.live.get(&id) else {
            if self.trees.full {
                return Err(Refusal::TreeTooLarge(COVERED_NODES));
            }
            self.unforeseen = true;
            return Err(Refusal::Busy);
        };
        let there = tree.iter().filter(|(node, _)| !self.gone.contains(node));
        if Covers::of(there.copied().collect()) == covers {
            Ok(())
        } else {
            Err(Refusal::TreeChanged)
        }
    }

    fn trash(&mut self, actor: Actor, id: NodeId) -> Result<(), Refusal> {
        let tree = self
            .lineage
            .tree(id, root(actor.tenant))
            .ok_or(Refusal::NodeNotFound)?;
        let facts = self.lineage.any(id).ok_or(Refusal::NodeNotFound)?;
        let change = Change::of(id, ChangeKind::Trashed, 0, actor.account)
            .out_of(facts.parent_id)
            .inherited(facts.inherits);
        let revision = self.lineage.trash(id).ok_or(Refusal::NodeNotFound)?;
        let went = self.trees.live.get(&id).into_iter().flatten();
        self.gone.extend(went.map(|(node, _)| *node));
        self.trashed.push((id, tree));
        self.changes.push(Change { revision, ..change });
        Ok(())
    }

    fn remove(&mut self, id: NodeId) -> Result<(), Refusal> {
        let Some(below) = &self.below else {
            return Err(Refusal::DeleteUnfinished);
        };
        let Some(node) = self.lineage.any(id).filter(|_| self.tops.contains(&id)) else {
            self.unforeseen = true;
            return Err(Refusal::Busy);
        };
        let mut tree = vec![(id, node.revision)];
        let mut at = 0;
        while let Some((folder, _)) = tree.get(at).copied() {
            at += 1;
            let inside = below.get(&folder).into_iter().flatten();
            tree.extend(inside.filter(|(child, _)| !self.removed.contains(child)));
        }
        // From the leaves up, the node itself last.
        for (id, seen) in tree.into_iter().rev() {
            let revision = self.lineage.any(id).map_or(seen, |node| node.revision);
            let account = self.by.actor().map(|actor| actor.account);
            self.changes
                .push(Change::of(id, ChangeKind::Deleted, revision, account));
            self.removed.insert(id);
            self.lineage.remove(id);
        }
        Ok(())
    }

    /// Writes what the items change, but for the journal.
    pub(super) async fn write(&self, tx: &mut TenantTx, now: OffsetDateTime) -> Result<()> {
        let left = self.trashed.iter().filter(|(id, _)| !self.removed.contains(id));
        let trashed: Vec<_> = left.copied().collect();
        if let (By::Account(actor), false) = (self.by, trashed.is_empty()) {
            trash::trash(tx, actor, &trashed, now).await?;
        }
        if !self.removed.is_empty() {
            let ids: Vec<Uuid> = self.removed.iter().map(|id| id.0).collect();
            removal::remove(tx, &ids, now).await?;
        }
        Ok(())
    }
}
