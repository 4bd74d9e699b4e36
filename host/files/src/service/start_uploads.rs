use super::idempotent::Key;
use super::room::Room;
use super::{Core, Files, bounded_batch, present};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::key;
use crate::domain::lineage::Lineage;
use crate::domain::media_type;
use crate::domain::start::{Start, Target};
use crate::error::Refusal;
use crate::failpoints;
use crate::store::journal::{self, Change};
use crate::store::quotas::{self, Reservation};
use crate::store::sight::sight;
use crate::store::uploads::{self, NewUpload, UploadRow};
use crate::store::{nodes, signed, sorted};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{NodeId, ObjectId, TenantId, UploadId};
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::start_upload_result;
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// One valid upload, and who starts it.
#[derive(Debug)]
pub(crate) struct Item {
    actor: Actor,
    start: Start,
}

/// Records uploads and answers presigned requests. What is said here about names and versions is a courtesy: commit
/// decides.
pub(super) async fn start_uploads(
    files: &Files,
    ctx: &Ctx,
    mut request: v1::StartUploadsRequest,
) -> Result<v1::StartUploadsResponse> {
    let actor = Actor::or_visitor(ctx)?;
    bounded_batch(request.items.len())?;
    // Keys are the account's own: a visitor must not learn which ones it used.
    let key = request.idempotency_key.take().filter(|_| actor.link.is_none());
    let key = Key::new(key, "StartUploads", &request)?;
    let core = &files.core;
    let limits = core.store.limits(&core.config).await?;
    let items: Vec<Result<Item>> = request
        .items
        .into_iter()
        .map(|item| Start::new(item, actor, &limits).map(|start| Item { actor, start }))
        .collect();
    failpoints::hit(failpoints::START_BEFORE_TX)?;
    let rows = match key {
        None => {
            let (valid, errors) = split(items);
            let rows = files.starts.submit(actor.tenant, valid).await?;
            merge(rows, errors)
        }
        Some(key) => record_once(core, ctx, actor, items, &key).await?,
    };
    failpoints::hit(failpoints::START_AFTER_TX)?;
    let answer = answer(core, ctx, rows).await;
    failpoints::hit(failpoints::START_AFTER_PRESIGN)?;
    Ok(answer)
}

/// The valid items, and for each item its error or `None`.
fn split(items: Vec<Result<Item>>) -> (Vec<Item>, Vec<Option<Error>>) {
    let mut valid = Vec::with_capacity(items.len());
    let errors = items
        .into_iter()
        .map(|item| match item {
            Ok(item) => {
                valid.push(item);
                None
            }
            Err(error) => Some(error),
        })
        .collect();
    (valid, errors)
}

/// Puts results of the valid items back where they belong.
fn merge(rows: Vec<Result<UploadRow>>, errors: Vec<Option<Error>>) -> Vec<Result<UploadRow>> {
    let mut rows = rows.into_iter();
    let missing = || Err(Error::internal("record uploads", "a result is missing"));
    errors
        .into_iter()
        .map(|error| match error {
            Some(error) => Err(error),
            None => rows.next().unwrap_or_else(missing),
        })
        .collect()
}

/// Presigns what was recorded and may still be sent.
async fn answer(core: &Core, ctx: &Ctx, rows: Vec<Result<UploadRow>>) -> v1::StartUploadsResponse {
    let open: Vec<UploadRow> = rows
        .iter()
        .filter_map(|row| row.as_ref().ok())
        .filter(|row| row.state.may_send().is_ok())
        .cloned()
        .collect();
    let mut presented = present::with_requests(core, ctx, &open).await.into_iter();
    let items = rows
        .into_iter()
        .map(|row| {
            let upload = match row {
                Ok(row) if row.state.may_send().is_ok() => presented
                    .next()
                    .unwrap_or_else(|| Err(Error::internal("present uploads", "a result is missing"))),
                Ok(row) => Ok(present::plain(&row)),
                Err(error) => Err(error),
            };
            result(upload)
        })
        .collect();
    v1::StartUploadsResponse { items }
}

fn result(upload: Result<v1::Upload>) -> v1::StartUploadResult {
    v1::StartUploadResult {
        result: Some(match upload {
            Ok(upload) => start_upload_result::Result::Upload(upload),
            Err(error) => start_upload_result::Result::Error(error.into()),
        }),
    }
}

