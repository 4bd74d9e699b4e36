use super::message;
use crate::domain::access::Actor;
use crate::domain::cursor::{self, Listing};
use crate::domain::page::PageSize;
use crate::service::Files;
use crate::store::quotas;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use uuid::Uuid;

/// Answers every limit of the tenant, in the order of the nodes' ids, to who runs it. Names of folders are not told.
pub(super) async fn list_quotas(
    files: &Files,
    ctx: &Ctx,
    request: v1::ListQuotasRequest,
) -> Result<v1::ListQuotasResponse> {
    let actor = Actor::of(ctx)?;
    actor.require_admin()?;
    let page = PageSize::new(request.limit)?;
    let scope = actor.tenant.0;
    let after = match &request.cursor {
        Some(text) => {
            let place = cursor::open(Listing::Quotas, scope, text)?;
            Uuid::from_slice(&place).map_err(|_| cursor::refused())?
        }
        None => Uuid::nil(),
    };
    let mut tx = files.core.begin(ctx).await?;
    let mut rows = quotas::list(&mut tx, after, page.rows()).await?;
    tx.commit().await?;
    let next_cursor = page
        .cut(&mut rows)
        .map(|last| cursor::seal(Listing::Quotas, scope, last.level.node.0.as_bytes()));
    let items = rows.into_iter().map(|row| message(actor.tenant, row));
    Ok(v1::ListQuotasResponse {
        items: items.collect::<Result<_>>()?,
        next_cursor,
    })
}
