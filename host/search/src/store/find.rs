//! Finding candidates: nodes that match, best first. Whether they may be shown is not known here.

use crate::domain::cursor::Place;
use crate::domain::query::Filters;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use std::cmp::Reverse;
use time::OffsetDateTime;
use uuid::Uuid;

/// Nodes that are looked at for the words of one token, or two; the newest of each word.
pub(crate) const BUDGET: i64 = 2000;
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
    pub(crate) tags: Vec<String>,
    /// Whether it carries tags or fields.
    pub(crate) marked: bool,
    /// That its entry tells of.
    pub(crate) revision: i64,
    /// The tokens that it has itself, a bit each, where folders above have others.
    pub(crate) own: i32,
}

impl Candidate {
    /// What candidates are ordered by, the best first.
    pub(crate) fn rank(&self) -> impl Ord + use<> {
        let Place {
            class,
            updated_at,
            node,
        } = self.place();
        (class, Reverse((updated_at, node)))
    }

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
    /// Looks at the nodes below the roots one by one from now on, if they are few.
    pub(crate) fn narrow(&mut self, inside: Vec<Uuid>) {
        if i64::try_from(inside.len()).is_ok_and(|count| count <= INSIDE) {
            self.inside = inside;
            self.roots.clear();
            self.partial.clear();
        }
    }
}

/// What names, tags and fields have to hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// The whole query, folded.
    pub(crate) folded: String,
    /// Ids of the words that lead to candidates, and how many nodes of each are looked at.
    pub(crate) words: Vec<i64>,
    pub(crate) caps: Vec<i64>,
    /// Instead: ids of words of two tokens; all nodes that have one of each lead to candidates, the newest of them.
    pub(crate) both: (Vec<i64>, Vec<i64>),
    /// What has to stand in the lines of words: ` rep` for a beginning.
    pub(crate) parts: Vec<String>,
    /// Regular expressions, where one of several will do: ` report| reprot `.
    pub(crate) alike: Vec<String>,
    /// Each token as a whole word.
    pub(crate) whole: Vec<String>,
    /// The class of everything found, where it is not to be told from the name.
    pub(crate) class: Option<i32>,
    /// What must not stand in the lines of words all together.
    pub(crate) other_than: Vec<String>,
}

impl Wanted {
    /// Whether any word leads to candidates.
    pub(crate) fn leads(&self) -> bool {
        !self.words.is_empty() || !self.both.0.is_empty()
    }
}

