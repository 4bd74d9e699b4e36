//! A machine: its disk, its clock, and what of its disk it says to whom.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bitvault_device::fs::{RelPath, own};
use bitvault_device::watch::Hint;
use bytes::Bytes;

use crate::disk::{Disk, Nature};
use crate::hub::Hub;

/// A machine; clones are the same one.
#[derive(Clone)]
pub(crate) struct Machine {
    inner: Arc<Mutex<Inner>>,
    /// All that takes part.
    pub(crate) hub: Hub,
    /// Which one it is.
    pub(crate) number: usize,
}

/// What a machine consists of.
pub(crate) struct Inner {
    /// The disk that is synced.
    pub(crate) disk: Disk,
    /// What is seen while that is not mounted.
    pub(crate) under: Disk,
    /// Whether it is.
    pub(crate) is_mounted: bool,
    /// How far its clock is wrong, in nanoseconds.
    pub(crate) skew: i64,
    /// How often a call to the disk fails for no reason, in a thousand.
    pub(crate) disk_errors: u32,
    /// How often a request or its answer gets lost, in a thousand.
    pub(crate) losses: u32,
    /// How often a download ends too early as if it were whole, in a thousand.
    pub(crate) short_downloads: u32,
    /// A whole listing fails to name something, as likely in a thousand.
    pub(crate) partial_listings: u32,
    /// Nothing reaches the server.
    pub(crate) is_offline: bool,
    /// The server does not let the device in.
    pub(crate) is_revoked: bool,
    /// How often the state can't be written, in a thousand.
    pub(crate) state_errors: u32,
    /// The engine has begun to change the entry of this path, and is not done.
    pub(crate) changing: Option<RelPath>,
    /// And what it does is a rename to there.
    pub(crate) renaming_to: Option<RelPath>,
    /// What was removed from the folder by the engine.
    pub(crate) discarded: Vec<Bytes>,
    /// What came between a last look and a removal, while that is not taken back: it is in the trash.
    pub(crate) kept_in_trash: Vec<Bytes>,
    hints: BTreeSet<RelPath>,
    hints_overflow: bool,
    wants_hint: Option<Waker>,
}

impl Machine {
    /// A machine with an empty disk.
    pub(crate) fn new(hub: &Hub, number: usize, nature: Nature) -> Self {
        let under = Nature {
            number: nature.number + 50,
            ..nature
        };
        let inner = Inner {
            disk: Disk::new(nature, hub.now()),
            under: Disk::new(under, hub.now()),
            is_mounted: true,
            skew: 0,
            disk_errors: 0,
            losses: 0,
            short_downloads: 0,
            partial_listings: 0,
            is_offline: false,
            is_revoked: false,
            state_errors: 0,
            changing: None,
            renaming_to: None,
            discarded: Vec::new(),
            kept_in_trash: Vec::new(),
            hints: BTreeSet::new(),
            hints_overflow: false,
            wants_hint: None,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
            hub: hub.clone(),
            number,
        }
    }

    /// Its parts, the clocks put right.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.hub.now() + inner.skew;
        inner.disk.now = now;
        inner.under.now = now;
        inner
    }

    /// What its clock says, in nanoseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.lock().disk.now
    }
}

impl Inner {
    /// The disk that is seen now.
    pub(crate) fn seen(&mut self) -> &mut Disk {
        match self.is_mounted {
            true => &mut self.disk,
            false => &mut self.under,
        }
    }

    /// Whether the engine is exchanging the entry of this path, and may yet change it back.
    pub(crate) fn is_exchanging(&self, path: &RelPath) -> bool {
        let is_swap = |file: &RelPath| {
            let split = file.split();
            split.is_some_and(|(folder, name)| folder == path.folder() && own::is_swap(name))
        };
        self.changing.as_ref() == Some(path) && self.disk.files().iter().any(|(file, _, _)| is_swap(file))
    }

    /// Something in this folder changed; whoever watches may be told so.
    pub(crate) fn changed(&mut self, folder: RelPath) {
        self.hints.insert(folder);
        self.wake();
    }

    /// Those who watch may have missed something.
    pub(crate) fn lose_hints(&mut self) {
        self.hints.clear();
        self.hints_overflow = true;
        self.wake();
    }

    /// Another disk is in its place; whoever had it open sees nothing of it.
    pub(crate) fn replace(&mut self, disk: Disk) {
        self.disk = disk;
    }

    /// What a watch says next; otherwise who wants to know is woken.
    pub(crate) fn hint(&mut self, waker: &Waker) -> Option<Hint> {
        if std::mem::take(&mut self.hints_overflow) {
            self.hints.clear();
            return Some(Hint::Everything);
        }
        if self.hints.is_empty() {
            self.wants_hint = Some(waker.clone());
            return None;
        }
        Some(Hint::Folders(std::mem::take(&mut self.hints)))
    }

    fn wake(&mut self) {
        if let Some(waker) = self.wants_hint.take() {
            waker.wake();
        }
    }
}
