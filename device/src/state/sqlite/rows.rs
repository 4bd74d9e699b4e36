//! Rows of the state, and the trees' nodes that they hold.

use std::collections::BTreeMap;

use bitvault_planner::{
    AccountId, Cause, Content, Fingerprint, LocalId, LocalKind, LocalNode, Name, NodeId, Place, RemoteKind,
    RemoteNode, Sha256, SyncedNode, Tombstone, VersionId,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Error, Result, Row, params};
use uuid::Uuid;

use crate::remote::ConflictOf;
use crate::state::Answered;

/// The root of what is synced; none when the state is damaged.
pub(super) fn root_node(database: &Connection) -> Result<Option<RemoteNode>> {
    let mut root = None;
    let select = format!("{NODES} WHERE parent IS NULL AND NOT outside");
    each(database, &select, |row| {
        root = Some(node(row, |_| None)?.0);
        Ok(())
    })?;
    Ok(root)
}

/// Gives each node, and whether it is outside of what is synced. A name that is known is not read again.
pub(super) fn each_node<'a>(
    database: &Connection,
    known: impl Fn(NodeId) -> Option<&'a Name>,
    mut take: impl FnMut(RemoteNode, bool),
) -> Result<()> {
    each(database, NODES, |row| {
        let (node, outside) = node(row, &known)?;
        take(node, outside);
        Ok(())
    })
}

const NODES: &str = "SELECT id, parent, name, version, sha256, size, revision, writable, outside FROM nodes";

fn node<'a>(row: &Row<'_>, known: impl Fn(NodeId) -> Option<&'a Name>) -> Result<(RemoteNode, bool)> {
    let id = NodeId(uuid(row, 0)?);
    let node = RemoteNode {
        id,
        parent: maybe_uuid(row, 1)?.map(NodeId),
        name: name(row, 2, known(id))?,
        kind: kind(row, 3)?,
        revision: row.get(6)?,
        writable: row.get(7)?,
    };
    Ok((node, row.get(8)?))
}

pub(super) fn put_node(database: &Connection, id: NodeId, node: Option<(&RemoteNode, bool)>) -> Result<()> {
    let Some((node, outside)) = node else {
        return remove(database, "DELETE FROM nodes WHERE id = ?1", id);
    };
    let content = node.kind.content();
    database
        .prepare_cached("INSERT OR REPLACE INTO nodes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            bytes(id.0),
            node.parent.map(|parent| bytes(parent.0)),
            node.name.as_str(),
            content.map(|content| bytes(content.version.0)),
            content.map(|content| content.sha256.0.to_vec()),
            content.map(|content| signed(content.size)),
            node.revision,
            node.writable,
            outside,
        ])
        .map(|_| ())
}

pub(super) fn tombstones(database: &Connection) -> Result<Vec<(NodeId, Tombstone)>> {
    all(database, "SELECT id, seq, actor, cause FROM tombstones", |row| {
        let cause = match row.get::<_, i64>(3)? {
            0 => Cause::Trashed,
            1 => Cause::Deleted,
            2 => Cause::AccessLost,
            3 => Cause::MovedAway,
            other => return Err(Error::IntegralValueOutOfRange(3, other)),
        };
        let tombstone = Tombstone {
            seq: unsigned(row, 1)?,
            actor: maybe_uuid(row, 2)?.map(AccountId),
            cause,
        };
        Ok((NodeId(uuid(row, 0)?), tombstone))
    })
}

pub(super) fn put_tombstone(database: &Connection, id: NodeId, tombstone: Option<&Tombstone>) -> Result<()> {
    let Some(tombstone) = tombstone else {
        return remove(database, "DELETE FROM tombstones WHERE id = ?1", id);
    };
    let cause = match tombstone.cause {
        Cause::Trashed => 0,
        Cause::Deleted => 1,
        Cause::AccessLost => 2,
        Cause::MovedAway => 3,
    };
    database
        .prepare_cached("INSERT OR REPLACE INTO tombstones VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            bytes(id.0),
            signed(tombstone.seq),
            tombstone.actor.map(|actor| bytes(actor.0)),
            cause,
        ])
        .map(|_| ())
}

