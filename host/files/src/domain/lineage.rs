//! Nodes together with all their ancestors: whether something is really reachable, and what somebody may do with it.

use super::access::{Actor, NodeRole};
use crate::error::Refusal;
use bitvault_platform::ids::{AccountId, NodeId, VersionId};
use std::collections::HashMap;

/// What rules need to know of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeFacts {
    pub(crate) id: NodeId,
    pub(crate) parent_id: Option<NodeId>,
    pub(crate) is_folder: bool,
    pub(crate) trashed: bool,
    pub(crate) current_version: Option<VersionId>,
    pub(crate) revision: i64,
    /// Roles given above count here as well. Ownership always does, so that nobody is locked out of what is theirs.
    pub(crate) inherits: bool,
    /// Roles given on this very node, to the accounts that the lineage was read for.
    pub(crate) grants: Vec<(AccountId, NodeRole)>,
    /// How many bytes may lie below, when somebody set that.
    pub(crate) quota: Option<i64>,
}

/// Some nodes and every folder above them.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    nodes: HashMap<NodeId, NodeFacts>,
    live: HashMap<NodeId, bool>,
}

impl Lineage {
    /// `nodes` holds each node's ancestors up to the root.
    pub(crate) fn new(nodes: impl IntoIterator<Item = NodeFacts>) -> Self {
        Self {
            nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
            live: HashMap::new(),
        }
    }

    /// The node, unless it is missing, in the trash, or below something in the trash. Each node is walked once.
    pub(crate) fn live(&mut self, id: NodeId) -> Option<&NodeFacts> {
        let mut walked = Vec::new();
        let mut at = id;
        let live = loop {
            if let Some(known) = self.live.get(&at) {
                break *known;
            }
            walked.push(at);
            match self.nodes.get(&at) {
                // A cycle, which must not be, leads to no root.
                _ if walked.len() > self.nodes.len() => break false,
                None => break false,
                Some(node) if node.trashed => break false,
                Some(NodeFacts { parent_id: None, .. }) => break true,
                Some(NodeFacts {
                    parent_id: Some(parent),
                    ..
                }) => at = *parent,
            }
        };
        self.live.extend(walked.into_iter().map(|id| (id, live)));
        if live { self.nodes.get(&id) } else { None }
    }

    /// The role of an account on a node, in the trash or not: the highest that is given on the node or above it.
    pub(crate) fn role(&self, account: AccountId, id: NodeId) -> Option<NodeRole> {
        let mut cut = false;
        let mut best = None;
        for at in self.up(id) {
            // A home has its account's id.
            if at.0 == account.0 {
                return Some(NodeRole::Owner);
            }
            let Some(node) = self.nodes.get(&at) else { break };
            let given = node.grants.iter().filter(|(to, _)| *to == account);
            let counts = given
                .map(|(_, role)| *role)
                .filter(|role| !cut || *role == NodeRole::Owner);
            best = best.max(counts.max());
            cut |= !node.inherits;
        }
        best
    }

    /// The node and all that stand above it, from itself to the root.
    pub(crate) fn upwards(&self, id: NodeId) -> Vec<&NodeFacts> {
        let up = |node: &&NodeFacts| node.parent_id.and_then(|id| self.nodes.get(&id));
        std::iter::successors(self.nodes.get(&id), up)
            .take(self.nodes.len() + 1)
            .collect()
    }

    /// The node, if it is live and the account has at least `role` there. Who has no role at all learns nothing: `missing`.
    pub(crate) fn require(
        &mut self,
        account: AccountId,
        id: NodeId,
        role: NodeRole,
        missing: Refusal,
    ) -> Result<&NodeFacts, Refusal> {
        if self.live(id).is_none() {
            return Err(missing);
        }
        self.permit(account, id, role, missing)
    }

    /// As [`require`](Self::require), for a caller that may be a link's visitor. A link is good while its account may share
    /// its node; then it reaches that node and what lies below, for what it is for. All else does not exist.
    pub(crate) fn require_for(
        &mut self,
        actor: Actor,
        id: NodeId,
        role: NodeRole,
        missing: Refusal,
    ) -> Result<&NodeFacts, Refusal> {
        let Some(link) = actor.link else {
            return self.require(actor.account, id, role, missing);
        };
        let shares = self.role(actor.account, link.node) == Some(NodeRole::Owner);
        if !shares || !self.within(id, link.node) || !link.covers(role, id == link.node) {
            return Err(missing);
        }
        self.require(actor.account, id, role, missing)
    }

