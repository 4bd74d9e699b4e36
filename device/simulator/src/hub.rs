//! Where every call of every engine waits until the driver lets it go on.
//!
//! Owns the seed's chance, the time, the trace and the calls that wait. All that takes part in a run has a clone.
//!
//! Invariants: a call acts only when the driver opens its gate, one at a time, so the order of all that happens follows
//! from the seed. No thread runs and no clock is read. What waits is dropped with the engine that asked for it.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::trace::Trace;

/// 2026-03-09, noon, in nanoseconds since 1970.
const BEGIN: i64 = 1_773_057_600_000_000_000;

/// Chance, time, trace and the calls that wait. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Mutex<Inner>>);

struct Inner {
    chance: StdRng,
    now: i64,
    trace: Trace,
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

struct Waiting {
    owner: usize,
    /// Before this time its gate is not opened.
    from: i64,
    is_open: bool,
    waker: Option<Waker>,
}

impl Hub {
    /// What a seed begins with; `keeps_lines` for a trace that people read.
    pub(crate) fn new(seed: u64, keeps_lines: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            chance: StdRng::seed_from_u64(seed),
            now: BEGIN,
            trace: Trace::new(keeps_lines),
            waiting: BTreeMap::new(),
            next: 0,
        })))
    }

    // --- chance and time

    /// A number below `end`; 0 when that is 0.
    pub(crate) fn below(&self, end: usize) -> usize {
        match end {
            0 => 0,
            end => self.lock().chance.random_range(0..end),
        }
    }

    /// Whether something of this likelihood happens, in a thousand.
    pub(crate) fn happens(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.lock().chance.random_range(0..1000) < per_mille
    }

    /// Any number.
    pub(crate) fn random(&self) -> u64 {
        self.lock().chance.random()
    }

    /// One of them, if there is any.
    pub(crate) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// The time, in nanoseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.lock().now
    }

    /// Lets time pass, in nanoseconds.
    pub(crate) fn pass_time(&self, nanoseconds: i64) {
        self.lock().now += nanoseconds;
    }

    // --- the trace

    /// Notes what happened.
    pub(crate) fn tell(&self, what: fmt::Arguments<'_>) {
        self.lock().trace.line(what);
    }

    /// Notes that something that is searched for came to happen.
    pub(crate) fn met(&self, family: &'static str) {
        self.lock().trace.met(family);
    }

    /// The trace so far.
    pub(crate) fn trace(&self) -> Trace {
        self.lock().trace.clone()
    }

    // --- calls that wait

    /// Waits until the driver lets this call go on.
    pub(crate) fn gate(&self, owner: usize) -> Gate {
        self.later(owner, 0)
    }

    /// The same, when some time has passed, in nanoseconds.
    pub(crate) fn later(&self, owner: usize, nanoseconds: i64) -> Gate {
        let mut inner = self.lock();
        inner.next += 1;
        let (ticket, from) = (inner.next, inner.now.saturating_add(nanoseconds));
        let waiting = Waiting {
            owner,
            from,
            is_open: false,
            waker: None,
        };
        inner.waiting.insert(ticket, waiting);
        Gate {
            hub: self.clone(),
            ticket,
        }
    }

    /// The calls of a device that may go on now.
    pub(crate) fn ready(&self, owner: usize) -> Vec<u64> {
        let inner = self.lock();
        let now = inner.now;
        let ready = inner.waiting.iter();
        ready
            .filter(|(_, waiting)| waiting.owner == owner && waiting.from <= now && !waiting.is_open)
            .map(|(ticket, _)| *ticket)
            .collect()
    }

    /// When the first call of these devices that waits for its time may go on.
    pub(crate) fn earliest(&self, is_of: impl Fn(usize) -> bool) -> Option<i64> {
        let inner = self.lock();
        let waiting = inner.waiting.values();
        waiting
            .filter(|waiting| is_of(waiting.owner) && !waiting.is_open)
            .map(|waiting| waiting.from)
            .min()
    }

    /// Lets a call go on.
    pub(crate) fn open(&self, ticket: u64) {
        let waker = {
            let mut inner = self.lock();
            let Some(waiting) = inner.waiting.get_mut(&ticket) else {
                return;
            };
            waiting.is_open = true;
            waiting.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A failed check ends the whole run: nobody sees what it left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits for the driver.
pub(crate) struct Gate {
    hub: Hub,
    ticket: u64,
}

impl Future for Gate {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.hub.lock();
        match inner.waiting.get_mut(&self.ticket) {
            Some(waiting) if !waiting.is_open => {
                waiting.waker = Some(context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.hub.lock().waiting.remove(&self.ticket);
    }
}
