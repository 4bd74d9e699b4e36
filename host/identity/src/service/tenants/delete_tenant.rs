use crate::Identity;
use crate::domain::Caller;
use crate::service::timestamp;
use bitvault_platform::{Code, Ctx, Error};
use bitvault_proto::v1;

/// Marks the caller's tenant for deletion. Nobody gets in from now on, its owner included: only who runs the server can
/// take it back.
pub(super) async fn delete_tenant(
    identity: &Identity,
    ctx: &Ctx,
    request: v1::DeleteTenantRequest,
) -> Result<v1::DeleteTenantResponse, Error> {
    let caller = Caller::of(ctx)?.require_session()?.require_owner()?;
    let row = identity
        .0
        .store
        .tenant(caller.tenant)
        .await?
        .ok_or_else(|| Error::new(Code::NotFound, "tenant_not_found", "no such tenant"))?;
    if row.name != request.name {
        return Err(Error::invalid_field(
            "name_mismatch",
            "name",
            "give the name of this tenant, to be sure that it is the right one",
        ));
    }
    let marked = identity.mark_for_deletion(caller.tenant).await?;
    Ok(v1::DeleteTenantResponse {
        delete_after: Some(timestamp(marked.delete_after)),
    })
}
