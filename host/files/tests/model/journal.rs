//! The journal compared with the model's, and with the rows that replaying it must lead to.

use crate::check::Wrong;
use crate::model::{Change, Key, Model, NOBODY, ROOT, home};
use crate::tenant::Tenant;
use crate::tree::settled;
use bitvault_platform::ids::{AccountId, NodeId, VersionId};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A node as rows and journal tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    revision: i64,
    versions: Vec<Key>,
    trashed: bool,
}

/// Compares the journal and the rows of nodes and versions with the model.
pub(crate) async fn compare(tenant: &Tenant, model: &Model) -> Result<(), Wrong> {
    let mut admin = tenant.world.admin().await;
    let rows = journal(tenant, &mut admin)
        .await
        .map_err(|error| error.to_string())?;
    let nodes = nodes(tenant, &mut admin)
        .await
        .map_err(|error| error.to_string())?;
    let untold = untold(tenant, &mut admin)
        .await
        .map_err(|error| error.to_string())?;
    sqlx::Connection::close(admin)
        .await
        .map_err(|error| error.to_string())?;
    if untold != 0 {
        return Err(format!(
            "{untold} rows of the journal have no event in the outbox"
        ));
    }

    for (number, (seq, _)) in (1..).zip(&rows) {
        if *seq != number {
            return Err(format!("the journal has {seq} where {number} is due"));
        }
    }
    let rows: Vec<Change> = rows.into_iter().map(|(_, change)| change).collect();
    let replayed = replay(&rows)?;
    let (expected, found) = (settled(model.journal.clone()), settled(rows));
    if let Some(at) = (0..expected.len().max(found.len())).find(|at| expected.get(*at) != found.get(*at)) {
        let (expected, found) = (expected.get(at), found.get(at));
        return Err(format!(
            "the journal at {}\n  expected {expected:?}\n  found    {found:?}",
            at + 1
        ));
    }
    let replayed = without_removed(replayed, &nodes);
    let modelled = model.nodes.values().map(|node| {
        let state = State {
            revision: node.revision,
            versions: node.versions.iter().map(|version| version.key).collect(),
            trashed: node.trashed.is_some(),
        };
        (node.key, state)
    });
    same("the rows of nodes", &modelled.collect(), &nodes)?;
    // Homes and the root are made without a word.
    let told = nodes
        .into_iter()
        .filter(|(key, _)| *key != ROOT && (0..).map_while(home).all(|home| home != *key));
    same("the nodes that the journal leads to", &told.collect(), &replayed)
}

/// That an old version is removed changes no node, and stands in no journal.
fn without_removed(mut replayed: BTreeMap<Key, State>, nodes: &BTreeMap<Key, State>) -> BTreeMap<Key, State> {
    for (key, state) in &mut replayed {
        if let Some(now) = nodes.get(key) {
            state.versions.retain(|version| now.versions.contains(version));
        }
    }
    replayed
}

fn same(what: &str, expected: &BTreeMap<Key, State>, found: &BTreeMap<Key, State>) -> Result<(), Wrong> {
    let keys = expected.keys().chain(found.keys());
    let Some(key) = keys.into_iter().find(|key| expected.get(key) != found.get(key)) else {
        return Ok(());
    };
    Err(format!(
        "{what}: #{key}\n  expected {:?}\n  found    {:?}",
        expected.get(key),
        found.get(key)
    ))
}

/// What somebody knows who has read nothing but the journal.
fn replay(rows: &[Change]) -> Result<BTreeMap<Key, State>, Wrong> {
    let mut nodes: BTreeMap<Key, State> = BTreeMap::new();
    for change in rows {
        let wrong = |what: &str| Err(format!("the journal, replayed: {what}: {change:?}"));
        if change.kind == "created" {
            let state = State {
                revision: change.revision,
                versions: change.version.into_iter().collect(),
                trashed: false,
            };
            if nodes.insert(change.node, state).is_some() {
                return wrong("made twice");
            }
            continue;
        }
        let Some(state) = nodes.get_mut(&change.node) else {
            // Tops of homes can be shared, and nothing else happens to them; of the root is told who joins or leaves a group.
            let tops = |node| node == ROOT || (0..).map_while(home).any(|home| home == node);
            if change.kind == "shared" && tops(change.node) {
                continue;
            }
            return wrong("it is not there");
        };
        let grown = change.revision - state.revision;
        let fits = match change.kind.as_str() {
            "shared" => grown == 0 || grown == 1,
            "deleted" => grown == 0,
            _ => grown == 1,
        };
        if !fits {
            return wrong("its revision does not follow");
        }
        state.revision = change.revision;
        state.versions.extend(change.version);
        match change.kind.as_str() {
            "trashed" => state.trashed = true,
            "restored" => state.trashed = false,
            "deleted" => {
                nodes.remove(&change.node);
            }
            _ => {}
        }
    }
    Ok(nodes)
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    node_id: Uuid,
    kind: String,
    version_id: Option<Uuid>,
    revision: i64,
    actor: Option<Uuid>,
}

async fn journal(tenant: &Tenant, admin: &mut PgConnection) -> Result<Vec<(i64, Change)>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT seq, node_id, kind, version_id, revision, actor FROM files.journal
         WHERE tenant_id = $1 ORDER BY seq",
    )
    .bind(tenant.id.0)
    .fetch_all(admin)
    .await?;
    let change = |row: Row| {
        let version = row.version_id.map(|id| VersionId(id).to_string());
        let actor = row.actor.map(|id| AccountId(id).to_string());
        let change = Change {
            kind: row.kind,
            node: tenant.nodes.key(&NodeId(row.node_id).to_string()),
            version: version.map(|id| tenant.versions.key(&id)),
            revision: row.revision,
            by: actor.map_or(NOBODY, |id| tenant.user(&id)),
        };
        (row.seq, change)
    };
    Ok(rows.into_iter().map(change).collect())
}

/// Rows of the journal without an event in the outbox, which nothing is relayed from here.
async fn untold(tenant: &Tenant, admin: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM files.journal j WHERE tenant_id = $1 AND NOT EXISTS (
             SELECT FROM files.outbox o WHERE o.tenant_id = $1 AND o.key = j.node_id AND o.seq = j.seq)",
    )
    .bind(tenant.id.0)
    .fetch_one(admin)
    .await
}

/// The nodes, each with all its versions, the oldest first.
async fn nodes(tenant: &Tenant, admin: &mut PgConnection) -> Result<BTreeMap<Key, State>, sqlx::Error> {
    let rows: Vec<(Uuid, i64, bool, Vec<Uuid>)> = sqlx::query_as(
        "SELECT id, revision, trashed_at IS NOT NULL,
                ARRAY(SELECT v.id FROM files.versions v WHERE v.tenant_id = $1 AND v.node_id = n.id
                      ORDER BY v.id = n.current_version, v.created_at, v.id)
         FROM files.nodes n WHERE tenant_id = $1",
    )
    .bind(tenant.id.0)
    .fetch_all(admin)
    .await?;
    let state = |(id, revision, trashed, versions): (Uuid, i64, bool, Vec<Uuid>)| {
        let versions = versions
            .iter()
            .map(|id| tenant.versions.key(&VersionId(*id).to_string()));
        let state = State {
            revision,
            versions: versions.collect(),
            trashed,
        };
        (tenant.nodes.key(&NodeId(id).to_string()), state)
    };
    Ok(rows.into_iter().map(state).collect())
}
