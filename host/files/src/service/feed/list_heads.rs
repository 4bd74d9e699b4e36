use crate::service::Files;
use crate::store::feed;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use uuid::Uuid;

/// Most tenants of one call.
const TENANTS_MAX: usize = 1000;

/// Answers how far the journals of these tenants have come; one without a journal is left out.
pub(super) async fn list_heads(
    files: &Files,
    ctx: &Ctx,
    request: internal::ListHeadsRequest,
) -> Result<internal::ListHeadsResponse> {
    ctx.require_system()?;
    if request.tenant_ids.len() > TENANTS_MAX {
        let detail = format!("send at most {TENANTS_MAX} ids at a time");
        return Err(Error::invalid_field("batch_too_large", "tenant_ids", detail));
    }
    let tenants = request
        .tenant_ids
        .iter()
        .map(|text| Ok(text.parse::<TenantId>()?.0));
    let tenants = tenants.collect::<Result<Vec<Uuid>>>()?;
    let mut tx = files.core.worker.worker().await?;
    let heads = feed::heads(&mut tx, &tenants).await?;
    tx.commit().await?;
    let heads = heads.iter().map(super::wire::head).collect();
    Ok(internal::ListHeadsResponse { heads })
}
