use super::Files;
use crate::domain::access::{Actor, Link, NodeRole, node_id};
use crate::error::Refusal;
use crate::store::{journal, nodes};
use bitvault_platform::{Ctx, LinkAccess, Result};
use bitvault_proto::internal::v1 as internal;

/// Answers what the caller, an account or a link's visitor, may do with a node that is not in the trash.
pub(super) async fn get_access(
    files: &Files,
    ctx: &Ctx,
    request: internal::GetAccessRequest,
) -> Result<internal::NodeAccess> {
    let actor = Actor::or_visitor(ctx)?;
    let id = node_id(&request.node_id, actor)?;
    let mut tx = files.core.begin(ctx).await?;
    let now = files.core.clock.now();
    let taken_in = if actor.home() == Ok(id) {
        nodes::ensure_homes(&mut tx, &[id.0], now).await?
    } else {
        Vec::new()
    };
    let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[id.0]).await?;
    let least = match actor.link {
        Some(Link {
            access: LinkAccess::Drop,
            ..
        }) => NodeRole::Editor,
        _ => NodeRole::Viewer,
    };
    let is_folder = lineage
        .require_for(actor, id, least, Refusal::NodeNotFound)?
        .is_folder;
    let role = match actor.link {
        Some(_) => least,
        None => lineage.role(actor.account, id).ok_or(Refusal::NodeNotFound)?,
    };
    journal::append(&mut tx, &taken_in, now).await?;
    tx.commit().await?;
    Ok(internal::NodeAccess {
        node_id: id.to_string(),
        role: role.name().to_owned(),
        is_folder,
    })
}
