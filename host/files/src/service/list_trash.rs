use super::{Files, trash_page, wire};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::cursor::Listing;
use crate::domain::moment::Moment;
use crate::domain::page::PageSize;
use crate::store::trash;
use crate::store_client::timestamp;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Longest path that is told, in bytes.
const ORIGIN_BYTES: usize = 4096;

/// Answers a page of what is in the trash of a tree, the latest first.
pub(super) async fn list_trash(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListTrashRequest,
) -> Result<v1::ListTrashResponse> {
    let actor = Actor::of(ctx)?;
    let limit = PageSize::new(request.limit)?.items();
    let keep = files.trash_keep(actor.tenant).await?;
    let keep = time::Duration::try_from(keep).unwrap_or(time::Duration::MAX);
    let mut tx = files.core.begin(ctx).await?;
    let scope = trash_page::scope(&mut tx, actor, request.r#in.as_deref(), NodeRole::Viewer).await?;
    let after = match &request.cursor {
        Some(text) => Moment::decode(Listing::Trash, scope.folder.0, text)?,
        None => Moment::LAST,
    };
    let page = trash_page::read(&mut tx, actor, scope, NodeRole::Editor, after, limit).await?;
    let named: HashSet<Uuid> = page
        .items
        .iter()
        .flat_map(|item| item.origin.iter().map(|id| id.0))
        .collect();
    let names = trash::names(&mut tx, &named.into_iter().collect::<Vec<_>>()).await?;
    tx.commit().await?;
    let items = page.items.into_iter().map(|item| {
        Ok(v1::TrashItem {
            trashed_at: Some(timestamp(item.trashed.at)),
            purge_at: Some(timestamp(item.trashed.at.saturating_add(keep))),
            trashed_by: item.trashed.by.map(|account| account.to_string()),
            origin_id: item.origin.last().map(ToString::to_string),
            origin_path: path(&item.origin, &names, actor),
            node: Some(wire::node(item.trashed.view)?),
        })
    });
    Ok(v1::ListTrashResponse {
        items: items.collect::<Result<_>>()?,
        next_cursor: page
            .next
            .map(|place| place.encode(Listing::Trash, scope.folder.0)),
    })
}

/// The path of the last of these folders; absent when it is too long. The home of somebody else has no name to begin with,
/// so that the path begins below it.
fn path(way: &[NodeId], names: &HashMap<NodeId, String>, actor: Actor) -> Option<String> {
    let top = *way.first()?;
    let nameless = top.0 != actor.account.0 && names.get(&top).is_some_and(String::is_empty);
    let way = if nameless { &way[1..] } else { way };
    if way.is_empty() {
        return None;
    }
    let parts = way.iter().map(|id| names.get(id).map(String::as_str));
    // A home has no name, so that its path begins with the slash.
    let path = parts.collect::<Option<Vec<_>>>()?.join("/");
    let path = match path.as_str() {
        "" => "/".to_owned(),
        _ => path,
    };
    (path.len() <= ORIGIN_BYTES).then_some(path)
}
