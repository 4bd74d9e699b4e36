//! From a query to candidates: by name, tags and fields; where that gives little, by path and by words that are spelled
//! alike.

use crate::domain::query::Query;
use crate::domain::{spelling, text};
use crate::store::find::{self, Area, Candidate, Wanted};
use crate::store::look::{self, Asked, Looked, Token, Word};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_proto::v1::SearchMatch;
use std::collections::HashSet;

/// Fewer hits than this, and misspelled words are looked for.
const THIN: usize = 5;
/// Nodes of the rarest token up to which each is looked at, without asking first which have the second one.
const FEW: i64 = 300;
/// Nodes of two tokens up to which all that have both are looked for first.
const BOTH: i64 = 60_000;
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

/// Looks up what a query consists of, which is the same for all of its pages, and narrows the area.
pub(super) async fn look(tx: &mut TenantTx, area: &mut Area, query: &Query) -> Result<Looked> {
    let asked = Asked {
        tokens: tokens(query),
        trigrams: trigrams(query),
        typed: i32::try_from(query.tokens.len()).unwrap_or(i32::MAX),
        in_any_case: false,
    };
    let mut looked = look::look(tx, area, &asked).await?;
    area.narrow(std::mem::take(&mut looked.inside));
    Ok(looked)
}

/// Candidates of a query, behind its place.
pub(super) async fn find(tx: &mut TenantTx, area: &Area, query: &Query, looked: &Looked) -> Result<Found> {
    let groups = group(&looked.words, tokens(query).len());
    let typed = &groups[..query.tokens.len()];
    let mut wanted = Wanted {
        folded: query.folded.clone(),
        parts: query.tokens.iter().map(|token| format!(" {token}")).collect(),
        whole: query.tokens.iter().map(|token| format!(" {token} ")).collect(),
        // Nothing was typed: what there is has what was asked for.
        class: query.tokens.is_empty().then_some(SearchMatch::Metadata.into()),
        ..Wanted::default()
    };
    let mut found = Found::default();
    let leading = rarest(&groups, true);
    choose(&mut wanted, &groups, BOTH);
    if wanted.leads() || !area.inside.is_empty() {
        found.candidates = find::by_name(tx, area, &wanted, &query.filters, query.behind).await?;
    }
    if found.candidates.len() < query.limit && is_cut(&wanted, &leading) {
        // Nodes that are older than those which were looked at: of the two rarest tokens, all that have both.
        choose(&mut wanted, &groups, i64::MAX);
        if wanted.words.is_empty() {
            let more = find::by_name(tx, area, &wanted, &query.filters, query.behind).await?;
            merge(&mut found.candidates, more);
            found.candidates.sort_by_key(Candidate::rank);
        }
    }
    found.full = is_full(&found.candidates);
    if found.candidates.len() < query.limit && !query.tokens.is_empty() {
        lead(&mut wanted, &rarest(typed, false));
        if wanted.leads() || !area.inside.is_empty() {
            let class = SearchMatch::Path;
            let more = find::by_path(tx, area, &wanted, &query.filters, query.behind, class.into()).await?;
            found.full |= is_full(&more);
            merge(&mut found.candidates, more);
        }
    }
    if found.candidates.len() < THIN && !query.tokens.is_empty() {
        misspelled(tx, area, query, looked, typed, &mut found).await?;
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
    let marks = query.filters.marks.iter().cloned();
    let filters = family
        .into_iter()
        .chain(owner)
        .chain(marks)
        .map(|word| (word, true));
    (0_i32..)
        .zip(typed.chain(filters))
        .map(|(number, (text, exact))| Token { number, text, exact })
        .collect()
}

/// Of each word of the query, with its number.
fn trigrams(query: &Query) -> Vec<(i32, String)> {
    (0_i32..)
        .zip(&query.tokens)
        .flat_map(|(number, token)| {
            spelling::trigrams(token)
                .into_iter()
                .map(move |gram| (number, gram))
        })
        .collect()
}

/// Whether words have more nodes than are looked at.
fn is_cut(wanted: &Wanted, leading: &[&Word]) -> bool {
    !wanted.words.is_empty() && nodes(leading) > wanted.caps.iter().sum::<i64>()
}

/// Lets the rarest token lead to candidates, or the two rarest together: where those are no more than `most` nodes, fewer are
/// looked at so, and none is too old.
fn choose(wanted: &mut Wanted, groups: &[Vec<&Word>], most: i64) {
    lead(wanted, &rarest(groups, true));
    let mut order: Vec<&Vec<&Word>> = groups.iter().collect();
    order.sort_by_key(|group| nodes(group));
    if let [first, second, ..] = order.as_slice()
        && !wanted.words.is_empty()
        && nodes(first) > FEW
        && nodes(first).saturating_add(nodes(second)) <= most
    {
        let ids = |words: &[&Word]| words.iter().map(|word| word.id).collect::<Vec<i64>>();
        lead(wanted, &[]);
        wanted.both = (ids(first), ids(second));
    }
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
    let mut left = find::BUDGET;
    let mut sharing = i64::try_from(words.len()).unwrap_or(i64::MAX);
    for at in order {
        // A share is never nothing: what is common is looked at a little.
        caps[at] = words[at].nodes.min(left / sharing.max(1)).max(1);
        left -= caps[at];
        sharing -= 1;
    }
    wanted.words = words.iter().map(|word| word.id).collect();
    wanted.caps = caps;
    wanted.both = (Vec::new(), Vec::new());
}

/// Adds candidates, each node where it ranks best.
fn merge(into: &mut Vec<Candidate>, more: Vec<Candidate>) {
    let known: HashSet<_> = into.iter().map(|candidate| candidate.node).collect();
    into.extend(
        more.into_iter()
            .filter(|candidate| !known.contains(&candidate.node)),
    );
}

/// Adds nodes whose words are spelled like what was typed. `typed` are the words that each token stands for.
async fn misspelled(
    tx: &mut TenantTx,
    area: &Area,
    query: &Query,
    looked: &Looked,
    typed: &[Vec<&Word>],
    found: &mut Found,
) -> Result<()> {
    let mut wanted = Wanted {
        folded: query.folded.clone(),
        class: Some(SearchMatch::Fuzzy.into()),
        other_than: query.tokens.iter().map(|token| format!(" {token}")).collect(),
        ..Wanted::default()
    };
    let compared = if typed.iter().any(Vec::is_empty) {
        looked.alike.clone()
    } else {
        let asked = Asked {
            trigrams: trigrams(query),
            in_any_case: true,
            ..Asked::default()
        };
        look::look(tx, &Area::default(), &asked).await?.alike
    };
    let mut asked = Asked::default();
    for (number, token) in (0_i32..).zip(&query.tokens) {
        // Letters and digits: nothing that a regular expression means.
        let mut pattern = format!(" {token}");
        let words = compared.iter().filter(|(of, _)| *of == number);
        for word in spelled_like(token, words.map(|(_, word)| word.as_str())) {
            pattern.push_str(&format!("| {word} "));
            for text in [word.clone(), text::word_said(&word)] {
                asked.tokens.push(Token {
                    number,
                    text,
                    exact: true,
                });
            }
            found.alike.push(word);
        }
        wanted.alike.push(pattern);
    }
    if asked.tokens.is_empty() {
        return Ok(());
    }
    // What lies below roots is known by now.
    let searched = Area {
        trees: area.trees.iter().chain(&area.partial).copied().collect(),
        ..Area::default()
    };
    let mut known = look::look(tx, &searched, &asked).await?.words;
    known.extend(looked.words.iter().cloned());
    let groups = group(&known, tokens(query).len());
    choose(&mut wanted, &groups, BOTH);
    if !wanted.leads() && area.inside.is_empty() {
        return Ok(());
    }
    let more = find::by_name(tx, area, &wanted, &query.filters, query.behind).await?;
    found.full |= is_full(&more);
    merge(&mut found.candidates, more);
    Ok(())
}

/// Of those words the ones that differ from what was typed by few mistakes, the fewest first.
fn spelled_like<'a>(token: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    // What begins with it was found already.
    let compared = words.filter(|word| !word.starts_with(token));
    let mut near: Vec<(usize, &str)> = compared
        .filter_map(|word| spelling::mistakes(token, word).map(|mistakes| (mistakes, word)))
        .collect();
    near.sort_by_key(|(mistakes, _)| *mistakes);
    near.truncate(ALIKE);
    near.into_iter().map(|(_, word)| word.to_owned()).collect()
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
    fn two_tokens_lead_together_unless_one_is_rare_or_both_are_everywhere() {
        for (first, second, together) in [
            (FEW, 5000, false),
            (FEW + 1, 5000, true),
            (5000, FEW + 1, true),
            (BOTH - 500, 501, false),
            (5000, 0, false),
        ] {
            let words = [word(0, 1, first), word(1, 2, second)];
            let groups = group(&words[..if second > 0 { 2 } else { 1 }], 2);
            let mut wanted = Wanted::default();
            choose(&mut wanted, &groups, BOTH);
            assert_eq!(
                wanted.words.is_empty() && wanted.leads(),
                together,
                "{first} {second}"
            );
            assert_eq!(wanted.leads(), second > 0);
        }
    }

    #[test]
    fn rare_words_keep_all_their_nodes_and_frequent_ones_share_the_budget() {
        let words = [word(0, 1, 1_000_000), word(0, 2, 10), word(0, 3, 2_000_000)];
        let mut wanted = Wanted::default();
        lead(&mut wanted, &words.iter().collect::<Vec<_>>());
        assert_eq!(wanted.words, [1, 2, 3]);
        assert_eq!(wanted.caps[1], 10);
        assert_eq!(wanted.caps.iter().sum::<i64>(), find::BUDGET);
    }
}
