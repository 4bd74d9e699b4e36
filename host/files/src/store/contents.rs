//! Where the bytes of files' versions are.

use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{NodeId, TenantId, VersionId};
use uuid::Uuid;

/// Where a version's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct ContentRow {
    /// Of what was asked for, counted from 1.
    place: i64,
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) key: String,
    pub(crate) object_size: i64,
    pub(crate) offset: i64,
    pub(crate) length: i64,
    pub(crate) sha256: Vec<u8>,
}

/// The contents of files' versions, in order; of the current one where a version is absent.
pub(crate) async fn contents(
    tx: &mut TenantTx,
    wanted: &[(NodeId, Option<VersionId>)],
) -> Result<Vec<Option<ContentRow>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let tenant: TenantId = tx.tenant();
    let ids: Vec<Uuid> = wanted.iter().map(|(node, _)| node.0).collect();
    let versions: Vec<Option<Uuid>> = wanted
        .iter()
        .map(|(_, version)| version.map(|version| version.0))
        .collect();
    let rows = sqlx::query_as!(
        ContentRow,
        r#"SELECT w.place AS "place!", n.name AS "name!", v.content_type AS "content_type!", o.key AS "key!", o.size AS "object_size!",
                  b."offset" AS "offset!", b.length AS "length!", b.sha256 AS "sha256!"
           FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS w (node_id, version_id, place)
           CROSS JOIN LATERAL (SELECT * FROM files.nodes WHERE tenant_id = $1 AND id = w.node_id LIMIT 1) n
           CROSS JOIN LATERAL (SELECT * FROM files.versions WHERE tenant_id = $1 AND node_id = n.id
                               AND id = coalesce(w.version_id, n.current_version) LIMIT 1) v
           CROSS JOIN LATERAL (SELECT * FROM files.blobs WHERE tenant_id = $1 AND id = v.blob_id LIMIT 1) b
           CROSS JOIN LATERAL (SELECT * FROM files.objects WHERE tenant_id = $1 AND id = b.object_id LIMIT 1) o"#,
        tenant.0,
        &ids,
        &versions as &[Option<Uuid>]
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut contents: Vec<Option<ContentRow>> = Vec::new();
    contents.resize_with(wanted.len(), || None);
    for row in rows {
        let place = usize::try_from(row.place - 1).ok();
        if let Some(content) = place.and_then(|place| contents.get_mut(place)) {
            *content = Some(row);
        }
    }
    Ok(contents)
}
