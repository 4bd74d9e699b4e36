//! The look before a commit's transaction: the uploads' rows and what the store holds of them, for several calls at once.

use super::Core;
use super::verify_content::{self, Verified};
use crate::domain::access::Actor;
use crate::domain::state::ObjectState;
use crate::error::Refusal;
use crate::store::uploads::{self, UploadRow};
use bitvault_platform::ids::{TenantId, UploadId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use std::collections::HashMap;
use uuid::Uuid;

/// One upload that its account wants to commit.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(super) actor: Actor,
    pub(super) commit: v1::CommitUpload,
    /// Of the call that brings it.
    pub(super) traceparent: Option<String>,
}

/// An upload as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    wanted: Wanted,
    row: UploadRow,
    /// What is known of its content; nothing yet about a multipart upload, nor about one that is committed.
    content: Option<Verified>,
}

/// An upload whose content is in the store, or that is committed already.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(super) actor: Actor,
    pub(super) row: UploadRow,
    /// Absent when the upload was committed when it was looked at.
    pub(super) content: Option<Verified>,
    pub(super) traceparent: Option<String>,
}

/// Reads uploads, and looks single PUTs up in the store: a result per item, with one read and one look-up for all.
#[tracing::instrument(name = "check uploads", level = "debug", skip_all, fields(items = items.len()))]
pub(crate) async fn look_up(core: &Core, tenant: TenantId, items: Vec<Wanted>) -> Vec<Result<Found>> {
    let count = items.len();
    match try_look_up(core, tenant, items).await {
        Ok(found) => found,
        Err(error) => vec![(); count].into_iter().map(|()| Err(error.clone())).collect(),
    }
}

async fn try_look_up(core: &Core, tenant: TenantId, items: Vec<Wanted>) -> Result<Vec<Result<Found>>> {
    let ids: Vec<Result<UploadId>> = items.iter().map(|item| item.commit.upload_id.parse()).collect();
    let known: Vec<Uuid> = ids.iter().flatten().map(|id| id.0).collect();
    let read = core.read(&Ctx::system("files").within(tenant))?;
    let rows = uploads::find(&read, &known).await?;
    let rows: HashMap<UploadId, UploadRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut found: Vec<Result<Found>> = ids
        .into_iter()
        .zip(items)
        .map(|(id, wanted)| {
            let row = rows.get(&id?).filter(|row| row.belongs_to(wanted.actor));
            let row = row.ok_or(Refusal::UploadNotFound)?.clone();
            if row.state != ObjectState::Committed {
                row.state.may_commit()?;
            }
            Ok(Found {
                wanted,
                row,
                content: None,
            })
        })
        .collect();
    let singles: Vec<&mut Result<Found>> = found
        .iter_mut()
        .filter(|found| {
            let open = |found: &Found| !found.row.is_multipart && found.row.state != ObjectState::Committed;
            found.as_ref().is_ok_and(open)
        })
        .collect();
    let keys = singles
        .iter()
        .flat_map(|found| found.as_ref())
        .map(|found| found.row.key.clone());
    let keys: Vec<String> = keys.collect();
    if !keys.is_empty() {
        let sizes = core.store.sizes(Some(tenant), keys).await?;
        for (slot, size) in singles.into_iter().zip(sizes) {
            let verified = match slot {
                Ok(found) => verify_content::single(core, &found.row, &found.wanted.commit, size),
                Err(_) => continue,
            };
            match (verified, &mut *slot) {
                (Ok(content), Ok(found)) => found.content = Some(content),
                (Err(error), slot) => *slot = Err(error),
                (Ok(_), Err(_)) => {}
            }
        }
    }
    Ok(found)
}

/// Assembles and verifies what was found to be an open multipart upload.
pub(super) async fn multipart(core: &Core, ctx: &Ctx, found: Result<Found>) -> Result<Checked> {
    let Found { wanted, row, content } = found?;
    let content = if row.is_multipart && row.state != ObjectState::Committed {
        Some(verify_content::multipart(core, ctx, &row, &wanted.commit).await?)
    } else {
        content
    };
    if content.is_none() && row.state != ObjectState::Committed {
        return Err(Error::internal(
            "verify an upload",
            "nothing is known of its content",
        ));
    }
    Ok(Checked {
        actor: wanted.actor,
        row,
        content,
        traceparent: wanted.traceparent,
    })
}
