//! Hints of where the folder changed (ADR-0025).
//!
//! Owns the operating system's watch, and nothing durable. Called by the engine between two rounds.
//!
//! Invariants: a hint only says where to look; nothing is concluded from it, and one that is lost costs time until the
//! next look at everything, never a file. Too many at once, or an overflow in the kernel, become one hint to look at
//! everything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::fs::{RelPath, own};

/// More folders than this at once, and everything is looked at.
const FOLDERS: usize = 1000;
/// How long events are gathered after the first: a save is several.
const GATHERED_FOR: Duration = Duration::from_millis(100);

/// Where something may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// In these folders.
    Folders(BTreeSet<RelPath>),
    /// Anywhere.
    Everything,
}

/// Says where to look.
#[async_trait]
pub trait Hints: Send {
    /// Waits for the next hint. May be dropped at any time without losing one.
    async fn next(&mut self) -> Hint;
}

/// Never says anything: everything is looked at now and then.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHints;

#[async_trait]
impl Hints for NoHints {
    async fn next(&mut self) -> Hint {
        std::future::pending().await
    }
}

/// Why the folder can't be watched.
#[derive(Debug, thiserror::Error)]
#[error("watch {path}: {cause}")]
pub struct WatchError {
    path: String,
    cause: notify::Error,
}

/// The operating system's own watch of a folder with all below it.
pub struct FolderWatch {
    gathered: Arc<Gathered>,
    _watcher: notify::RecommendedWatcher,
}

#[derive(Debug, Default)]
struct Gathered {
    pending: Mutex<Pending>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    folders: BTreeSet<RelPath>,
    is_everything: bool,
}

impl FolderWatch {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the system refuses, as when there are more folders than it watches.
    pub fn begin(root: &Path) -> Result<Self, WatchError> {
        let failed = |cause| WatchError {
            path: root.display().to_string(),
            cause,
        };
        let root = root.canonicalize().map_err(|cause| failed(cause.into()))?;
        let gathered: Arc<Gathered> = Arc::default();
        let (into, below) = (Arc::clone(&gathered), root.clone());
        let mut watcher =
            notify::recommended_watcher(move |event| into.take(&below, event)).map_err(&failed)?;
        watcher.watch(&root, RecursiveMode::Recursive).map_err(&failed)?;
        Ok(Self {
            gathered,
            _watcher: watcher,
        })
    }
}

#[async_trait]
impl Hints for FolderWatch {
    async fn next(&mut self) -> Hint {
        loop {
            let came = self.gathered.came.notified();
            if !self.gathered.lock().is_empty() {
                tokio::time::sleep(GATHERED_FOR).await;
                return self.gathered.lock().take();
            }
            came.await;
        }
    }
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, root: &Path, event: notify::Result<notify::Event>) {
        {
            let mut pending = self.lock();
            match event {
                Ok(event) if event.need_rescan() => pending.is_everything = true,
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
                Ok(event) => pending.add(root, &event.paths),
                Err(_) => pending.is_everything = true,
            }
            if pending.is_empty() {
                return;
            }
        }
        self.came.notify_one();
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.folders.is_empty() && !self.is_everything
    }

    fn take(&mut self) -> Hint {
        let Self {
            folders,
            is_everything,
        } = std::mem::take(self);
        if is_everything {
            Hint::Everything
        } else {
            Hint::Folders(folders)
        }
    }

    fn add(&mut self, root: &Path, paths: &[PathBuf]) {
        for path in paths {
            let Ok(path) = path.strip_prefix(root) else {
                continue;
            };
            match folder_of(path) {
                Some(Ok(folder)) => {
                    self.folders.insert(folder);
                }
                // Not Unicode: it can't be named, but what is above it can be looked at.
                Some(Err(())) => self.is_everything = true,
                None => {}
            }
        }
        if self.folders.len() > FOLDERS {
            self.is_everything = true;
        }
    }
}

/// The folder that holds what changed; none for the engine's own files.
fn folder_of(path: &Path) -> Option<Result<RelPath, ()>> {
    let mut folder = RelPath::root();
    let mut names = path.iter().peekable();
    while let Some(name) = names.next() {
        let Some(name) = name.to_str() else {
            return Some(Err(()));
        };
        if own::is_own(name, folder.is_root()) {
            return None;
        }
        if names.peek().is_some() {
            folder = folder.join(name);
        }
    }
    Some(Ok(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_names_the_folder_that_holds_it_and_own_files_name_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::create_dir(dir.path().join(own::FOLDER)).unwrap();
        let mut watch = FolderWatch::begin(dir.path()).unwrap();
        std::fs::write(dir.path().join(own::FOLDER).join("x"), "x").unwrap();
        std::fs::write(dir.path().join("a").join(own::temp_name(1)), "x").unwrap();
        std::fs::write(dir.path().join("a/b/c"), "x").unwrap();
        assert_eq!(
            watch.next().await,
            Hint::Folders([RelPath::root().join("a").join("b")].into())
        );
    }

    #[tokio::test]
    async fn a_hint_outlives_a_wait_that_was_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = FolderWatch::begin(dir.path()).unwrap();
        std::fs::write(dir.path().join("a"), "x").unwrap();
        watch.gathered.came.notified().await;
        assert_eq!(watch.next().await, Hint::Folders([RelPath::root()].into()));
    }

    #[test]
    fn an_overflow_and_a_flood_become_a_look_at_everything() {
        let gathered = Gathered::default();
        let overflow = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        gathered.take(Path::new("/r"), Ok(overflow));
        assert_eq!(gathered.lock().take(), Hint::Everything);
        for number in 0..=FOLDERS {
            let event = notify::Event::new(EventKind::Any).add_path(format!("/r/d{number}/f").into());
            gathered.take(Path::new("/r"), Ok(event));
        }
        assert_eq!(gathered.lock().take(), Hint::Everything);
        assert!(gathered.lock().is_empty());
    }
}
