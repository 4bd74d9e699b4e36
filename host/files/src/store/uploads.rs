//! Uploads and the objects they fill.

use crate::domain::access::{Actor, Link};
use crate::domain::start::{ConflictOf, Start, Target};
use crate::domain::state::ObjectState;
use crate::store::{signed, unsigned};
use bitvault_platform::db::{TenantRead, TenantTx};
use bitvault_platform::ids::{AccountId, NodeId, ObjectId, UploadId, VersionId};
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;
use uuid::Uuid;

/// An upload with its object.
#[derive(Debug, Clone)]
pub(crate) struct UploadRow {
    pub(crate) id: UploadId,
    pub(crate) object: ObjectId,
    pub(crate) account: AccountId,
    pub(crate) target: StoredTarget,
    pub(crate) size: u64,
    pub(crate) sha256: Option<Vec<u8>>,
    pub(crate) content_type: String,
    pub(crate) device: Option<String>,
    pub(crate) conflict: Option<ConflictOf>,
    pub(crate) part_size: u64,
    pub(crate) part_count: u32,
    pub(crate) key: String,
    pub(crate) state: ObjectState,
    pub(crate) is_multipart: bool,
    pub(crate) multipart: Option<String>,
    pub(crate) expires_at: OffsetDateTime,
}

impl UploadRow {
    /// Whether the caller began it. For a link's visitor the account's other uploads do not exist.
    pub(crate) fn belongs_to(&self, actor: Actor) -> bool {
        let within =
            |link: Link| matches!(self.target, StoredTarget::File { parent, .. } if parent == link.node);
        self.account == actor.account && actor.link.is_none_or(within)
    }
}

/// What the upload adds; the name's folded key comes from the row, so that a later change of folding can't move it.
#[derive(Debug, Clone)]
pub(crate) enum StoredTarget {
    File {
        parent: NodeId,
        name: String,
        key: String,
    },
    Version {
        node: NodeId,
        base: Option<VersionId>,
    },
}

impl StoredTarget {
    /// The node that commit locks.
    pub(crate) fn node(&self) -> NodeId {
        match self {
            Self::File { parent, .. } => *parent,
            Self::Version { node, .. } => *node,
        }
    }
}

/// One upload to record.
#[derive(Debug, Clone)]
pub(crate) struct NewUpload {
    pub(crate) id: UploadId,
    pub(crate) object: ObjectId,
    pub(crate) account: AccountId,
    pub(crate) key: String,
    /// As `start` tells it, or the file's name.
    pub(crate) content_type: String,
    pub(crate) start: Start,
}

impl NewUpload {
    /// What a read of its rows would answer.
    pub(crate) fn row(&self, expires_at: OffsetDateTime) -> UploadRow {
        let start = &self.start;
        UploadRow {
            id: self.id,
            object: self.object,
            account: self.account,
            target: match &start.target {
                Target::File { parent, name } => StoredTarget::File {
                    parent: *parent,
                    name: name.text.clone(),
                    key: name.key.clone(),
                },
                Target::Version { node, base } => StoredTarget::Version {
                    node: *node,
                    base: *base,
                },
            },
            size: start.size,
            sha256: start.sha256.map(Vec::from),
            content_type: self.content_type.clone(),
            device: start.device.clone(),
            conflict: start.conflict,
            part_size: start.plan.part_size,
            part_count: start.plan.part_count,
            key: self.key.clone(),
            state: ObjectState::Staging,
            is_multipart: start.plan.multipart,
            multipart: None,
            expires_at,
        }
    }
}

