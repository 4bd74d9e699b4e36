//! The state in SQLite: one file, WAL, `synchronous=FULL`.

mod rows;

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use bitvault_planner::{LocalTree, NodeId, RemoteTree, SyncedTree, Trees};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    Agreed, Changes, Control, Loaded, LogLine, Meta, Moving, NodeRow, Outside, StateError, Status, Store,
};

/// What makes each layout of the one before it; the first one, of nothing.
const LAYOUTS: [&str; 5] = [
    include_str!("first.sql"),
    include_str!("second.sql"),
    include_str!("third.sql"),
    include_str!("fourth.sql"),
    include_str!("fifth.sql"),
];
/// The layout that this program reads and writes, in SQLite's `user_version`.
const LAYOUT: i64 = LAYOUTS.len() as i64;
/// Lines of the log that are kept.
const LOG_LINES: i64 = 10_000;
/// How long a writer waits for another process, which only ever writes a row.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// How long is waited before a step that SQLite does not wait for by itself is tried again.
const BUSY_STEP: Duration = Duration::from_millis(10);

/// A device's state in a file.
pub struct SqliteStore {
    database: Connection,
    /// Held as long as an engine uses the state.
    _lock: Option<File>,
}

impl SqliteStore {
    /// Opens the state for an engine: no other one may use it meanwhile.
    ///
    /// # Errors
    /// [`StateError::Busy`]; when it can't be opened.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(|cause| StateError::Io {
            act: "create",
            path: lock_path.display().to_string(),
            cause,
        })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(StateError::Busy),
            Err(std::fs::TryLockError::Error(cause)) => {
                return Err(StateError::Io {
                    act: "lock",
                    path: lock_path.display().to_string(),
                    cause,
                });
            }
        }
        let store = Self::beside(path)?;
        Ok(Self {
            _lock: Some(lock),
            ..store
        })
    }

    /// Opens the state beside an engine that may be using it: to look, and to note what people ask for.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn beside(path: &Path) -> Result<Self, StateError> {
        let database = Connection::open(path).map_err(|cause| sqlite("open", cause))?;
        Self::with(database)
    }

    /// A state that is gone with the process.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn in_memory() -> Result<Self, StateError> {
        Self::with(Connection::open_in_memory().map_err(|cause| sqlite("open", cause))?)
    }

    fn with(mut database: Connection) -> Result<Self, StateError> {
        let opened = (|| {
            database.busy_timeout(BUSY_FOR)?;
            log_ahead(&database)?;
            database.pragma_update(None, "synchronous", "FULL")?;
            database.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
        })();
        let layout = opened.map_err(|cause| sqlite("open", cause))?;
        if layout > LAYOUT {
            return Err(StateError::TooNew {
                found: layout,
                known: LAYOUT,
            });
        }
        if layout < LAYOUT {
            bring_up_to_date(&mut database).map_err(|cause| sqlite("create", cause))?;
        }
        Ok(Self {
            database,
            _lock: None,
        })
    }

    /// How things stood when the engine last looked.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn status(&mut self) -> Result<Status, StateError> {
        Ok(self.fact("status")?.unwrap_or_default())
    }

    /// What SQLite finds wrong with the file; nothing when it is whole.
    ///
    /// # Errors
    /// When it can't be read at all.
    pub fn damage(&mut self) -> Result<Vec<String>, StateError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self.database.prepare("PRAGMA integrity_check")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect()
        };
        let mut found = read().map_err(|cause| sqlite("read", cause))?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// How far a running process is, as far as that is known.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn moving(&mut self) -> Result<Option<Moving>, StateError> {
        Ok(self.fact("moving")?.unwrap_or_default())
    }

    /// Notes how far it is; nothing when nothing moves.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn set_moving(&mut self, moving: Option<&Moving>) -> Result<(), StateError> {
        self.set_fact("moving", &moving)
    }

    /// What the state belongs to; none before a first sync.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn meta(&mut self) -> Result<Option<Meta>, StateError> {
        self.fact("meta")
    }

    /// What was done last, the newest first.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn log(&mut self, lines: usize) -> Result<Vec<LogLine>, StateError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut statement = self
                .database
                .prepare_cached("SELECT json FROM log ORDER BY id DESC LIMIT ?1")?;
            let rows = statement.query_map([i64::try_from(lines).unwrap_or(i64::MAX)], |row| row.get(0))?;
            rows.collect()
        };
        let lines = read().map_err(|cause| sqlite("read", cause))?;
        lines.iter().map(|json| from_json(json)).collect()
    }

    /// The node at a path below the folder of the server, as far as this device knows it.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn find(&mut self, path: &str) -> Result<Option<NodeId>, StateError> {
        let Some(loaded) = self.load()? else {
            return Ok(None);
        };
        let remote = &loaded.trees.remote;
        let mut names = path.split('/').filter(|name| !name.is_empty());
        Ok(names.try_fold(remote.root(), |folder, name| {
            let key = bitvault_planner::Name::from(name).key();
            remote
                .children(folder)
                .find(|child| child.name.key() == key)
                .map(|child| child.id)
        }))
    }

    /// Conflicted copies that are on the device, by path.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn conflicted(&mut self) -> Result<Vec<String>, StateError> {
        let Some(loaded) = self.load()? else {
            return Ok(Vec::new());
        };
        let local = &loaded.trees.local;
        let copies = local
            .iter()
            .filter(|entry| !entry.ignored && entry.name.as_str().contains("(conflicted copy, "));
        let mut paths: Vec<String> = copies
            .filter_map(|entry| Some(crate::scan::path_of(&loaded.trees, entry.id)?.to_string()))
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// Symbolic links, special files and what is mounted in the folder, by path: never synced.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn left_alone(&self) -> Result<Vec<String>, StateError> {
        rows::left_alone(&self.database).map_err(|cause| sqlite("read", cause))
    }

    /// Changes what people ask for, while nobody else does.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn change_control(&mut self, change: impl FnOnce(&mut Control)) -> Result<(), StateError> {
        let begun = self
            .database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|cause| sqlite("write", cause))?;
        let mut control = fact(&begun, "control")?.unwrap_or_default();
        change(&mut control);
        put_fact(&begun, "control", &to_json(&control)?).map_err(|cause| sqlite("write", cause))?;
        begun.commit().map_err(|cause| sqlite("write", cause))
    }

    fn fact<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StateError> {
        fact(&self.database, name)
    }

    fn set_fact(&self, name: &str, value: &impl Serialize) -> Result<(), StateError> {
        put_fact(&self.database, name, &to_json(value)?).map_err(|cause| sqlite("write", cause))
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Option<Loaded>, StateError> {
        let Some(meta) = self.meta()? else {
            return Ok(None);
        };
        let read = |cause| sqlite("read", cause);
        let damaged = |what: &str| StateError::Damaged(format!("{what} is missing"));
        // First, because nearly all names of the other trees are these.
        let mut synced = SyncedTree::new();
        rows::each_synced(&self.database, |binding| synced.insert(binding)).map_err(read)?;

        let root = rows::root_node(&self.database).map_err(read)?;
        let mut remote = RemoteTree::new(root.ok_or_else(|| damaged("the server's root"))?);
        let mut outside = Outside::default();
        let known = |id| synced.get(id).map(|synced| &synced.name);
        let take = |node, is_outside| match is_outside {
            true => outside.insert(node),
            false => remote.insert(node),
        };
        rows::each_node(&self.database, known, take).map_err(read)?;
        for (id, tombstone) in rows::tombstones(&self.database).map_err(read)? {
            remote.set_tombstone(id, tombstone);
        }
        for (id, kind) in rows::fetched(&self.database).map_err(read)? {
            remote.set_fetched(id, Some(kind));
        }

        let top = rows::top_entry(&self.database).map_err(read)?;
        let mut local = LocalTree::new(top.ok_or_else(|| damaged("the folder's own entry"))?);
        let known = |id| synced.of_local(id).map(|synced| &synced.name);
        rows::each_entry(&self.database, known, |entry| local.insert(entry)).map_err(read)?;
        for binding in synced.iter() {
            local.reserve(binding.local);
        }
        Ok(Some(Loaded {
            meta,
            trees: Trees {
                remote,
                local,
                synced,
            },
            outside,
            asides: rows::asides(&self.database).map_err(read)?,
            asked: rows::asked(&self.database).map_err(read)?,
            untold: rows::untold(&self.database).map_err(read)?,
        }))
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        let meta = changes.meta.as_ref().map(to_json).transpose()?;
        let log = changes.log.iter().map(to_json).collect::<Result<Vec<_>, _>>()?;
        let write = |transaction: &Transaction<'_>| -> rusqlite::Result<()> {
            if changes.begins_anew {
                transaction.execute_batch(
                    "DELETE FROM nodes; DELETE FROM tombstones; DELETE FROM entries; DELETE FROM synced;
                     DELETE FROM fetched; DELETE FROM asides; DELETE FROM asked; DELETE FROM untold;",
                )?;
            }
            for row in &changes.nodes {
                write_node(transaction, row)?;
            }
            for (id, entry) in &changes.locals {
                rows::put_entry(transaction, *id, entry.as_ref())?;
            }
            for (id, of) in &changes.asides {
                rows::put_aside(transaction, *id, of.as_ref())?;
            }
            if let Some(asked) = &changes.asked {
                rows::put_asked(transaction, asked)?;
            }
            if let Some(meta) = &meta {
                put_fact(transaction, "meta", meta)?;
            }
            for line in &log {
                transaction
                    .prepare_cached("INSERT INTO log (json) VALUES (?1)")?
                    .execute([line])?;
            }
            if !log.is_empty() {
                transaction
                    .prepare_cached("DELETE FROM log WHERE id <= (SELECT max(id) FROM log) - ?1")?
                    .execute([LOG_LINES])?;
            }
            Ok(())
        };
        let done = (|| {
            let transaction = self.database.transaction()?;
            write(&transaction)?;
            transaction.commit()
        })();
        done.map_err(|cause| sqlite("write", cause))
    }

    fn control(&mut self) -> Result<Control, StateError> {
        Ok(self.fact("control")?.unwrap_or_default())
    }

    fn end_agreement(&mut self, agreed: Agreed) -> Result<(), StateError> {
        self.change_control(|control| {
            if control.agreed == agreed {
                control.agreed = Agreed::default();
            }
        })
    }

    fn set_status(&mut self, status: &Status) -> Result<(), StateError> {
        self.set_fact("status", status)
    }
}

