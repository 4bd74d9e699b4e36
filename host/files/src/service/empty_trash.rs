use super::remove_nodes::{self, Budget, By, Item, Results};
use super::{Files, trash_page};
use crate::domain::access::{Actor, NodeRole};
use crate::domain::moment::Moment;
use crate::error::Refusal;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;

/// Nodes that are taken from the listing at a time.
const PAGE_NODES: usize = 100;

/// Removes for good what is in the trash of a tree, as far as the caller is the owner of it. Each page is a transaction, so
/// who is killed in between leaves a smaller trash.
pub(super) async fn empty_trash(
    files: &Files,
    ctx: &Ctx,
    request: v1::EmptyTrashRequest,
) -> Result<v1::EmptyTrashResponse> {
    let actor = Actor::of(ctx)?;
    let mut tx = files.core.begin(ctx).await?;
    let scope = trash_page::scope(&mut tx, actor, request.r#in.as_deref(), NodeRole::Owner).await?;
    tx.commit().await?;
    let mut budget = Budget::of_call();
    let mut next = Some(Moment::LAST);
    let mut more = false;
    while let (Some(after), false) = (next, more) {
        let mut tx = files.core.begin(ctx).await?;
        let page = trash_page::read(&mut tx, actor, scope, NodeRole::Owner, after, PAGE_NODES).await?;
        tx.commit().await?;
        next = page.next;
        if page.items.is_empty() {
            continue;
        }
        let nodes = page.items.iter().map(|item| item.trashed.view.id);
        let items: Vec<Item> = nodes.map(Item::for_good).collect();
        let unfinished = |results: Results| {
            Ok(v1::EmptyTrashResponse {
                more: results.contains(&Err(Refusal::DeleteUnfinished)),
                removed: 0,
            })
        };
        let by = By::Account(actor);
        let done = remove_nodes::delete(&files.core, ctx, by, &items, None, &mut budget, unfinished).await?;
        more = done.more || (budget.is_spent() && next.is_some());
    }
    Ok(v1::EmptyTrashResponse {
        removed: budget.removed,
        more,
    })
}
