//! Events between modules, behind the outbox: at least once, with a stable id.
//!
//! The relay of a module's outbox publishes, subscribers must be idempotent by [`Event::id`]. In one process the bus is
//! [`InProcess`]; a broker implements the same trait.

mod in_process;

pub use in_process::InProcess;

use crate::ids::{EventId, TenantId};
use crate::{Ctx, Result};
use std::sync::Arc;

/// Something that has happened and is durable in Postgres.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Stable over redelivery.
    pub id: EventId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// What happened: `version.created`, `node.trashed`.
    pub kind: String,
    /// The key whose events keep their order: the node's id.
    pub key: String,
    /// Facts, as JSON.
    pub payload: serde_json::Value,
    /// W3C `traceparent` of the request that caused it.
    pub traceparent: Option<String>,
}

impl Event {
    /// The caller in whose name a subscriber acts.
    pub fn ctx(&self, component: &str) -> Ctx {
        Ctx::system(component).within(self.tenant)
    }
}

/// Takes events. An event counts as delivered when this returns `Ok`; otherwise the relay brings it again.
#[async_trait::async_trait]
pub trait Handler: Send + Sync {
    /// Handles one event; the same one may come again.
    async fn handle(&self, event: &Event) -> Result<()>;
}

/// Carries events from relays to handlers.
#[async_trait::async_trait]
pub trait Bus: Send + Sync {
    /// Hands an event over; `Ok` means that the bus is responsible for it from now on.
    async fn publish(&self, event: Event) -> Result<()>;
    /// Adds a handler for the kinds that begin with `prefix`, under a name that is stable over restarts.
    async fn subscribe(&self, name: &str, prefix: &str, handler: Arc<dyn Handler>) -> Result<()>;
}
