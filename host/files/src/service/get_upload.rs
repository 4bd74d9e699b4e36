use super::{Core, Files, present};
use crate::domain::access::Actor;
use crate::error::Refusal;
use crate::store::uploads::{self, UploadRow};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers where an upload stands, and which parts the store holds.
pub(super) async fn get_upload(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetUploadRequest,
) -> Result<v1::Upload> {
    let actor = Actor::or_visitor(ctx)?;
    let row = own(&files.core, ctx, actor, &request.id).await?;
    let mut upload = present::plain(&row);
    if let (Ok(()), Some(multipart)) = (row.state.may_send(), row.multipart) {
        let held = files
            .core
            .store
            .list_parts(actor.tenant, row.key, multipart)
            .await?;
        upload.uploaded = held.unwrap_or_default();
    }
    Ok(upload)
}

/// An upload of this account; of a link's visitor only one into the link's folder. Any other looks like none.
pub(super) async fn own(core: &Core, ctx: &Ctx, actor: Actor, id: &str) -> Result<UploadRow> {
    let id = id.parse::<bitvault_platform::ids::UploadId>()?;
    let row = uploads::find(&core.read(ctx)?, &[id.0]).await?.pop();
    match row {
        Some(row) if row.belongs_to(actor) => Ok(row),
        _ => Err(Refusal::UploadNotFound.into()),
    }
}
