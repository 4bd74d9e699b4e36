//! The engine: one per process. Owns the pool of instances, the epoch thread and the compile cache.

use crate::cache::Cache;
use crate::component::Component;
use crate::error::Error;
use crate::state::State;
use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::Thread;
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// How often a running guest is looked at: it yields, and its CPU time is compared with its budget.
const TICK: Duration = Duration::from_millis(4);
/// Ticks without a poll after which the epoch thread goes to sleep.
const IDLE_TICKS: u32 = 64;
/// Core instances (the module, its shims) that one component may have.
const CORE_INSTANCES: u32 = 16;
/// Memories and tables of one component.
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;
/// Bytes of an instance's memory, from its lowest address on, that stay mapped for the next one: stack, data and the first of
/// the heap of a guest whose stack is small (`.cargo/config.toml`).
const KEEP_RESIDENT: usize = 256 << 10;
/// Instances whose memory stays mapped while they are not used.
const WARM: u32 = 8;

/// Settings of the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Instances that may run at the same time, over all plugins.
    pub instances: u32,
    /// Largest memory of one instance; no plugin's `memory` limit goes above it. Address space only.
    pub max_memory: ByteSize,
    /// Stack of a guest.
    pub stack: ByteSize,
    /// Private folder of compiled components. Without it they are compiled at each start.
    pub cache_dir: Option<PathBuf>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            instances: 64,
            max_memory: ByteSize::mib(256),
            stack: ByteSize::kib(512),
            cache_dir: None,
        }
    }
}

/// Runs components. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    instances: Arc<Semaphore>,
    max_memory: u64,
    cache: Option<Cache>,
    epoch: Arc<Epoch>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("free_instances", &self.0.instances.available_permits())
            .finish()
    }
}

impl Engine {
    /// Sets the engine up and starts its epoch thread, which ends when the last clone is dropped.
    pub fn new(config: &EngineConfig) -> Result<Self, Error> {
        let wasmtime = wasmtime::Engine::new(&wasmtime_config(config)).map_err(setup)?;
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(setup)?;
        crate::host::add_to_linker(&mut linker).map_err(setup)?;
        let cache = match &config.cache_dir {
            Some(folder) => Some(Cache::open(folder, &wasmtime).map_err(Error::Engine)?),
            None => None,
        };
        let epoch = Epoch::start(&wasmtime)?;
        let instances = Arc::new(Semaphore::new(config.instances as usize));
        let max_memory = config.max_memory.as_u64();
        Ok(Self(Arc::new(Shared {
            wasmtime,
            linker,
            instances,
            max_memory,
            cache,
            epoch,
        })))
    }

    /// Compiles a component, or takes it from the cache. Takes up to seconds of CPU time where it must be compiled.
    pub fn component(&self, name: &str, bytes: &[u8]) -> Result<Component, Error> {
        Component::load(self, name, bytes)
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(crate) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    pub(crate) fn instances(&self) -> &Arc<Semaphore> {
        &self.0.instances
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.0.cache.as_ref()
    }

    pub(crate) fn max_memory(&self) -> u64 {
        self.0.max_memory
    }

    pub(crate) fn wake_epoch(&self) {
        self.0.epoch.wake();
    }
}

fn setup(error: wasmtime::Error) -> Error {
    Error::Engine(format!("{error:#}"))
}

fn wasmtime_config(config: &EngineConfig) -> Config {
    let max_memory = usize::try_from(config.max_memory.as_u64()).unwrap_or(usize::MAX);
    let stack = usize::try_from(config.stack.as_u64()).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(config.instances)
        .total_core_instances(config.instances * CORE_INSTANCES)
        .total_memories(config.instances * MEMORIES)
        .total_tables(config.instances * TABLES)
        .total_stacks(config.instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(max_memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(32 << 10)
        .max_unused_warm_slots(WARM);
    let mut wasmtime = Config::new();
    wasmtime
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .concurrency_support(false)
        .memory_reservation(config.max_memory.as_u64())
        .max_wasm_stack(stack / 2)
        .async_stack_size(stack)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    wasmtime
}

/// The thread that moves the epoch while guests run. An OS thread, so that guests that fill every worker of the runtime
/// are interrupted all the same.
struct Epoch {
    thread: Thread,
    /// Polls of guests so far.
    polls: AtomicU64,
    asleep: AtomicBool,
}

impl Epoch {
    fn start(engine: &wasmtime::Engine) -> Result<Arc<Self>, Error> {
        let engine = engine.weak();
        let (send, receive) = std::sync::mpsc::channel::<Weak<Self>>();
        let thread = std::thread::Builder::new()
            .name("plugin-epoch".to_owned())
            .spawn(move || {
                let Ok(epoch) = receive.recv() else { return };
                Self::run(&epoch, &engine);
            })
            .map_err(|cause| Error::Engine(format!("start the epoch thread: {cause}")))?;
        let epoch = Arc::new(Self {
            thread: thread.thread().clone(),
            polls: AtomicU64::new(0),
            asleep: AtomicBool::new(false),
        });
        // The thread waits for this message and cannot be gone.
        let _ = send.send(Arc::downgrade(&epoch));
        Ok(epoch)
    }

    fn run(epoch: &Weak<Self>, engine: &wasmtime::EngineWeak) {
        let mut seen = 0;
        let mut idle = 0;
        loop {
            let Some(shared) = epoch.upgrade() else { return };
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
            let polls = shared.polls.load(Ordering::SeqCst);
            idle = if polls == seen { idle + 1 } else { 0 };
            seen = polls;
            // A guest that loops yields at each tick and is polled again: that keeps the thread awake.
            let sleep = idle > IDLE_TICKS;
            if sleep {
                shared.asleep.store(true, Ordering::SeqCst);
                if shared.polls.load(Ordering::SeqCst) != seen {
                    shared.asleep.store(false, Ordering::SeqCst);
                    continue;
                }
            }
            drop((shared, engine));
            if sleep {
                // Wakes now and then, so that the thread ends soon after the engine does.
                std::thread::park_timeout(Duration::from_secs(5));
                idle = 0;
            } else {
                std::thread::sleep(TICK);
            }
        }
    }

    /// A guest is about to run: the epoch must move.
    fn wake(&self) {
        self.polls.fetch_add(1, Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}
