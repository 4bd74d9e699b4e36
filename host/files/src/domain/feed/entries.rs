//! What entries of the journal mean for an account. Its roots are those that it has now.

use super::roots::{tell_below, why};
use super::{Roots, Tree};
use crate::domain::access::{NodeRole, root as tenant_root};
use crate::domain::change_kind::ChangeKind;
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_proto::v1::ChangeCause;
use std::collections::HashMap;
use time::OffsetDateTime;

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: i64,
    pub(crate) node: NodeId,
    pub(crate) kind: ChangeKind,
    pub(crate) actor: Option<AccountId>,
    pub(crate) at: OffsetDateTime,
    /// As [`Change`](crate::store::journal::Change) has them.
    pub(crate) from: Option<NodeId>,
    pub(crate) inherited: Option<bool>,
}

impl Entry {
    /// Whether it may have made an account see other trees than before.
    pub(crate) fn turns_roots(&self, tenant: TenantId) -> bool {
        match self.kind {
            ChangeKind::Updated => false,
            ChangeKind::Created => self.from.is_none_or(|from| from == tenant_root(tenant)),
            _ => true,
        }
    }
}

/// A node that is told, because of an entry of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) node: NodeId,
    pub(crate) cause: ChangeCause,
    pub(crate) seq: i64,
    pub(crate) actor: Option<AccountId>,
    pub(crate) at: OffsetDateTime,
}

/// What entries tell. Upserts are taken in before removals: a node that moved out of a folder is out of it when that goes.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) upserts: Vec<Told>,
    pub(crate) removals: Vec<Told>,
    /// Trees that came into sight, or of which more than the top has changed.
    pub(crate) trees: Vec<Tree>,
}

/// Judges entries, in the order of the journal, for an account.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    /// What it sees by itself now; all of it has been told.
    pub(crate) roots: &'a Roots,
    /// Knows the nodes of the entries and where they came from, as far as they are there.
    pub(crate) lineage: &'a mut Lineage,
    /// Folders that moved up to this entry are walked.
    pub(crate) unsettled: i64,
}

