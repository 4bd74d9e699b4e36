//! Mistakes on purpose.
use crate::machine::Machine;
use crate::server::ModelServer;
use crate::store::SimStore;
use bitvault_device::engine::Parts;

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {}

impl Mistake {
    pub(crate) fn make(
        self,
        _parts: Parts,
        _machine: &Machine,
        _store: &SimStore,
        _server: &ModelServer,
    ) -> Parts {
        match self {}
    }
}
