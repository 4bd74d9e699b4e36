//! A device's state: what was committed, which is what a crash leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitvault_device::planner::{LocalId, LocalNode, LocalTree, NodeId, Place, RemoteTree, SyncedTree, Trees};
use bitvault_device::remote::ConflictOf;
use bitvault_device::state::{
    Agreed, Changes, Control, Loaded, Meta, NodeRow, Outside, StateError, Status, Store,
};

use crate::machine::Machine;

/// What a state holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    meta: Option<Meta>,
    nodes: BTreeMap<NodeId, NodeRow>,
    locals: BTreeMap<LocalId, LocalNode>,
    asides: BTreeMap<LocalId, ConflictOf>,
    asked: BTreeMap<LocalId, Place>,
    control: Control,
}

/// A state; clones are the same one.
#[derive(Clone)]
pub(crate) struct SimStore {
    rows: Arc<Mutex<Rows>>,
    machine: Machine,
}

impl SimStore {
    /// An empty state on a machine.
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            rows: Arc::default(),
            machine: machine.clone(),
        }
    }

    /// All of it: a backup, or to be looked at.
    pub(crate) fn rows(&self) -> Rows {
        self.lock().clone()
    }

    /// Puts another state in its place; what people asked for stays.
    pub(crate) fn put_back(&self, rows: Rows) {
        let mut now = self.lock();
        let control = now.control.clone();
        *now = Rows { control, ..rows };
    }

    /// Changes what people ask for.
    pub(crate) fn ask(&self, change: impl FnOnce(&mut Control)) {
        change(&mut self.lock().control);
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, when: &'static str) -> Result<(), StateError> {
        let errors = self.machine.lock().state_errors;
        if !self.machine.hub.happens(errors) {
            return Ok(());
        }
        self.machine.hub.met("state disk full");
        self.machine
            .hub
            .tell(format_args!("d{} state fails {when}", self.machine.number));
        Err(StateError::Io {
            act: "write",
            path: "state".to_owned(),
            cause: std::io::Error::other("the state's disk is full"),
        })
    }
}

impl Rows {
    /// What it belongs to.
    pub(crate) fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// The three trees; none before a first sync.
    pub(crate) fn loaded(&self) -> Result<Option<Loaded>, StateError> {
        let Some(meta) = self.meta.clone() else {
            return Ok(None);
        };
        let missing = |what: &str| StateError::Damaged(format!("{what} is missing"));
        let root = self
            .nodes
            .values()
            .find_map(|row| row.remote.as_ref().filter(|node| node.parent.is_none()));
        let mut remote = RemoteTree::new(root.ok_or_else(|| missing("the server's root"))?.clone());
        let top = self.locals.values().find(|entry| entry.parent.is_none());
        let mut local = LocalTree::new(top.ok_or_else(|| missing("the folder's own entry"))?.clone());
        let (mut outside, mut synced) = (Outside::default(), SyncedTree::new());
        for row in self.nodes.values() {
            if let Some(node) = &row.remote {
                remote.insert(node.clone());
            }
            if let Some(node) = &row.outside {
                outside.insert(node.clone());
            }
        }
        for row in self.nodes.values() {
            if let Some(tombstone) = row.tombstone {
                remote.set_tombstone(row.id, tombstone);
            }
            remote.set_fetched(row.id, row.fetched);
        }
        for entry in self.locals.values() {
            local.insert(entry.clone());
        }
        for binding in self.nodes.values().filter_map(|row| row.synced.as_ref()) {
            local.reserve(binding.local);
            synced.insert(binding.clone());
        }
        let trees = Trees {
            remote,
            local,
            synced,
        };
        Ok(Some(Loaded {
            meta,
            trees,
            outside,
            asides: self.asides.clone(),
            asked: self.asked.clone(),
            untold: self
                .nodes
                .values()
                .filter_map(|row| Some((row.id, row.untold?)))
                .collect(),
        }))
    }

    fn apply(&mut self, changes: &Changes) {
        if changes.begins_anew {
            self.nodes.clear();
            self.locals.clear();
            self.asides.clear();
            self.asked.clear();
        }
        for row in &changes.nodes {
            self.nodes.insert(row.id, row.clone());
        }
        for (id, entry) in &changes.locals {
            match entry {
                Some(entry) => drop(self.locals.insert(*id, entry.clone())),
                None => drop(self.locals.remove(id)),
            }
        }
        for (id, of) in &changes.asides {
            match of {
                Some(of) => drop(self.asides.insert(*id, *of)),
                None => drop(self.asides.remove(id)),
            }
        }
        if let Some(asked) = &changes.asked {
            self.asked.clone_from(asked);
        }
        if let Some(meta) = &changes.meta {
            self.meta = Some(meta.clone());
        }
    }
}

impl Store for SimStore {
    fn load(&mut self) -> Result<Option<Loaded>, StateError> {
        self.lock().loaded()
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), StateError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.refused("before a commit")?;
        self.lock().apply(changes);
        // Told as an error although it is written: as good as a crash behind it.
        self.refused("behind a commit")
    }

    fn control(&mut self) -> Result<Control, StateError> {
        Ok(self.lock().control.clone())
    }

    fn end_agreement(&mut self, agreed: Agreed) -> Result<(), StateError> {
        let mut rows = self.lock();
        if rows.control.agreed == agreed {
            rows.control.agreed = Agreed::default();
        }
        Ok(())
    }

    fn set_status(&mut self, _status: &Status) -> Result<(), StateError> {
        Ok(())
    }
}