/// Records the uploads of several calls in one transaction: a result per item.
#[tracing::instrument(name = "start uploads", level = "debug", skip_all, fields(items = items.len()))]
pub(crate) async fn record(core: &Core, tenant: TenantId, items: Vec<Item>) -> Vec<Result<UploadRow>> {
    let count = items.len();
    let ctx = Ctx::system("files").within(tenant);
    let recorded = async {
        let mut tx = core.begin(&ctx).await?;
        let (rows, taken_in) = record_in(core, &mut tx, items).await?;
        journal::append(&mut tx, &taken_in, core.clock.now()).await?;
        tx.commit().await?;
        Ok::<_, Error>(rows)
    };
    match recorded.await {
        Ok(rows) => rows,
        Err(error) => vec![Err(error); count],
    }
}

/// Records the uploads of one call under its idempotency key, or answers those that the first call recorded.
async fn record_once(
    core: &Core,
    ctx: &Ctx,
    actor: Actor,
    items: Vec<Result<Item>>,
    key: &Key,
) -> Result<Vec<Result<UploadRow>>> {
    let mut tx = core.begin(ctx).await?;
    if let Some(answer) = key.replay(&mut tx, actor).await? {
        return replayed(&mut tx, answer).await;
    }
    let (valid, errors) = split(items);
    let (rows, taken_in) = record_in(core, &mut tx, valid).await?;
    let rows = merge(rows, errors);
    let kept = v1::StartUploadsResponse {
        items: rows
            .iter()
            .map(|row| result(row.as_ref().map(present::plain).map_err(Clone::clone)))
            .collect(),
    };
    let now = core.clock.now();
    if key.keep(&mut tx, actor, &kept, now).await? {
        journal::append(&mut tx, &taken_in, now).await?;
        tx.commit().await?;
        return Ok(rows);
    }
    drop(tx);
    let mut tx = core.begin(ctx).await?;
    match key.replay(&mut tx, actor).await? {
        Some(answer) => replayed(&mut tx, answer).await,
        None => Err(Error::internal("replay a request", "the kept answer is gone")),
    }
}

/// The uploads of a kept answer, as they stand now.
async fn replayed(tx: &mut TenantTx, answer: v1::StartUploadsResponse) -> Result<Vec<Result<UploadRow>>> {
    let ids: Vec<Result<UploadId>> = answer
        .items
        .into_iter()
        .map(|item| match item.result {
            Some(start_upload_result::Result::Upload(upload)) => upload.id.parse(),
            Some(start_upload_result::Result::Error(status)) => Err(status.into()),
            None => Err(Error::internal("read a kept answer", "an item is empty")),
        })
        .collect();
    let known: Vec<Uuid> = ids.iter().flatten().map(|id| id.0).collect();
    let rows = uploads::fetch(tx, &known).await?;
    let find = |id: UploadId| rows.iter().find(|row| row.id == id).cloned();
    Ok(ids
        .into_iter()
        .map(|id| id.and_then(|id| find(id).ok_or_else(|| Refusal::UploadGone.into())))
        .collect())
}

/// The items as they were recorded, and what goes into the journal when the transaction ends.
async fn record_in(
    core: &Core,
    tx: &mut TenantTx,
    items: Vec<Item>,
) -> Result<(Vec<Result<UploadRow>>, Vec<Change>)> {
    if items.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let now = core.clock.now();
    let Looked {
        mut refusals,
        lineage,
        names,
        taken_in,
    } = look(tx, &items, now).await?;
    let above = |item: &Item| -> Vec<NodeId> { lineage.quotas(item.start.target.node()).collect() };
    let allowed = items
        .iter()
        .zip(&refusals)
        .filter(|(_, refusal)| refusal.is_none());
    let mut room = Room::of(tx, allowed.flat_map(|(item, _)| above(item))).await?;
    let (tenant, batch) = (tx.tenant(), ObjectId::new());
    let mut fresh = Vec::with_capacity(items.len());
    let mut reservations = Vec::new();
    for (number, (item, refusal)) in items.into_iter().zip(&mut refusals).enumerate() {
        if refusal.is_some() {
            continue;
        }
        let (object, bytes) = (ObjectId::new(), signed(item.start.size)?);
        match room.take(item.actor, &lineage, &above(&item), bytes) {
            Err(full) => {
                *refusal = Some(full);
                continue;
            }
            Ok(quotas) => {
                reservations.extend(quotas.into_iter().map(|node| Reservation { object, node, bytes }))
            }
        }
        fresh.push(NewUpload {
            id: UploadId::new(),
            object,
            account: item.actor.account,
            key: key::of(tenant, batch, number),
            content_type: content_type(&item.start, &names),
            start: item.start,
        });
    }
    let expires_at = now + core.config.upload_lifetime;
    if !fresh.is_empty() {
        uploads::insert(tx, &fresh, now, expires_at).await?;
    }
    if !reservations.is_empty() {
        quotas::reserve(tx, &reservations).await?;
    }
    let mut rows = fresh.iter().map(|upload| Ok(upload.row(expires_at)));
    let missing = || Err(Error::internal("record uploads", "a result is missing"));
    let rows = refusals.into_iter().map(|refusal| match refusal {
        Some(refusal) => Err(refusal.into()),
        None => rows.next().unwrap_or_else(missing),
    });
    Ok((rows.collect(), taken_in))
}