pub(super) fn fetched(database: &Connection) -> Result<Vec<(NodeId, RemoteKind)>> {
    all(
        database,
        "SELECT node, version, sha256, size FROM fetched",
        |row| Ok((NodeId(uuid(row, 0)?), kind(row, 1)?)),
    )
}

pub(super) fn untold(database: &Connection) -> Result<BTreeMap<NodeId, Answered>> {
    let all = all(
        database,
        "SELECT node, revision, version, replaced FROM untold",
        |row| {
            let answered = Answered {
                revision: row.get(1)?,
                version: maybe_uuid(row, 2)?.map(VersionId),
                replaced: maybe_uuid(row, 3)?.map(VersionId),
            };
            Ok((NodeId(uuid(row, 0)?), answered))
        },
    )?;
    Ok(all.into_iter().collect())
}

pub(super) fn put_untold(database: &Connection, id: NodeId, answered: Option<Answered>) -> Result<()> {
    let Some(answered) = answered else {
        return remove(database, "DELETE FROM untold WHERE node = ?1", id);
    };
    database
        .prepare_cached("INSERT OR REPLACE INTO untold VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            bytes(id.0),
            answered.revision,
            answered.version.map(|version| bytes(version.0)),
            answered.replaced.map(|version| bytes(version.0)),
        ])
        .map(|_| ())
}

pub(super) fn put_fetched(database: &Connection, id: NodeId, kind: Option<RemoteKind>) -> Result<()> {
    let Some(kind) = kind else {
        return remove(database, "DELETE FROM fetched WHERE node = ?1", id);
    };
    let content = kind.content();
    database
        .prepare_cached("INSERT OR REPLACE INTO fetched VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            bytes(id.0),
            content.map(|content| bytes(content.version.0)),
            content.map(|content| content.sha256.0.to_vec()),
            content.map(|content| signed(content.size)),
        ])
        .map(|_| ())
}

/// The entry of the folder that is synced; none when the state is damaged.
pub(super) fn top_entry(database: &Connection) -> Result<Option<LocalNode>> {
    let mut top = None;
    each(database, &format!("{ENTRIES} WHERE parent IS NULL"), |row| {
        top = Some(entry(row, |_| None)?);
        Ok(())
    })?;
    Ok(top)
}

/// Gives each entry. A name that is known is not read again.
pub(super) fn each_entry<'a>(
    database: &Connection,
    known: impl Fn(LocalId) -> Option<&'a Name>,
    mut take: impl FnMut(LocalNode),
) -> Result<()> {
    each(database, ENTRIES, |row| {
        take(entry(row, &known)?);
        Ok(())
    })
}

/// Links, special files and what is mounted, by path.
pub(super) fn left_alone(database: &Connection) -> Result<Vec<String>> {
    all(
        database,
        "WITH RECURSIVE up AS (
            SELECT parent, name AS path FROM entries WHERE kind = 2 AND NOT ignored
            UNION ALL
            SELECT holder.parent, holder.name || '/' || up.path FROM up JOIN entries AS holder ON holder.id = up.parent
            WHERE holder.parent IS NOT NULL)
        SELECT up.path FROM up JOIN entries AS top ON top.id = up.parent WHERE top.parent IS NULL ORDER BY up.path",
        |row| row.get(0),
    )
}

const ENTRIES: &str =
    "SELECT id, parent, name, kind, device, inode, born, size, modified, changed, content, sent, ignored
    FROM entries";

