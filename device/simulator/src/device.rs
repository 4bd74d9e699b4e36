//! A device of a run: a machine, a state, and the engine that runs there or not.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bitvault_device::engine::{Config, Engine, EngineError, Event, Limits, Parts, Progress, Rest};
use bitvault_device::planner::{Guard, NameRules};
use bitvault_device::remote::RemoteError;

use crate::fs::SimFs;
use crate::hub::Hub;
use crate::machine::Machine;
use crate::mistake::{Mistake, Mistaken};
use crate::network::SimRemote;
use crate::server::{ModelServer, NoFaults};
use crate::store::SimStore;
use crate::world::{SimHints, SimWorld};

/// The account of all devices.
const ACCOUNT: u128 = 7;

type Work = Pin<Box<dyn Future<Output = Result<(Engine, Rest), EngineError>>>>;

/// What the engine of a device is about.
enum Life {
    /// There is none.
    Off,
    /// It opens and settles, or keeps running.
    Working(Work),
    /// It has settled.
    Idle(Box<Engine>),
}

/// A device.
pub(crate) struct Device {
    /// Its machine.
    pub(crate) machine: Machine,
    /// Its state.
    pub(crate) store: SimStore,
    /// How often it made a conflicted copy, or renamed a twin.
    pub(crate) conflicts: Arc<Conflicts>,
    name: String,
    server: ModelServer,
    names: NameRules,
    mistake: Option<Mistaken>,
    life: Life,
    woken: Arc<Woken>,
}

impl Device {
    /// A device that never synced.
    pub(crate) fn new(
        machine: Machine,
        server: &ModelServer,
        names: NameRules,
        mistake: Option<Mistake>,
    ) -> Self {
        let number = machine.number;
        Self {
            store: SimStore::new(&machine),
            conflicts: Arc::new(Conflicts::new(&machine.hub, number)),
            name: ["one", "two", "three", "four"][number.min(3)].to_owned(),
            server: server.clone(),
            names,
            mistake: mistake.map(Mistaken::new),
            life: Life::Off,
            woken: Arc::default(),
            machine,
        }
    }

    /// What its file system can hold.
    pub(crate) fn names(&self) -> &NameRules {
        &self.names
    }

    /// Whether an engine is at work.
    pub(crate) fn is_working(&self) -> bool {
        matches!(self.life, Life::Working(_))
    }

    /// Begins a session: one that settles, or one that keeps running.
    pub(crate) fn begin(&mut self, keeps_running: bool) {
        let idle = match std::mem::replace(&mut self.life, Life::Off) {
            Life::Idle(engine) => Some(*engine),
            _ => None,
        };
        let (parts, config) = (self.parts(), self.config());
        let mut hints = SimHints(self.machine.clone());
        let work = async move {
            let mut engine = match idle {
                Some(engine) => engine,
                None => Engine::open(parts, config).await?,
            };
            if keeps_running {
                engine.run(&mut hints).await?;
            }
            let rest = engine.settle().await?;
            Ok((engine, rest))
        };
        self.life = Life::Working(Box::pin(work));
        self.woken.0.store(true, Ordering::Relaxed);
    }

    /// The process dies.
    pub(crate) fn kill(&mut self) {
        self.life = Life::Off;
        self.machine.lock().changing = None;
    }

    /// Lets the engine work as far as it comes; tells how it ended, if it did.
    pub(crate) fn poll(&mut self) -> Option<Result<Rest, EngineError>> {
        while self.woken.0.swap(false, Ordering::Relaxed) {
            let Life::Working(work) = &mut self.life else {
                return None;
            };
            let waker = Waker::from(Arc::clone(&self.woken));
            let Poll::Ready(ended) = work.as_mut().poll(&mut Context::from_waker(&waker)) else {
                continue;
            };
            self.life = Life::Off;
            return Some(ended.map(|(engine, rest)| {
                self.life = Life::Idle(Box::new(engine));
                rest
            }));
        }
        None
    }

    fn parts(&self) -> Parts {
        let machine = &self.machine;
        let parts = Parts {
            fs: Arc::new(SimFs::open(machine)),
            remote: Arc::new(SimRemote::new(
                machine,
                self.server.remote(ACCOUNT, Arc::new(NoFaults)),
            )),
            world: Arc::new(SimWorld(machine.clone())),
            store: Box::new(self.store.clone()),
            progress: Arc::clone(&self.conflicts) as Arc<dyn Progress>,
        };
        match &self.mistake {
            Some(mistaken) => mistaken.make(parts, &self.store, &self.server),
            None => parts,
        }
    }

    fn config(&self) -> Config {
        Config {
            device: self.name.clone(),
            account: "account 7".to_owned(),
            remote_root: self.server.root(),
            shown: self.name.clone(),
            names: self.names.clone(),
            // Low, so that few files are many.
            guard: Guard {
                few: 2,
                ..Guard::default()
            },
            limits: Limits {
                // Small, so that few files make several groups.
                group_files: 3,
                // Longer contents are gone on with, shorter ones are not.
                resumed_bytes: 8,
                rescan: Duration::from_secs(600),
                // Soon, as little time passes from one step to the next.
                look: Duration::from_millis(20),
                turn: Duration::from_millis(20),
                ..Limits::default()
            },
        }
    }
}

/// Whether an error is one that a person or the next try mends: anything but a fault of the engine.
pub(crate) fn is_ordinary(error: &EngineError) -> bool {
    match error {
        EngineError::Remote(error) => !matches!(error, RemoteError::Local(_)),
        EngineError::Fs(_) | EngineError::State(_) | EngineError::NotTheFolder(_) => true,
        EngineError::OtherAccount { .. } | EngineError::Restless(_) => false,
    }
}

/// Somebody wants to be polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Counts what people would rather not see.
pub(crate) struct Conflicts {
    hub: Hub,
    number: usize,
    count: std::sync::atomic::AtomicUsize,
}

impl Conflicts {
    fn new(hub: &Hub, number: usize) -> Self {
        Self {
            hub: hub.clone(),
            number,
            count: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Progress for Conflicts {
    fn event(&self, event: Event<'_>) {
        let Event::Did(line) = event else { return };
        let number = self.number;
        self.hub.tell(format_args!(
            "d{number} did {} {} {}",
            line.what, line.path, line.detail
        ));
        if line.what == "conflict" || line.detail.contains("whose name another one has") {
            self.hub.met("conflicted copy");
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}
