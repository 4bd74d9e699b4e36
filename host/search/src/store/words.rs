//! The dictionary and the nodes of each word.

use crate::domain::{spelling, text};
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Which nodes get a word of a tree, and which lose it.
#[derive(Debug, Default)]
pub(crate) struct Change {
    added: BTreeMap<(Uuid, String), Vec<Uuid>>,
    removed: BTreeMap<(Uuid, String), Vec<Uuid>>,
}

impl Change {
    pub(crate) fn add<'a>(&mut self, node: Uuid, words: impl Iterator<Item = &'a (Uuid, String)>) {
        for word in words {
            self.added.entry(word.clone()).or_default().push(node);
        }
    }

    pub(crate) fn remove<'a>(&mut self, node: Uuid, words: impl Iterator<Item = &'a (Uuid, String)>) {
        for word in words {
            self.removed.entry(word.clone()).or_default().push(node);
        }
    }
}

/// The words of a change as columns: trees, words, and how many nodes.
fn columns(words: &BTreeMap<(Uuid, String), Vec<Uuid>>) -> (Vec<Uuid>, Vec<String>, Vec<i64>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for ((tree, word), nodes) in words {
        columns.0.push(*tree);
        columns.1.push(word.clone());
        columns.2.push(i64::try_from(nodes.len()).unwrap_or(i64::MAX));
    }
    columns
}

/// Pairs of a word's id and a node, as columns.
fn pairs(
    words: &BTreeMap<(Uuid, String), Vec<Uuid>>,
    ids: &HashMap<(Uuid, String), i64>,
) -> (Vec<i64>, Vec<Uuid>) {
    let known = words
        .iter()
        .filter_map(|(word, nodes)| ids.get(word).map(|id| (*id, nodes)));
    known
        .flat_map(|(id, nodes)| nodes.iter().map(move |node| (id, *node)))
        .unzip()
}

/// Writes a change.
pub(crate) async fn write(tx: &mut TenantTx, change: &Change) -> Result<()> {
    if !change.added.is_empty() {
        add(tx, &change.added).await?;
    }
    if !change.removed.is_empty() {
        remove(tx, &change.removed).await?;
    }
    Ok(())
}

async fn add(tx: &mut TenantTx, added: &BTreeMap<(Uuid, String), Vec<Uuid>>) -> Result<()> {
    let tenant = tx.tenant().0;
    let (trees, words, counts) = columns(added);
    let rows = sqlx::query!(
        "INSERT INTO search.words AS w (tenant_id, tree_id, word, nodes)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS new
         ON CONFLICT (tenant_id, tree_id, word) DO UPDATE SET nodes = w.nodes + excluded.nodes
         RETURNING w.tree_id, w.word, w.id, w.nodes",
        tenant,
        &trees,
        &words,
        &counts
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut ids = HashMap::with_capacity(rows.len());
    let (mut grams, mut of) = (Vec::new(), Vec::new());
    for row in rows {
        let key = (row.tree_id, row.word);
        // Nobody had the word before: it may be new to the tenant as well.
        if added
            .get(&key)
            .is_some_and(|nodes| i64::try_from(nodes.len()) == Ok(row.nodes))
        {
            let spoken = text::spoken(&key.1);
            for gram in spelling::trigrams(spoken) {
                grams.push(gram);
                of.push(spoken.to_owned());
            }
        }
        ids.insert(key, row.id);
    }
    let (word_ids, nodes) = pairs(added, &ids);
    sqlx::query!(
        "INSERT INTO search.postings (tenant_id, word_id, node_id)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[]) AS new ON CONFLICT DO NOTHING",
        tenant,
        &word_ids,
        &nodes
    )
    .execute(&mut **tx)
    .await?;
    if !grams.is_empty() {
        sqlx::query!(
            "INSERT INTO search.trigrams (tenant_id, trigram, word)
             SELECT $1, new.* FROM unnest($2::text[], $3::text[]) AS new ON CONFLICT DO NOTHING",
            tenant,
            &grams,
            &of
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn remove(tx: &mut TenantTx, removed: &BTreeMap<(Uuid, String), Vec<Uuid>>) -> Result<()> {
    let tenant = tx.tenant().0;
    let (trees, words, counts) = columns(removed);
    let rows = sqlx::query!(
        "UPDATE search.words w SET nodes = greatest(w.nodes - found.less, 0)
         FROM (SELECT one.row, old.less
               FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS old(tree, word, less)
               CROSS JOIN LATERAL (SELECT ctid AS row FROM search.words
                                   WHERE tenant_id = $1 AND tree_id = old.tree AND word = old.word COLLATE \"C\"
                                   LIMIT 1) one) found
         WHERE w.ctid = found.row RETURNING w.tree_id, w.word, w.id",
        tenant,
        &trees,
        &words,
        &counts
    )
    .fetch_all(&mut **tx)
    .await?;
    let ids = rows
        .into_iter()
        .map(|row| ((row.tree_id, row.word), row.id))
        .collect();
    let (word_ids, nodes) = pairs(removed, &ids);
    sqlx::query!(
        "DELETE FROM search.postings p
         WHERE p.ctid = ANY (ARRAY(
             SELECT one.row FROM unnest($2::bigint[], $3::uuid[]) AS old(word, node)
             CROSS JOIN LATERAL (SELECT ctid AS row FROM search.postings
                                 WHERE tenant_id = $1 AND word_id = old.word AND node_id = old.node LIMIT 1) one))",
        tenant,
        &word_ids,
        &nodes
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
