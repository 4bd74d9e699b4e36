use super::{one, permit, target};
use crate::domain::access::{Actor, NodeRole, root};
use crate::domain::quota::{MAX_BYTES, NESTED};
use crate::error::Refusal;
use crate::failpoints;
use crate::service::Files;
use crate::store::{journal, nodes, quotas, signed};
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Ctx, Error, Result, Role};
use bitvault_proto::v1;
use std::time::Duration;
use uuid::Uuid;

/// How long a call waits for what is there to be counted. What takes longer is left to the job.
const WAIT: Duration = Duration::from_secs(5);

/// Limits what may lie below a folder, a home or a space.
///
/// Two transactions. The first makes the quota known, so that whoever writes from then on changes its counter; the second
/// counts what is there, once everybody who may not have known of it has ended. Until then the limit does not hold. Dying
/// in between is no harm: the job counts what was left.
pub(super) async fn set_quota(files: &Files, ctx: &Ctx, request: v1::SetQuotaRequest) -> Result<v1::Quota> {
    let actor = Actor::of(ctx)?;
    let node = target(&request.node_id, actor)?;
    let max = limit(request.max_bytes)?;
    let now = files.core.clock.now();
    let home = home(files, ctx, actor, &request.node_id).await?;
    let mut tx = files.core.begin(ctx).await?;
    let taken_in = nodes::ensure_homes(&mut tx, home.as_slice(), now).await?;
    nodes::lock(&mut tx, &[node.0]).await?;
    let lineage = permit(&mut tx, actor, node, NodeRole::Owner).await?;
    let above = lineage.quotas(node).filter(|quota| *quota != node).count();
    if above >= NESTED {
        return Err(Refusal::TooManyQuotas(above).into());
    }
    let counted = quotas::set(&mut tx, node, max, Some(actor.account), now).await?;
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    if !counted {
        failpoints::hit(failpoints::QUOTA_AFTER_SET)?;
        files.count_quota(actor.tenant, node, WAIT).await?;
    }
    let mut tx = files.core.begin(ctx).await?;
    let quota = one(&mut tx, node).await?;
    tx.commit().await?;
    Ok(quota)
}

/// The home that is meant, if it may be made: the caller's own, and for who runs the tenant that of a member who has not
/// looked into it yet.
async fn home(files: &Files, ctx: &Ctx, actor: Actor, named: &str) -> Result<Option<Uuid>> {
    let node = target(named, actor)?;
    if actor.home() == Ok(node) {
        return Ok(Some(node.0));
    }
    let Ok(account) = named.parse::<AccountId>() else {
        return Ok(None);
    };
    if !actor.is_admin() {
        return Ok(None);
    }
    let mut tx = files.core.begin(ctx).await?;
    let there = nodes::lineage(&mut tx, &[actor.account.0], &[node.0]).await?;
    tx.commit().await?;
    // Guests have no home.
    let may_have = match there.any(node) {
        Some(_) => false,
        None => files.core.identity.role(actor.tenant, account).await? >= Some(Role::Member),
    };
    Ok(may_have.then_some(node.0))
}

impl Files {
    /// Limits what may lie in a tenant, in bytes; `None` takes the limit away. For who runs the server. Answers whether
    /// what is there is counted, and so the limit holds, already; else a job does that soon.
    pub async fn set_tenant_quota(&self, tenant: TenantId, max_bytes: Option<u64>) -> Result<bool> {
        let max = max_bytes.map(limit).transpose()?;
        let node = root(tenant);
        let now = self.core.clock.now();
        let mut tx = self
            .core
            .begin_rooted(&Ctx::system("files").within(tenant))
            .await?;
        let counted = match max {
            None => {
                quotas::clear(&mut tx, node).await?;
                true
            }
            Some(max) => quotas::set(&mut tx, node, max, None, now).await?,
        };
        tx.commit().await?;
        Ok(counted || self.count_quota(tenant, node, WAIT).await?)
    }

    /// Counts what is below a quota's node, unless that was done; `false` when transactions that may not know of the quota
    /// still run after `wait`.
    pub(crate) async fn count_quota(&self, tenant: TenantId, node: NodeId, wait: Duration) -> Result<bool> {
        /// How often is looked whether they have ended.
        const AGAIN: Duration = Duration::from_millis(20);
        let ctx = Ctx::system("files").within(tenant);
        let mut tx = self.core.begin(&ctx).await?;
        let ours = quotas::transaction(&mut tx).await?;
        tx.commit().await?;
        let ended = async {
            loop {
                let mut tx = self.core.begin(&ctx).await?;
                let ended = quotas::ended_before(&mut tx, ours).await?;
                tx.commit().await?;
                if ended {
                    return Ok::<_, Error>(());
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        match tokio::time::timeout(wait, ended).await {
            Err(_) => return Ok(false),
            Ok(ended) => ended?,
        }
        let mut tx = self.core.begin(&ctx).await?;
        quotas::lock(&mut tx, &[node.0]).await?;
        quotas::count(&mut tx, node).await?;
        tx.commit().await?;
        Ok(true)
    }
}

pub(super) fn limit(max_bytes: u64) -> Result<i64> {
    if max_bytes > MAX_BYTES {
        return Err(Refusal::QuotaInvalid(MAX_BYTES).into());
    }
    signed(max_bytes)
}
