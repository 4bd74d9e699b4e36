//! From a query to candidates: by name; where that gives little, by path and by words that are spelled alike.

use crate::domain::query::Query;
use crate::domain::{spelling, text};
use crate::store::find::{self, Area, Candidate, Token, Wanted, Word};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_proto::v1::SearchMatch;
use std::collections::HashSet;

/// Fewer hits than this, and misspelled words are looked for.
const THIN: usize = 5;
/// Nodes that are looked at for the words of one token; the newest of each word.
const BUDGET: i64 = 3000;
/// Words with common trigrams that are compared letter by letter.
const COMPARED: i64 = 200;
/// Words that one token may be a misspelling of.
const ALIKE: usize = 8;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Best first, each node once.
    pub(super) candidates: Vec<Candidate>,
    /// Words that were taken for what was typed.
    pub(super) alike: Vec<String>,
    /// There may be more behind the last one.
    pub(super) full: bool,
}

/// Candidates of a query, behind its place.
pub(super) async fn find(tx: &mut TenantTx, area: &Area, query: &Query) -> Result<Found> {
    let tokens = tokens(query);
    let words = find::words(tx, &area.searched(), &tokens).await?;
    let groups = group(&words, tokens.len());
    let mut wanted = Wanted {
        folded: query.folded.clone(),
        parts: query.tokens.iter().map(|token| format!(" {token}")).collect(),
        whole: query.tokens.iter().map(|token| format!(" {token} ")).collect(),
        ..Wanted::default()
    };
    let mut found = Found::default();
    let leading = rarest(&groups, true);
    lead(&mut wanted, &leading);
    if !wanted.words.is_empty() || !area.inside.is_empty() {
        found.candidates = find::by_name(tx, area, &wanted, &query.filters, query.behind).await?;
    }
    if found.candidates.len() < query.limit && is_cut(&wanted, &leading) {
        older(tx, area, query, &mut wanted, &groups, &mut found).await?;
    }
    found.full = is_full(&found.candidates);
    if found.candidates.len() < query.limit {
        lead(&mut wanted, &rarest(&groups[..query.tokens.len()], false));
        if !wanted.words.is_empty() || !area.inside.is_empty() {
            let class = SearchMatch::Path;
            let more = find::by_path(tx, area, &wanted, &query.filters, query.behind, class.into()).await?;
            found.full |= is_full(&more);
            merge(&mut found.candidates, more);
        }
    }
    if found.candidates.len() < THIN {
        misspelled(tx, area, query, &words, &mut found).await?;
    }
    found
        .candidates
        .truncate(usize::try_from(find::CANDIDATES).unwrap_or(usize::MAX));
    Ok(found)
}

/// What is looked up: the words of the query, and those that filters stand for.
fn tokens(query: &Query) -> Vec<Token> {
    let typed = query.tokens.iter().map(|token| (token.clone(), false));
    let family = query.filters.family.map(text::word_of_family);
    let owner = query.filters.owner.map(text::word_of_owner);
    let filters = family.into_iter().chain(owner).map(|word| (word, true));
    typed
        .chain(filters)
        .map(|(text, exact)| Token { text, exact })
        .collect()
}

/// Whether words have more nodes than are looked at.
fn is_cut(wanted: &Wanted, leading: &[&Word]) -> bool {
    nodes(leading) > wanted.caps.iter().sum::<i64>()
}

/// Adds nodes that are older than those which were looked at: of the two rarest words, all that have both.
async fn older(
    tx: &mut TenantTx,
    area: &Area,
    query: &Query,
    wanted: &mut Wanted,
    groups: &[Vec<&Word>],
    found: &mut Found,
) -> Result<()> {
    let mut order: Vec<&Vec<&Word>> = groups.iter().collect();
    order.sort_by_key(|group| nodes(group));
    let [rarest, second, ..] = order.as_slice() else {
        return Ok(());
    };
    let ids = |words: &[&Word]| words.iter().map(|word| word.id).collect::<Vec<i64>>();
    let both = find::having_both(tx, &ids(rarest), &ids(second), find::PASSING).await?;
    let area = Area {
        inside: area.inside.iter().copied().chain(both).collect(),
        ..area.clone()
    };
    lead(wanted, &[]);
    found.candidates = find::by_name(tx, &area, wanted, &query.filters, query.behind).await?;
    Ok(())
}

fn is_full(candidates: &[Candidate]) -> bool {
    i64::try_from(candidates.len()).is_ok_and(|count| count >= find::CANDIDATES)
}

/// The words of each token.
fn group(words: &[Word], tokens: usize) -> Vec<Vec<&Word>> {
    let mut groups = vec![Vec::new(); tokens];
    for word in words {
        if let Some(group) = usize::try_from(word.token).ok().and_then(|at| groups.get_mut(at)) {
            group.push(word);
        }
    }
    groups
}

/// The words of the token that the fewest nodes have; none when some token has no word and `every` one needs one.
fn rarest<'a>(groups: &[Vec<&'a Word>], every: bool) -> Vec<&'a Word> {
    if every && groups.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let some = groups.iter().filter(|group| !group.is_empty());
    some.min_by_key(|group| nodes(group)).cloned().unwrap_or_default()
}

