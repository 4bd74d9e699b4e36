use super::Files;
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::error::Refusal;
use crate::store::{index, nodes};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use std::collections::HashSet;

/// Most places of an account, and of each of its groups; the newest grants count.
const SCOPES_MAX: i64 = 500;

/// Answers where the caller may find something: its home and what was shared with it; or one folder that it may see.
pub(super) async fn list_scopes(
    files: &Files,
    ctx: &Ctx,
    request: internal::ListScopesRequest,
) -> Result<internal::ListScopesResponse> {
    let actor = Actor::of(ctx)?;
    let mut tx = files.core.begin(ctx).await?;
    let scopes = match &request.r#in {
        Some(text) => within(&mut tx, actor, node_id(text, actor)?).await?,
        None => everywhere(&mut tx, actor).await?,
    };
    tx.commit().await?;
    Ok(internal::ListScopesResponse { scopes })
}

async fn within(tx: &mut TenantTx, actor: Actor, folder: NodeId) -> Result<Vec<internal::Scope>> {
    if actor.home() == Ok(folder) {
        return Ok(vec![scope(folder, folder)]);
    }
    let mut lineage = nodes::lineage(tx, &[actor.account.0], &[folder.0]).await?;
    let found = lineage.require(actor.account, folder, NodeRole::Viewer, Refusal::NodeNotFound)?;
    if !found.is_folder {
        return Err(Refusal::NotAFolder.into());
    }
    let top = lineage
        .tree(folder, root(actor.tenant))
        .ok_or(Refusal::NodeNotFound)?;
    Ok(vec![scope(folder, top)])
}

async fn everywhere(tx: &mut TenantTx, actor: Actor) -> Result<Vec<internal::Scope>> {
    let home = actor.home().ok();
    let mut scopes: Vec<internal::Scope> = home.iter().map(|home| scope(*home, *home)).collect();
    let (granted, mut lineage) = index::granted(tx, actor.account, SCOPES_MAX).await?;
    let all: HashSet<NodeId> = granted.iter().copied().chain(home).collect();
    for node in granted {
        let visible = lineage.require(actor.account, node, NodeRole::Viewer, Refusal::NodeNotFound);
        // What lies below another place is found there.
        if visible.is_err() || lineage.up(node).skip(1).any(|above| all.contains(&above)) {
            continue;
        }
        if let Some(top) = lineage.tree(node, root(actor.tenant)) {
            scopes.push(scope(node, top));
        }
    }
    Ok(scopes)
}

fn scope(node: NodeId, tree: NodeId) -> internal::Scope {
    internal::Scope {
        node_id: node.to_string(),
        tree_id: tree.to_string(),
    }
}
