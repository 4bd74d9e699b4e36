//! Finding candidates: nodes whose names match, best first. Whether they may be shown is not known here.

use crate::domain::cursor::Place;
use crate::domain::query::Filters;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use time::OffsetDateTime;
use uuid::Uuid;

/// Most candidates that an answer is chosen from.
pub(crate) const CANDIDATES: i64 = 200;
/// Nodes that pass every filter before the best of them are chosen; the newest first.
pub(crate) const PASSING: i64 = 500;
/// Names that begin with the query, beside what its words lead to; and the least number in each tree.
const NAMES: i64 = 200;
const NAMES_OF_A_TREE: i64 = 5;
/// Most nodes below shared folders that are looked through one by one.
pub(crate) const INSIDE: i64 = 2000;
/// Most nodes that are looked at below folders that match.
const DOWN: i64 = 1000;
/// Most nodes that match and are looked below.
const ANCHORS: i64 = 200;

/// A node that may be an answer.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) node: Uuid,
    /// A number of [`SearchMatch`](bitvault_proto::v1::SearchMatch): the lower, the better.
    pub(crate) class: i32,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) is_folder: bool,
    pub(crate) family: String,
    pub(crate) owner: Option<Uuid>,
}

impl Candidate {
    pub(crate) fn place(&self) -> Place {
        Place {
            class: self.class,
            updated_at: self.updated_at,
            node: self.node,
        }
    }
}

/// Where is looked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Area {
    /// Trees all of which count.
    pub(crate) trees: Vec<Uuid>,
    /// Trees that are searched but of which only what lies below `roots` counts.
    pub(crate) partial: Vec<Uuid>,
    pub(crate) roots: Vec<Uuid>,
    /// Nodes that count, one by one, where there are few below a root.
    pub(crate) inside: Vec<Uuid>,
}

impl Area {
    /// The trees whose words are looked up.
    pub(crate) fn searched(&self) -> Vec<Uuid> {
        self.trees.iter().chain(&self.partial).copied().collect()
    }
}

/// What names have to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// The whole query, folded.
    pub(crate) folded: String,
    /// Ids of the words that lead to candidates, and how many nodes of each are looked at.
    pub(crate) words: Vec<i64>,
    pub(crate) caps: Vec<i64>,
    /// What has to stand in the line of words: ` rep` for a beginning.
    pub(crate) parts: Vec<String>,
    /// Regular expressions, where one of several will do: ` report| reprot `.
    pub(crate) alike: Vec<String>,
    /// Each token as a whole word.
    pub(crate) whole: Vec<String>,
    /// The class of everything found, where it is not to be told from the name.
    pub(crate) class: Option<i32>,
    /// What must not stand in the line of words all together.
    pub(crate) other_than: Vec<String>,
}