/// Nodes that have one of the words.
fn nodes(words: &[&Word]) -> i64 {
    words.iter().map(|word| word.nodes).sum()
}

/// Lets these words lead to candidates, within the budget: rare words keep all of their nodes, and frequent ones share what
/// is left.
fn lead(wanted: &mut Wanted, words: &[&Word]) {
    let mut order: Vec<usize> = (0..words.len()).collect();
    order.sort_by_key(|at| words[*at].nodes);
    let mut caps = vec![0; words.len()];
    let mut left = BUDGET;
    let mut sharing = i64::try_from(words.len()).unwrap_or(i64::MAX);
    for at in order {
        // A share is never nothing: what is common is looked at a little.
        caps[at] = words[at].nodes.min(left / sharing.max(1)).max(1);
        left -= caps[at];
        sharing -= 1;
    }
    wanted.words = words.iter().map(|word| word.id).collect();
    wanted.caps = caps;
}

/// Adds candidates, each node where it ranks best.
fn merge(into: &mut Vec<Candidate>, more: Vec<Candidate>) {
    let known: HashSet<_> = into.iter().map(|candidate| candidate.node).collect();
    into.extend(
        more.into_iter()
            .filter(|candidate| !known.contains(&candidate.node)),
    );
}

/// Adds nodes whose words are spelled like what was typed.
async fn misspelled(
    tx: &mut TenantTx,
    area: &Area,
    query: &Query,
    words: &[Word],
    found: &mut Found,
) -> Result<()> {
    let mut wanted = Wanted {
        folded: query.folded.clone(),
        class: Some(SearchMatch::Fuzzy.into()),
        other_than: query.tokens.iter().map(|token| format!(" {token}")).collect(),
        ..Wanted::default()
    };
    // Each word that is looked up, and the token that it may be meant by.
    let (mut alike, mut of) = (Vec::new(), Vec::new());
    for (number, token) in (0_i32..).zip(&query.tokens) {
        // Letters and digits: nothing that a regular expression means.
        let mut pattern = format!(" {token}");
        for word in spelled_like(tx, token).await? {
            pattern.push_str(&format!("| {word} "));
            alike.push(word);
            of.push(number);
        }
        wanted.alike.push(pattern);
    }
    if alike.is_empty() {
        return Ok(());
    }
    let looked_up = alike.iter().map(|word| Token {
        text: word.clone(),
        exact: true,
    });
    let mut known = find::words(tx, &area.searched(), &looked_up.collect::<Vec<_>>()).await?;
    for word in &mut known {
        let at = usize::try_from(word.token).ok();
        word.token = at.and_then(|at| of.get(at)).copied().unwrap_or(-1);
    }
    known.extend(words.iter().cloned());
    let groups = group(&known, tokens(query).len());
    lead(&mut wanted, &rarest(&groups, true));
    if wanted.words.is_empty() && area.inside.is_empty() {
        return Ok(());
    }
    let more = find::by_name(tx, area, &wanted, &query.filters, query.behind).await?;
    found.full |= is_full(&more);
    merge(&mut found.candidates, more);
    found.alike = alike;
    Ok(())
}

/// Words of the tenant that differ from what was typed by few mistakes, the fewest first.
async fn spelled_like(tx: &mut TenantTx, token: &str) -> Result<Vec<String>> {
    let trigrams = spelling::trigrams(token);
    if trigrams.is_empty() {
        return Ok(Vec::new());
    }
    let words = find::alike(tx, &trigrams, COMPARED).await?;
    // What begins with it was found already.
    let compared = words.into_iter().filter(|word| !word.starts_with(token));
    let mut near: Vec<(usize, String)> = compared
        .filter_map(|word| spelling::mistakes(token, &word).map(|mistakes| (mistakes, word)))
        .collect();
    near.sort_by_key(|(mistakes, _)| *mistakes);
    near.truncate(ALIKE);
    Ok(near.into_iter().map(|(_, word)| word).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(token: i32, id: i64, nodes: i64) -> Word {
        Word { token, id, nodes }
    }

    #[test]
    fn the_rarest_token_leads_and_a_missing_one_leads_nowhere() {
        let words = [word(0, 1, 50), word(0, 2, 60), word(1, 3, 70)];
        let groups = group(&words, 2);
        let ids = |words: Vec<&Word>| words.iter().map(|word| word.id).collect::<Vec<_>>();
        assert_eq!(ids(rarest(&groups, true)), [3]);
        let groups = group(&words, 3);
        assert!(rarest(&groups, true).is_empty());
        assert_eq!(ids(rarest(&groups, false)), [3]);
    }

    #[test]
    fn rare_words_keep_all_their_nodes_and_frequent_ones_share_the_budget() {
        let words = [word(0, 1, 1_000_000), word(0, 2, 10), word(0, 3, 2_000_000)];
        let mut wanted = Wanted::default();
        lead(&mut wanted, &words.iter().collect::<Vec<_>>());
        assert_eq!(wanted.words, [1, 2, 3]);
        assert_eq!(wanted.caps[1], 10);
        assert_eq!(wanted.caps.iter().sum::<i64>(), BUDGET);
    }
}
