//! Mistakes with the state and with time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bitvault_device::planner::{Date, RemoteKind};
use bitvault_device::state::{Agreed, Changes, Control, Loaded, StateError, Status, Store};
use bitvault_device::world::World;
use time::OffsetDateTime;

use super::{Mistake, Mistaken};

pub(super) struct WrongStore {
    store: Box<dyn Store>,
    mistaken: Mistaken,
}

impl WrongStore {
    pub(super) fn new(store: Box<dyn Store>, mistaken: Mistaken) -> Self {
        Self { store, mistaken }
    }
}

impl Store for WrongStore {
    fn load(&mut self) -> Result<Option<Loaded>, StateError> {
        self.store.load()
    }

    fn apply(&mut self, changes: &Changes) -> Result<(), StateError> {
        match self.mistaken.mistake {
            Mistake::ForgetsWhatWasSent => {
                let mut changes = changes.clone();
                for (_, entry) in &mut changes.locals {
                    if let Some(entry) = entry {
                        entry.sent = None;
                    }
                }
                self.store.apply(&changes)
            }
            Mistake::ForgetsWhatItAskedFor => {
                let mut changes = changes.clone();
                changes.asked.iter_mut().for_each(BTreeMap::clear);
                self.store.apply(&changes)
            }
            Mistake::ForgetsWhatWasFetched => {
                let mut changes = changes.clone();
                changes.nodes.iter_mut().for_each(|row| row.fetched = None);
                self.store.apply(&changes)
            }
            Mistake::ForgetsFoldersItMakes => {
                let mut changes = changes.clone();
                let folders = changes.nodes.iter_mut();
                let folders = folders.filter(|row| row.fetched == Some(RemoteKind::Folder));
                folders.for_each(|row| row.fetched = None);
                self.store.apply(&changes)
            }
            Mistake::LosesTheLastCommit => {
                let before = self.mistaken.lock().unwritten.replace(changes.clone());
                before.map_or(Ok(()), |before| self.store.apply(&before))
            }
            _ => self.store.apply(changes),
        }
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

pub(super) struct WrongWorld {
    world: Arc<dyn World>,
    mistaken: Mistaken,
}

impl WrongWorld {
    pub(super) fn new(world: Arc<dyn World>, mistaken: Mistaken) -> Self {
        Self { world, mistaken }
    }
}

#[async_trait]
impl World for WrongWorld {
    fn now(&self) -> OffsetDateTime {
        self.world.now()
    }

    fn today(&self) -> Date {
        self.world.today()
    }

    async fn sleep(&self, duration: Duration) {
        if !self.mistaken.is(Mistake::NeverWaitsATick) || duration > Duration::from_millis(100) {
            self.world.sleep(duration).await;
        }
    }

    fn random(&self) -> u64 {
        self.world.random()
    }
}
