//! Limits on what may lie below a node: setting and showing them. What they refuse is in [`room`](super::room).

mod delete_quota;
mod get_quota;
mod homes;
mod list_quotas;
mod set_quota;

use super::{Answer, Files, serve};
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::store::quotas::QuotaRow;
use crate::store::{nodes, quotas, unsigned};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, NodeId, TenantId};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::quota_service_server::QuotaService;
use tonic::{Request, Response};

#[tonic::async_trait]
impl QuotaService for Files {
    async fn get_quota(&self, request: Request<v1::GetQuotaRequest>) -> Answer<v1::Quota> {
        serve!(self, request, get_quota::get_quota)
    }

    async fn set_quota(&self, request: Request<v1::SetQuotaRequest>) -> Answer<v1::Quota> {
        serve!(self, request, set_quota::set_quota)
    }

    async fn delete_quota(
        &self,
        request: Request<v1::DeleteQuotaRequest>,
    ) -> Answer<v1::DeleteQuotaResponse> {
        serve!(self, request, delete_quota::delete_quota)
    }

    async fn get_home_quota(&self, request: Request<v1::GetHomeQuotaRequest>) -> Answer<v1::HomeQuota> {
        serve!(self, request, homes::get_home_quota)
    }

    async fn set_home_quota(&self, request: Request<v1::SetHomeQuotaRequest>) -> Answer<v1::HomeQuota> {
        serve!(self, request, homes::set_home_quota)
    }

    async fn delete_home_quota(
        &self,
        request: Request<v1::DeleteHomeQuotaRequest>,
    ) -> Answer<v1::DeleteHomeQuotaResponse> {
        serve!(self, request, homes::delete_home_quota)
    }

    async fn list_quotas(&self, request: Request<v1::ListQuotasRequest>) -> Answer<v1::ListQuotasResponse> {
        serve!(self, request, list_quotas::list_quotas)
    }
}

/// The node that is meant: `acc_…` is that account's home.
fn target(id: &str, actor: Actor) -> Result<NodeId> {
    let node = match id.parse::<AccountId>() {
        Ok(account) => NodeId(account.0),
        Err(_) => node_id(id, actor)?,
    };
    // The tenant's root is shown to nobody, and its limit is not set here.
    if node == root(actor.tenant) {
        return Err(Refusal::NodeNotFound.into());
    }
    Ok(node)
}

/// Lets in who has that role on a folder. On the top of a tree: who runs the tenant, without any role; others to look only.
async fn permit(tx: &mut TenantTx, actor: Actor, node: NodeId, role: NodeRole) -> Result<Lineage> {
    let mut lineage = nodes::lineage(tx, &[actor.account.0], &[node.0]).await?;
    let top = root(actor.tenant);
    if lineage.any(node).and_then(|facts| facts.parent_id) == Some(top) {
        // What else stands there is a copy that is not done.
        if !quotas::is_tree(tx, node).await? {
            return Err(Refusal::NodeNotFound.into());
        }
        if actor.is_admin() {
            return Ok(lineage);
        }
        lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound)?;
        if role > NodeRole::Viewer {
            return Err(Refusal::AdminOnly.into());
        }
        return Ok(lineage);
    }
    if !lineage
        .require(actor.account, node, role, Refusal::NodeNotFound)?
        .is_folder
    {
        return Err(Refusal::NotAFolder.into());
    }
    Ok(lineage)
}

/// The quota on a node.
async fn one(tx: &mut TenantTx, node: NodeId) -> Result<v1::Quota> {
    let row = quotas::rows(tx, &[node.0]).await?.pop();
    message(tx.tenant(), row.ok_or(Refusal::QuotaNotFound)?)
}

/// A quota as it is answered.
pub(super) fn message(tenant: TenantId, row: QuotaRow) -> Result<v1::Quota> {
    let level = row.level;
    let kind = if level.node == root(tenant) {
        v1::QuotaKind::Tenant
    } else if row.space {
        v1::QuotaKind::Space
    } else if row.top {
        v1::QuotaKind::Home
    } else {
        v1::QuotaKind::Folder
    };
    Ok(v1::Quota {
        kind: kind.into(),
        node_id: (kind != v1::QuotaKind::Tenant).then(|| level.node.to_string()),
        account_id: (kind == v1::QuotaKind::Home).then(|| AccountId(level.node.0).to_string()),
        max_bytes: unsigned(level.max)?,
        used_bytes: level.counted.then(|| unsigned(level.used)).transpose()?,
        reserved_bytes: unsigned(level.reserved)?,
    })
}
