//! Homes take in what an older release put right below a tenant's root: what was there when it was replaced, and what it adds
//! while it still runs beside this one. One node a transaction, with all that is below it.

use crate::Files;
use crate::domain::access::{Actor, root};
use crate::domain::free_name;
use crate::service::free_names;
use crate::store::astray::{self, Astray};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::moves::{self, Placed};
use crate::store::nodes;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result, Role};
use uuid::Uuid;

/// Nodes in one look across tenants.
const LOOK: i64 = 500;

impl Files {
    /// Takes in everything that is there; answers how many nodes.
    pub async fn take_in_once(&self) -> Result<u64> {
        let (mut taken, mut after) = (0, NodeId(Uuid::nil()));
        loop {
            let mut tx = self.core.worker.worker().await?;
            let found = astray::list(&mut tx, after, LOOK).await?;
            tx.commit().await?;
            let Some(last) = found.last() else {
                return Ok(taken);
            };
            after = last.node;
            for one in found {
                taken += u64::from(self.take_in(one).await?);
            }
        }
    }

    /// `false` when it is in a home by now.
    async fn take_in(&self, one: Astray) -> Result<bool> {
        let now = self.core.clock.now();
        let home = NodeId(one.account.0);
        let mut tx = self.core.begin(&Ctx::system("files").within(one.tenant)).await?;
        // One that is new takes in all that is its account's.
        let mut changes = nodes::ensure_homes(&mut tx, &[home.0], now).await?;
        let mut locks = moves::subtrees(&mut tx, &[one.node.0]).await?;
        locks.push(home.0);
        locks.sort_unstable();
        nodes::lock(&mut tx, &locks).await?;
        let view = nodes::views(&mut tx, &[one.node.0]).await?.pop();
        if let Some(view) = view.filter(|view| view.parent_id.is_none()) {
            let name = free_names::find(&mut tx, &view, home, None, free_name::restored).await?;
            let placed = Placed {
                id: one.node,
                parent: home,
                name,
                revision: view.revision + 1,
            };
            let change = Change::of(placed.id, ChangeKind::Moved, placed.revision, one.account);
            changes.push(change.out_of(Some(root(one.tenant))).inherited(true));
            let actor = Actor {
                tenant: one.tenant,
                account: one.account,
                role: Role::Guest,
                link: None,
            };
            moves::place(&mut tx, actor, &[placed], now).await?;
        }
        let taken = !changes.is_empty();
        if taken {
            journal::append(&mut tx, &changes, now).await?;
        }
        tx.commit().await?;
        self.core.relay.nudge();
        Ok(taken)
    }
}