impl Judge<'_> {
    /// What the entries tell.
    pub(crate) fn page(mut self, entries: &[Entry]) -> Page {
        let mut order = Vec::new();
        let mut groups: HashMap<NodeId, Vec<&Entry>> = HashMap::new();
        for entry in entries.iter().filter(|one| one.node != tenant_root(self.tenant)) {
            let group = groups.entry(entry.node).or_default();
            if group.is_empty() {
                order.push(entry.node);
            }
            group.push(entry);
        }
        let mut page = Page::default();
        // Folders that went from one seen folder to another.
        let mut within = Vec::new();
        for node in order {
            let group = &groups[&node];
            if !self.sees(node) {
                page.removals.extend(self.removal(node, group));
                continue;
            }
            match self.change(node, group) {
                None => {}
                Some((cause, Below::Same)) => page.upserts.push(told(node, cause, group)),
                Some((cause, Below::Moved)) => {
                    within.push(page.upserts.len());
                    page.upserts.push(told(node, cause, group));
                }
                Some((cause, Below::Walk)) => {
                    page.trees
                        .push(Tree::new(self.lineage, self.account, node, cause));
                }
            }
        }
        // It may have moved out of a tree that has yet to be walked, which does not come past it then.
        if !page.trees.is_empty() {
            for at in within {
                let node = page.upserts[at].node;
                page.trees
                    .push(Tree::new(self.lineage, self.account, node, ChangeCause::Moved));
            }
        }
        self.leave_to_walks(&mut page);
        page
    }

    fn sees(&mut self, node: NodeId) -> bool {
        let missing = Refusal::NodeNotFound;
        self.lineage
            .require(self.account, node, NodeRole::Viewer, missing)
            .is_ok()
    }

    /// Whether a child of that folder could be seen there before that entry.
    fn showed(&mut self, folder: NodeId, entry: &Entry, inherited: Option<bool>) -> bool {
        let takes_roles =
            inherited != Some(false) || self.lineage.role(self.account, folder) == Some(NodeRole::Owner);
        takes_roles && self.sees(folder) && self.roots.showed(self.lineage, folder, entry.seq)
    }

    /// A node that is out of sight now. If the folder that it left can't be seen any more either, the removal of that
    /// folder, or of one above it, is what the reader gets.
    fn removal(&mut self, node: NodeId, group: &[&Entry]) -> Option<Told> {
        let present = self
            .lineage
            .any(node)
            .map(|facts| (facts.parent_id, facts.inherits));
        let (parent, inherits) = present.map_or((None, None), |(parent, inherits)| (parent, Some(inherits)));
        let mut left = None;
        for entry in group {
            let (folder, inherited) = match entry.kind {
                ChangeKind::Moved => (entry.from, entry.inherited),
                // The trash leaves a node where it was.
                ChangeKind::Trashed => (entry.from.or(parent), entry.inherited.or(inherits)),
                ChangeKind::Shared if entry.inherited == Some(true) => (parent, entry.inherited),
                _ => continue,
            };
            if folder.is_some_and(|folder| self.showed(folder, entry, inherited)) {
                left = Some(entry.kind);
            }
        }
        // What left sight is not deleted by what happens to it after.
        let cause = match (left?, why(self.lineage, self.account, node)) {
            (ChangeKind::Trashed, ChangeCause::Deleted) => ChangeCause::Deleted,
            (_, ChangeCause::Trashed) => ChangeCause::Trashed,
            (ChangeKind::Shared, _) => ChangeCause::AccessLost,
            // Or restored to there.
            _ => ChangeCause::MovedOut,
        };
        let mut told = told(node, cause, group);
        // Who threw it away, not who removed it from the trash later or changed it before.
        let act = match cause {
            ChangeCause::Trashed => Some(ChangeKind::Trashed),
            ChangeCause::Deleted => Some(ChangeKind::Deleted),
            ChangeCause::MovedOut => Some(ChangeKind::Moved),
            _ => None,
        };
        if let Some(entry) = group.iter().rfind(|entry| Some(entry.kind) == act) {
            (told.actor, told.at) = (entry.actor, entry.at);
        }
        Some(told)
    }

    /// What happened to a node that is in sight now; nothing when nothing that the account is told has.
    fn change(&mut self, node: NodeId, group: &[&Entry]) -> Option<(ChangeCause, Below)> {
        let last = group.last()?;
        // It came into sight later, and has been told as it was then or is since.
        if !self.roots.showed(self.lineage, node, last.seq) {
            return None;
        }
        let facts = self.lineage.any(node)?.clone();
        let has = |kind| group.iter().any(|entry| entry.kind == kind);
        let below = |below| if facts.is_folder { below } else { Below::Same };
        if has(ChangeKind::Restored) {
            return Some((ChangeCause::Restored, below(Below::Walk)));
        }
        let shared = group.iter().find(|entry| entry.kind == ChangeKind::Shared);
        if let Some(entry) = shared.filter(|entry| entry.inherited != Some(facts.inherits)) {
            let opened = entry.inherited == Some(false) && facts.inherits;
            let cause = match opened {
                true => ChangeCause::AccessGiven,
                false => ChangeCause::AccessChanged,
            };
            return Some((cause, below(Below::Walk)));
        }
        let moves: Vec<&Entry> = group
            .iter()
            .filter(|entry| {
                entry.kind == ChangeKind::Moved && (entry.from.is_none() || entry.from != facts.parent_id)
            })
            .copied()
            .collect();
        let seen_before = |judge: &mut Self, entry: &&Entry| {
            let folder = entry.from;
            folder.is_some_and(|folder| judge.showed(folder, entry, entry.inherited))
        };
        if let Some(created) = group.iter().find(|entry| entry.kind == ChangeKind::Created) {
            let whole = created.from.is_some_and(|from| from != tenant_root(self.tenant));
            let settled = moves.iter().all(|entry| entry.seq > self.unsettled);
            let below = below(if whole && settled {
                Below::Moved
            } else {
                Below::Walk
            });
            return Some((
                ChangeCause::Created,
                if moves.is_empty() && whole {
                    Below::Same
                } else {
                    below
                },
            ));
        }
        if !moves.is_empty() {
            if !moves.iter().all(|entry| seen_before(self, entry)) {
                return Some((ChangeCause::MovedIn, below(Below::Walk)));
            }
            let role = |folder: Option<NodeId>| folder.and_then(|id| self.lineage.role(self.account, id));
            let roles = moves
                .iter()
                .all(|entry| role(entry.from) == role(facts.parent_id));
            let settled = moves.iter().all(|entry| entry.seq > self.unsettled);
            let below = below(if roles && settled {
                Below::Moved
            } else {
                Below::Walk
            });
            return Some((ChangeCause::Moved, below));
        }
        if has(ChangeKind::Moved) {
            return Some((ChangeCause::Moved, Below::Same));
        }
        has(ChangeKind::Updated).then_some((ChangeCause::Changed, Below::Same))
    }

    /// What a walk comes past is left to it, so that a folder is told before what is in it.
    fn leave_to_walks(&self, page: &mut Page) {
        let (account, lineage) = (self.account, &*self.lineage);
        let past = |tree: &Tree, node: NodeId| tree.covers(lineage, node, lineage.role(account, node));
        let all = page.trees.clone();
        let other = |one: &Tree, tree: &Tree| one.node != tree.node && past(one, tree.node);
        page.trees.retain(|tree| !all.iter().any(|one| other(one, tree)));
        let trees = &page.trees;
        page.upserts
            .retain(|told| !trees.iter().any(|tree| past(tree, told.node)));
        // Parents first.
        page.upserts
            .sort_by_cached_key(|told| (lineage.up(told.node).count(), told.seq));
    }
}

/// What becomes of that which is below a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    /// Nothing, or there is nothing.
    Same,
    /// It went along, from one seen folder to another.
    Moved,
    /// It has to be told.
    Walk,
}

fn told(node: NodeId, cause: ChangeCause, group: &[&Entry]) -> Told {
    let last = group[group.len() - 1];
    Told {
        node,
        cause,
        seq: last.seq,
        actor: last.actor,
        at: last.at,
    }
}

/// The roots once a page has been told: those below what it removes or lets be walked are walked in this new round. The
/// lineage is that of the roots.
pub(crate) fn told_anew(roots: &Roots, page: &Page, lineage: &Lineage, round: i64) -> Roots {
    let mut next = roots.list().to_vec();
    let lost: Vec<NodeId> = page.removals.iter().map(|told| told.node).collect();
    tell_below(&mut next, &page.trees, &lost, lineage, round);
    Roots::new(next)
}
