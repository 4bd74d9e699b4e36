use crate::Sync;
use crate::domain::device;
use crate::domain::push::{Made, Run, runs};
use crate::error::Refusal;
use crate::store::devices;
use bitvault_api::limits::BATCH_ITEMS;
use bitvault_platform::{Code, Ctx, Error, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::{create_folder_result, new_folder};
use bitvault_proto::v1;
use bitvault_proto::v1::push_result;
use bitvault_proto::v1::{commit_result, delete_node_result, update_node_result};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// Names that are looked up at once, to show who holds them.
const LOOKUPS: usize = 8;

/// Carries out what a device pushes: run by run, each through the batch of the module files, which has the rules. What is
/// refused shows what is there instead.
pub(super) async fn push_changes(
    sync: &Sync,
    ctx: &Ctx,
    request: v1::PushChangesRequest,
) -> Result<v1::PushChangesResponse> {
    let account = ctx.account_id()?;
    if request.items.len() > BATCH_ITEMS {
        return Err(Refusal::BatchTooLarge(BATCH_ITEMS).into());
    }
    if let Some(key) = &request.idempotency_key {
        device::key(key)?;
    }
    if let Some(id) = &request.device_id {
        let id = id.parse()?;
        let mut tx = sync.begin(ctx).await?;
        let row = devices::get(&mut tx, account, id).await?;
        tx.commit().await?;
        row.ok_or(Refusal::DeviceNotFound)?;
    }
    let mut results = Results {
        ended: vec![None; request.items.len()],
        ..Results::default()
    };
    let mut made = Made::default();
    for run in runs(request.items)? {
        let key = |at: usize| key_of(request.idempotency_key.as_deref(), at);
        match run {
            Run::Folders(run) => folders(sync, ctx, run, key, &mut made, &mut results).await?,
            Run::Commits(run) => commits(sync, ctx, run, &mut results).await?,
            Run::Moves(run) => moves(sync, ctx, run, key, &made, &mut results).await?,
            Run::Deletes(run) => deletes(sync, ctx, run, key, &mut results).await?,
        }
    }
    results.show_current(sync, ctx).await?;
    results.answer()
}

/// The key of a part of the call: made of the call's, and of where the part begins.
fn key_of(key: Option<&str>, at: usize) -> Option<String> {
    let digest = |key: &str| {
        Sha256::new()
            .chain_update(key)
            .chain_update([0])
            .chain_update(at.to_be_bytes())
    };
    key.map(|key| {
        let digest = digest(key).finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    })
}

async fn folders(
    sync: &Sync,
    ctx: &Ctx,
    run: Vec<(usize, v1::PushFolder)>,
    key: impl Fn(usize) -> Option<String>,
    made: &mut Made,
    results: &mut Results,
) -> Result<()> {
    let mut places = Vec::with_capacity(run.len());
    let mut items: Vec<internal::NewFolder> = Vec::with_capacity(run.len());
    // Where items of this run make the folders that later ones name by their keys.
    let mut making: HashMap<String, u32> = HashMap::new();
    for (at, one) in run {
        let above = one.parent_key.as_ref().and_then(|key| making.get(key).copied());
        let parent = match above {
            Some(_) if one.parent_id.is_some() => Err(Refusal::TwoParents),
            Some(above) => Ok(new_folder::Parent::Item(above)),
            None => match made.folder(one.parent_id, one.parent_key) {
                Ok(Some(id)) => Ok(new_folder::Parent::Id(id)),
                Ok(None) => Err(Refusal::ParentMissing),
                Err(refusal) => Err(refusal),
            },
        };
        let parent = match parent {
            Ok(parent) => parent,
            Err(refusal) => {
                results.refuse(at, refusal.into(), Instead::Nothing);
                continue;
            }
        };
        if let Some(key) = &one.key {
            making.insert(key.clone(), u32::try_from(items.len()).unwrap_or(u32::MAX));
        }
        places.push((at, one.key));
        items.push(internal::NewFolder {
            parent: Some(parent),
            name: one.name,
        });
    }
    let Some((first, _)) = places.first() else {
        return Ok(());
    };
    let message = internal::CreateFoldersRequest {
        items: items.clone(),
        idempotency_key: key(*first),
    };
    let answers = sync.core.files.create_folders(ctx, message).await?;
    // What each item made, if it did.
    let mut ids: Vec<Option<String>> = Vec::with_capacity(answers.len());
    for (((at, key), item), answer) in places.into_iter().zip(items).zip(answers) {
        let parent = match item.parent {
            Some(new_folder::Parent::Id(id)) => Some(id),
            Some(new_folder::Parent::Item(above)) => {
                let above = usize::try_from(above).ok().and_then(|above| ids.get(above));
                above.cloned().flatten()
            }
            None => None,
        };
        let mut id = None;
        match (answer.result, parent) {
            (Some(create_folder_result::Result::Node(node)), _) => {
                made.add(key.as_deref(), &node.id);
                id = Some(node.id.clone());
                results.end(at, push_result::Result::Node(node));
            }
            (Some(create_folder_result::Result::Error(status)), Some(parent)) => {
                results.refuse(at, status.into(), Instead::Holder(parent, item.name));
            }
            // What it goes into was refused.
            (Some(create_folder_result::Result::Error(_)), None) => {
                results.refuse(at, Refusal::KeyUnknown.into(), Instead::Nothing);
            }
            (None, _) => {}
        }
        ids.push(id);
    }
    Ok(())
}

async fn commits(
    sync: &Sync,
    ctx: &Ctx,
    run: Vec<(usize, v1::PushCommit)>,
    results: &mut Results,
) -> Result<()> {
    let items = run.iter().map(|(_, one)| one.upload.clone().unwrap_or_default());
    let message = v1::CommitUploadsRequest {
        items: items.collect(),
    };
    let answers = sync.core.files.commit(ctx, message).await?;
    for ((at, one), answer) in run.into_iter().zip(answers) {
        match answer.result {
            Some(commit_result::Result::Node(node)) => results.end(at, push_result::Result::Node(node)),
            Some(commit_result::Result::Error(status)) => {
                let error = Error::from(status);
                let instead = match (one.node_id, one.parent_id, one.name) {
                    (Some(id), ..) => Instead::Node(id),
                    (None, Some(parent), Some(name)) if error.reason() == "name_taken" => {
                        Instead::Holder(parent, name)
                    }
                    (None, ..) => Instead::Nothing,
                };
                results.refuse(at, error, instead);
            }
            None => {}
        }
    }
    Ok(())
}

async fn moves(
    sync: &Sync,
    ctx: &Ctx,
    run: Vec<(usize, v1::PushMove)>,
    key: impl Fn(usize) -> Option<String>,
    made: &Made,
    results: &mut Results,
) -> Result<()> {
    let mut places = Vec::with_capacity(run.len());
    let mut items = Vec::with_capacity(run.len());
    for (at, one) in run {
        match made.folder(one.parent_id, one.parent_key) {
            Ok(parent_id) => {
                places.push(at);
                items.push(v1::NodeMove {
                    id: one.id,
                    name: one.name,
                    parent_id,
                    revision: one.revision,
                });
            }
            Err(refusal) => results.refuse(at, refusal.into(), Instead::Nothing),
        }
    }
    let Some(first) = places.first() else {
        return Ok(());
    };
    let message = v1::UpdateNodesRequest {
        items: items.clone(),
        idempotency_key: key(*first),
    };
    let answers = sync.core.files.update(ctx, message).await?;
    for ((at, one), answer) in places.into_iter().zip(items).zip(answers) {
        match answer.result {
            Some(update_node_result::Result::Node(node)) => results.end(at, push_result::Result::Node(node)),
            Some(update_node_result::Result::Error(status)) => {
                let error = Error::from(status);
                let instead = match (error.code(), one.parent_id, one.name) {
                    (Code::Conflict, Some(parent), Some(name)) => Instead::Holder(parent, name),
                    _ => Instead::Node(one.id),
                };
                results.refuse(at, error, instead);
            }
            None => {}
        }
    }
    Ok(())
}

async fn deletes(
    sync: &Sync,
    ctx: &Ctx,
    run: Vec<(usize, v1::PushDelete)>,
    key: impl Fn(usize) -> Option<String>,
    results: &mut Results,
) -> Result<()> {
    let items = run.iter().map(|(_, one)| v1::NodeDelete {
        id: one.id.clone(),
        permanent: false,
        revision: one.revision,
        covers: one.covers.clone(),
    });
    let message = v1::DeleteNodesRequest {
        items: items.collect(),
        idempotency_key: run.first().and_then(|(at, _)| key(*at)),
    };
    let answers = sync.core.files.delete(ctx, message).await?;
    for ((at, one), answer) in run.into_iter().zip(answers) {
        match answer.result {
            Some(delete_node_result::Result::Deleted(id)) => {
                results.end(at, push_result::Result::Deleted(id));
            }
            Some(delete_node_result::Result::Error(status)) => {
                results.refuse(at, Error::from(status), Instead::Node(one.id));
            }
            None => {}
        }
    }
    Ok(())
}

/// What is there instead of what an item asked for.
#[derive(Debug, Clone)]
enum Instead {
    Nothing,
    /// This node, as it is now.
    Node(String),
    /// Whoever has this name in this folder.
    Holder(String, String),
}

/// What became of the items.
#[derive(Debug, Default)]
struct Results {
    ended: Vec<Option<push_result::Result>>,
    /// Refusals that show what is there.
    open: Vec<(usize, Instead)>,
}

impl Results {
    fn end(&mut self, at: usize, result: push_result::Result) {
        self.ended[at] = Some(result);
    }

    fn refuse(&mut self, at: usize, error: Error, instead: Instead) {
        if matches!(error.code(), Code::Conflict | Code::Precondition) {
            self.open.push((at, instead));
        }
        let refusal = v1::PushRefusal {
            error: Some(error.into()),
            current: None,
        };
        self.end(at, push_result::Result::Refused(refusal));
    }

    /// Adds what is there to the refusals, as far as the caller sees it.
    async fn show_current(&mut self, sync: &Sync, ctx: &Ctx) -> Result<()> {
        let mut ids = Vec::new();
        let mut holders = Vec::new();
        for (at, instead) in std::mem::take(&mut self.open) {
            match instead {
                Instead::Nothing => {}
                Instead::Node(id) => ids.push((at, id)),
                Instead::Holder(folder, name) => holders.push((at, folder, name)),
            }
        }
        let mut found: Vec<(usize, v1::Node)> = Vec::new();
        if !ids.is_empty() {
            // An id that is none names nothing, and was refused as such.
            let wanted = ids.iter().map(|(_, id)| id.clone()).collect();
            let nodes = sync.core.files.visible(ctx, wanted).await?;
            let nodes: HashMap<String, v1::Node> =
                nodes.into_iter().map(|node| (node.id.clone(), node)).collect();
            found.extend(
                ids.into_iter()
                    .filter_map(|(at, id)| Some((at, nodes.get(&id)?.clone()))),
            );
        }
        let lookups = holders.into_iter().map(|(at, folder, name)| async move {
            let node = sync.core.files.child(ctx, &folder, &name).await;
            (at, node)
        });
        let looked_up: Vec<(usize, Result<v1::Node>)> = futures::stream::iter(lookups)
            .buffer_unordered(LOOKUPS)
            .collect()
            .await;
        // It went away in between; the refusal stands.
        found.extend(
            looked_up
                .into_iter()
                .filter_map(|(at, node)| Some((at, node.ok()?))),
        );
        for (at, node) in found {
            if let Some(Some(push_result::Result::Refused(refusal))) = self.ended.get_mut(at) {
                refusal.current = Some(node);
            }
        }
        Ok(())
    }

    fn answer(self) -> Result<v1::PushChangesResponse> {
        let items = self.ended.into_iter().map(|result| match result {
            Some(result) => Ok(v1::PushResult { result: Some(result) }),
            None => Err(Error::internal(
                "push changes",
                "files left an item without a result",
            )),
        });
        Ok(v1::PushChangesResponse {
            items: items.collect::<Result<_>>()?,
        })
    }
}