fn entry<'a>(row: &Row<'_>, known: impl Fn(LocalId) -> Option<&'a Name>) -> Result<LocalNode> {
    let id = LocalId(unsigned(row, 0)?);
    let kind = match row.get::<_, i64>(3)? {
        0 => LocalKind::Folder,
        1 => LocalKind::File,
        2 => LocalKind::Other,
        other => return Err(Error::IntegralValueOutOfRange(3, other)),
    };
    let parent: Option<i64> = row.get(1)?;
    Ok(LocalNode {
        id,
        parent: parent.map(|parent| LocalId(parent.cast_unsigned())),
        name: name(row, 2, known(id))?,
        kind,
        fingerprint: fingerprint(row, 4)?,
        content: hash(row, 10)?,
        sent: hash(row, 11)?,
        ignored: row.get(12)?,
    })
}

pub(super) fn asides(database: &Connection) -> Result<BTreeMap<LocalId, ConflictOf>> {
    let all = all(database, "SELECT entry, node, base FROM asides", |row| {
        let of = ConflictOf {
            node: NodeId(uuid(row, 1)?),
            base: maybe_uuid(row, 2)?.map(VersionId),
        };
        Ok((LocalId(unsigned(row, 0)?), of))
    });
    Ok(all?.into_iter().collect())
}

pub(super) fn put_aside(database: &Connection, id: LocalId, of: Option<&ConflictOf>) -> Result<()> {
    let Some(of) = of else {
        return database
            .prepare_cached("DELETE FROM asides WHERE entry = ?1")?
            .execute([signed(id.0)])
            .map(|_| ());
    };
    database
        .prepare_cached("INSERT OR REPLACE INTO asides VALUES (?1, ?2, ?3)")?
        .execute(params![
            signed(id.0),
            bytes(of.node.0),
            of.base.map(|base| bytes(base.0))
        ])
        .map(|_| ())
}

pub(super) fn asked(database: &Connection) -> Result<BTreeMap<LocalId, Place>> {
    let all = all(database, "SELECT entry, parent, name FROM asked", |row| {
        let at = Place {
            parent: NodeId(uuid(row, 1)?),
            name: name(row, 2, None)?,
        };
        Ok((LocalId(unsigned(row, 0)?), at))
    });
    Ok(all?.into_iter().collect())
}

/// Writes all of it, in place of what there was.
pub(super) fn put_asked(database: &Connection, asked: &BTreeMap<LocalId, Place>) -> Result<()> {
    database.prepare_cached("DELETE FROM asked")?.execute([])?;
    let mut insert = database.prepare_cached("INSERT INTO asked VALUES (?1, ?2, ?3)")?;
    for (id, at) in asked {
        insert.execute(params![signed(id.0), bytes(at.parent.0), at.name.as_str()])?;
    }
    Ok(())
}

pub(super) fn put_entry(database: &Connection, id: LocalId, entry: Option<&LocalNode>) -> Result<()> {
    let Some(entry) = entry else {
        return database
            .prepare_cached("DELETE FROM entries WHERE id = ?1")?
            .execute([signed(id.0)])
            .map(|_| ());
    };
    let kind = match entry.kind {
        LocalKind::Folder => 0,
        LocalKind::File => 1,
        LocalKind::Other => 2,
    };
    let print = &entry.fingerprint;
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            signed(id.0),
            entry.parent.map(|parent| signed(parent.0)),
            entry.name.as_str(),
            kind,
            signed(print.device),
            signed(print.inode),
            print.born,
            signed(print.size),
            print.modified,
            print.changed,
            entry.content.map(|content| content.0.to_vec()),
            entry.sent.map(|sent| sent.0.to_vec()),
            entry.ignored,
        ])
        .map(|_| ())
}

