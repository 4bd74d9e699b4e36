//! What a commit writes.

use crate::domain::state::ObjectState;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, BlobId, NodeId, ObjectId, UploadId, VersionId};
use bitvault_platform::{Error, Result};
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// An upload as it stands under the lock.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub(crate) state: ObjectState,
    pub(crate) committed_node: Option<NodeId>,
}

/// Locks the objects of uploads, in the order given: by id, and reads the uploads under these locks. The collector locks
/// the same rows.
pub(crate) async fn lock(
    tx: &mut TenantTx,
    uploads: &[Uuid],
    objects: &[Uuid],
) -> Result<HashMap<UploadId, Locked>> {
    let tenant = tx.tenant().0;
    let states = sqlx::query!(
        r#"SELECT o.id AS "id!: ObjectId", o.state AS "state!" FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT id, state FROM files.objects WHERE tenant_id = $1 AND id = wanted.id
                               LIMIT 1 FOR UPDATE) o"#,
        tenant,
        objects
    )
    .fetch_all(&mut **tx)
    .await?;
    let states: HashMap<ObjectId, String> = states.into_iter().map(|row| (row.id, row.state)).collect();
    // A statement of its own: it sees what was committed while the locks were waited for.
    let rows = sqlx::query!(
        r#"SELECT u.id AS "id!: UploadId", u.object_id AS "object!: ObjectId",
                  u.committed_node AS "committed_node?: NodeId"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT * FROM files.uploads WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) u"#,
        tenant,
        uploads
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut locked = HashMap::with_capacity(rows.len());
    for row in rows {
        let Some(state) = states.get(&row.object) else {
            return Err(Error::internal("lock an upload", "its object was not locked"));
        };
        let upload = Locked {
            state: ObjectState::parse(state)?,
            committed_node: row.committed_node,
        };
        locked.insert(row.id, upload);
    }
    Ok(locked)
}

/// A file to make.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    pub(crate) id: NodeId,
    pub(crate) parent: NodeId,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) version: VersionId,
    /// Of that version, in bytes.
    pub(crate) size: i64,
    pub(crate) account: AccountId,
}

/// Makes files; answers those that were made. The others' names are taken: by nodes that exist, or by earlier ones of
/// the same call.
pub(crate) async fn insert_files(
    tx: &mut TenantTx,
    files: &[NewFile],
    now: OffsetDateTime,
) -> Result<HashSet<NodeId>> {
    let tenant = tx.tenant().0;
    let ids: Vec<Uuid> = files.iter().map(|file| file.id.0).collect();
    let parents: Vec<Uuid> = files.iter().map(|file| file.parent.0).collect();
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let keys: Vec<String> = files.iter().map(|file| file.name_key.clone()).collect();
    let versions: Vec<Uuid> = files.iter().map(|file| file.version.0).collect();
    let sizes: Vec<i64> = files.iter().map(|file| file.size).collect();
    let accounts: Vec<Uuid> = files.iter().map(|file| file.account.0).collect();
    let made = sqlx::query_scalar!(
        r#"INSERT INTO files.nodes (tenant_id, id, parent_id, kind, name, name_key, current_version, size,
                                    created_at, created_by, updated_at, updated_by)
           SELECT $1, f.id, f.parent_id, 'file', f.name, f.name_key, f.version, f.size, $2, f.account, $2, f.account
           FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::bigint[], $9::uuid[])
                WITH ORDINALITY AS f(id, parent_id, name, name_key, version, size, account, n)
           ORDER BY f.n
           ON CONFLICT (tenant_id, parent_id, name_key) WHERE trashed_at IS NULL DO NOTHING
           RETURNING id AS "id!: NodeId""#,
        tenant,
        now,
        &ids,
        &parents,
        &names,
        &keys,
        &versions,
        &sizes,
        &accounts
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(made.into_iter().collect())
}

/// A file that gets a new current version.
#[derive(Debug, Clone)]
pub(crate) struct ChangedFile {
    pub(crate) id: NodeId,
    pub(crate) version: VersionId,
    /// Of that version, in bytes.
    pub(crate) size: i64,
    pub(crate) revision: i64,
    pub(crate) account: AccountId,
}

/// Gives files their new current version, and has the policies about versions applied to them soon. Each node stands in
/// `files` once.
pub(crate) async fn update_files(
    tx: &mut TenantTx,
    files: &[ChangedFile],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let ids: Vec<Uuid> = files.iter().map(|file| file.id.0).collect();
    let versions: Vec<Uuid> = files.iter().map(|file| file.version.0).collect();
    let sizes: Vec<i64> = files.iter().map(|file| file.size).collect();
    let revisions: Vec<i64> = files.iter().map(|file| file.revision).collect();
    let accounts: Vec<Uuid> = files.iter().map(|file| file.account.0).collect();
    sqlx::query!(
        "WITH queued AS (
             INSERT INTO files.thinning (tenant_id, node_id, due_at)
             SELECT $1, id, $2 FROM unnest($3::uuid[]) AS f(id)
             ON CONFLICT (tenant_id, node_id) DO UPDATE SET due_at = excluded.due_at
         )
         UPDATE files.nodes n
         SET current_version = f.version, size = f.size, revision = f.revision, updated_at = $2, updated_by = f.account
         FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::uuid[])
              AS f(id, version, size, revision, account)
         CROSS JOIN LATERAL (SELECT ctid AS at FROM files.nodes WHERE tenant_id = $1 AND id = f.id LIMIT 1) found
         WHERE n.ctid = found.at",
        tenant,
        now,
        &ids,
        &versions,
        &sizes,
        &revisions,
        &accounts
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Content that becomes visible: a blob that fills its object, and the version that names it.
#[derive(Debug, Clone)]
pub(crate) struct NewContent {
    pub(crate) upload: UploadId,
    pub(crate) object: ObjectId,
    pub(crate) blob: BlobId,
    pub(crate) version: VersionId,
    pub(crate) node: NodeId,
    pub(crate) length: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) sha256_verified: bool,
    pub(crate) content_type: String,
    pub(crate) device: Option<String>,
    pub(crate) account: AccountId,
}

