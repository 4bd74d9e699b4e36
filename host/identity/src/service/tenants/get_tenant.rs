use super::{tenant_not_found, wire};
use crate::Identity;
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// The tenant and what it has settled. Other modules ask in the daemon's name, within the tenant.
pub(super) async fn get_tenant(
    identity: &Identity,
    ctx: &Ctx,
    _request: v1::GetTenantRequest,
) -> Result<v1::TenantDetails, Error> {
    let id = ctx.tenant()?;
    let row = identity.0.store.tenant(id).await?.ok_or_else(tenant_not_found)?;
    Ok(wire::tenant(id, row))
}
