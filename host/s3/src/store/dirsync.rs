//! Group commit of folders: many renames into one folder share one fsync.
//!
//! Invariant: when [`GroupSync::sync`] returns `Ok`, an fsync of that folder that *began* after the call has succeeded.
//! A caller that arrives while an fsync runs can't use it (its rename may have come too late), so it waits for the next
//! one, which all who wait share; one of them runs it.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type SyncFn = Box<dyn Fn(&Path) -> io::Result<()> + Send + Sync>;

/// Shares fsyncs of folders between threads.
pub(crate) struct GroupSync {
    slots: Mutex<HashMap<PathBuf, Arc<Slot>>>,
    fsync: SyncFn,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    /// Number of the newest fsync that has begun.
    begun: u64,
    /// Number of the newest fsync that has ended.
    ended: u64,
    /// Those that failed, while somebody may still ask. The slot lives only as long as it has callers.
    failed: Vec<(u64, io::ErrorKind, Option<i32>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl GroupSync {
    /// Group commit with the real fsync.
    pub(crate) fn new() -> Self {
        Self::with(Box::new(sync_folder))
    }

    fn with(fsync: SyncFn) -> Self {
        Self {
            slots: Mutex::default(),
            fsync,
        }
    }

    /// Returns when everything that was done in `folder` before the call is on stable storage. Blocks.
    pub(crate) fn sync(&self, folder: &Path) -> io::Result<()> {
        let slot = {
            let mut slots = lock(&self.slots);
            match slots.get(folder) {
                Some(slot) => slot.clone(),
                None => slots.entry(folder.to_owned()).or_default().clone(),
            }
        };
        let result = slot.sync(|| (self.fsync)(folder));
        let mut slots = lock(&self.slots);
        // The map's and ours: nobody else is in it, and nobody can enter while the map is locked.
        if Arc::strong_count(&slot) == 2 {
            slots.remove(folder);
        }
        result
    }
}

impl Slot {
    fn sync(&self, fsync: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut state = lock(&self.state);
        let mine = state.begun + 1;
        loop {
            if state.ended >= mine {
                return match state.failed.iter().find(|(number, ..)| *number == mine) {
                    Some((_, kind, os)) => {
                        Err(os.map_or_else(|| io::Error::from(*kind), io::Error::from_raw_os_error))
                    }
                    None => Ok(()),
                };
            }
            if state.running {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.running = true;
            state.begun += 1;
            let number = state.begun;
            drop(state);
            let result = fsync();
            state = lock(&self.state);
            state.running = false;
            state.ended = number;
            if let Err(error) = &result {
                state.failed.push((number, error.kind(), error.raw_os_error()));
            }
            self.changed.notify_all();
        }
    }
}

/// fsync of one folder.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;

    #[test]
    fn those_who_wait_during_one_fsync_share_the_next_one() {
        let (begun_tx, begun_rx) = mpsc::channel();
        let (go_tx, go_rx) = mpsc::channel::<()>();
        let go_rx = Mutex::new(go_rx);
        let group = Arc::new(GroupSync::with(Box::new(move |_| {
            begun_tx.send(()).unwrap();
            go_rx.lock().unwrap().recv().unwrap();
            Ok(())
        })));
        let spawn = || {
            let group = group.clone();
            std::thread::spawn(move || group.sync(Path::new("x")).unwrap())
        };
        let first = spawn();
        begun_rx.recv().unwrap();
        let rest: Vec<_> = (0..15).map(|_| spawn()).collect();
        // All are in: the map, the first and the fifteen hold the slot.
        let slot = group.slots.lock().unwrap().get(Path::new("x")).unwrap().clone();
        while Arc::strong_count(&slot) < 18 {
            std::thread::yield_now();
        }
        // Holding the state proves that nobody is between entering and waiting for longer than this.
        for _ in 0..1000 {
            drop(slot.state.lock().unwrap());
            std::thread::yield_now();
        }
        go_tx.send(()).unwrap();
        first.join().unwrap();
        begun_rx.recv().unwrap();
        go_tx.send(()).unwrap();
        // A thread that was slow to enter may need one more; more than that would not be sharing.
        go_tx.send(()).unwrap();
        for thread in rest {
            thread.join().unwrap();
        }
        assert!(slot.state.lock().unwrap().begun <= 3);
        drop(slot);
    }

    #[test]
    fn an_fsync_that_began_before_the_call_does_not_count() {
        // Each caller bumps `written`; an fsync makes durable what was written when it began.
        let written = Arc::new(AtomicU64::new(0));
        let durable = Arc::new(AtomicU64::new(0));
        let (w, d) = (written.clone(), durable.clone());
        let fsyncs = Arc::new(AtomicU64::new(0));
        let count = fsyncs.clone();
        let group = Arc::new(GroupSync::with(Box::new(move |_| {
            let seen = w.load(Ordering::SeqCst);
            for _ in 0..50 {
                std::thread::yield_now();
            }
            d.fetch_max(seen, Ordering::SeqCst);
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (group, written, durable) = (group.clone(), written.clone(), durable.clone());
                std::thread::spawn(move || {
                    for _ in 0..500 {
                        let mine = written.fetch_add(1, Ordering::SeqCst) + 1;
                        group.sync(Path::new("x")).unwrap();
                        assert!(durable.load(Ordering::SeqCst) >= mine);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(fsyncs.load(Ordering::SeqCst) < 4000, "nothing was shared");
        assert!(group.slots.lock().unwrap().is_empty());
    }

    #[test]
    fn a_failed_fsync_fails_all_who_share_it_and_not_the_next() {
        let calls = AtomicU64::new(0);
        let group = GroupSync::with(Box::new(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Err(io::Error::from_raw_os_error(28)),
            _ => Ok(()),
        }));
        assert_eq!(
            group.sync(Path::new("x")).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        group.sync(Path::new("x")).unwrap();
    }
}
