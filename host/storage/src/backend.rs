//! The module's state: the loaded plugin and what the probe found out about the store.

use crate::adapter::Adapter;
use crate::config::Config;
use crate::error;
use crate::probe::{self, Verdict};
use bitvault_platform::{Clock, Code, Error};
use bitvault_wasm::{Capabilities, Engine, StorageAdapter};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// First and longest pause between probes of a store that does not answer or is refused.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// The module. Cheap to clone; the probe ends when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Storage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Arc<Backend>,
    status: watch::Receiver<Status>,
    prober: tokio::task::JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.prober.abort();
    }
}

/// The plugin, twice: once for requests that are made here, once for requests that clients make.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) store: StorageAdapter,
    pub(crate) for_clients: StorageAdapter,
    pub(crate) create_bucket: bool,
}

/// What the store can do.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) capabilities: Capabilities,
    /// Of the plugin's features those that the probe saw, and what only the probe knows.
    pub(crate) features: BTreeSet<&'static str>,
}

#[derive(Clone, Debug)]
enum Status {
    Starting,
    Ready(Arc<Facts>),
    Unavailable(String),
    Refused(String),
}

/// Whether the store can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The first probe is running.
    Starting,
    /// The store answers and does what it must.
    Ready,
    /// The store does not answer; it is tried again and again.
    Unavailable(String),
    /// The store answers but can't be used as it is; it is tried again and again.
    Refused(String),
}

impl Storage {
    /// Loads the plugin (`component` is its bytes) and begins to probe the store in the background. Fails on wrong
    /// configuration only, never because of the store.
    pub async fn start(config: Config, component: Vec<u8>, clock: Clock) -> Result<Self, Error> {
        let backend = Arc::new(load(config, component, &clock).await?);
        let (send, status) = watch::channel(Status::Starting);
        let prober = tokio::spawn(keep_probing(Arc::clone(&backend), send));
        Ok(Self(Arc::new(Inner {
            backend,
            status,
            prober,
        })))
    }

    /// Whether the store can be used now.
    pub fn readiness(&self) -> Readiness {
        match &*self.0.status.borrow() {
            Status::Starting => Readiness::Starting,
            Status::Ready(_) => Readiness::Ready,
            Status::Unavailable(reason) => Readiness::Unavailable(reason.clone()),
            Status::Refused(reason) => Readiness::Refused(reason.clone()),
        }
    }

    /// Waits until the store can be used, however long that takes.
    pub async fn wait_until_ready(&self) {
        let mut status = self.0.status.clone();
        // The sender lives as long as `self`.
        let _ = status.wait_for(|status| matches!(status, Status::Ready(_))).await;
    }

    /// The backend behind object_store's traits, for workers.
    pub fn adapter(&self) -> Adapter {
        Adapter::new(self.0.backend.store.clone())
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// What the store can do; waits for the first probe to end.
    pub(crate) async fn facts(&self) -> Result<Arc<Facts>, Error> {
        if let Status::Ready(facts) = &*self.0.status.borrow() {
            return Ok(Arc::clone(facts));
        }
        let mut status = self.0.status.clone();
        let status = status
            .wait_for(|status| !matches!(status, Status::Starting))
            .await;
        let refused = |reason: &str, text: &str| Err(Error::new(Code::Unavailable, reason, text));
        match status.as_deref() {
            Ok(Status::Ready(facts)) => Ok(Arc::clone(facts)),
            Ok(Status::Unavailable(text)) => refused("storage_unavailable", text),
            Ok(Status::Refused(text)) => refused("storage_refused", text),
            Ok(Status::Starting) | Err(_) => refused("storage_unavailable", "the storage module is stopping"),
        }
    }
}

async fn load(config: Config, component: Vec<u8>, clock: &Clock) -> Result<Backend, Error> {
    let Config {
        backend,
        engine,
        limits,
    } = config;
    let (own, clients) = (&backend.settings.endpoint, backend.client_endpoint());
    let (egress, client_egress) = (backend.egress(own, clock)?, backend.egress(clients, clock)?);
    let (settings, client_settings) = (backend.guest_settings(own), backend.guest_settings(clients));
    let plugin = backend.plugin.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        let engine = Engine::new(&engine)?;
        engine.component(&plugin, &component)
    });
    let component = compiled
        .await
        .map_err(|error| Error::internal("compile the storage plugin", error))?;
    let component = component.map_err(error::plugin)?;
    let store = StorageAdapter::new(&component, &settings, limits.clone(), egress).map_err(error::plugin)?;
    let for_clients = StorageAdapter::new(&component, &client_settings, limits, client_egress);
    Ok(Backend {
        name: backend.name,
        store,
        for_clients: for_clients.map_err(error::plugin)?,
        create_bucket: backend.create_bucket,
    })
}

/// Probes until the store can be used.
async fn keep_probing(backend: Arc<Backend>, status: watch::Sender<Status>) {
    let mut pause = FIRST_RETRY;
    loop {
        let found = match probe::run(&backend).await {
            Ok(facts) => {
                tracing::info!(backend = backend.name, features = ?facts.features, "the store is ready");
                status.send_replace(Status::Ready(Arc::new(facts)));
                return;
            }
            Err(Verdict::Unavailable(reason)) => Status::Unavailable(reason),
            Err(Verdict::Refused(reason)) => Status::Refused(reason),
        };
        if let Status::Unavailable(reason) | Status::Refused(reason) = &found {
            tracing::warn!(backend = backend.name, retry_in = ?pause, "the store can't be used: {reason}");
        }
        status.send_replace(found);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_RETRY);
    }
}
