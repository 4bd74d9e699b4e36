use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::nodes::{self, ContentRow};
use crate::store::unsigned;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 5987 `attr-char`: what needs no encoding in `filename*`.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Answers a presigned request that reads a file's content.
pub(super) async fn get_content(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetContentRequest,
) -> Result<v1::Content> {
    let actor = Actor::of(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let version = match &request.version_id {
        Some(text) => Some(text.parse()?),
        None => None,
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let node = lineage.require(actor.account, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
    if node.is_folder {
        return Err(Refusal::NotAFile.into());
    }
    let content = nodes::content(&mut tx, id, version)
        .await?
        .ok_or(Refusal::VersionNotFound)?;
    tx.commit().await?;
    let (length, offset) = (unsigned(content.length)?, unsigned(content.offset)?);
    let whole = content.offset == 0 && content.length == content.object_size;
    let wanted = internal::PresignGetRequest {
        key: content.key.clone(),
        range: (!whole).then_some(internal::Range { offset, length }),
        lifetime_s: 0,
        content_type: Some(content.content_type.clone()),
        content_disposition: request.attachment.then(|| disposition(&content)),
    };
    let (request, expires_at) = files.core.store.presign_get(actor.tenant, wanted).await?;
    Ok(v1::Content {
        request: Some(request),
        expires_at,
        size: length,
        sha256: content.sha256,
    })
}

/// `Content-Disposition` of RFC 6266: an ASCII name for old readers, the real one for the others.
fn disposition(content: &ContentRow) -> String {
    let plain: String = content
        .name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(&content.name, ATTR_CHAR);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposition_can_not_be_broken_out_of() {
        let content = ContentRow {
            name: "a\"; x=\\é%.txt".to_owned(),
            content_type: String::new(),
            key: String::new(),
            object_size: 0,
            offset: 0,
            length: 0,
            sha256: Vec::new(),
        };
        assert_eq!(
            disposition(&content),
            "attachment; filename=\"a_; x=___.txt\"; filename*=UTF-8''a%22%3B%20x%3D%5C%C3%A9%25.txt"
        );
    }
}