    /// As [`require`](Self::require), but the node may be in the trash.
    pub(crate) fn permit(
        &self,
        account: AccountId,
        id: NodeId,
        role: NodeRole,
        missing: Refusal,
    ) -> Result<&NodeFacts, Refusal> {
        let Some(has) = self.role(account, id) else {
            return Err(missing);
        };
        let node = self.nodes.get(&id).ok_or(missing)?;
        if has < role {
            return Err(Refusal::RoleTooLow { has, needs: role });
        }
        Ok(node)
    }

    /// Whether a node is `ancestor` or somewhere below it.
    pub(crate) fn within(&self, id: NodeId, ancestor: NodeId) -> bool {
        self.up(id).any(|at| at == ancestor)
    }

    /// The folders above a node, itself first.
    pub(crate) fn up(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let up = |id: &NodeId| self.nodes.get(id).and_then(|node| node.parent_id);
        // Bounded: a cycle, which must not be, ends here as well.
        std::iter::successors(Some(id), up).take(self.nodes.len() + 1)
    }

    /// The top of the tree that a node is in: the node above it, or itself, right below `root`.
    pub(crate) fn tree(&self, id: NodeId, root: NodeId) -> Option<NodeId> {
        self.up(id).find(|at| {
            self.nodes
                .get(at)
                .is_some_and(|node| node.parent_id == Some(root))
        })
    }

    /// The nodes with a quota that what lies in this folder counts for: itself or above.
    pub(crate) fn quotas(&self, folder: NodeId) -> impl Iterator<Item = NodeId> {
        self.up(folder)
            .filter(|at| self.nodes.get(at).is_some_and(|node| node.quota.is_some()))
    }

    /// Puts a node into another folder, for the rules about what comes after; answers its new revision.
    pub(crate) fn relocate(&mut self, id: NodeId, parent: NodeId) -> Option<i64> {
        self.change(id, |node| node.parent_id = Some(parent))
    }

    /// Puts a node into the trash, as [`relocate`](Self::relocate) puts it elsewhere.
    pub(crate) fn trash(&mut self, id: NodeId) -> Option<i64> {
        self.change(id, |node| node.trashed = true)
    }