/// Records uploads and their staging objects, in one statement.
pub(crate) async fn insert(
    tx: &mut TenantTx,
    uploads: &[NewUpload],
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<()> {
    let tenant = tx.tenant().0;
    let file = |upload: &NewUpload| match &upload.start.target {
        Target::File { parent, name } => Some((parent.0, name.text.clone(), name.key.clone())),
        Target::Version { .. } => None,
    };
    let version = |upload: &NewUpload| match &upload.start.target {
        Target::File { .. } => None,
        Target::Version { node, base } => Some((node.0, base.map(|base| base.0))),
    };
    let column = |of: &dyn Fn(&NewUpload) -> Uuid| uploads.iter().map(of).collect::<Vec<_>>();
    let objects = column(&|upload| upload.object.0);
    let ids = column(&|upload| upload.id.0);
    let accounts = column(&|upload| upload.account.0);
    let keys: Vec<String> = uploads.iter().map(|upload| upload.key.clone()).collect();
    let sizes = uploads
        .iter()
        .map(|upload| signed(upload.start.size))
        .collect::<Result<Vec<_>>>()?;
    let multipart: Vec<bool> = uploads.iter().map(|upload| upload.start.plan.multipart).collect();
    let parents: Vec<Option<Uuid>> = uploads.iter().map(|one| file(one).map(|it| it.0)).collect();
    let names: Vec<Option<String>> = uploads.iter().map(|one| file(one).map(|it| it.1)).collect();
    let name_keys: Vec<Option<String>> = uploads.iter().map(|one| file(one).map(|it| it.2)).collect();
    let nodes: Vec<Option<Uuid>> = uploads.iter().map(|one| version(one).map(|it| it.0)).collect();
    let bases: Vec<Option<Uuid>> = uploads
        .iter()
        .map(|one| version(one).and_then(|it| it.1))
        .collect();
    let hashes: Vec<Option<Vec<u8>>> = uploads
        .iter()
        .map(|one| one.start.sha256.map(Vec::from))
        .collect();
    let types: Vec<String> = uploads.iter().map(|one| one.content_type.clone()).collect();
    let devices: Vec<Option<String>> = uploads.iter().map(|one| one.start.device.clone()).collect();
    let conflict = |one: &NewUpload| one.start.conflict;
    let originals: Vec<Option<Uuid>> = uploads
        .iter()
        .map(|one| conflict(one).map(|it| it.node.0))
        .collect();
    let conflict_bases: Vec<Option<Uuid>> = uploads
        .iter()
        .map(|one| conflict(one).and_then(|it| it.base).map(|base| base.0))
        .collect();
    let part_sizes = uploads
        .iter()
        .map(|one| signed(one.start.plan.part_size))
        .collect::<Result<Vec<_>>>()?;
    let part_counts = uploads
        .iter()
        .map(|one| {
            i32::try_from(one.start.plan.part_count).map_err(|cause| Error::internal("count parts", cause))
        })
        .collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "WITH object AS (
             INSERT INTO files.objects (tenant_id, id, key, size, is_multipart, state_at, expires_at)
             SELECT $1, o.id, o.key, o.size, o.is_multipart, $2, $3
             FROM unnest($4::uuid[], $5::text[], $6::bigint[], $7::boolean[]) AS o(id, key, size, is_multipart)
         )
         INSERT INTO files.uploads (tenant_id, id, object_id, account_id, parent_id, name, name_key, node_id,
                                    base_version, size, sha256, content_type, part_size, part_count, device,
                                    conflict_node, conflict_base, created_at)
         SELECT $1, u.*, $2
         FROM unnest($8::uuid[], $4::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::uuid[],
                     $14::uuid[], $6::bigint[], $15::bytea[], $16::text[], $17::bigint[], $18::integer[],
                     $19::text[], $20::uuid[], $21::uuid[]) AS u",
        tenant,
        now,
        expires_at,
        &objects,
        &keys,
        &sizes,
        &multipart,
        &ids,
        &accounts,
        &parents as &[Option<Uuid>],
        &names as &[Option<String>],
        &name_keys as &[Option<String>],
        &nodes as &[Option<Uuid>],
        &bases as &[Option<Uuid>],
        &hashes as &[Option<Vec<u8>>],
        &types,
        &part_sizes,
        &part_counts,
        &devices as &[Option<String>],
        &originals as &[Option<Uuid>],
        &conflict_bases as &[Option<Uuid>]
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A row of `files.find_uploads`.
struct Found {
    id: UploadId,
    object: ObjectId,
    account: AccountId,
    parent: Option<NodeId>,
    name: Option<String>,
    name_key: Option<String>,
    node: Option<NodeId>,
    base: Option<VersionId>,
    size: i64,
    sha256: Option<Vec<u8>>,
    content_type: String,
    part_size: i64,
    part_count: i32,
    device: Option<String>,
    conflict_node: Option<NodeId>,
    conflict_base: Option<VersionId>,
    key: String,
    state: String,
    is_multipart: bool,
    multipart: Option<String>,
    expires_at: OffsetDateTime,
}

/// The query of uploads that the function tells.
macro_rules! found {
    ($from:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            Found,
            r#"SELECT id AS "id!: UploadId", object_id AS "object!: ObjectId", account_id AS "account!: AccountId",
                      parent_id AS "parent?: NodeId", name AS "name?", name_key AS "name_key?",
                      node_id AS "node?: NodeId", base_version AS "base?: VersionId", size AS "size!",
                      sha256 AS "sha256?", content_type AS "content_type!", part_size AS "part_size!",
                      part_count AS "part_count!", device AS "device?", conflict_node AS "conflict_node?: NodeId",
                      conflict_base AS "conflict_base?: VersionId", key AS "key!", state AS "state!",
                      is_multipart AS "is_multipart!", multipart AS "multipart?", expires_at AS "expires_at!"
               FROM "# + $from,
            $($argument),+
        )
    };
}

