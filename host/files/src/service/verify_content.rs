//! What is checked before a commit's transaction: that the bytes are in the store, of the right size, with the declared
//! hash. Nothing is locked meanwhile; the transaction looks at the states again.
//!
//! A single PUT was bound to length and SHA-256 when it was presigned, and can't overwrite: being there with the right
//! size is enough. A multipart upload is assembled here. If every part was bound to a hash, the whole hash is taken on the
//! client's word for now and the job `verify` reads it back later; otherwise it is read back now.

use super::Core;
use crate::domain::plan;
use crate::domain::start::sha256;
use crate::error::Refusal;
use crate::failpoints;
use crate::store::uploads::{self, UploadRow};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Content that is in the store.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) sha256: Vec<u8>,
    /// Whether the store or we compared the hash with the bytes.
    pub(super) by_bytes: bool,
}

/// The declared hash, from start or from commit; both must agree.
fn declared(row: &UploadRow, commit: &v1::CommitUpload) -> Result<Vec<u8>> {
    let late = commit.sha256.as_deref().map(sha256).transpose()?;
    match (&row.sha256, late) {
        (Some(early), Some(late)) if early[..] != late[..] => Err(Refusal::ChecksumMismatch.into()),
        (Some(early), _) => Ok(early.clone()),
        (None, Some(late)) => Ok(late.to_vec()),
        (None, None) => Err(Refusal::Sha256Missing.into()),
    }
}

/// What it means that the store has no such object, or one of that size.
fn arrived(core: &Core, row: &UploadRow, size: Option<u64>) -> Result<()> {
    match size {
        Some(size) if size == row.size => Ok(()),
        Some(stored) => Err(Refusal::SizeMismatch {
            stored,
            declared: row.size,
        }
        .into()),
        None if row.expires_at <= core.clock.now() => Err(Refusal::UploadExpired.into()),
        None => Err(Refusal::UploadIncomplete.into()),
    }
}

/// Verifies a single PUT, of which the store told the size.
pub(super) fn single(
    core: &Core,
    row: &UploadRow,
    commit: &v1::CommitUpload,
    size: Option<u64>,
) -> Result<Verified> {
    let sha256 = declared(row, commit)?;
    arrived(core, row, size)?;
    Ok(Verified {
        sha256,
        by_bytes: true,
    })
}

/// Assembles a multipart upload and verifies it.
pub(super) async fn multipart(
    core: &Core,
    ctx: &Ctx,
    row: &UploadRow,
    commit: &v1::CommitUpload,
) -> Result<Verified> {
    let declared = declared(row, commit)?;
    let tenant = ctx.tenant()?;
    assemble(core, ctx, row, commit).await?;
    failpoints::hit(failpoints::MULTIPART_AFTER_FINISH)?;
    let size = core
        .store
        .sizes(Some(tenant), vec![row.key.clone()])
        .await?
        .pop()
        .flatten();
    arrived(core, row, size)?;
    let mut tx = core.begin(ctx).await?;
    let bound = uploads::bound_parts(&mut tx, row.id).await?;
    tx.commit().await?;
    if bound == u64::from(row.part_count) {
        return Ok(Verified {
            sha256: declared,
            by_bytes: false,
        });
    }
    let read = core.store.hash(tenant, row.key.clone()).await?;
    if read.sha256 != declared {
        let mut tx = core.begin(ctx).await?;
        uploads::orphan(&mut tx, row.object, core.clock.now()).await?;
        tx.commit().await?;
        return Err(Refusal::ChecksumMismatch.into());
    }
    Ok(Verified {
        sha256: declared,
        by_bytes: true,
    })
}

/// Lets the store put the parts together. A multipart upload that the store doesn't know any more was put together by an
/// earlier try of this commit, or is gone: the look at the object tells.
async fn assemble(core: &Core, ctx: &Ctx, row: &UploadRow, commit: &v1::CommitUpload) -> Result<()> {
    let Some(multipart) = row.multipart.clone() else {
        return Err(Refusal::UploadIncomplete.into());
    };
    let tenant = ctx.tenant()?;
    let parts = if commit.parts.is_empty() {
        match core
            .store
            .list_parts(tenant, row.key.clone(), multipart.clone())
            .await?
        {
            None => return Ok(()),
            Some(held) if !covers(held.iter().map(|part| part.number), row.part_count) => {
                return Err(Refusal::UploadIncomplete.into());
            }
            Some(held) => held,
        }
    } else {
        named_parts(row, &commit.parts)?
    };
    core.store
        .finish_multipart(tenant, row.key.clone(), multipart, parts)
        .await?;
    Ok(())
}

fn covers(numbers: impl Iterator<Item = u32>, count: u32) -> bool {
    numbers.eq(1..=count)
}

fn named_parts(row: &UploadRow, parts: &[v1::CommitPart]) -> Result<Vec<v1::UploadedPart>> {
    if !covers(parts.iter().map(|part| part.number), row.part_count) {
        let detail = format!("name all parts, 1 to {}, in order", row.part_count);
        return Err(Error::invalid_field("parts_invalid", "parts", detail));
    }
    Ok(parts
        .iter()
        .map(|part| v1::UploadedPart {
            number: part.number,
            etag: part.etag.clone(),
            size: plan::part(row.size, row.part_size, part.number).1,
        })
        .collect())
}
