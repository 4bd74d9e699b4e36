use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::media_type;
use crate::error::Refusal;
use crate::store::nodes;
use crate::store::unsigned;
use bitvault_platform::attachment::disposition;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;

/// How long a request that a link's visitor is given can be begun, in seconds.
const LINK_LIFETIME_S: u32 = 60;
/// Answers a presigned request that reads a file's content.
pub(super) async fn get_content(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetContentRequest,
) -> Result<v1::Content> {
    let actor = Actor::or_visitor(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let version = match &request.version_id {
        Some(text) => Some(text.parse()?),
        None => None,
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage.require_for(actor, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
    if node.is_folder {
        return Err(Refusal::NotAFile.into());
    }
    if !actor.may_read() {
        return Err(Refusal::LinkViewOnly.into());
    }
    let content = nodes::content(&mut tx, id, version)
        .await?
        .ok_or(Refusal::VersionNotFound)?;
    tx.commit().await?;
    let (length, offset) = (unsigned(content.length)?, unsigned(content.offset)?);
    let whole = content.offset == 0 && content.length == content.object_size;
    // What strangers are pointed to is saved and never shown, and so is what a browser might run.
    let saved =
        request.attachment || actor.link.is_some() || !media_type::may_be_shown(&content.content_type);
    let wanted = internal::PresignGetRequest {
        key: content.key.clone(),
        range: (!whole).then_some(internal::Range { offset, length }),
        // For a visitor it is good for one download that begins now.
        lifetime_s: if actor.link.is_some() { LINK_LIFETIME_S } else { 0 },
        content_type: Some(content.content_type.clone()),
        content_disposition: saved.then(|| disposition(&content.name)),
    };
    let (request, expires_at) = files.core.store.presign_get(actor.tenant, wanted).await?;
    Ok(v1::Content {
        request: Some(request),
        expires_at,
        size: length,
        sha256: content.sha256,
    })
}
