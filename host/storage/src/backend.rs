//! The module's state: the loaded plugin and what the probe found out about the store.

use crate::adapter::Adapter;
use crate::config::Config;
use crate::error;
use crate::probe::{self, Unseen, Verdict};
use bitvault_platform::{Clock, Code, Error};
use bitvault_wasm::{Capabilities, Engine, StorageAdapter};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// First and longest pause between looks at a store that does not answer or is refused.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(10);
/// Looks in a row that a store which was ready has to fail before it counts as away.
const MISSES: u32 = 3;
/// First pause after a missed one; each is twice as long as the one before.
const FIRST_MISS: Duration = Duration::from_secs(1);

/// The module. Cheap to clone; the looks at the store end when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Storage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Arc<Backend>,
    status: watch::Receiver<Status>,
    looking: tokio::task::JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.looking.abort();
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
struct Status {
    /// Found out once: what a store can do stays known while it is away, and needs no answer from it to be used.
    facts: Option<Arc<Facts>>,
    readiness: Readiness,
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
    /// Loads the plugin (`component` is its bytes), begins to probe the store in the background, and looks at it from then
    /// on. Fails on wrong configuration only, never because of the store.
    pub async fn start(config: Config, component: Vec<u8>, clock: Clock) -> Result<Self, Error> {
        let look_every = config.look_every;
        let backend = Arc::new(load(config, component, &clock).await?);
        let (send, status) = watch::channel(Status {
            facts: None,
            readiness: Readiness::Starting,
        });
        let looking = tokio::spawn({
            let backend = Arc::clone(&backend);
            async move {
                probe_until_ready(&backend, &send).await;
                keep_looking(&backend, &send, look_every).await;
            }
        });
        Ok(Self(Arc::new(Inner {
            backend,
            status,
            looking,
        })))
    }

    /// Whether the store could be used when it was last looked at.
    pub fn readiness(&self) -> Readiness {
        self.0.status.borrow().readiness.clone()
    }

    /// Waits until the store can be used, however long that takes.
    pub async fn wait_until_ready(&self) {
        let mut status = self.0.status.clone();
        // The sender lives as long as `self`.
        let ready = |status: &Status| status.readiness == Readiness::Ready;
        let _ = status.wait_for(ready).await;
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
        let mut status = self.0.status.clone();
        let known = |status: &Status| status.facts.is_some() || status.readiness != Readiness::Starting;
        let stopping = |_| unavailable("storage_unavailable", "the storage module is stopping");
        let status = status.wait_for(known).await.map_err(stopping)?;
        match (&status.facts, &status.readiness) {
            (Some(facts), _) => Ok(Arc::clone(facts)),
            (None, Readiness::Refused(text)) => Err(unavailable("storage_refused", text)),
            (None, Readiness::Unavailable(text)) => Err(unavailable("storage_unavailable", text)),
            (None, Readiness::Starting | Readiness::Ready) => {
                Err(unavailable("storage_unavailable", "the store is being tried"))
            }
        }
    }
}

fn unavailable(reason: &str, text: &str) -> Error {
    Error::new(Code::Unavailable, reason, text)
}

async fn load(config: Config, component: Vec<u8>, clock: &Clock) -> Result<Backend, Error> {
    let Config {
        backend,
        engine,
        limits,
        look_every,
    } = config;
    if look_every.is_zero() {
        let text = "storage.look_every: must not be zero";
        return Err(Error::new(Code::Invalid, "storage_config_invalid", text));
    }
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
async fn probe_until_ready(backend: &Backend, status: &watch::Sender<Status>) {
    let mut pause = FIRST_RETRY;
    loop {
        let verdict = match probe::run(backend).await {
            Ok(facts) => {
                tracing::info!(backend = backend.name, features = ?facts.features, "the store is ready");
                status.send_replace(Status {
                    facts: Some(Arc::new(facts)),
                    readiness: Readiness::Ready,
                });
                return;
            }
            Err(verdict) => verdict,
        };
        tracing::warn!(backend = backend.name, retry_in = ?pause, "the store can't be used: {verdict}");
        status.send_modify(|status| status.readiness = verdict.into());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_RETRY);
    }
}

/// Looks again and again whether a store that was ready still answers.
async fn keep_looking(backend: &Backend, status: &watch::Sender<Status>, look_every: Duration) {
    let mut missed = 0;
    let mut pause = look_every;
    loop {
        tokio::time::sleep(pause).await;
        match probe::look(backend).await {
            Ok(()) => {
                if missed >= MISSES {
                    tracing::info!(backend = backend.name, "the store is back");
                    status.send_modify(|status| status.readiness = Readiness::Ready);
                }
                missed = 0;
                pause = look_every;
            }
            // The plugin has too much to do, or is switched off for a while: that tells nothing of the store.
            Err(Unseen::Busy) => pause = look_every,
            Err(Unseen::Away(verdict)) => {
                missed += 1;
                pause = if missed == 1 { FIRST_MISS } else { pause * 2 };
                pause = pause.min(LAST_RETRY);
                if missed == MISSES {
                    tracing::warn!(
                        backend = backend.name,
                        "the store can't be used any more: {verdict}"
                    );
                }
                if missed >= MISSES {
                    status.send_modify(|status| status.readiness = verdict.into());
                }
            }
        }
    }
}

impl From<Verdict> for Readiness {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Unavailable(reason) => Self::Unavailable(reason),
            Verdict::Refused(reason) => Self::Refused(reason),
        }
    }
}