/// Nodes whose own names match, best first.
pub(crate) async fn by_name(
    tx: &mut TenantTx,
    area: &Area,
    wanted: &Wanted,
    filters: &Filters,
    behind: Option<Place>,
) -> Result<Vec<Candidate>> {
    let tenant = tx.tenant().0;
    let upper = above(&wanted.folded);
    // Shared by the trees, and a few for each.
    let trees = i64::try_from(area.trees.len()).unwrap_or(i64::MAX);
    let names = (NAMES / trees.max(1)).max(NAMES_OF_A_TREE);
    Ok(sqlx::query_as!(
        Candidate,
        r#"WITH led AS (
               SELECT e.* FROM unnest($2::bigint[], $3::bigint[]) AS w(id, cap)
               CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                   WHERE tenant_id = $1 AND word_id = w.id ORDER BY node_id DESC LIMIT w.cap) p
               CROSS JOIN LATERAL (SELECT * FROM search.entries
                                   WHERE tenant_id = $1 AND node_id = p.node_id LIMIT 1) e
               WHERE e.words LIKE ALL ($6::text[]) AND e.words ~ ALL ($7::text[])
                 AND ($8::boolean IS NULL OR e.is_folder = $8) AND ($9::text IS NULL OR e.family = $9)
                 AND ($10::text IS NULL OR e.content_type = $10) AND ($11::uuid IS NULL OR e.owner = $11)
                 AND ($12::timestamptz IS NULL OR e.updated_at >= $12)
                 AND ($13::timestamptz IS NULL OR e.updated_at < $13)
                 AND ($14::bigint IS NULL OR e.size >= $14) AND ($15::bigint IS NULL OR e.size <= $15)
                 AND (cardinality($16::uuid[]) = 0 OR e.tree_id = ANY($17::uuid[]) OR e.node_id = ANY($16) OR EXISTS (
                      WITH RECURSIVE up AS (
                          SELECT e.parent_id AS id
                          UNION ALL
                          SELECT p.parent_id FROM up CROSS JOIN LATERAL (
                              SELECT parent_id FROM search.entries
                              WHERE tenant_id = $1 AND node_id = up.id LIMIT 1) p
                      ) SELECT FROM up WHERE up.id = ANY($16)))
               LIMIT $4
           ), named AS (
               SELECT e.* FROM (
                   SELECT n.* FROM unnest($17::uuid[]) AS tree(id)
                   CROSS JOIN LATERAL (SELECT * FROM search.entries
                                       WHERE tenant_id = $1 AND tree_id = tree.id AND name_key >= $5 AND name_key < $18
                                       ORDER BY name_key LIMIT $19) n
                   UNION ALL
                   SELECT n.* FROM unnest($17::uuid[]) AS tree(id)
                   CROSS JOIN LATERAL (SELECT * FROM search.entries
                                       WHERE tenant_id = $1 AND tree_id = tree.id
                                         AND name_key >= $5 || '.' AND name_key < $5 || '/'
                                       ORDER BY name_key LIMIT $19) n
                   UNION ALL
                   SELECT n.* FROM unnest($20::uuid[]) AS inside(id)
                   CROSS JOIN LATERAL (SELECT * FROM search.entries
                                       WHERE tenant_id = $1 AND node_id = inside.id LIMIT 1) n
               ) e
               WHERE e.words LIKE ALL ($6) AND e.words ~ ALL ($7)
                 AND ($8::boolean IS NULL OR e.is_folder = $8) AND ($9::text IS NULL OR e.family = $9)
                 AND ($10::text IS NULL OR e.content_type = $10) AND ($11::uuid IS NULL OR e.owner = $11)
                 AND ($12::timestamptz IS NULL OR e.updated_at >= $12)
                 AND ($13::timestamptz IS NULL OR e.updated_at < $13)
                 AND ($14::bigint IS NULL OR e.size >= $14) AND ($15::bigint IS NULL OR e.size <= $15)
                 AND (cardinality($16::uuid[]) = 0 OR e.tree_id = ANY($17::uuid[]) OR e.node_id = ANY($16) OR EXISTS (
                      WITH RECURSIVE up AS (
                          SELECT e.parent_id AS id
                          UNION ALL
                          SELECT p.parent_id FROM up CROSS JOIN LATERAL (
                              SELECT parent_id FROM search.entries
                              WHERE tenant_id = $1 AND node_id = up.id LIMIT 1) p
                      ) SELECT FROM up WHERE up.id = ANY($16)))
           ), ranked AS (
               SELECT DISTINCT e.node_id, e.updated_at, e.is_folder, e.family, e.owner, coalesce($21::int, CASE
                   WHEN e.name_key = $5 OR (starts_with(e.name_key, $5 || '.')
                                            AND length(e.name_key) <= length($5) + 8) THEN 1
                   WHEN starts_with(e.name_key, $5) THEN 2
                   WHEN NOT EXISTS (SELECT FROM unnest($22::text[]) AS whole(word)
                                    WHERE strpos(e.words, whole.word) = 0) THEN 3
                   ELSE 4 END) AS class
               FROM (SELECT * FROM led UNION ALL SELECT * FROM named) e
               WHERE cardinality($27::text[]) = 0
                  OR EXISTS (SELECT FROM unnest($27) AS part(text) WHERE strpos(e.words, part.text) = 0)
           )
           SELECT node_id AS "node!", class AS "class!", updated_at AS "updated_at!", is_folder AS "is_folder!",
                  family AS "family!", owner
           FROM ranked
           WHERE $23::int IS NULL OR class > $23 OR (class = $23 AND (updated_at < $24
                 OR (updated_at = $24 AND node_id < $25)))
           ORDER BY class, updated_at DESC, node_id DESC LIMIT $26"#,
        tenant,
        &wanted.words,
        &wanted.caps,
        PASSING,
        wanted.folded,
        &like(&wanted.parts),
        &wanted.alike,
        filters.folder,
        filters.family,
        filters.media,
        filters.owner,
        filters.after,
        filters.before,
        filters.min_size,
        filters.max_size,
        &area.roots,
        &area.trees,
        upper,
        names,
        &area.inside,
        wanted.class,
        &wanted.whole,
        behind.map(|place| place.class),
        behind.map(|place| place.updated_at),
        behind.map(|place| place.node),
        CANDIDATES,
        &wanted.other_than
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Nodes that match together with the folders above them: what lies below a folder with one of the words. `wanted` leads to
/// the nodes with the rarest word, from which is looked down.
pub(crate) async fn by_path(
    tx: &mut TenantTx,
    area: &Area,
    wanted: &Wanted,
    filters: &Filters,
    behind: Option<Place>,
    class: i32,
) -> Result<Vec<Candidate>> {
    let tenant = tx.tenant().0;
    // Each token is a bit.
    let tokens = i32::try_from(wanted.parts.len()).unwrap_or(i32::MAX);
    let bits: Vec<i32> = (0..tokens).collect();
    Ok(sqlx::query_as!(
        Candidate,
        r#"WITH RECURSIVE anchor AS (
               SELECT e.node_id, e.parent_id, e.tree_id, e.words
               FROM (SELECT p.node_id FROM unnest($2::bigint[], $3::bigint[]) AS w(id, cap)
                     CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                         WHERE tenant_id = $1 AND word_id = w.id
                                         ORDER BY node_id DESC LIMIT w.cap) p
                     UNION ALL
                     SELECT id FROM unnest($4::uuid[]) AS inside(id)) n
               CROSS JOIN LATERAL (SELECT * FROM search.entries
                                   WHERE tenant_id = $1 AND node_id = n.node_id LIMIT 1) e
               WHERE EXISTS (SELECT FROM unnest($5::text[]) AS part(text) WHERE strpos(e.words, part.text) > 0)
               LIMIT $6
           ), lit AS (
               SELECT a.node_id, (
                   WITH RECURSIVE up AS (
                       SELECT a.parent_id AS id, a.words
                       UNION ALL
                       SELECT p.parent_id, p.words FROM up CROSS JOIN LATERAL (
                           SELECT parent_id, words FROM search.entries
                           WHERE tenant_id = $1 AND node_id = up.id LIMIT 1) p
                   )
                   SELECT coalesce(bit_or(1 << part.of), 0) FROM up, unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(up.words, part.text) > 0) AS mask
               FROM anchor a
           ), down AS (
               SELECT node_id, mask FROM lit
               UNION ALL
               SELECT c.node_id, down.mask | coalesce((
                   SELECT bit_or(1 << part.of) FROM unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(c.words, part.text) > 0), 0)
               FROM down CROSS JOIN LATERAL (SELECT node_id, words FROM search.entries
                                             WHERE tenant_id = $1 AND parent_id = down.node_id OFFSET 0) c
           )
           SELECT DISTINCT e.node_id AS "node!", $21::int AS "class!", e.updated_at AS "updated_at!",
                  e.is_folder AS "is_folder!", e.family AS "family!", e.owner
           FROM (SELECT node_id, mask FROM down LIMIT $8) d
           CROSS JOIN LATERAL (SELECT * FROM search.entries
                               WHERE tenant_id = $1 AND node_id = d.node_id LIMIT 1) e
           WHERE d.mask = (1 << $9::int) - 1
             AND $9 > (SELECT count(DISTINCT part.of) FROM unnest($5::text[], $7::int[]) AS part(text, of)
                       WHERE strpos(e.words, part.text) > 0)
             AND ($10::boolean IS NULL OR e.is_folder = $10) AND ($11::text IS NULL OR e.family = $11)
             AND ($12::text IS NULL OR e.content_type = $12) AND ($13::uuid IS NULL OR e.owner = $13)
             AND ($14::timestamptz IS NULL OR e.updated_at >= $14) AND ($15::timestamptz IS NULL OR e.updated_at < $15)
             AND ($16::bigint IS NULL OR e.size >= $16) AND ($17::bigint IS NULL OR e.size <= $17)
             AND (e.tree_id = ANY($18::uuid[]) OR e.node_id = ANY($4) OR e.node_id = ANY($19::uuid[]) OR EXISTS (
                  WITH RECURSIVE up AS (
                      SELECT e.parent_id AS id
                      UNION ALL
                      SELECT p.parent_id FROM up CROSS JOIN LATERAL (
                          SELECT parent_id FROM search.entries
                          WHERE tenant_id = $1 AND node_id = up.id LIMIT 1) p
                  ) SELECT FROM up WHERE up.id = ANY($19)))
             AND ($22::int IS NULL OR $21 > $22 OR ($21 = $22 AND (e.updated_at < $23
                  OR (e.updated_at = $23 AND e.node_id < $24))))
           ORDER BY 3 DESC, 1 DESC LIMIT $20"#,
        tenant,
        &wanted.words,
        &wanted.caps,
        &area.inside,
        &wanted.parts,
        ANCHORS,
        &bits,
        DOWN,
        tokens,
        filters.folder,
        filters.family,
        filters.media,
        filters.owner,
        filters.after,
        filters.before,
        filters.min_size,
        filters.max_size,
        &area.trees,
        &area.roots,
        CANDIDATES,
        class,
        behind.map(|place| place.class),
        behind.map(|place| place.updated_at),
        behind.map(|place| place.node)
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// What stands somewhere in a text, as patterns: words hold letters and digits only, nothing that a pattern means.
fn like(parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| format!("%{part}%")).collect()
}

/// What sorts above every text that begins with this one.
fn above(text: &str) -> String {
    format!("{text}\u{10ffff}")
}

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
/// Words that a token may stand for: itself and the most frequent that begin with it.
const WORDS: i64 = 64;

/// A token that is looked up.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Only the word itself, none that begins with it.
    pub(crate) exact: bool,
}

