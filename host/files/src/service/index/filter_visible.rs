use super::places::Wanted;
use super::{Files, node_ids};
use crate::domain::access::{Actor, NodeRole};
use crate::error::Refusal;
use crate::service::wire;
use crate::store::index::{self, Sight};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use uuid::Uuid;

/// Answers which of the nodes the caller may see now, in their order, and the first of them whole; and, if that is asked for, where
/// it may find something.
pub(super) async fn filter_visible(
    files: &Files,
    ctx: &Ctx,
    request: internal::FilterVisibleRequest,
) -> Result<internal::FilterVisibleResponse> {
    let actor = Actor::of(ctx)?;
    let mut visible = node_ids(&request.ids)?;
    let places = Wanted::read(&request, actor)?;
    let mut ids: Vec<Uuid> = visible.iter().map(|id| id.0).collect();
    // Nearly always all of them may be seen, as they were looked for where the caller sees what there is.
    let first = ids[..ids.len().min(request.whole as usize)].to_vec();
    ids.extend(places.folder());
    let read = files.core.read(ctx)?;
    let mut sight = index::sight(&read, actor.account, &ids, &first, places.grants()).await?;
    let places = places.seen(&mut sight, actor)?;
    visible.retain(|id| {
        let lineage = &mut sight.lineage;
        lineage
            .require(actor.account, *id, NodeRole::Viewer, Refusal::NodeNotFound)
            .is_ok()
    });
    let whole = &visible[..visible.len().min(request.whole as usize)];
    let missing: Vec<Uuid> = whole
        .iter()
        .filter(|id| !sight.views.contains_key(*id))
        .map(|id| id.0)
        .collect();
    if !missing.is_empty() {
        let more = index::sight(&read, actor.account, &missing, &missing, 0).await?;
        sight.views.extend(more.views);
    }
    let mut nodes = Vec::with_capacity(whole.len());
    for id in whole {
        if let Some(view) = sight.views.remove(id) {
            nodes.push(internal::VisibleNode {
                node: Some(wire::node(view)?),
                path: path(&sight, actor, *id),
            });
        }
    }
    let revision = |id: &NodeId| sight.lineage.any(*id).map_or(0, |facts| facts.revision);
    let paths = match request.paths {
        true => visible.iter().map(|id| path(&sight, actor, *id)).collect(),
        false => Vec::new(),
    };
    Ok(internal::FilterVisibleResponse {
        ids: visible.iter().map(NodeId::to_string).collect(),
        nodes,
        revisions: visible.iter().map(revision).collect(),
        paths,
        places: places.iter().map(NodeId::to_string).collect(),
    })
}

/// Below the caller's home a path that leads there; elsewhere one from the topmost folder that the caller may see.
fn path(sight: &Sight, actor: Actor, id: NodeId) -> String {
    let lineage = &sight.lineage;
    let at_home = actor.home().is_ok_and(|home| lineage.within(id, home));
    let seen = lineage
        .up(id)
        .take_while(|at| lineage.role(actor.account, *at).is_some());
    let names = seen.filter_map(|at| sight.names.get(&at));
    let mut names: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    names.reverse();
    format!("{}{}", if at_home { "/" } else { "" }, names.join("/"))
}