/// Has SQLite write ahead (WAL). While another process does the same of a new file, it answers at once that the file is busy.
fn log_ahead(database: &Connection) -> rusqlite::Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        match database.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && waited < BUSY_FOR =>
            {
                std::thread::sleep(BUSY_STEP);
                waited += BUSY_STEP;
            }
            done => return done,
        }
    }
}

/// Makes the layout that this program knows of an earlier one. Another process may be about it just now, such as one that looks at
/// a sync that just began: what is left to do is known under the lock only.
fn bring_up_to_date(database: &mut Connection) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let layout: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = usize::try_from(layout).unwrap_or(0);
    if let Some(rest @ [_, ..]) = LAYOUTS.get(known..) {
        transaction.execute_batch(&rest.concat())?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()
}

fn write_node(transaction: &Transaction<'_>, row: &NodeRow) -> rusqlite::Result<()> {
    let remote = row.remote.as_ref().map(|node| (node, false));
    let outside = row.outside.as_ref().map(|node| (node, true));
    rows::put_node(transaction, row.id, remote.or(outside))?;
    rows::put_tombstone(transaction, row.id, row.tombstone.as_ref())?;
    rows::put_fetched(transaction, row.id, row.fetched)?;
    rows::put_untold(transaction, row.id, row.untold)?;
    rows::put_synced(transaction, row.id, row.synced.as_ref())
}

fn fact<T: DeserializeOwned>(database: &Connection, name: &str) -> Result<Option<T>, StateError> {
    let json: Option<String> = database
        .query_row("SELECT json FROM facts WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(|cause| sqlite("read", cause))?;
    json.as_deref().map(from_json).transpose()
}

fn put_fact(database: &Connection, name: &str, json: &str) -> rusqlite::Result<()> {
    database
        .prepare_cached(
            "INSERT INTO facts (name, json) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET json = ?2",
        )?
        .execute(params![name, json])
        .map(|_| ())
}

fn sqlite(act: &'static str, cause: rusqlite::Error) -> StateError {
    let is_full = cause.sqlite_error().is_some_and(|error| {
        // The second: no room for the index of the log, which other processes share.
        error.code == rusqlite::ErrorCode::DiskFull
            || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    });
    match is_full {
        true => StateError::Full { act },
        false => StateError::Sqlite { act, cause },
    }
}

fn to_json(value: &impl Serialize) -> Result<String, StateError> {
    serde_json::to_string(value).map_err(|error| StateError::Damaged(error.to_string()))
}

fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, StateError> {
    serde_json::from_str(json).map_err(|error| StateError::Damaged(error.to_string()))
}

#[cfg(test)]
mod tests;
