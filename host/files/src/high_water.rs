//! What this process knows of the high-water mark (ADR 0125): whether it has to rise, and whether it was compared at all.

use bitvault_platform::jobs::Nudge;
use bitvault_platform::{Code, Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long a reader of the journal waits for the first comparison.
const WAIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct HighWater {
    nudge: Nudge,
    /// Journals have grown since the mark was raised.
    grown: AtomicBool,
    /// Whether journals may be read: `false` from the moment on that this process compares, until it has done so once.
    compared: watch::Sender<bool>,
}

impl Default for HighWater {
    fn default() -> Self {
        Self {
            nudge: Nudge::default(),
            grown: AtomicBool::new(false),
            compared: watch::Sender::new(true),
        }
    }
}

impl HighWater {
    /// From now on readers wait for [`Self::compared`]. Answers what wakes the job, which is asked to run at once.
    pub(crate) fn begin(&self) -> Nudge {
        self.compared.send_replace(false);
        self.nudge.nudge();
        self.nudge.clone()
    }

    /// Journals have grown: the mark is to rise.
    pub(crate) fn grow(&self) {
        self.grown.store(true, Ordering::Relaxed);
        self.nudge.nudge();
    }

    /// Takes note of the growth so far. What comes while the mark rises makes it rise again.
    pub(crate) fn take_growth(&self) -> bool {
        self.grown.swap(false, Ordering::Relaxed)
    }

    /// Lets readers go on.
    pub(crate) fn compared(&self) {
        self.compared.send_replace(true);
    }

    /// Waits until it is known whether the journals are those that readers were told of.
    pub(crate) async fn settled(&self) -> Result<()> {
        let mut compared = self.compared.subscribe();
        // The sender lives as long as `self`.
        match tokio::time::timeout(WAIT, compared.wait_for(|compared| *compared)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(
                Code::Unavailable,
                "journal_unsettled",
                "the server has not reached its object store yet, and can't tell whether its database was put back: try again soon",
            )),
        }
    }
}