/// Uploads, in no order; those that don't exist are left out.
pub(crate) async fn find(read: &TenantRead, ids: &[Uuid]) -> Result<Vec<UploadRow>> {
    let rows = read
        .fetch_all(|bound, tenant| found!("files.find_uploads(app.within($1, $2), $3)", bound, tenant, ids))
        .await?;
    rows.into_iter().map(row).collect()
}

/// The same within a transaction.
pub(crate) async fn fetch(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<UploadRow>> {
    let tenant = tx.tenant().0;
    let rows = found!("files.find_uploads($1, $2)", tenant, ids)
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(row).collect()
}

fn row(found: Found) -> Result<UploadRow> {
    let target = match (found.parent, found.name, found.name_key, found.node) {
        (Some(parent), Some(name), Some(key), None) => StoredTarget::File { parent, name, key },
        (_, _, _, Some(node)) => StoredTarget::Version {
            node,
            base: found.base,
        },
        _ => return Err(Error::internal("read an upload", "it has no target")),
    };
    Ok(UploadRow {
        id: found.id,
        object: found.object,
        account: found.account,
        target,
        size: unsigned(found.size)?,
        sha256: found.sha256,
        content_type: found.content_type,
        device: found.device,
        conflict: found.conflict_node.map(|node| ConflictOf {
            node,
            base: found.conflict_base,
        }),
        part_size: unsigned(found.part_size)?,
        part_count: u32::try_from(found.part_count)
            .map_err(|cause| Error::internal("read an upload", cause))?,
        key: found.key,
        state: ObjectState::parse(&found.state)?,
        is_multipart: found.is_multipart,
        multipart: found.multipart,
        expires_at: found.expires_at,
    })
}

/// Records the store's id of a multipart upload; answers the id that counts, which is another one when somebody else was
/// faster.
pub(crate) async fn set_multipart(
    tx: &mut TenantTx,
    object: ObjectId,
    multipart: &str,
) -> Result<Option<String>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"UPDATE files.objects SET multipart = coalesce(multipart, $3)
           WHERE tenant_id = $1 AND id = $2 AND state = 'staging' RETURNING multipart AS "multipart!""#,
        tenant,
        object.0,
        multipart
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Records which hashes parts were bound to.
pub(crate) async fn bind_parts(
    tx: &mut TenantTx,
    upload: UploadId,
    numbers: &[i32],
    hashes: &[Vec<u8>],
) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "INSERT INTO files.upload_parts (tenant_id, upload_id, number, sha256)
         SELECT $1, $2, p.number, p.sha256 FROM unnest($3::integer[], $4::bytea[]) AS p(number, sha256)
         ON CONFLICT (tenant_id, upload_id, number) DO UPDATE SET sha256 = excluded.sha256",
        tenant,
        upload.0,
        numbers,
        hashes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many parts were bound to a hash.
pub(crate) async fn bound_parts(tx: &mut TenantTx, upload: UploadId) -> Result<u64> {
    let tenant = tx.tenant().0;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM files.upload_parts WHERE tenant_id = $1 AND upload_id = $2"#,
        tenant,
        upload.0
    )
    .fetch_one(&mut **tx)
    .await?;
    unsigned(count)
}

/// `staging → orphaned`; `false` when the object was in another state.
pub(crate) async fn orphan(tx: &mut TenantTx, object: ObjectId, now: OffsetDateTime) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE files.objects SET state = 'orphaned', state_at = $3
         WHERE tenant_id = $1 AND id = $2 AND state = 'staging'",
        tenant,
        object.0,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