/// The words that each token stands for, in those trees.
pub(crate) async fn words(tx: &mut TenantTx, trees: &[Uuid], tokens: &[Token]) -> Result<Vec<Word>> {
    let tenant = tx.tenant().0;
    let texts: Vec<String> = tokens.iter().map(|token| token.text.clone()).collect();
    // Words hold no control character: nothing stands between a word and the word with one behind it.
    let upper = |token: &Token| match token.exact {
        true => format!("{}\u{1}", token.text),
        false => above(&token.text),
    };
    let uppers: Vec<String> = tokens.iter().map(upper).collect();
    Ok(sqlx::query_as!(
        Word,
        r#"SELECT token AS "token!", id AS "id!", nodes AS "nodes!"
           FROM (SELECT (t.n - 1)::int AS token, w.id, w.nodes, w.word = t.token COLLATE "C" AS exact,
                        row_number() OVER (PARTITION BY t.n
                                           ORDER BY w.word = t.token COLLATE "C" DESC, w.nodes DESC) AS rank
                 FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t(token, upper, n)
                 CROSS JOIN unnest($2::uuid[]) AS tree(id)
                 CROSS JOIN LATERAL (SELECT id, word, nodes FROM search.words
                                     WHERE tenant_id = $1 AND tree_id = tree.id
                                       AND word >= t.token AND word < t.upper
                                     ORDER BY word LIMIT $5) w
                 WHERE w.nodes > 0) found
           WHERE rank <= $6 OR exact ORDER BY token, rank"#,
        tenant,
        trees,
        &texts,
        &uppers,
        READ,
        WORDS
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Words of the tenant that share trigrams, those that share most first.
pub(crate) async fn alike(tx: &mut TenantTx, trigrams: &[String], limit: i64) -> Result<Vec<String>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT t.word AS "word!" FROM unnest($2::text[]) AS wanted(trigram)
           CROSS JOIN LATERAL (SELECT word FROM search.trigrams
                               WHERE tenant_id = $1 AND trigram = wanted.trigram COLLATE "C" OFFSET 0) t
           GROUP BY t.word HAVING count(*) * 3 >= cardinality($2::text[])
           ORDER BY count(*) DESC, t.word LIMIT $3"#,
        tenant,
        trigrams,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Nodes that have one of the words and one of the others, the newest first. It reads all that have either.
pub(crate) async fn having_both(
    tx: &mut TenantTx,
    words: &[i64],
    others: &[i64],
    limit: i64,
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "SELECT p.node_id FROM search.postings p
         WHERE p.tenant_id = $1 AND p.word_id = ANY($2)
           AND p.node_id IN (SELECT o.node_id FROM search.postings o WHERE o.tenant_id = $1 AND o.word_id = ANY($3))
         ORDER BY p.node_id DESC LIMIT $4",
        tenant,
        words,
        others,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The nodes at and below some, unless there are more than [`INSIDE`].
pub(crate) async fn inside(tx: &mut TenantTx, roots: &[Uuid]) -> Result<Option<Vec<Uuid>>> {
    let tenant = tx.tenant().0;
    let found = sqlx::query_scalar!(
        r#"WITH RECURSIVE down AS (
               SELECT id FROM unnest($2::uuid[]) AS root(id)
               UNION ALL
               SELECT c.node_id FROM down CROSS JOIN LATERAL (
                   SELECT node_id FROM search.entries
                   WHERE tenant_id = $1 AND parent_id = down.id OFFSET 0) c
           )
           SELECT id AS "id!" FROM down LIMIT $3"#,
        tenant,
        roots,
        INSIDE + 1
    )
    .fetch_all(&mut **tx)
    .await?;
    let few = i64::try_from(found.len()).is_ok_and(|count| count <= INSIDE);
    Ok(few.then_some(found))
}