/// Writes blobs and versions.
pub(crate) async fn insert_contents(
    tx: &mut TenantTx,
    contents: &[NewContent],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let blobs: Vec<Uuid> = contents.iter().map(|one| one.blob.0).collect();
    let objects: Vec<Uuid> = contents.iter().map(|one| one.object.0).collect();
    let lengths: Vec<i64> = contents.iter().map(|one| one.length).collect();
    let hashes: Vec<Vec<u8>> = contents.iter().map(|one| one.sha256.clone()).collect();
    let verified: Vec<bool> = contents.iter().map(|one| one.sha256_verified).collect();
    let versions: Vec<Uuid> = contents.iter().map(|one| one.version.0).collect();
    let nodes: Vec<Uuid> = contents.iter().map(|one| one.node.0).collect();
    let types: Vec<String> = contents.iter().map(|one| one.content_type.clone()).collect();
    let devices: Vec<Option<String>> = contents.iter().map(|one| one.device.clone()).collect();
    let accounts: Vec<Uuid> = contents.iter().map(|one| one.account.0).collect();
    sqlx::query!(
        r#"WITH blob AS (
               INSERT INTO files.blobs (tenant_id, id, object_id, "offset", length, sha256, sha256_verified, created_at)
               SELECT $1, b.id, b.object_id, 0, b.length, b.sha256, b.verified, $2
               FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::bytea[], $7::boolean[])
                    AS b(id, object_id, length, sha256, verified)
           )
           INSERT INTO files.versions (tenant_id, id, node_id, blob_id, content_type, created_at, created_by,
                                       device)
           SELECT $1, v.id, v.node_id, v.blob_id, v.content_type, $2, v.account, v.device
           FROM unnest($8::uuid[], $9::uuid[], $3::uuid[], $10::text[], $11::uuid[], $12::text[])
                AS v(id, node_id, blob_id, content_type, account, device)"#,
        tenant,
        now,
        &blobs,
        &objects,
        &lengths,
        &hashes,
        &verified,
        &versions,
        &nodes,
        &types,
        &accounts,
        &devices as &[Option<String>]
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `staging → committed` or `orphaned → committed`, and what each upload made. The rows are locked, so that a state that
/// does not fit is our mistake.
pub(crate) async fn mark_committed(
    tx: &mut TenantTx,
    contents: &[NewContent],
    now: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let uploads: Vec<Uuid> = contents.iter().map(|one| one.upload.0).collect();
    let objects: Vec<Uuid> = contents.iter().map(|one| one.object.0).collect();
    let nodes: Vec<Uuid> = contents.iter().map(|one| one.node.0).collect();
    let versions: Vec<Uuid> = contents.iter().map(|one| one.version.0).collect();
    let hashes: Vec<Vec<u8>> = contents.iter().map(|one| one.sha256.clone()).collect();
    let moved = sqlx::query_scalar!(
        r#"WITH moved AS (
               UPDATE files.objects o SET state = 'committed', state_at = $2
               FROM unnest($3::uuid[]) AS wanted(id)
               CROSS JOIN LATERAL (SELECT ctid AS at FROM files.objects
                                   WHERE tenant_id = $1 AND id = wanted.id LIMIT 1) found
               WHERE o.ctid = found.at AND o.state IN ('staging', 'orphaned')
               RETURNING o.id
           ), told AS (
               UPDATE files.uploads u
               SET committed_node = c.node_id, committed_version = c.version_id, sha256 = c.sha256
               FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::bytea[]) AS c(id, node_id, version_id, sha256)
               CROSS JOIN LATERAL (SELECT ctid AS at FROM files.uploads
                                   WHERE tenant_id = $1 AND id = c.id LIMIT 1) found
               WHERE u.ctid = found.at
           )
           SELECT count(*) AS "count!" FROM moved"#,
        tenant,
        now,
        &objects,
        &uploads,
        &nodes,
        &versions,
        &hashes
    )
    .fetch_one(&mut **tx)
    .await?;
    if usize::try_from(moved).ok() != Some(contents.len()) {
        return Err(Error::internal(
            "commit objects",
            format!("{moved} of {} could be moved", contents.len()),
        ));
    }
    Ok(())
}
