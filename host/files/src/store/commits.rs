//! What a commit writes: files, versions, blobs, states, and what it tells.

use super::journal::{Change, ChangeKind, Columns};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, BlobId, ConflictId, NodeId, ObjectId, UploadId, VersionId};
use bitvault_platform::{Error, Result};
use time::OffsetDateTime;
use uuid::Uuid;

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

/// Gives a file its new current version, and has the policies about versions applied to it soon.
pub(crate) async fn renew(tx: &mut TenantTx, file: &ChangedFile, now: OffsetDateTime) -> Result<()> {
    let tenant = tx.tenant().0;
    sqlx::query!(
        "SELECT files.renew($1, $2, ARRAY[$3::uuid], ARRAY[$4::uuid], ARRAY[$5::bigint], ARRAY[$6::bigint], ARRAY[$7::uuid])",
        tenant,
        now,
        file.id.0,
        file.version.0,
        file.size,
        file.revision,
        file.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A new file's place.
#[derive(Debug, Clone)]
pub(crate) struct NewPlace {
    pub(crate) folder: NodeId,
    pub(crate) name: String,
    /// That name, folded.
    pub(crate) key: String,
}

/// The conflict that a new file is a side of.
#[derive(Debug, Clone)]
pub(crate) struct NewConflict {
    pub(crate) id: ConflictId,
    pub(crate) original: NodeId,
    /// The version that the file was made of.
    pub(crate) base: Option<VersionId>,
}

/// What an upload makes: a blob that fills its object, and the version that names it, of a file.
#[derive(Debug, Clone)]
pub(crate) struct NewContent {
    pub(crate) upload: UploadId,
    pub(crate) object: ObjectId,
    pub(crate) blob: BlobId,
    pub(crate) version: VersionId,
    pub(crate) node: NodeId,
    /// Absent: the file is there.
    pub(crate) place: Option<NewPlace>,
    pub(crate) revision: i64,
    /// In bytes.
    pub(crate) size: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) sha256_verified: bool,
    pub(crate) content_type: String,
    pub(crate) device: Option<String>,
    pub(crate) account: AccountId,
    pub(crate) conflict: Option<NewConflict>,
    pub(crate) traceparent: Option<String>,
}

impl NewContent {
    fn change(&self) -> Change {
        Change {
            node: self.node,
            kind: match self.place {
                Some(_) => ChangeKind::Created,
                None => ChangeKind::Updated,
            },
            version: Some(self.version),
            revision: self.revision,
            actor: Some(self.account),
            from: self.place.as_ref().map(|place| place.folder),
            inherited: None,
            traceparent: self.traceparent.clone(),
        }
    }
}

/// Writes what uploads make, in the order of the changes that the journal then tells; objects go `staging → committed` or
/// `orphaned → committed`. It takes the tenant's counter: call it last, and commit. Who calls holds the locks and has seen the states and
/// the names, so that what does not fit is our mistake.
pub(crate) async fn write(tx: &mut TenantTx, contents: &[NewContent], now: OffsetDateTime) -> Result<()> {
    if contents.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let ids = |of: &dyn Fn(&NewContent) -> Uuid| contents.iter().map(of).collect::<Vec<Uuid>>();
    let place = |of: &dyn Fn(&NewPlace) -> String| {
        let places = contents.iter().map(|one| one.place.as_ref().map(of));
        places.collect::<Vec<Option<String>>>()
    };
    let conflict = |of: &dyn Fn(&NewConflict) -> Option<Uuid>| {
        let conflicts = contents.iter().map(|one| one.conflict.as_ref().and_then(of));
        conflicts.collect::<Vec<Option<Uuid>>>()
    };
    let uploads = ids(&|one| one.upload.0);
    let objects = ids(&|one| one.object.0);
    let blobs = ids(&|one| one.blob.0);
    let names = place(&|place| place.name.clone());
    let keys = place(&|place| place.key.clone());
    let sizes: Vec<i64> = contents.iter().map(|one| one.size).collect();
    let hashes: Vec<Vec<u8>> = contents.iter().map(|one| one.sha256.clone()).collect();
    let verified: Vec<bool> = contents.iter().map(|one| one.sha256_verified).collect();
    let types: Vec<String> = contents.iter().map(|one| one.content_type.clone()).collect();
    let devices: Vec<Option<String>> = contents.iter().map(|one| one.device.clone()).collect();
    let conflicts = conflict(&|one| Some(one.id.0));
    let originals = conflict(&|one| Some(one.original.0));
    let bases = conflict(&|one| one.base.map(|base| base.0));
    let changes: Vec<Change> = contents.iter().map(NewContent::change).collect();
    let changes = Columns::of(&changes);
    let done = sqlx::query!(
        r#"SELECT moved AS "moved!", told AS "told!"
           FROM files.commit_uploads($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                                     $22, $23, $24, $25)"#,
        tenant,
        now,
        &uploads,
        &objects,
        &blobs,
        &changes.versions as &[Option<Uuid>],
        &changes.nodes,
        &changes.from as &[Option<Uuid>],
        &names as &[Option<String>],
        &keys as &[Option<String>],
        &changes.revisions,
        &sizes,
        &hashes,
        &verified,
        &types,
        &devices as &[Option<String>],
        &changes.actors as &[Option<Uuid>],
        &conflicts as &[Option<Uuid>],
        &originals as &[Option<Uuid>],
        &bases as &[Option<Uuid>],
        &changes.kinds,
        &changes.events,
        &changes.event_kinds,
        &changes.payloads,
        &changes.traceparents as &[Option<String>]
    )
    .fetch_one(&mut **tx)
    .await?;
    if usize::try_from(done.moved).ok() != Some(contents.len()) {
        return Err(Error::internal(
            "commit objects",
            format!("{} of {} could be moved", done.moved, contents.len()),
        ));
    }
    changes.require(done.told)
}