/// Gives each binding.
pub(super) fn each_synced(database: &Connection, mut take: impl FnMut(SyncedNode)) -> Result<()> {
    let select = "SELECT node, entry, parent, name, version, sha256, size, device, inode, born, length, modified, changed
        FROM synced";
    each(database, select, |row| {
        let has_fingerprint = row.get::<_, Option<i64>>(7)?.is_some();
        take(SyncedNode {
            node: NodeId(uuid(row, 0)?),
            local: LocalId(unsigned(row, 1)?),
            parent: NodeId(uuid(row, 2)?),
            name: name(row, 3, None)?,
            kind: kind(row, 4)?,
            fingerprint: has_fingerprint.then(|| fingerprint(row, 7)).transpose()?,
        });
        Ok(())
    })
}

pub(super) fn put_synced(database: &Connection, id: NodeId, synced: Option<&SyncedNode>) -> Result<()> {
    let Some(synced) = synced else {
        return remove(database, "DELETE FROM synced WHERE node = ?1", id);
    };
    let content = synced.kind.content();
    let print = synced.fingerprint;
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO synced VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            bytes(id.0),
            signed(synced.local.0),
            bytes(synced.parent.0),
            synced.name.as_str(),
            content.map(|content| bytes(content.version.0)),
            content.map(|content| content.sha256.0.to_vec()),
            content.map(|content| signed(content.size)),
            print.map(|print| signed(print.device)),
            print.map(|print| signed(print.inode)),
            print.and_then(|print| print.born),
            print.map(|print| signed(print.size)),
            print.map(|print| print.modified),
            print.map(|print| print.changed),
        ])
        .map(|_| ())
}

fn all<T>(database: &Connection, query: &str, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut found = Vec::new();
    each(database, query, |row| {
        found.push(read(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// One row after the other: there may be hundreds of thousands, which the trees have to hold already.
fn each(database: &Connection, query: &str, mut take: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
    let mut statement = database.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn remove(database: &Connection, statement: &str, id: NodeId) -> Result<()> {
    database
        .prepare_cached(statement)?
        .execute([bytes(id.0)])
        .map(|_| ())
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

fn uuid(row: &Row<'_>, at: usize) -> Result<Uuid> {
    maybe_uuid(row, at)?.ok_or_else(|| Error::InvalidColumnType(at, "id".to_owned(), Type::Null))
}

fn maybe_uuid(row: &Row<'_>, at: usize) -> Result<Option<Uuid>> {
    let bytes: Option<[u8; 16]> = row.get(at)?;
    Ok(bytes.map(Uuid::from_bytes))
}

fn hash(row: &Row<'_>, at: usize) -> Result<Option<Sha256>> {
    let bytes: Option<[u8; 32]> = row.get(at)?;
    Ok(bytes.map(Sha256))
}

/// A name, which shares the memory of the known one if it is the same.
fn name(row: &Row<'_>, at: usize, known: Option<&Name>) -> Result<Name> {
    let text = row.get_ref(at)?;
    let text = text
        .as_str()
        .map_err(|error| Error::FromSqlConversionFailure(at, text.data_type(), Box::new(error)))?;
    Ok(match known {
        Some(known) if known.as_str() == text => known.clone(),
        _ => Name::from(text),
    })
}

/// Folder, or file with the content in three columns from this one on.
fn kind(row: &Row<'_>, at: usize) -> Result<RemoteKind> {
    let Some(version) = maybe_uuid(row, at)? else {
        return Ok(RemoteKind::Folder);
    };
    let sha256 = hash(row, at + 1)?
        .ok_or_else(|| Error::InvalidColumnType(at + 1, "sha256".to_owned(), Type::Null))?;
    Ok(RemoteKind::File(Content {
        version: VersionId(version),
        sha256,
        size: unsigned(row, at + 2)?,
    }))
}

fn fingerprint(row: &Row<'_>, at: usize) -> Result<Fingerprint> {
    Ok(Fingerprint {
        device: unsigned(row, at)?,
        inode: unsigned(row, at + 1)?,
        born: row.get(at + 2)?,
        size: unsigned(row, at + 3)?,
        modified: row.get(at + 4)?,
        changed: row.get(at + 5)?,
    })
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn unsigned(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}
