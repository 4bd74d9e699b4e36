//! What a test waits for while devices run.

use std::fs;
use std::time::Duration;

use bitvault_device::state::SqliteStore;

use super::Device;

#[allow(dead_code, reason = "each test file uses some of these")]
impl Device {
    /// Waits until there is a file with this text.
    pub(crate) async fn has(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        self.comes(&format!("{path} with {text:?}"), || {
            fs::read_to_string(&file).ok().as_deref() == Some(text)
        })
        .await;
    }

    /// Waits until there is no such file or folder.
    pub(crate) async fn has_not(&self, path: &str) {
        let path = self.folder.join(path);
        self.comes(&format!("no {}", path.display()), || !path.exists())
            .await;
    }

    /// Waits until it tells that it does nothing, as it was asked to.
    pub(crate) async fn is_paused(&self) {
        self.comes("a pause", || self.status().stopped.as_deref() == Some("paused"))
            .await;
    }

    /// Waits until it tells that it is at work.
    pub(crate) async fn is_at_work(&self) {
        let tells = || {
            SqliteStore::beside(&self.state)
                .is_ok_and(|mut store| store.status().is_ok_and(|told| told.at.is_some()))
        };
        self.comes("work", tells).await;
    }

    /// Waits until the server has so many files and folders of all.
    pub(crate) async fn has_sent(&self, count: usize) {
        self.comes("files on the server", || self.server.files().len() >= count)
            .await;
    }

    /// Waits until the server has such a file.
    pub(crate) async fn sends(&self, path: &str) {
        self.comes(path, || self.server.files().contains_key(path)).await;
    }

    /// Waits until it tells that it is in step.
    pub(crate) async fn is_in_step(&self) {
        self.comes("rest", || self.status().at_rest.is_some()).await;
    }

    async fn comes(&self, what: &str, is_there: impl Fn() -> bool) {
        let came = async {
            while !is_there() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), came).await;
        assert!(
            waited.is_ok(),
            "{}: {what} never came: {:?}",
            self.name,
            self.files()
        );
    }

    /// Waits until a call came that never ends.
    pub(crate) async fn hangs(&self) {
        self.comes("a call that never ends", || {
            self.faults.endless.lock().unwrap().is_none()
        })
        .await;
    }
}
