//! What operations are carried out with.

use std::sync::Arc;
use std::time::Duration;

use bitvault_planner::Fingerprint;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Progress;
use crate::fs::{Aside, FileSystem, own};
use crate::remote::{Key, Remote};
use crate::world::World;

/// An edit within one tick of the file system's clock may leave no trace in the change time. What changed longer ago than
/// this shows the next edit.
const TICK: Duration = Duration::from_millis(20);

/// File system, server, time and chance, who is told, and for which device. Clones share all.
#[derive(Clone)]
pub(super) struct Io {
    pub(super) fs: Arc<dyn FileSystem>,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) world: Arc<dyn World>,
    pub(super) progress: Arc<dyn Progress>,
    pub(super) device: Arc<str>,
    /// Work is to end: nothing is begun any more, and no content moves.
    pub(super) ending: CancellationToken,
}

impl Io {
    /// Waits until the next edit of the file will show.
    pub(super) async fn wait_for_tick(&self, fingerprint: &Fingerprint) {
        let now = self.world.now().unix_timestamp_nanos();
        let since = (now - i128::from(fingerprint.changed)).unsigned_abs();
        if since < TICK.as_nanos() {
            self.world.sleep(TICK).await;
        }
    }

    /// A name for a folder of the trash. It begins with the later of both clocks: one that is behind must not make what goes
    /// there now look old.
    pub(super) fn label(&self) -> String {
        let now = self.world.now();
        let later = self.remote.time().map_or(now, |there| now.max(there));
        own::label(later, self.world.random())
    }

    /// Where goes what an exchange of files leaves beside its place.
    pub(super) fn aside(&self) -> Aside {
        Aside {
            label: self.label(),
            device: self.device.to_string(),
            today: self.world.today(),
        }
    }

    /// From which day on the trash is kept, when it is kept so long: by the earlier of both clocks, as one that is ahead must
    /// not empty it. Absent as long as the server's is unknown.
    pub(super) fn trash_from(&self, kept: Duration) -> Option<String> {
        let earlier = self.remote.time()?.min(self.world.now());
        Some(own::day(earlier - kept))
    }
}

/// The key of a change of the server: made of the state, of how far the journal was read, and of the change itself.
///
/// A change whose answer was lost is planned again with the same key as long as the journal does not tell of it; once it
/// does, it is not planned again. The same change in a later state of the server has another key, so that an old answer is
/// never taken for a new one.
pub(super) fn key(state: &str, cursor: Option<&str>, change: &impl std::fmt::Debug) -> Key {
    let mut hasher = Sha256::new();
    for part in [state, cursor.unwrap_or_default(), &format!("{change:?}")] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Key(hex::encode(&hasher.finalize()[..16]))
}
