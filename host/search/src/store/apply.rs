//! Writing what nodes are now.

use super::words;
use crate::domain::text;
use bitvault_platform::db::TenantTx;
use bitvault_platform::{Error, Result};
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;
use uuid::Uuid;

/// A live node as it goes into the index.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) node: Uuid,
    pub(crate) tree: Uuid,
    /// Absent on the top of a tree.
    pub(crate) parent: Option<Uuid>,
    pub(crate) folder: bool,
    pub(crate) name: String,
    pub(crate) family: &'static str,
    pub(crate) content_type: Option<String>,
    pub(crate) size: Option<i64>,
    pub(crate) owner: Option<Uuid>,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) revision: i64,
}

/// What decides under which words a node is found.
struct Known {
    tree: Uuid,
    /// Of its name, as they stand in its row.
    line: String,
    family: String,
    owner: Option<Uuid>,
}

impl Known {
    /// The words that lead to it: those of its name, and what it is looked for by beside that.
    fn words(&self) -> HashSet<(Uuid, String)> {
        let named = self.line.split_whitespace().map(str::to_owned);
        let owned = self.owner.map(text::word_of_owner);
        let words = named.chain(owned).chain([text::word_of_family(&self.family)]);
        words.map(|word| (self.tree, word)).collect()
    }
}

/// Makes the index say what nodes are now: `present` as they are, `gone` not at all. Answers the folders whose children
/// have to be looked at: those that are new here, that came from another tree, and those gone that have children left.
pub(crate) async fn apply(tx: &mut TenantTx, present: &[Entry], gone: &[Uuid]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = present
        .iter()
        .map(|entry| entry.node)
        .chain(gone.iter().copied())
        .collect();
    let known = known(tx, &ids).await?;
    let mut change = words::Change::default();
    let mut look = Vec::new();
    let mut lines = Vec::with_capacity(present.len());
    for entry in present {
        let before = known.get(&entry.node);
        if entry.folder && before.is_none_or(|before| before.tree != entry.tree) {
            look.push(entry.node);
        }
        let now = Known {
            tree: entry.tree,
            line: line(&text::words(&entry.name)),
            family: entry.family.to_owned(),
            owner: entry.owner,
        };
        let (old, new) = (before.map(Known::words).unwrap_or_default(), now.words());
        change.add(entry.node, new.difference(&old));
        change.remove(entry.node, old.difference(&new));
        lines.push(now.line);
    }
    for node in gone {
        if let Some(before) = known.get(node) {
            change.remove(*node, before.words().iter());
        }
    }
    words::write(tx, &change).await?;
    upsert(tx, present, &lines).await?;
    if !gone.is_empty() {
        look.extend(remove(tx, gone).await?);
    }
    Ok(look)
}

/// Each word with a blank before and after it; one blank when there is none.
fn line(words: &[String]) -> String {
    format!(" {} ", words.join(" ")).replace("  ", " ")
}

async fn known(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashMap<Uuid, Known>> {
    let tenant = tx.tenant().0;
    let rows = sqlx::query!(
        r#"SELECT e.node_id AS "node!", e.tree_id AS "tree!", e.words AS "words!", e.family AS "family!",
                  e.owner
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT node_id, tree_id, words, family, owner FROM search.entries
                               WHERE tenant_id = $1 AND node_id = wanted.id LIMIT 1) e"#,
        tenant,
        ids
    )
    .fetch_all(&mut **tx)
    .await?;
    let known = rows.into_iter().map(|row| {
        let known = Known {
            tree: row.tree,
            line: row.words,
            family: row.family,
            owner: row.owner,
        };
        (row.node, known)
    });
    Ok(known.collect())
}

async fn upsert(tx: &mut TenantTx, entries: &[Entry], lines: &[String]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let column = |get: fn(&Entry) -> Uuid| entries.iter().map(get).collect::<Vec<Uuid>>();
    let (nodes, trees) = (column(|entry| entry.node), column(|entry| entry.tree));
    let parents: Vec<Option<Uuid>> = entries.iter().map(|entry| entry.parent).collect();
    let folders: Vec<bool> = entries.iter().map(|entry| entry.folder).collect();
    let keys: Vec<String> = entries.iter().map(|entry| text::fold(&entry.name)).collect();
    let families: Vec<String> = entries.iter().map(|entry| entry.family.to_owned()).collect();
    let media: Vec<Option<String>> = entries.iter().map(|entry| entry.content_type.clone()).collect();
    let sizes: Vec<Option<i64>> = entries.iter().map(|entry| entry.size).collect();
    let owners: Vec<Option<Uuid>> = entries.iter().map(|entry| entry.owner).collect();
    let updated: Vec<OffsetDateTime> = entries.iter().map(|entry| entry.updated_at).collect();
    let revisions: Vec<i64> = entries.iter().map(|entry| entry.revision).collect();
    let done = sqlx::query!(
        "INSERT INTO search.entries (tenant_id, node_id, tree_id, parent_id, is_folder, name_key, words, family,
                                     content_type, size, owner, updated_at, revision)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::text[],
                                      $8::text[], $9::text[], $10::bigint[], $11::uuid[], $12::timestamptz[],
                                      $13::bigint[]) AS new
         ON CONFLICT (tenant_id, node_id) DO UPDATE
         SET tree_id = excluded.tree_id, parent_id = excluded.parent_id, is_folder = excluded.is_folder,
             name_key = excluded.name_key, words = excluded.words, family = excluded.family,
             content_type = excluded.content_type, size = excluded.size, owner = excluded.owner,
             updated_at = excluded.updated_at, revision = excluded.revision",
        tenant,
        &nodes,
        &trees,
        &parents as &[Option<Uuid>],
        &folders,
        &keys,
        lines,
        &families,
        &media as &[Option<String>],
        &sizes as &[Option<i64>],
        &owners as &[Option<Uuid>],
        &updated,
        &revisions
    )
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() != entries.len() as u64 {
        return Err(Error::internal("index nodes", "some were not written"));
    }
    Ok(())
}

/// Removes entries; answers those of the nodes that have children here.
async fn remove(tx: &mut TenantTx, nodes: &[Uuid]) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"WITH gone AS (
               DELETE FROM search.entries WHERE tenant_id = $1 AND node_id = ANY($2)
           )
           SELECT gone.id AS "id!" FROM unnest($2::uuid[]) AS gone(id)
           WHERE EXISTS (SELECT FROM search.entries c
                         WHERE c.tenant_id = $1 AND c.parent_id = gone.id OFFSET 0)"#,
        tenant,
        nodes
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Nodes here that are in a folder, at most `limit`.
pub(crate) async fn children(tx: &mut TenantTx, folder: Uuid, limit: i64) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        "SELECT node_id FROM search.entries WHERE tenant_id = $1 AND parent_id = $2 LIMIT $3",
        tenant,
        folder,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}