/// The media type of an upload: where the client names none, the file's name tells it.
fn content_type(start: &Start, names: &HashMap<NodeId, String>) -> String {
    if let Some(told) = &start.content_type {
        return told.clone();
    }
    let name = match &start.target {
        Target::File { name, .. } => Some(&name.text),
        Target::Version { node, .. } => names.get(node),
    };
    media_type::of_name(name.map(String::as_str).unwrap_or_default()).to_owned()
}

/// What was seen of the targets.
struct Looked {
    /// What commit would refuse for sure, for each item.
    refusals: Vec<Option<Refusal>>,
    lineage: Lineage,
    /// Names of files that get a version whose media type nobody named.
    names: HashMap<NodeId, String>,
    /// What homes that were made took in.
    taken_in: Vec<Change>,
}

/// Looks at the targets, for what commit would refuse for sure: it is said before bytes are sent.
async fn look(tx: &mut TenantTx, items: &[Item], now: OffsetDateTime) -> Result<Looked> {
    let targets = sorted(items.iter().map(|item| item.start.target.node().0));
    let accounts = sorted(items.iter().map(|item| item.actor.account.0));
    let mut asked = Vec::with_capacity(items.len());
    let mut unnamed = false;
    for item in items {
        match &item.start.target {
            Target::File { parent, name } => asked.push((parent.0, name.key.clone())),
            Target::Version { .. } => unnamed |= item.start.content_type.is_none(),
        }
    }
    let mut seen = sight(tx, &accounts, &targets, unnamed, &asked).await?;
    let homes = items
        .iter()
        .map(|item| (item.actor.home(), item.start.target.node()))
        .filter(|(home, target)| *home == Ok(*target) && seen.lineage.any(*target).is_none());
    let homes = sorted(homes.map(|(_, target)| target.0));
    let mut taken_in = Vec::new();
    if !homes.is_empty() {
        taken_in = nodes::ensure_homes(tx, &homes, now).await?;
        seen = sight(tx, &accounts, &targets, unnamed, &asked).await?;
    }
    let holders = seen.holders.into_iter();
    let taken: HashSet<(NodeId, String)> = holders.map(|(folder, key, _)| (folder, key)).collect();
    let mut lineage = seen.lineage;
    let refusals = items
        .iter()
        .map(|item| refusal(item.actor, &item.start.target, &mut lineage, &taken))
        .collect();
    Ok(Looked {
        refusals,
        lineage,
        names: seen.views.into_iter().map(|view| (view.id, view.name)).collect(),
        taken_in,
    })
}

fn refusal(
    actor: Actor,
    target: &Target,
    lineage: &mut Lineage,
    taken: &HashSet<(NodeId, String)>,
) -> Option<Refusal> {
    match target {
        Target::File { parent, name } => {
            match lineage.require_for(actor, *parent, NodeRole::Editor, Refusal::ParentNotFound) {
                Err(refusal) => Some(refusal),
                Ok(folder) if !folder.is_folder => Some(Refusal::NotAFolder),
                Ok(_) if !actor.is_blind() && taken.contains(&(*parent, name.key.clone())) => {
                    Some(Refusal::NameTaken(name.text.clone()))
                }
                Ok(_) => None,
            }
        }
        Target::Version { node, base } => {
            match lineage.require_for(actor, *node, NodeRole::Editor, Refusal::NodeNotFound) {
                Err(refusal) => Some(refusal),
                Ok(node) => match (node.current_version, base) {
                    (None, _) => Some(Refusal::NotAFile),
                    (Some(current), Some(base)) if current != *base => {
                        Some(Refusal::VersionConflict(current))
                    }
                    (Some(_), _) => None,
                },
            }
        }
    }
}
