//! Finding candidates: nodes that match, best first. Whether they may be shown is not known here.

use crate::domain::cursor::Place;
use crate::domain::query::Query;
use crate::domain::{spelling, text};
use crate::places::Nodes;
use bitvault_platform::Result;
use bitvault_platform::db::TenantRead;
use time::OffsetDateTime;
use uuid::Uuid;

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
    pub(crate) fn place(&self) -> Place {
        Place {
            class: self.class,
            updated_at: self.updated_at,
            node: self.node,
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Best first, each node once.
    pub(crate) candidates: Vec<Candidate>,
    /// Words that were taken for what was typed.
    pub(crate) alike: Vec<String>,
    /// There may be more behind the last one.
    pub(crate) is_full: bool,
}

/// Candidates of a query at and below these places, behind the query's own: `search.find` of the migrations.
pub(crate) async fn find(read: &TenantRead, places: &Nodes, query: &Query) -> Result<Found> {
    let places: Vec<Uuid> = places.iter().map(|place| place.0).collect();
    let filters = &query.filters;
    let (of_gram, grams): (Vec<i32>, Vec<String>) = trigrams(query).unzip();
    let exact = exact(query);
    let rows = read
        .fetch_all(|bound, tenant| {
            sqlx::query!(
                r#"SELECT c.node_id AS "node!", c.class AS "class!", c.updated_at AS "updated_at!",
                          c.is_folder AS "is_folder!", c.family AS "family!", c.owner, c.tags AS "tags!",
                          c.marked AS "marked!", c.revision AS "revision!", c.own AS "own!", f.is_full AS "is_full!",
                          f.alike AS "alike!"
                   FROM search.find(app.within($1, $2), $3, $4, $5, $6, $7, $8,
                                    ROW($9::boolean, $10::text, $11::text, $12::uuid, $13::timestamptz, $14::timestamptz,
                                        $15::bigint, $16::bigint, $17::text[])::search.filters,
                                    ROW($18::int, $19::timestamptz, $20::uuid)::search.rank, $21) AS f
                   CROSS JOIN LATERAL unnest(f.candidates) AS c"#,
                bound,
                tenant,
                &places,
                query.folded,
                &query.tokens,
                &exact,
                &of_gram,
                &grams,
                filters.folder,
                filters.family,
                filters.media,
                filters.owner,
                filters.after,
                filters.before,
                filters.min_size,
                filters.max_size,
                &filters.marks,
                query.behind.map(|place| place.class),
                query.behind.map(|place| place.updated_at),
                query.behind.map(|place| place.node),
                i32::try_from(query.limit).unwrap_or(i32::MAX)
            )
        })
        .await?;
    let mut found = Found::default();
    for row in rows {
        // The same in each.
        (found.is_full, found.alike) = (row.is_full, row.alike);
        found.candidates.push(Candidate {
            node: row.node,
            class: row.class,
            updated_at: row.updated_at,
            is_folder: row.is_folder,
            family: row.family,
            owner: row.owner,
            tags: row.tags,
            marked: row.marked,
            revision: row.revision,
            own: row.own,
        });
    }
    Ok(found)
}

/// The words that filters stand for.
fn exact(query: &Query) -> Vec<String> {
    let family = query.filters.family.map(text::word_of_family);
    let owner = query.filters.owner.map(text::word_of_owner);
    let marks = query.filters.marks.iter().cloned();
    family.into_iter().chain(owner).chain(marks).collect()
}

/// Of each word of the query, with its number.
fn trigrams(query: &Query) -> impl Iterator<Item = (i32, String)> {
    (0_i32..).zip(&query.tokens).flat_map(|(number, token)| {
        let grams = spelling::trigrams(token).into_iter();
        grams.map(move |gram| (number, gram))
    })
}
