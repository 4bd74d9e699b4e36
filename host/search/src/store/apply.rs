//! Writing what nodes are now.

use super::words;
use crate::domain::text;
use bitvault_platform::db::TenantTx;
use bitvault_platform::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    pub(crate) tags: Vec<String>,
    /// Texts by their names.
    pub(crate) fields: BTreeMap<String, String>,
}

/// What decides under which words a node is found.
struct Known {
    tree: Uuid,
    /// Of its name, as they stand in its row.
    line: String,
    /// Of its tags and fields, the same.
    said: String,
    /// Its tags and fields as a whole.
    marks: Vec<String>,
    family: String,
    owner: Option<Uuid>,
}

impl Known {
    fn of(entry: &Entry) -> Self {
        let texts = entry.tags.iter().chain(entry.fields.values());
        let fields = entry.fields.iter().map(|(name, text)| format!("{name}:{text}"));
        let tags = entry.tags.iter().map(|tag| text::mark_of_tag(tag));
        let marks: BTreeSet<String> = tags
            .chain(fields.map(|field| text::mark_of_field(&field)))
            .collect();
        Self {
            tree: entry.tree,
            line: line(&text::words(&entry.name)),
            said: match text::said(texts.map(String::as_str)) {
                none if none.is_empty() => String::new(),
                words => line(&words),
            },
            marks: marks.into_iter().collect(),
            family: entry.family.to_owned(),
            owner: entry.owner,
        }
    }

    /// The words that lead to it: those of its name, and what it is looked for by beside that.
    fn words(&self) -> HashSet<(Uuid, String)> {
        let named = self.line.split_whitespace().map(str::to_owned);
        let said = self.said.split_whitespace().map(text::word_said);
        let owned = self.owner.map(text::word_of_owner);
        let words = named.chain(said).chain(self.marks.iter().cloned()).chain(owned);
        let words = words.chain([text::word_of_family(&self.family)]);
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
    let mut written = Vec::with_capacity(present.len());
    for entry in present {
        let before = known.get(&entry.node);
        if entry.folder && before.is_none_or(|before| before.tree != entry.tree) {
            look.push(entry.node);
        }
        let now = Known::of(entry);
        let (old, new) = (before.map(Known::words).unwrap_or_default(), now.words());
        change.add(entry.node, new.difference(&old));
        change.remove(entry.node, old.difference(&new));
        written.push(now);
    }
    for node in gone {
        if let Some(before) = known.get(node) {
            change.remove(*node, before.words().iter());
        }
    }
    words::write(tx, &change).await?;
    upsert(tx, present, &written).await?;
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
                  e.owner, e.said AS "said!", e.marks AS "marks!"
           FROM unnest($2::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (SELECT node_id, tree_id, words, family, owner, said, marks FROM search.entries
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
            said: row.said,
            marks: row.marks,
            family: row.family,
            owner: row.owner,
        };
        (row.node, known)
    });
    Ok(known.collect())
}

/// Writes rows; `known` are the same in another form.
async fn upsert(tx: &mut TenantTx, entries: &[Entry], known: &[Known]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant().0;
    let column = |get: fn(&Entry) -> Uuid| entries.iter().map(get).collect::<Vec<Uuid>>();
    let (nodes, trees) = (column(|entry| entry.node), column(|entry| entry.tree));
    let parents: Vec<Option<Uuid>> = entries.iter().map(|entry| entry.parent).collect();
    let folders: Vec<bool> = entries.iter().map(|entry| entry.folder).collect();
    let lines: Vec<String> = known.iter().map(|one| one.line.clone()).collect();
    let said: Vec<String> = known.iter().map(|one| one.said.clone()).collect();
    // Arrays of one array each do not exist: they travel as texts. Neither tags nor marks hold control characters.
    let joined = |texts: &[String]| texts.join("\u{1f}");
    let tags: Vec<String> = entries.iter().map(|entry| joined(&entry.tags)).collect();
    let marks: Vec<String> = known.iter().map(|one| joined(&one.marks)).collect();
    let keys: Vec<String> = entries.iter().map(|entry| text::fold(&entry.name)).collect();
    let families: Vec<String> = entries.iter().map(|entry| entry.family.to_owned()).collect();
    let media: Vec<Option<String>> = entries.iter().map(|entry| entry.content_type.clone()).collect();
    let sizes: Vec<Option<i64>> = entries.iter().map(|entry| entry.size).collect();
    let owners: Vec<Option<Uuid>> = entries.iter().map(|entry| entry.owner).collect();
    let updated: Vec<OffsetDateTime> = entries.iter().map(|entry| entry.updated_at).collect();
    let revisions: Vec<i64> = entries.iter().map(|entry| entry.revision).collect();
    let done = sqlx::query!(
        "INSERT INTO search.entries (tenant_id, node_id, tree_id, parent_id, is_folder, name_key, words, family,
                                     content_type, size, owner, updated_at, revision, said, tags, marks)
         SELECT $1, node, tree, parent, folder, key, line, family, media, size, owner, updated, revision, said,
                string_to_array(tags, chr(31)), string_to_array(marks, chr(31))
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::bigint[], $11::uuid[], $12::timestamptz[], $13::bigint[], $14::text[], $15::text[], $16::text[])
              AS new(node, tree, parent, folder, key, line, family, media, size, owner, updated, revision, said, tags, marks)
         ON CONFLICT (tenant_id, node_id) DO UPDATE
         SET tree_id = excluded.tree_id, parent_id = excluded.parent_id, is_folder = excluded.is_folder,
             name_key = excluded.name_key, words = excluded.words, family = excluded.family,
             content_type = excluded.content_type, size = excluded.size, owner = excluded.owner,
             updated_at = excluded.updated_at, revision = excluded.revision, said = excluded.said,
             tags = excluded.tags, marks = excluded.marks",
        tenant,
        &nodes,
        &trees,
        &parents as &[Option<Uuid>],
        &folders,
        &keys,
        &lines,
        &families,
        &media as &[Option<String>],
        &sizes as &[Option<i64>],
        &owners as &[Option<Uuid>],
        &updated,
        &revisions,
        &said,
        &tags,
        &marks
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
               DELETE FROM search.entries
               WHERE ctid = ANY (ARRAY(
                   SELECT one.row FROM unnest($2::uuid[]) AS old(id)
                   CROSS JOIN LATERAL (SELECT ctid AS row FROM search.entries
                                       WHERE tenant_id = $1 AND node_id = old.id LIMIT 1) one))
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
