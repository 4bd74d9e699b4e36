//! Limits on what may lie below a node, and how what doesn't fit is told.

use super::access::{Actor, NodeRole, root};
use super::lineage::Lineage;
use crate::error::{Limit, Refusal};
use bitvault_platform::ids::NodeId;

/// Largest limit that can be set, in bytes: 1 EiB. Sums of sizes stay far below what a counter holds.
pub(crate) const MAX_BYTES: u64 = 1 << 60;

/// How many nodes above each other may have a quota: an upload locks and counts on each.
pub(crate) const NESTED: usize = 16;

/// A quota, and how far it is used, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) node: NodeId,
    pub(crate) max: i64,
    pub(crate) used: i64,
    /// What uploads under way have reserved.
    pub(crate) reserved: i64,
    /// Whether what was there when the quota was set has been counted. Until then it does not hold.
    pub(crate) counted: bool,
}

impl Level {
    /// Whether so many bytes more fit.
    pub(crate) fn has_room(&self, bytes: i64) -> bool {
        let taken = self.used.saturating_add(self.reserved).saturating_add(bytes);
        !self.counted || taken <= self.max
    }

    /// The refusal of what does not fit. Who may not see what the quota is on is not told how much there is: nor is a link's
    /// visitor, who is not even told whose limit it is.
    pub(crate) fn refusal(&self, actor: Actor, lineage: &Lineage) -> Refusal {
        let limit = if actor.link.is_some() {
            Limit::Hidden
        } else if self.node == root(actor.tenant) {
            if !actor.is_admin() {
                return Refusal::QuotaExceeded(Limit::Tenant);
            }
            self.told("the tenant".to_owned())
        } else if self.node.0 == actor.account.0 {
            self.told("your home".to_owned())
        } else if lineage.role(actor.account, self.node) >= Some(NodeRole::Viewer) {
            self.told(self.node.to_string())
        } else {
            Limit::Above
        };
        Refusal::QuotaExceeded(limit)
    }

    fn told(&self, on: String) -> Limit {
        Limit::Told {
            on,
            max: self.max,
            used: self.used,
            reserved: self.reserved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lineage::NodeFacts;
    use super::*;
    use crate::domain::access::Link;
    use bitvault_platform::ids::{AccountId, TenantId};
    use bitvault_platform::{LinkAccess, Role};

    fn level(node: NodeId) -> Level {
        Level {
            node,
            max: 10,
            used: 6,
            reserved: 3,
            counted: true,
        }
    }

    #[test]
    fn what_is_used_and_reserved_counts_once_it_is_known() {
        let level = level(NodeId::new());
        assert!(level.has_room(1) && !level.has_room(2));
        assert!(!level.has_room(i64::MAX));
        let fresh = Level {
            counted: false,
            ..level
        };
        assert!(fresh.has_room(2));
    }

    #[test]
    fn numbers_are_told_to_whom_they_concern() {
        let (tenant, account, folder) = (TenantId::new(), AccountId::new(), NodeId::new());
        let lineage = Lineage::new([NodeFacts {
            id: folder,
            parent_id: None,
            is_folder: true,
            trashed: false,
            current_version: None,
            revision: 1,
            inherits: true,
            grants: vec![(account, NodeRole::Viewer)],
            quota: Some(10),
        }]);
        let link = Link {
            node: folder,
            access: LinkAccess::Drop,
        };
        for (node, who, role, link, told) in [
            (folder, account, Role::Member, None, true),
            (folder, AccountId::new(), Role::Member, None, false),
            (folder, account, Role::Guest, Some(link), false),
            (NodeId(account.0), account, Role::Member, None, true),
            (root(tenant), account, Role::Member, None, false),
            (root(tenant), account, Role::Admin, None, true),
        ] {
            let actor = Actor {
                tenant,
                account: who,
                role,
                link,
            };
            let text = level(node).refusal(actor, &lineage).to_string();
            assert_eq!(text.contains("10 bytes"), told, "{text}");
            assert!(!text.contains("nod_") || told, "{text}");
        }
    }
}
