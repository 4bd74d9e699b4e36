use super::answer::Answer;
use crate::Search;
use crate::domain::query::Query;
use crate::places::{Nodes, Whose};
use crate::store::find;
use bitvault_platform::db::TenantRead;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Ctx, Result};
use bitvault_proto::v1;
use bitvault_proto::v1::SearchMatch;
use uuid::Uuid;

/// How often more candidates are looked for when the caller may see too few of those found.
const ROUNDS: usize = 3;
/// How often a search is made again because the caller sees other places than those looked in. If they change all the time, what
/// was found last is answered: something may be missing, and nothing is there that the caller doesn't see.
const ANEW: usize = 3;

/// Answers a page of nodes that match, best first, of those that the caller may see now.
pub(super) async fn search(
    search: &Search,
    ctx: &Ctx,
    request: v1::SearchRequest,
) -> Result<v1::SearchResponse> {
    let query = Query::read(&request, ctx.account_id()?)?;
    let whose = Whose::of(ctx, request.r#in)?;
    let mut places = search.core.places.get(&whose);
    for _ in 0..ANEW {
        let (answer, now) = page(search, ctx, query.clone(), &whose, &places).await?;
        if now == places {
            return Ok(answer);
        }
        search.core.places.put(&whose, &now);
        places = now;
    }
    Ok(page(search, ctx, query, &whose, &places).await?.0)
}

/// A page of what is found in these places and the caller sees, and where it may find something now.
async fn page(
    search: &Search,
    ctx: &Ctx,
    mut query: Query,
    whose: &Whose,
    places: &Nodes,
) -> Result<(v1::SearchResponse, Nodes)> {
    // A folder that is searched is not found in itself.
    let without = places.first().filter(|_| whose.within().is_some());
    let mut answer = Answer::default();
    let mut now = Nodes::new();
    let read = TenantRead::new(&search.core.database, ctx)?;
    for _ in 0..ROUNDS {
        let mut found = find::find(&read, places, &query).await?;
        let last = found.candidates.last().map(find::Candidate::place);
        found
            .candidates
            .retain(|candidate| Some(&NodeId(candidate.node)) != without);
        let ids: Vec<Uuid> = found.candidates.iter().map(|candidate| candidate.node).collect();
        let whole = u32::try_from(query.limit.saturating_sub(answer.len())).unwrap_or(u32::MAX);
        let path = i32::from(SearchMatch::Path);
        let paths = found.candidates.iter().any(|candidate| candidate.class == path);
        let within = whose.within().map(str::to_owned);
        let visible = search.core.files.visible(ctx, &ids, whole, paths, within).await?;
        now = visible
            .places
            .iter()
            .map(|id| id.parse())
            .collect::<Result<_, _>>()?;
        answer.take(&query, &found, visible)?;
        query.behind = last;
        if answer.cut || !found.is_full || answer.len() >= query.limit {
            answer.more |= found.is_full;
            break;
        }
        answer.more = true;
    }
    Ok((answer.into_message(&query), now))
}
