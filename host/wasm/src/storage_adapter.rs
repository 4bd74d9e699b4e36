//! A loaded storage plugin.

use crate::bindings::StorageAdapterPre;
use crate::breaker::Breaker;
use crate::call::Call;
use crate::component::Component;
use crate::egress::Egress;
use crate::error::Error;
use crate::limits::Limits;
use crate::state::State;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A storage plugin with its settings, limits and grant. Cheap to clone.
#[derive(Clone)]
pub struct StorageAdapter(Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) component: Component,
    pub(crate) pre: StorageAdapterPre<State>,
    pub(crate) settings: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) egress: Arc<Egress>,
    pub(crate) breaker: Breaker,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for StorageAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StorageAdapter")
            .field("component", &self.0.component)
            .finish()
    }
}

impl StorageAdapter {
    /// Links the component. `settings` is the JSON that the guest gets from `config`.
    pub fn new(component: &Component, settings: &str, limits: Limits, egress: Egress) -> Result<Self, Error> {
        let plugin = component.name();
        let fail = |reason: String| Error::Load {
            plugin: plugin.to_string(),
            reason,
        };
        let most = component.engine().max_memory();
        if limits.memory.as_u64() > most {
            return Err(fail(format!(
                "its limit `memory` ({}) is above the engine's `max_memory` ({})",
                limits.memory,
                bytesize::ByteSize(most)
            )));
        }
        let pre = component
            .engine()
            .linker()
            .instantiate_pre(component.wasmtime())
            .and_then(StorageAdapterPre::new)
            .map_err(|error| fail(format!("it is not a storage adapter: {error:#}")))?;
        let places = Arc::new(Semaphore::new(limits.concurrency as usize));
        Ok(Self(Arc::new(Loaded {
            component: component.clone(),
            pre,
            settings: settings.into(),
            limits: Arc::new(limits),
            egress: Arc::new(egress),
            breaker: Breaker::default(),
            places,
        })))
    }

    /// Starts a call: waits for a free place and makes a fresh instance. Several functions may be called on it, within one
    /// budget; `operation` names them in errors and spans.
    pub async fn call(&self, operation: &'static str) -> Result<Call, Error> {
        let loaded = &self.0;
        if let Err(retry_after) = loaded.breaker.admit(Instant::now()) {
            return Err(Error::BreakerOpen {
                plugin: loaded.component.name().to_string(),
                retry_after,
            });
        }
        let places = self.places().await?;
        Call::start(Arc::clone(loaded), operation, places).await
    }

    /// A place of the plugin, then one of the engine: a busy plugin waits for itself first.
    async fn places(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Error> {
        let loaded = &self.0;
        let instances = loaded.component.engine().instances();
        if let Ok(own) = Arc::clone(&loaded.places).try_acquire_owned()
            && let Ok(shared) = Arc::clone(instances).try_acquire_owned()
        {
            return Ok((own, shared));
        }
        let both = async {
            let own = Arc::clone(&loaded.places).acquire_owned().await.ok()?;
            let shared = Arc::clone(instances).acquire_owned().await.ok()?;
            Some((own, shared))
        };
        match tokio::time::timeout(loaded.limits.queue_wait, both).await {
            Ok(Some(places)) => Ok(places),
            _ => {
                let plugin = loaded.component.name().to_string();
                metrics::counter!("bitvault_plugin_saturated_total", "plugin" => plugin.clone()).increment(1);
                Err(Error::Saturated { plugin })
            }
        }
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        self.0.component.name()
    }

    /// What makes and signs this plugin's requests.
    pub fn egress(&self) -> &Arc<Egress> {
        &self.0.egress
    }

    /// Whether calls are refused after repeated crashes.
    pub fn is_switched_off(&self) -> bool {
        self.0.breaker.is_open()
    }
}
