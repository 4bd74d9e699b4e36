//! Copies that are too large for one short transaction.
//!
//! First one transaction builds all of it below the tenant's root, where nobody has a role; it holds no lock that others
//! wait for. Then another puts its top into the folder that was asked for: one changed row. So nothing of a copy is ever seen
//! but all of it, and it is the source at one moment. Dying in between is no harm: what is not built is built again, what is
//! built is put into its place, and what was given up or became impossible is removed. Each transaction changes the
//! copy's row from the state that it began with, so that two jobs, or a job and a cancellation, can't both win.

use crate::Files;
use crate::domain::access::{Actor, root};
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::failpoints;
use crate::service::copy_node::{name_of, permit, permit_folder};
use crate::service::room;
use crate::store::copies::{self, Built, CopyRow, Copying, State};
use crate::store::journal::{self, Change, ChangeKind};
use crate::store::moves::{self, Placed};
use crate::store::{nodes, removal, usage};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{CopyId, NodeId, TenantId, VersionId};
use bitvault_platform::{Code, Ctx, Error, Result, Role};
use std::time::Duration;

/// How long one job keeps others away from a copy.
const LEASE: Duration = Duration::from_secs(600);

impl Files {
    /// Brings every large copy to its end; answers how many steps that took.
    pub async fn copy_once(&self) -> Result<u64> {
        let mut steps = 0;
        loop {
            let now = self.core.clock.now();
            let mut tx = self.core.worker.worker().await?;
            let claimed = copies::claim(&mut tx, now, now + LEASE).await?;
            tx.commit().await?;
            let Some((tenant, id)) = claimed else {
                return Ok(steps);
            };
            while self.copy_step(tenant, id).await? {
                steps += 1;
            }
        }
    }

    /// One step of a copy; `false` when there is none left.
    async fn copy_step(&self, tenant: TenantId, id: CopyId) -> Result<bool> {
        let mut tx = self.core.begin(&Ctx::system("files").within(tenant)).await?;
        let Some(row) = copies::find(&mut tx, id).await? else {
            return Ok(false);
        };
        let actor = Actor {
            tenant,
            account: row.account,
            // What it may do follows from its roles on the nodes.
            role: Role::Guest,
            link: None,
        };
        let outcome = match (row.state, row.node) {
            (State::Running, _) => self.build(tx, actor, &row).await,
            (State::Built, Some(top)) => self.put_in_place(tx, actor, &row, top).await,
            (State::Failed | State::Cancelled, Some(top)) => self.undo(tx, &row, top).await,
            _ => return Ok(false),
        };
        match outcome {
            Ok(()) => Ok(true),
            // Whoever can do something about it reads the reason; our own mistakes are tried again.
            Err(error) if !matches!(error.code(), Code::Internal | Code::Unavailable) => {
                let mut tx = self.core.begin(&Ctx::system("files").within(tenant)).await?;
                let now = self.core.clock.now();
                copies::end(&mut tx, id, State::Failed, Some(error.reason()), now).await?;
                tx.commit().await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn build(&self, mut tx: TenantTx, actor: Actor, row: &CopyRow) -> Result<()> {
        let now = self.core.clock.now();
        let accounts = [row.account.0];
        let mut lineage = nodes::lineage(&mut tx, &accounts, &[row.source.0, row.parent.0]).await?;
        let source = permit(actor, &mut lineage, row.source, row.parent)?;
        let most = self.core.config.copy.nodes_max;
        let top = NodeId::new();
        // A name that nobody can give, so that it is in nobody's way.
        let hidden = Name {
            text: "copy".to_owned(),
            key: format!("/copy/{}", top.0),
        };
        let parent = root(actor.tenant);
        let copying = Copying {
            source,
            top,
            version: VersionId::new(),
            parent,
            name: &hidden,
            most: most.into(),
            quotas: &[],
            // It is told when it is put into its place.
            then: None,
        };
        let copied = match copies::build(&mut tx, copying, now).await? {
            Built::Made { copied, .. } => copied,
            Built::TooMany => return Err(Refusal::CopyTooLarge(most).into()),
            Built::Vanished | Built::Outgrown(_) | Built::Late => return Err(Refusal::Busy.into()),
        };
        // The tenant's limit holds here already.
        room::fits(&mut tx, actor, &lineage, lineage.quotas(row.parent)).await?;
        if copies::built(&mut tx, row.id, top, copied).await? {
            tx.commit().await?;
            failpoints::hit(failpoints::COPY_AFTER_BUILD)?;
        }
        Ok(())
    }

    async fn put_in_place(&self, mut tx: TenantTx, actor: Actor, row: &CopyRow, top: NodeId) -> Result<()> {
        let now = self.core.clock.now();
        // Nobody else can name the top, and nothing can come below it: no ring, nothing that is not counted.
        let mut locks = [row.parent.0, top.0];
        locks.sort_unstable();
        nodes::lock(&mut tx, &locks).await?;
        let lineage = permit_folder(&mut tx, actor, row.parent).await?;
        let asked = row.name.as_deref().map(Name::new).transpose()?;
        let name = name_of(&mut tx, row.source, row.parent, asked.as_ref()).await?;
        let placed = Placed {
            id: top,
            parent: row.parent,
            name,
            revision: 1,
        };
        moves::place(&mut tx, actor, &[placed], now).await?;
        room::fits(&mut tx, actor, &lineage, lineage.quotas(row.parent)).await?;
        if !copies::end(&mut tx, row.id, State::Done, None, now).await? {
            return Ok(());
        }
        let view = nodes::views(&mut tx, &[top.0]).await?.pop();
        let view = view.ok_or_else(|| Error::internal("read a copy", "it is not there"))?;
        let change = Change {
            version: view.version_id,
            ..Change::of(top, ChangeKind::Created, view.revision, actor.account)
                .out_of(Some(root(actor.tenant)))
        };
        journal::append(&mut tx, &[change], now).await?;
        tx.commit().await?;
        self.core.relay.nudge();
        Ok(())
    }

    /// Removes what was built of a copy that does not come to its end. Nobody saw it, so the journal says nothing.
    async fn undo(&self, mut tx: TenantTx, row: &CopyRow, top: NodeId) -> Result<()> {
        nodes::lock(&mut tx, &[top.0]).await?;
        let subtree = moves::subtrees(&mut tx, &[top.0]).await?;
        removal::remove(&mut tx, &subtree, self.core.clock.now()).await?;
        usage::forget(&mut tx, top).await?;
        copies::undone(&mut tx, row.id).await?;
        tx.commit().await
    }
}
