use super::{Files, get_upload, present};
use crate::domain::access::Actor;
use crate::domain::start::sha256;
use crate::error::Refusal;
use crate::store::uploads::{self, UploadRow};
use bitvault_api::limits::PARTS_PER_ANSWER;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use std::collections::HashSet;

/// Presigns parts, again or for the first time; of a single PUT that is part 1.
pub(super) async fn presign_parts(
    files: &Files,
    ctx: &Ctx,
    request: v1::PresignPartsRequest,
) -> Result<v1::PresignPartsResponse> {
    let actor = Actor::or_visitor(ctx)?;
    let core = &files.core;
    let row = get_upload::own(core, ctx, actor, &request.upload_id).await?;
    row.state.may_send()?;
    if row.expires_at <= core.clock.now() {
        return Err(Refusal::UploadExpired.into());
    }
    check(&row, &request.parts)?;
    if !row.is_multipart {
        let presigned = present::presign_singles(core, ctx, &[&row]).await?;
        let requests = presigned.requests.into_iter();
        return Ok(v1::PresignPartsResponse {
            parts: requests
                .map(|request| present::part_request(&row, 1, request))
                .collect(),
            expires_at: presigned.expires_at,
        });
    }
    let multipart = present::begun(core, ctx, &row).await?;
    bind(files, ctx, &row, &request.parts).await?;
    let (parts, expires_at) =
        present::presign_parts(core, actor.tenant, &row, multipart, &request.parts).await?;
    Ok(v1::PresignPartsResponse { parts, expires_at })
}

fn check(row: &UploadRow, parts: &[v1::PartWanted]) -> Result<()> {
    if parts.is_empty() || parts.len() > PARTS_PER_ANSWER {
        let detail = format!("ask for 1 to {PARTS_PER_ANSWER} parts at a time");
        return Err(Error::invalid_field("parts_invalid", "parts", detail));
    }
    let mut seen = HashSet::new();
    for part in parts {
        if part.number == 0 || part.number > row.part_count || !seen.insert(part.number) {
            let detail = format!("parts are numbered 1 to {}, each once", row.part_count);
            return Err(Error::invalid_field(
                "part_number_invalid",
                "parts.number",
                detail,
            ));
        }
        if let Some(hash) = &part.sha256 {
            let hash = sha256(hash)?;
            let whole = row.sha256.as_deref();
            if !row.is_multipart && whole.is_some_and(|whole| whole != hash) {
                return Err(Refusal::ChecksumMismatch.into());
            }
        }
    }
    Ok(())
}

/// Records the hashes before the requests that carry them exist.
async fn bind(files: &Files, ctx: &Ctx, row: &UploadRow, parts: &[v1::PartWanted]) -> Result<()> {
    let mut numbers = Vec::new();
    let mut hashes = Vec::new();
    for part in parts {
        if let Some(hash) = &part.sha256 {
            numbers
                .push(i32::try_from(part.number).map_err(|cause| Error::internal("number a part", cause))?);
            hashes.push(hash.clone());
        }
    }
    if numbers.is_empty() {
        return Ok(());
    }
    let mut tx = files.core.begin(ctx).await?;
    uploads::bind_parts(&mut tx, row.id, &numbers, &hashes).await?;
    tx.commit().await
}
