//! Uploads as they are answered, with presigned requests.

use super::Core;
use crate::domain::plan;
use crate::error::Refusal;
use crate::failpoints;
use crate::store::uploads::{self, UploadRow};
use crate::store_client::{Presigned, timestamp};
use bitvault_api::limits::PARTS_PER_ANSWER;
use bitvault_platform::ids::TenantId;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use futures::FutureExt as _;

/// An upload without requests.
pub(super) fn plain(row: &UploadRow) -> v1::Upload {
    v1::Upload {
        id: row.id.to_string(),
        state: v1::UploadState::from(row.state).into(),
        multipart: row.is_multipart,
        part_size: row.part_size,
        part_count: row.part_count,
        parts: Vec::new(),
        uploaded: Vec::new(),
        expires_at: Some(timestamp(row.expires_at)),
    }
}

/// Uploads with requests for their first parts, in the order of the rows. All single PUTs are presigned by one call.
pub(super) async fn with_requests(core: &Core, ctx: &Ctx, rows: &[UploadRow]) -> Vec<Result<v1::Upload>> {
    let singles: Vec<&UploadRow> = rows.iter().filter(|row| !row.is_multipart).collect();
    let multiparts = rows.iter().filter(|row| row.is_multipart);
    let (singles, multiparts) = tokio::join!(
        single_requests(core, ctx, &singles),
        futures::future::join_all(multiparts.map(|row| multipart_upload(core, ctx, row).boxed()))
    );
    let (mut singles, mut multiparts) = (singles.into_iter(), multiparts.into_iter());
    rows.iter()
        .map(|row| {
            let next = if row.is_multipart {
                multiparts.next()
            } else {
                singles.next()
            };
            next.unwrap_or_else(|| Err(Error::internal("present an upload", "a result is missing")))
        })
        .collect()
}

async fn single_requests(core: &Core, ctx: &Ctx, rows: &[&UploadRow]) -> Vec<Result<v1::Upload>> {
    if rows.is_empty() {
        return Vec::new();
    }
    match presign_singles(core, ctx, rows).await {
        Ok(presigned) => rows
            .iter()
            .zip(presigned.requests)
            .map(|(row, request)| {
                let mut upload = plain(row);
                upload.parts.push(part_request(row, 1, request));
                upload.expires_at.clone_from(&presigned.expires_at);
                Ok(upload)
            })
            .collect(),
        Err(error) => rows.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Presigns the PUTs of uploads that travel whole.
pub(super) async fn presign_singles(core: &Core, ctx: &Ctx, rows: &[&UploadRow]) -> Result<Presigned> {
    let puts = rows
        .iter()
        .map(|row| {
            Ok(internal::PutWanted {
                key: row.key.clone(),
                size: row.size,
                sha256: row.sha256.clone().ok_or(Refusal::Sha256Missing)?,
                content_type: row.content_type.clone(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    core.store.presign_puts(ctx.tenant()?, puts).await
}

async fn multipart_upload(core: &Core, ctx: &Ctx, row: &UploadRow) -> Result<v1::Upload> {
    let multipart = begun(core, ctx, row).await?;
    let first = u32::try_from(PARTS_PER_ANSWER)
        .unwrap_or(u32::MAX)
        .min(row.part_count);
    let wanted: Vec<v1::PartWanted> = (1..=first)
        .map(|number| v1::PartWanted { number, sha256: None })
        .collect();
    let (parts, expires_at) = presign_parts(core, ctx.tenant()?, row, multipart, &wanted).await?;
    Ok(v1::Upload {
        parts,
        expires_at,
        ..plain(row)
    })
}

/// The store's id of the multipart upload, which is begun where that has not happened, or was not recorded.
pub(super) async fn begun(core: &Core, ctx: &Ctx, row: &UploadRow) -> Result<String> {
    if let Some(multipart) = &row.multipart {
        return Ok(multipart.clone());
    }
    let tenant = ctx.tenant()?;
    let begun = core
        .store
        .begin_multipart(tenant, row.key.clone(), row.content_type.clone())
        .await?;
    failpoints::hit(failpoints::MULTIPART_AFTER_BEGIN)?;
    let mut tx = core.begin(ctx).await?;
    let recorded = uploads::set_multipart(&mut tx, row.object, &begun).await?;
    tx.commit().await?;
    if recorded.as_deref() != Some(begun.as_str()) {
        // Somebody else began it at the same moment, or the upload has ended: ours is not needed.
        core.store
            .abort_multipart(Some(tenant), row.key.clone(), begun)
            .await?;
    }
    recorded.ok_or_else(|| Refusal::UploadExpired.into())
}

/// Presigns parts of a multipart upload.
pub(super) async fn presign_parts(
    core: &Core,
    tenant: TenantId,
    row: &UploadRow,
    multipart: String,
    wanted: &[v1::PartWanted],
) -> Result<(Vec<v1::PartRequest>, Option<prost_types::Timestamp>)> {
    let parts = wanted
        .iter()
        .map(|part| internal::PartWanted {
            number: part.number,
            size: plan::part(row.size, row.part_size, part.number).1,
            sha256: part.sha256.clone(),
        })
        .collect();
    let presigned = core
        .store
        .presign_parts(tenant, row.key.clone(), multipart, parts)
        .await?;
    let requests = wanted
        .iter()
        .zip(presigned.requests)
        .map(|(part, request)| part_request(row, part.number, request))
        .collect();
    Ok((requests, presigned.expires_at))
}

/// One presigned request with the range of the content that it takes.
pub(super) fn part_request(row: &UploadRow, number: u32, request: v1::PresignedRequest) -> v1::PartRequest {
    let (offset, size) = plan::part(row.size, row.part_size, number);
    v1::PartRequest {
        number,
        offset,
        size,
        request: Some(request),
    }
}
