use super::wire;
use crate::Identity;
use crate::domain::{Caller, SettingsPatch, shown_name};
use bitvault_platform::{Ctx, Error};
use bitvault_proto::v1;

/// Changes the tenant's shown name and settings; what is left out stays as it is.
pub(super) async fn update_tenant(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::UpdateTenantRequest,
) -> Result<v1::TenantDetails, Error> {
    let caller = Caller::of(ctx)?.require_admin()?;
    let name = request.display_name.as_deref().map(shown_name).transpose()?;
    let wanted = request.settings.unwrap_or_default();
    let patch = SettingsPatch::new(
        wanted.public_links.as_deref(),
        wanted.trash_retention_days,
        wanted.guest_invitations.as_deref(),
    )?;
    let row = identity
        .0
        .store
        .update_tenant(caller.tenant, name.as_deref(), patch)
        .await?;
    Ok(wire::tenant(caller.tenant, row))
}
