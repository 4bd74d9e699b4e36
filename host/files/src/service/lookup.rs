use super::{Files, get_node};
use crate::domain::access::{Actor, node_id};
use crate::domain::name::Name;
use crate::error::Refusal;
use crate::store::sight;
use bitvault_platform::{Ctx, Error, Result};
use bitvault_proto::v1;

/// Longest path, in bytes.
const PATH_BYTES: usize = 64 << 10;

/// Answers the node at a path below the caller's home, or below a link's node. Empty parts, as in `/a//b/`, count for nothing.
pub(super) async fn lookup(files: &Files, ctx: &Ctx, request: v1::LookupRequest) -> Result<v1::Node> {
    let actor = Actor::or_visitor(ctx)?;
    let refuse = |detail: &str| Err(Error::invalid_field("path_invalid", "path", detail));
    if !request.path.starts_with('/') {
        return refuse("begins with a slash: /folder/file");
    }
    if request.path.len() > PATH_BYTES {
        return refuse("is too long");
    }
    let mut keys = Vec::new();
    for part in request.path.split('/').filter(|part| !part.is_empty()) {
        match Name::new(part) {
            Ok(name) => keys.push(name.key),
            Err(_) => return Err(Refusal::NodeNotFound.into()),
        }
    }
    let top = match &request.below {
        Some(id) => node_id(id, actor)?,
        None => actor.top()?,
    };
    if keys.is_empty() {
        return get_node::visible(files, ctx, actor, top).await;
    }
    let (lineage, view) = sight::look_up(&files.core.read(ctx)?, actor.account, top, &keys).await?;
    get_node::shown(actor, lineage, view)
}
