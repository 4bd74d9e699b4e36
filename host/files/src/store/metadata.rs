//! Tags and fields of nodes.

use crate::domain::access::Actor;
use crate::domain::metadata::Edit;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use sqlx::types::Json;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// What a node carries.
#[derive(Debug, Clone)]
pub(crate) struct MetadataRow {
    pub(crate) revision: i64,
    pub(crate) tags: Vec<String>,
    pub(crate) fields: Json<BTreeMap<String, String>>,
}

/// The tags and fields of a node that is there.
pub(crate) async fn of(tx: &mut TenantTx, node: NodeId) -> Result<MetadataRow> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        MetadataRow,
        r#"SELECT n.revision, coalesce(m.tags, '{}') AS "tags!",
                  coalesce(m.fields, '{}') AS "fields!: Json<BTreeMap<String, String>>"
           FROM files.nodes n
           LEFT JOIN LATERAL (SELECT tags, fields FROM files.metadata
                              WHERE tenant_id = $1 AND node_id = n.id LIMIT 1) m ON true
           WHERE n.tenant_id = $1 AND n.id = $2"#,
        tenant,
        node.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Changes the tags and fields of a node that is locked, and answers what is there from now on.
pub(crate) async fn edit(
    tx: &mut TenantTx,
    actor: Actor,
    node: NodeId,
    edit: &Edit,
    now: OffsetDateTime,
) -> Result<MetadataRow> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        MetadataRow,
        r#"WITH kept AS (
               INSERT INTO files.metadata AS m (tenant_id, node_id, tags, fields) VALUES ($1, $2, $3, $4)
               ON CONFLICT (tenant_id, node_id) DO UPDATE
               SET tags = ARRAY(SELECT DISTINCT tag COLLATE "C" FROM unnest(m.tags || excluded.tags) AS held(tag)
                                WHERE tag <> ALL ($5::text[]) ORDER BY 1),
                   fields = (m.fields || excluded.fields) - $6::text[]
               RETURNING tags, fields
           ), node AS (
               UPDATE files.nodes SET updated_at = $7, updated_by = $8, revision = revision + 1
               WHERE tenant_id = $1 AND id = $2 RETURNING revision
           )
           SELECT revision, tags, fields AS "fields: Json<BTreeMap<String, String>>" FROM node, kept"#,
        tenant,
        node.0,
        &edit.add_tags,
        Json(&edit.set_fields) as _,
        &edit.remove_tags,
        &edit.remove_fields,
        now,
        actor.account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}
