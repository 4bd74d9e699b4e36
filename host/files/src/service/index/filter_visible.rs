use super::{Files, node_ids};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::lineage::Lineage;
use crate::error::Refusal;
use crate::service::wire;
use crate::store::nodes::{self, NodeView};
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Answers which of the nodes the caller may see now, in their order, and the first of them whole.
pub(super) async fn filter_visible(
    files: &Files,
    ctx: &Ctx,
    request: internal::FilterVisibleRequest,
) -> Result<internal::FilterVisibleResponse> {
    let actor = Actor::of(ctx)?;
    let mut visible = node_ids(&request.ids)?;
    let ids: Vec<Uuid> = visible.iter().map(|id| id.0).collect();
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &ids).await?;
    visible.retain(|id| {
        lineage
            .require(actor.account, *id, NodeRole::Viewer, Refusal::NodeNotFound)
            .is_ok()
    });
    let whole = &visible[..visible.len().min(request.whole as usize)];
    let shown: HashSet<Uuid> = whole
        .iter()
        .flat_map(|id| folders(&lineage, actor, *id))
        .map(|id| id.0)
        .collect();
    let shown: Vec<Uuid> = shown.into_iter().collect();
    let views = nodes::views(&mut tx, &shown).await?;
    tx.commit().await?;
    let views: HashMap<NodeId, NodeView> = views.into_iter().map(|view| (view.id, view)).collect();
    let mut found = Vec::with_capacity(whole.len());
    for id in whole {
        if let Some(view) = views.get(id) {
            found.push(internal::VisibleNode {
                node: Some(wire::node(view.clone())?),
                path: path(&lineage, actor, *id, &views),
            });
        }
    }
    Ok(internal::FilterVisibleResponse {
        ids: visible.iter().map(NodeId::to_string).collect(),
        nodes: found,
    })
}

/// The node and the folders above it that the caller may see, upwards.
fn folders(lineage: &Lineage, actor: Actor, id: NodeId) -> impl Iterator<Item = NodeId> {
    lineage
        .up(id)
        .take_while(move |at| lineage.role(actor.account, *at).is_some())
}

/// Below the caller's home a path that leads there; elsewhere one from the topmost folder that the caller may see.
fn path(lineage: &Lineage, actor: Actor, id: NodeId, views: &HashMap<NodeId, NodeView>) -> String {
    let at_home = actor.home().is_ok_and(|home| lineage.within(id, home));
    let names = folders(lineage, actor, id).filter_map(|id| views.get(&id));
    let mut names: Vec<&str> = names
        .map(|view| view.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    names.reverse();
    format!("{}{}", if at_home { "/" } else { "" }, names.join("/"))
}
