use super::{Files, quotas};
use crate::domain::access::{Actor, NodeRole, node_id, root};
use crate::error::Refusal;
use crate::store::{self, nodes, usage};
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Answers the space of the caller's home, or of a space that the caller sees: from its counters, less what is in the trash,
/// which is counted.
pub(super) async fn get_usage(files: &Files, ctx: &Ctx, request: v1::GetUsageRequest) -> Result<v1::Usage> {
    let actor = Actor::of(ctx)?;
    let top = match &request.r#in {
        Some(id) => node_id(id, actor)?,
        None => actor.home()?,
    };
    let mut tx = files.core.begin(ctx).await?;
    // A home is always there, even before it has a row.
    if actor.home() != Ok(top) {
        let mut lineage = nodes::lineage(&mut tx, &[actor.account.0], &[top.0]).await?;
        lineage.require(actor.account, top, NodeRole::Viewer, Refusal::SpaceNotFound)?;
        // Who sees a folder need not know what is beside it.
        if lineage.tree(top, root(actor.tenant)) != Some(top) {
            return Err(Refusal::SpaceNotFound.into());
        }
    }
    let all = usage::tree(&mut tx, top).await?.unwrap_or_default();
    let trash = usage::trash(&mut tx, top).await?;
    let mut limited = vec![top.0];
    if actor.is_admin() {
        limited.push(root(actor.tenant).0);
    }
    let limits = store::quotas::rows(&mut tx, &limited).await?.into_iter();
    let limits = limits.map(|row| quotas::message(actor.tenant, row));
    let limits = limits.collect::<Result<_>>()?;
    tx.commit().await?;
    // What changed between the two reads must not make a negative number.
    let left = |all: i64, part: i64| u64::try_from(all - part).unwrap_or(0);
    Ok(v1::Usage {
        files: left(all.files, trash.files),
        bytes: left(all.current_bytes, trash.current_bytes),
        old_versions: left(all.versions - all.files, trash.versions - trash.files),
        old_version_bytes: left(
            all.version_bytes - all.current_bytes,
            trash.version_bytes - trash.current_bytes,
        ),
        trash_files: left(trash.files, 0),
        trash_bytes: left(trash.version_bytes, 0),
        limits,
    })
}