/// Nodes that match by themselves, best first.
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
    let names = match wanted.folded.is_empty() {
        true => 0,
        false => (NAMES / trees.max(1)).max(NAMES_OF_A_TREE),
    };
    Ok(sqlx::query_as!(
        Candidate,
        r#"WITH led AS (
               SELECT e.* FROM (
                   SELECT p.node_id FROM unnest($2::bigint[], $3::bigint[]) AS w(id, cap)
                   CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                       WHERE tenant_id = $1 AND word_id = w.id
                                       ORDER BY node_id DESC LIMIT w.cap) p
                   UNION ALL
                   SELECT node_id FROM (
                       SELECT node_id FROM search.postings WHERE tenant_id = $1 AND word_id = ANY($29::bigint[])
                       INTERSECT
                       SELECT node_id FROM search.postings WHERE tenant_id = $1 AND word_id = ANY($30::bigint[])
                       ORDER BY node_id DESC LIMIT $31) both_words
               ) p
               CROSS JOIN LATERAL (SELECT * FROM search.entries
                                   WHERE tenant_id = $1 AND node_id = p.node_id LIMIT 1) e
               WHERE e.words || e.said LIKE ALL ($6::text[]) AND e.words || e.said ~ ALL ($7::text[])
                 AND e.marks @> $28::text[]
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
               WHERE e.words || e.said LIKE ALL ($6) AND e.words || e.said ~ ALL ($7) AND e.marks @> $28
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
               SELECT DISTINCT e.node_id, e.updated_at, e.is_folder, e.family, e.owner, e.tags, e.said <> '' AS marked,
                      e.revision, coalesce($21::int, CASE
                   WHEN e.name_key = $5 OR (starts_with(e.name_key, $5 || '.')
                                            AND length(e.name_key) <= length($5) + 8) THEN 1
                   WHEN starts_with(e.name_key, $5) THEN 2
                   WHEN e.said <> '' AND NOT e.words LIKE ALL ($6) THEN 5
                   WHEN NOT EXISTS (SELECT FROM unnest($22::text[]) AS whole(word)
                                    WHERE strpos(e.words, whole.word) = 0) THEN 3
                   ELSE 4 END) AS class
               FROM (SELECT * FROM led UNION ALL SELECT * FROM named) e
               WHERE cardinality($27::text[]) = 0
                  OR EXISTS (SELECT FROM unnest($27) AS part(text) WHERE strpos(e.words || e.said, part.text) = 0)
           )
           SELECT node_id AS "node!", class AS "class!", updated_at AS "updated_at!", is_folder AS "is_folder!",
                  family AS "family!", owner, tags AS "tags!", marked AS "marked!", revision AS "revision!", 0 AS "own!"
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
        &wanted.other_than,
        &filters.marks,
        &wanted.both.0,
        &wanted.both.1,
        BUDGET
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Nodes that match together with the names of the folders above them: what lies below a folder with one of the words.
/// `wanted` leads to the nodes with the rarest word, from which is looked down. Whether the caller may see those folders is
/// not known here either.
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
               SELECT e.node_id, e.parent_id, e.words, e.words || e.said AS own
               FROM (SELECT p.node_id FROM unnest($2::bigint[], $3::bigint[]) AS w(id, cap)
                     CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                         WHERE tenant_id = $1 AND word_id = w.id
                                         ORDER BY node_id DESC LIMIT w.cap) p
                     UNION ALL
                     SELECT id FROM unnest($4::uuid[]) AS inside(id)) n
               CROSS JOIN LATERAL (SELECT * FROM search.entries
                                   WHERE tenant_id = $1 AND node_id = n.node_id LIMIT 1) e
               WHERE EXISTS (SELECT FROM unnest($5::text[]) AS part(text) WHERE strpos(e.words || e.said, part.text) > 0)
               LIMIT $6
           ), lit AS (
               -- What the names of the path say, and what the node says itself.
               SELECT a.node_id, (
                   WITH RECURSIVE up AS (
                       SELECT a.parent_id AS id, a.words
                       UNION ALL
                       SELECT p.parent_id, p.words FROM up CROSS JOIN LATERAL (
                           SELECT parent_id, words FROM search.entries
                           WHERE tenant_id = $1 AND node_id = up.id LIMIT 1) p
                   )
                   SELECT coalesce(bit_or(1 << part.of), 0) FROM up, unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(up.words, part.text) > 0) AS named, (
                   SELECT coalesce(bit_or(1 << part.of), 0) FROM unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(a.own, part.text) > 0) AS own
               FROM anchor a
           ), down AS (
               SELECT node_id, named, own FROM lit
               UNION ALL
               SELECT c.node_id, down.named | coalesce((
                   SELECT bit_or(1 << part.of) FROM unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(c.words, part.text) > 0), 0), coalesce((
                   SELECT bit_or(1 << part.of) FROM unnest($5::text[], $7::int[]) AS part(text, of)
                   WHERE strpos(c.words || c.said, part.text) > 0), 0)
               FROM down CROSS JOIN LATERAL (SELECT node_id, words, said FROM search.entries
                                             WHERE tenant_id = $1 AND parent_id = down.node_id OFFSET 0) c
           )
           SELECT DISTINCT e.node_id AS "node!", $21::int AS "class!", e.updated_at AS "updated_at!",
                  e.is_folder AS "is_folder!", e.family AS "family!", e.owner, e.tags AS "tags!",
                  e.said <> '' AS "marked!", e.revision AS "revision!", d.own AS "own!"
           FROM (SELECT node_id, named, own FROM down LIMIT $8) d
           CROSS JOIN LATERAL (SELECT * FROM search.entries
                               WHERE tenant_id = $1 AND node_id = d.node_id LIMIT 1) e
           WHERE (d.named | d.own) = (1 << $9::int) - 1 AND d.own <> (1 << $9) - 1 AND e.marks @> $25::text[]
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
        behind.map(|place| place.node),
        &filters.marks
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// What stands somewhere in a text, as patterns: words hold letters and digits only, nothing that a pattern means.
fn like(parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| format!("%{part}%")).collect()
}

/// What sorts above every text that begins with this one.
pub(super) fn above(text: &str) -> String {
    format!("{text}\u{10ffff}")
}
