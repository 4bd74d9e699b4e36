use super::answer::Answer;
use super::candidates;
use crate::Search;
use crate::domain::query::Query;
use crate::store::find::{self, Area};
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::v1;
use bitvault_proto::v1::SearchMatch;
use uuid::Uuid;

/// How often more candidates are looked for when the caller may see too few of those found.
const ROUNDS: usize = 3;

/// Answers a page of nodes that match, best first, of those that the caller may see now.
pub(super) async fn search(
    search: &Search,
    ctx: &Ctx,
    request: v1::SearchRequest,
) -> Result<v1::SearchResponse> {
    let mut query = Query::read(&request, ctx.account_id()?)?;
    let scopes = search.core.files.scopes(ctx, request.r#in.clone()).await?;
    // A folder that is searched is not found in itself.
    let without = match (&request.r#in, scopes.first()) {
        (Some(_), Some(scope)) => Some(scope.node_id.parse::<NodeId>()?.0),
        _ => None,
    };
    let mut area = area(&scopes)?;
    let mut looked = None;
    let mut answer = Answer::default();
    for _ in 0..ROUNDS {
        let mut tx = TenantTx::begin(&search.core.database, ctx).await?;
        let looked = match &mut looked {
            Some(looked) => looked,
            none => none.insert(candidates::look(&mut tx, &mut area, &query).await?),
        };
        let mut found = candidates::find(&mut tx, &area, &query, looked).await?;
        tx.commit().await?;
        let last = found.candidates.last().map(find::Candidate::place);
        found
            .candidates
            .retain(|candidate| Some(candidate.node) != without);
        let ids: Vec<Uuid> = found.candidates.iter().map(|candidate| candidate.node).collect();
        if !ids.is_empty() {
            let whole = u32::try_from(query.limit.saturating_sub(answer.len())).unwrap_or(u32::MAX);
            let path = i32::from(SearchMatch::Path);
            let paths = found.candidates.iter().any(|candidate| candidate.class == path);
            let visible = search.core.files.visible(ctx, &ids, whole, paths).await?;
            answer.take(&query, &found, visible)?;
        }
        query.behind = last;
        if answer.cut || !found.full || answer.len() >= query.limit {
            answer.more |= found.full;
            break;
        }
        answer.more = true;
    }
    Ok(answer.into_message(&query))
}

/// Sorts the caller's places into trees that count as a whole and those of which a part does.
fn area(scopes: &[internal::Scope]) -> Result<Area> {
    let mut area = Area::default();
    for scope in scopes {
        let (node, tree) = (
            scope.node_id.parse::<NodeId>()?.0,
            scope.tree_id.parse::<NodeId>()?.0,
        );
        if node == tree {
            area.trees.push(tree);
        } else {
            area.roots.push(node);
            if !area.partial.contains(&tree) {
                area.partial.push(tree);
            }
        }
    }
    area.partial.retain(|tree| !area.trees.contains(tree));
    Ok(area)
}
