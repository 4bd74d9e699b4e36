use super::{Files, bounded, message};
use crate::domain::access::root;
use crate::store::index::{self, Described};
use crate::store::nodes;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;

/// Answers a page of a folder's children; of the tenant's root, the tops of its trees. A copy that is being made there is
/// left out: the journal tells of it once it is in its place.
pub(super) async fn list_below(
    files: &Files,
    ctx: &Ctx,
    request: internal::ListBelowRequest,
) -> Result<internal::ListBelowResponse> {
    ctx.require_system()?;
    let folder: NodeId = request.folder_id.parse()?;
    let limit = bounded(request.limit);
    let after = request.after.unwrap_or_default();
    let mut tx = files.core.begin(ctx).await?;
    let mut lineage = nodes::lineage(&mut tx, &[], &[folder.0]).await?;
    let root = root(ctx.tenant()?);
    let top = lineage.tree(folder, root);
    let live = lineage.live(folder).is_some();
    if !live || (top.is_none() && folder != root) {
        return Ok(internal::ListBelowResponse::default());
    }
    let found = index::below(&mut tx, folder, &after, limit).await?;
    tx.commit().await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count >= limit);
    let next = found.last().filter(|_| full).map(|last| last.name_key.clone());
    // What has a name and a key that no name has.
    let is_being_made = |node: &Described| !node.name.is_empty() && node.name_key.starts_with('/');
    let shown = found.into_iter().filter(|node| !is_being_made(node));
    let nodes = shown.map(|node| {
        let tree = top.unwrap_or(node.id);
        message(node, tree)
    });
    Ok(internal::ListBelowResponse {
        live: true,
        nodes: nodes.collect::<Result<_>>()?,
        next,
    })
}
