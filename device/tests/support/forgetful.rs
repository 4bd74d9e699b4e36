//! A state that a device does not live to write.

use std::sync::{Arc, Mutex};

use bitvault_device::state::{Agreed, Changes, Control, Loaded, SqliteStore, StateError, Status, Store};

/// A state that fails once to note something, as if the device had died before.
pub(super) struct Forgetful {
    pub(super) store: SqliteStore,
    pub(super) forgets: Arc<Mutex<Option<&'static str>>>,
}

impl Store for Forgetful {
    fn load(&mut self) -> Result<Option<Loaded>, StateError> {
        self.store.load()
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), StateError> {
        let mut forgets = self.forgets.lock().unwrap();
        if changes
            .log
            .iter()
            .any(|line| Some(line.what.as_str()) == *forgets)
        {
            *forgets = None;
            return Err(StateError::Full { act: "write" });
        }
        self.store.apply(changes)
    }

    fn control(&mut self) -> Result<Control, StateError> {
        self.store.control()
    }

    fn end_agreement(&mut self, agreed: Agreed) -> Result<(), StateError> {
        self.store.end_agreement(agreed)
    }

    fn set_status(&mut self, status: &Status) -> Result<(), StateError> {
        self.store.set_status(status)
    }
}