    /// Forgets a node that is gone.
    pub(crate) fn remove(&mut self, id: NodeId) {
        self.live.clear();
        self.nodes.remove(&id);
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut NodeFacts)) -> Option<i64> {
        self.live.clear();
        let node = self.nodes.get_mut(&id)?;
        change(node);
        node.revision += 1;
        Some(node.revision)
    }

    /// The node, in the trash or not.
    pub(crate) fn any(&self, id: NodeId) -> Option<&NodeFacts> {
        self.nodes.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::Link;
    use super::*;
    use bitvault_platform::ids::TenantId;
    use bitvault_platform::{LinkAccess, Role};

    fn folder(id: NodeId, parent_id: Option<NodeId>, trashed: bool) -> NodeFacts {
        NodeFacts {
            id,
            parent_id,
            is_folder: true,
            trashed,
            current_version: None,
            revision: 1,
            inherits: true,
            grants: Vec::new(),
            quota: None,
        }
    }

    #[test]
    fn a_role_comes_from_above_until_it_is_cut_and_ownership_always() {
        let [viewer, owner, stranger] = [(); 3].map(|()| AccountId::new());
        let [space, open, closed, inside] = [(); 4].map(|()| NodeId::new());
        let lineage = Lineage::new([
            NodeFacts {
                grants: vec![(viewer, NodeRole::Viewer), (owner, NodeRole::Owner)],
                ..folder(space, None, false)
            },
            folder(open, Some(space), false),
            NodeFacts {
                inherits: false,
                grants: vec![(stranger, NodeRole::Editor)],
                ..folder(closed, Some(open), false)
            },
            folder(inside, Some(closed), false),
        ]);
        for (account, node, role) in [
            (viewer, space, Some(NodeRole::Viewer)),
            (viewer, open, Some(NodeRole::Viewer)),
            (viewer, closed, None),
            (viewer, inside, None),
            (owner, inside, Some(NodeRole::Owner)),
            (stranger, open, None),
            (stranger, inside, Some(NodeRole::Editor)),
        ] {
            assert_eq!(lineage.role(account, node), role);
        }
    }

    #[test]
    fn who_has_no_role_learns_nothing_and_who_has_a_lower_one_is_denied() {
        let (account, home) = (AccountId::new(), NodeId::new());
        let mut lineage = Lineage::new([NodeFacts {
            grants: vec![(account, NodeRole::Viewer)],
            ..folder(home, None, false)
        }]);
        let mut ask = |who, role| lineage.require(who, home, role, Refusal::NodeNotFound).err();
        assert_eq!(
            ask(AccountId::new(), NodeRole::Viewer),
            Some(Refusal::NodeNotFound)
        );
        assert_eq!(ask(account, NodeRole::Viewer), None);
        assert!(matches!(
            ask(account, NodeRole::Editor),
            Some(Refusal::RoleTooLow { .. })
        ));
    }

    #[test]
    fn a_link_reaches_its_node_and_below_while_its_account_owns_that() {
        let [owner, editor] = [(); 2].map(|()| AccountId::new());
        let [space, shared, inside, beside, binned] = [(); 5].map(|()| NodeId::new());
        let mut lineage = Lineage::new([
            NodeFacts {
                grants: vec![(owner, NodeRole::Owner), (editor, NodeRole::Editor)],
                ..folder(space, None, false)
            },
            folder(shared, Some(space), false),
            folder(inside, Some(shared), false),
            folder(binned, Some(shared), true),
            folder(beside, Some(space), false),
        ]);
        let mut reaches = |account, access, id, role| {
            let actor = Actor {
                tenant: TenantId::new(),
                account,
                role: Role::Guest,
                link: Some(Link { node: shared, access }),
            };
            let answer = lineage.require_for(actor, id, role, Refusal::NodeNotFound);
            assert!(matches!(answer, Ok(_) | Err(Refusal::NodeNotFound)));
            answer.is_ok()
        };
        use LinkAccess::{Download, Drop};
        use NodeRole::{Editor, Viewer};
        for (account, access, id, role, reached) in [
            (owner, Download, shared, Viewer, true),
            (owner, Download, inside, Viewer, true),
            (owner, Download, inside, Editor, false),
            (owner, Download, space, Viewer, false),
            (owner, Download, beside, Viewer, false),
            (owner, Download, binned, Viewer, false),
            (owner, Download, NodeId::new(), Viewer, false),
            (owner, Drop, shared, Editor, true),
            (owner, Drop, shared, Viewer, false),
            (owner, Drop, inside, Editor, false),
            (editor, Download, shared, Viewer, false),
            (editor, Drop, shared, Editor, false),
            (AccountId::new(), Download, shared, Viewer, false),
        ] {
            assert_eq!(reaches(account, access, id, role), reached, "{access:?} {role:?}");
        }
    }

    #[test]
    fn what_lies_below_the_trash_is_not_live() {
        let [root, kept, inner, binned, below] = [(); 5].map(|()| NodeId::new());
        let mut lineage = Lineage::new([
            folder(root, None, false),
            folder(kept, Some(root), false),
            folder(inner, Some(kept), false),
            folder(binned, Some(kept), true),
            folder(below, Some(binned), false),
        ]);
        for (id, live) in [
            (below, false),
            (inner, true),
            (binned, false),
            (root, true),
            (NodeId::new(), false),
        ] {
            assert_eq!(lineage.live(id).is_some(), live);
        }
        assert!(lineage.any(below).is_some());
    }

    #[test]
    fn a_node_lies_within_itself_and_each_folder_above_it() {
        let [root, a, b, other] = [(); 4].map(|()| NodeId::new());
        let lineage = Lineage::new([
            folder(root, None, false),
            folder(a, Some(root), false),
            folder(b, Some(a), true),
            folder(other, Some(root), false),
        ]);
        for (id, ancestor, within) in [
            (b, b, true),
            (b, a, true),
            (b, root, true),
            (a, b, false),
            (other, a, false),
            (NodeId::new(), a, false),
        ] {
            assert_eq!(lineage.within(id, ancestor), within);
        }
    }
    #[test]
    fn what_is_changed_in_memory_counts_for_the_rules_that_follow() {
        let [root, home, a, b] = [(); 4].map(|()| NodeId::new());
        let mut lineage = Lineage::new([
            folder(root, None, false),
            folder(home, Some(root), false),
            folder(a, Some(home), false),
            folder(b, Some(home), false),
        ]);
        assert_eq!(lineage.tree(b, root), Some(home));
        assert_eq!(lineage.tree(root, root), None);
        assert!(lineage.live(b).is_some());
        assert_eq!(lineage.relocate(b, a), Some(2));
        assert!(lineage.within(b, a));
        assert_eq!(lineage.trash(a), Some(2));
        assert!(lineage.live(b).is_none(), "the folder above went to the trash");
        lineage.remove(b);
        assert!(lineage.any(b).is_none());
    }
}
