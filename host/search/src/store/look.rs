//! Looking up what a query stands for, before any node is looked at: words of the dictionary, and the nodes below roots.

use super::find::{Area, INSIDE, above};
use crate::domain::text;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use uuid::Uuid;

/// A word of the dictionary that a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    /// The token's number, from 0.
    pub(crate) token: i32,
    pub(crate) id: i64,
    /// Nodes that have it.
    pub(crate) nodes: i64,
}

/// Words of the dictionary that are read for a token.
const READ: i64 = 4000;
/// Words that a token may stand for, of names and as many of tags and fields: itself in each tree, and about so many that
/// begin with it, the most frequent ones.
const WORDS: i64 = 64;

/// A token that is looked up.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Its number.
    pub(crate) number: i32,
    pub(crate) text: String,
    /// Only the word itself as it is in the dictionary, none that begins with it.
    pub(crate) exact: bool,
}

/// What is looked up before any node is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) tokens: Vec<Token>,
    /// Trigrams of tokens that may be misspelled, with their numbers.
    pub(crate) trigrams: Vec<(i32, String)>,
    /// Words with these trigrams are wanted in any case; otherwise only when one of the first tokens, as many as this, stands
    /// for no word.
    pub(crate) in_any_case: bool,
    pub(crate) typed: i32,
}

/// What there is of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looked {
    /// The words that each token stands for: those of names first, the word itself, then the most frequent.
    pub(crate) words: Vec<Word>,
    /// The nodes at and below the roots; more than [`INSIDE`] when there are more.
    pub(crate) inside: Vec<Uuid>,
    /// Words that share trigrams with a token, those that share most first.
    pub(crate) alike: Vec<(i32, String)>,
}

/// Words with common trigrams that are compared letter by letter.
const COMPARED: i64 = 200;

/// The words that tokens stand for, in the trees of an area, and the nodes below its roots: when those are few, words of
/// trees of which only a part counts are not looked up.
pub(crate) async fn look(tx: &mut TenantTx, area: &Area, asked: &Asked) -> Result<Looked> {
    let tenant = tx.tenant().0;
    // Words hold no control character: nothing stands between a word and the word with one behind it.
    let mut ranges: Vec<(i32, String, String)> = Vec::new();
    for token in &asked.tokens {
        if token.exact {
            ranges.push((token.number, token.text.clone(), format!("{}\u{1}", token.text)));
        } else {
            for word in [token.text.clone(), text::word_said(&token.text)] {
                ranges.push((token.number, word.clone(), above(&word)));
            }
        }
    }
    let of: Vec<i32> = ranges.iter().map(|range| range.0).collect();
    let lowers: Vec<String> = ranges.iter().map(|range| range.1.clone()).collect();
    let uppers: Vec<String> = ranges.into_iter().map(|range| range.2).collect();
    let (of_gram, grams): (Vec<i32>, Vec<String>) = asked.trigrams.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"WITH RECURSIVE down AS (
               SELECT id FROM unnest($2::uuid[]) AS root(id)
               UNION ALL
               SELECT c.node_id FROM down CROSS JOIN LATERAL (
                   SELECT node_id FROM search.entries
                   WHERE tenant_id = $1 AND parent_id = down.id OFFSET 0) c
           ), inside AS MATERIALIZED (
               SELECT id FROM down LIMIT $3::bigint + 1
           ), tree AS MATERIALIZED (
               SELECT id FROM unnest($4::uuid[]) AS whole(id)
               UNION ALL
               SELECT id FROM unnest($5::uuid[]) AS part(id) WHERE (SELECT count(*) FROM inside) > $3
           ), found AS MATERIALIZED (
               SELECT t.n, t.token, best.*
               FROM unnest($6::int[], $7::text[], $8::text[]) WITH ORDINALITY AS t(token, lower, upper, n)
               CROSS JOIN LATERAL (
                   SELECT w.id, w.nodes, w.word = t.lower COLLATE "C" AS exact
                   FROM tree
                   CROSS JOIN LATERAL (SELECT id, word, nodes FROM search.words
                                       WHERE tenant_id = $1 AND tree_id = tree.id
                                         AND word >= t.lower AND word < t.upper
                                       ORDER BY word LIMIT $9) w
                   WHERE w.nodes > 0
                   ORDER BY 3 DESC, w.nodes DESC LIMIT $10::bigint + (SELECT count(*) FROM tree)) best
           ), alike AS (
               SELECT token, word, row_number() OVER (PARTITION BY token ORDER BY shared DESC, word) AS place
               FROM (SELECT wanted.token, t.word, count(*) AS shared, wanted.grams
                     FROM (SELECT g.token, g.gram, count(*) OVER (PARTITION BY g.token) AS grams
                           FROM unnest($11::int[], $12::text[]) AS g(token, gram)
                           WHERE $15 OR EXISTS (SELECT FROM unnest($6) AS typed(token)
                                         WHERE typed.token < $13 AND typed.token <> ALL (
                                             ARRAY(SELECT token FROM found)) OFFSET 0) OFFSET 0) wanted
                     CROSS JOIN LATERAL (SELECT word FROM search.trigrams
                                         WHERE tenant_id = $1 AND trigram = wanted.gram COLLATE "C" OFFSET 0) t
                     GROUP BY wanted.token, t.word, wanted.grams) shared
               WHERE shared * 3 >= grams
           )
           SELECT n, exact, nodes, token, id, NULL::uuid AS node, NULL::text AS word FROM found
           UNION ALL
           SELECT NULL, NULL, NULL, NULL, NULL, id, NULL FROM inside
           UNION ALL
           SELECT NULL, NULL, $14 - place, token, NULL, NULL, word FROM alike WHERE place <= $14
           ORDER BY n, exact DESC, nodes DESC"#,
        tenant,
        &area.roots,
        INSIDE,
        &area.trees,
        &area.partial,
        &of,
        &lowers,
        &uppers,
        READ,
        WORDS,
        &of_gram,
        &grams,
        asked.typed,
        COMPARED,
        asked.in_any_case
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut looked = Looked::default();
    for row in rows {
        match row {
            _ if row.node.is_some() => looked.inside.extend(row.node),
            _ if row.word.is_some() => looked.alike.extend(row.token.zip(row.word)),
            _ => {
                if let (Some(token), Some(id), Some(nodes)) = (row.token, row.id, row.nodes) {
                    looked.words.push(Word { token, id, nodes });
                }
            }
        }
    }
    Ok(looked)
}
