use super::{Files, get_upload};
use crate::domain::access::Actor;
use crate::domain::state::ObjectState;
use crate::error::Refusal;
use crate::store::uploads;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Gives an upload up: the collector reclaims what was sent once its presigned requests have ended. Giving up what was
/// given up changes nothing.
pub(super) async fn abort_upload(
    files: &Files,
    ctx: &Ctx,
    request: v1::AbortUploadRequest,
) -> Result<v1::AbortUploadResponse> {
    let actor = Actor::or_visitor(ctx)?;
    let row = get_upload::own(&files.core, ctx, actor, &request.id).await?;
    if row.state == ObjectState::Staging {
        let mut tx = files.core.begin(ctx).await?;
        uploads::orphan(&mut tx, row.object, files.core.clock.now()).await?;
        let now = uploads::fetch(&mut tx, &[row.id.0]).await?.pop();
        tx.commit().await?;
        if now.is_some_and(|row| row.state == ObjectState::Committed) {
            return Err(Refusal::UploadCommitted.into());
        }
        return Ok(v1::AbortUploadResponse {});
    }
    match row.state {
        ObjectState::Committed => Err(Refusal::UploadCommitted.into()),
        _ => Ok(v1::AbortUploadResponse {}),
    }
}
