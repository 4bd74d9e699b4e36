//! Conflicts: a file, a conflicted copy of it, and how somebody settled that.

use crate::domain::conflict::Keep;
use crate::domain::moment::Moment;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, ConflictId, NodeId, VersionId};
use bitvault_platform::{Error, Result};
use std::collections::HashMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// A conflict.
#[derive(Debug, Clone)]
pub(crate) struct ConflictRow {
    pub(crate) id: ConflictId,
    pub(crate) original: NodeId,
    pub(crate) copy: NodeId,
    pub(crate) copy_key: String,
    pub(crate) base: Option<VersionId>,
    pub(crate) device: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) created_by: AccountId,
    pub(crate) resolved: Option<Resolution>,
}

/// How a conflict was settled, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolution {
    pub(crate) keep: Keep,
    pub(crate) at: OffsetDateTime,
    pub(crate) by: AccountId,
}

impl ConflictRow {
    /// Where it stands in the listing.
    pub(crate) fn place(&self) -> Moment {
        Moment {
            at: self.created_at,
            id: NodeId(self.id.0),
        }
    }
}

/// Conflicts that nobody settled, the newest first, before `from`, at most `limit`.
pub(crate) async fn page(tx: &mut TenantTx, from: Moment, limit: i64) -> Result<Vec<ConflictRow>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT id AS "id: ConflictId", original_id AS "original: NodeId", copy_id AS "copy: NodeId", copy_key,
                  base_version AS "base?: VersionId", device, created_at, created_by AS "created_by: AccountId"
           FROM files.conflicts
           WHERE tenant_id = $1 AND resolved_at IS NULL AND (created_at, id) < ($2, $3)
           ORDER BY created_at DESC, id DESC LIMIT $4"#,
        tenant,
        from.at,
        from.id.0,
        limit
    )
    .fetch_all(&mut **tx)
    .await?;
    let rows = rows.into_iter().map(|row| ConflictRow {
        id: row.id,
        original: row.original,
        copy: row.copy,
        copy_key: row.copy_key,
        base: row.base,
        device: row.device,
        created_at: row.created_at,
        created_by: row.created_by,
        resolved: None,
    });
    Ok(rows.collect())
}

/// One conflict, settled or not.
pub(crate) async fn find(tx: &mut TenantTx, id: ConflictId) -> Result<Option<ConflictRow>> {
    let tenant = tx.tenant().0;
    let row = sqlx::query!(
        r#"SELECT original_id AS "original: NodeId", copy_id AS "copy: NodeId", copy_key,
                  base_version AS "base?: VersionId", device, created_at, created_by AS "created_by: AccountId",
                  keep, resolved_at, resolved_by AS "resolved_by?: AccountId"
           FROM files.conflicts WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let resolved = match (row.keep, row.resolved_at, row.resolved_by) {
        (Some(keep), Some(at), Some(by)) => Some(Resolution {
            keep: Keep::parse(&keep).ok_or_else(|| Error::internal("read a conflict", keep))?,
            at,
            by,
        }),
        _ => None,
    };
    Ok(Some(ConflictRow {
        id,
        original: row.original,
        copy: row.copy,
        copy_key: row.copy_key,
        base: row.base,
        device: row.device,
        created_at: row.created_at,
        created_by: row.created_by,
        resolved,
    }))
}

/// Notes how a conflict was settled. Who calls holds the locks of both files and has seen that nobody did so before.
pub(crate) async fn settle(tx: &mut TenantTx, id: ConflictId, how: Resolution) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "UPDATE files.conflicts SET keep = $3, resolved_at = $4, resolved_by = $5 WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        how.keep.name(),
        how.at,
        how.by.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Who made a version's content, when and where.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) at: OffsetDateTime,
    pub(crate) by: Option<AccountId>,
    pub(crate) device: Option<String>,
}

/// Who made these versions.
pub(crate) async fn made(tx: &mut TenantTx, versions: &[Uuid]) -> Result<HashMap<VersionId, Made>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT v.id AS "id!: VersionId", v.created_at AS "at!", v.created_by AS "by?: AccountId", v.device AS "device?"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, created_at, created_by, device FROM files.versions
                               WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) v"#,
        tenant,
        versions
    )
    .fetch_all(&mut **tx)
    .await?;
    let made = rows.into_iter().map(|row| {
        let made = Made {
            at: row.at,
            by: row.by,
            device: row.device,
        };
        (row.id, made)
    });
    Ok(made.collect())
}
