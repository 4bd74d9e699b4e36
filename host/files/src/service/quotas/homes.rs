//! The limit that homes begin with.

use super::set_quota::limit;
use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::service::Files;
use crate::store::{quotas, unsigned};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers it to who runs the tenant.
pub(super) async fn get_home_quota(
    files: &Files,
    ctx: &Ctx,
    _request: v1::GetHomeQuotaRequest,
) -> Result<v1::HomeQuota> {
    Actor::of(ctx)?.require_admin()?;
    let mut tx = files.core.begin(ctx).await?;
    let max = quotas::of_homes(&mut tx).await?;
    tx.commit().await?;
    Ok(v1::HomeQuota {
        max_bytes: unsigned(max.ok_or(Refusal::QuotaNotFound)?)?,
    })
}

/// Sets it, for homes that are made from now on.
pub(super) async fn set_home_quota(
    files: &Files,
    ctx: &Ctx,
    request: v1::SetHomeQuotaRequest,
) -> Result<v1::HomeQuota> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let max = limit(request.max_bytes)?;
    let mut tx = files.core.begin(ctx).await?;
    quotas::set_of_homes(&mut tx, max, actor.account, files.core.clock.now()).await?;
    tx.commit().await?;
    Ok(v1::HomeQuota {
        max_bytes: request.max_bytes,
    })
}

/// Takes it away, if there is one.
pub(super) async fn delete_home_quota(
    files: &Files,
    ctx: &Ctx,
    _request: v1::DeleteHomeQuotaRequest,
) -> Result<v1::DeleteHomeQuotaResponse> {
    Actor::of(ctx)?.require_admin()?;
    let mut tx = files.core.begin(ctx).await?;
    quotas::clear_of_homes(&mut tx).await?;
    tx.commit().await?;
    Ok(v1::DeleteHomeQuotaResponse {})
}
