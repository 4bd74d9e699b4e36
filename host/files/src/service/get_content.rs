use super::{Files, bounded_batch};
use crate::domain::access::{Actor, NodeRole, node_id};
use crate::domain::media_type;
use crate::error::Refusal;
use crate::store::contents::{self, ContentRow};
use crate::store::nodes;
use crate::store::unsigned;
use bitvault_platform::attachment::disposition;
use bitvault_platform::ids::{NodeId, VersionId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use bitvault_proto::v1::get_content_result;

/// How long a request that a link's visitor is given can be begun, in seconds.
const LINK_LIFETIME_S: u32 = 60;

/// Answers a presigned request that reads a file's content.
pub(super) async fn get_content(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetContentRequest,
) -> Result<v1::Content> {
    let mut contents = contents(files, ctx, vec![request]).await?;
    match contents.pop() {
        Some(content) => content,
        None => Err(Error::internal("read a content", "the answer is empty")),
    }
}

/// Answers presigned requests that read many files' contents: a result per item.
pub(super) async fn get_contents(
    files: &Files,
    ctx: &Ctx,
    request: v1::GetContentsRequest,
) -> Result<v1::GetContentsResponse> {
    bounded_batch(request.items.len())?;
    let contents = contents(files, ctx, request.items).await?;
    let items = contents.into_iter().map(|content| v1::GetContentResult {
        result: Some(match content {
            Ok(content) => get_content_result::Result::Content(content),
            Err(error) => get_content_result::Result::Error(error.into()),
        }),
    });
    Ok(v1::GetContentsResponse {
        items: items.collect(),
    })
}

/// One look at all nodes, one at their contents, and one call for all requests.
async fn contents(
    files: &Files,
    ctx: &Ctx,
    requests: Vec<v1::GetContentRequest>,
) -> Result<Vec<Result<v1::Content>>> {
    let actor = Actor::or_visitor(ctx)?;
    let asked: Vec<Result<(NodeId, Option<VersionId>)>> =
        requests.iter().map(|request| parsed(request, actor)).collect();
    let ids: Vec<_> = asked.iter().flatten().map(|(node, _)| node.0).collect();
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &ids).await?;
    let allowed: Vec<Result<(NodeId, Option<VersionId>)>> = asked
        .into_iter()
        .map(|asked| {
            let (id, version) = asked?;
            let node = lineage.require_for(actor, id, NodeRole::Viewer, Refusal::NodeNotFound)?;
            if node.is_folder {
                return Err(Refusal::NotAFile.into());
            }
            if !actor.may_read() {
                return Err(Refusal::LinkViewOnly.into());
            }
            Ok((id, version))
        })
        .collect();
    let wanted: Vec<_> = allowed.iter().flatten().copied().collect();
    let rows = contents::contents(&mut tx, &wanted).await?;
    tx.commit().await?;

    let mut rows = rows.into_iter();
    let found: Vec<Result<ContentRow>> = allowed
        .into_iter()
        .map(|allowed| {
            allowed?;
            let row = rows.next().flatten();
            row.ok_or_else(|| Refusal::VersionNotFound.into())
        })
        .collect();
    let mut gets = Vec::with_capacity(wanted.len());
    for (row, request) in found.iter().zip(&requests) {
        if let Ok(row) = row {
            // What strangers are pointed to is saved and never shown, and so is what a browser might run.
            let saved =
                request.attachment || actor.link.is_some() || !media_type::may_be_shown(&row.content_type);
            gets.push(wanted_of(row, saved)?);
        }
    }
    if gets.is_empty() {
        return Ok(found
            .into_iter()
            .map(|row| Err(row.err().unwrap_or_else(lost)))
            .collect());
    }
    // For a visitor it is good for one download that begins now.
    let most_s = actor.link.is_some().then_some(LINK_LIFETIME_S);
    let presigned = files.core.store.presign_gets(actor.tenant, gets, most_s).await?;
    let mut signed = presigned.requests.into_iter();
    Ok(found
        .into_iter()
        .map(|row| {
            let row = row?;
            Ok(v1::Content {
                request: Some(signed.next().ok_or_else(lost)?),
                expires_at: presigned.expires_at,
                size: unsigned(row.length)?,
                sha256: row.sha256,
            })
        })
        .collect())
}

fn parsed(request: &v1::GetContentRequest, actor: Actor) -> Result<(NodeId, Option<VersionId>)> {
    let version = match &request.version_id {
        Some(text) => Some(text.parse()?),
        None => None,
    };
    Ok((node_id(&request.node_id, actor)?, version))
}

fn wanted_of(row: &ContentRow, saved: bool) -> Result<internal::GetWanted> {
    let (length, offset) = (unsigned(row.length)?, unsigned(row.offset)?);
    let whole = row.offset == 0 && row.length == row.object_size;
    Ok(internal::GetWanted {
        key: row.key.clone(),
        range: (!whole).then_some(internal::Range { offset, length }),
        content_type: Some(row.content_type.clone()),
        content_disposition: saved.then(|| disposition(&row.name)),
    })
}

fn lost() -> Error {
    Error::internal("read contents", "a request is missing")
}
