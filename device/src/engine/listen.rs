//! What people ask for while the engine is at work, by other processes: to pause, to leave something out, to agree to deletes.
//!
//! It is seen within [`super::Limits::look`]. What is under way is broken off then as if the server were gone: what came of it is
//! unknown, and the next round finds out. What the file system was told to do is waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::Stream;

use super::{Engine, EngineError};
use crate::remote::RemoteError;

/// Ends when something is due.
pub(super) type Due = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Engine {
    /// The next of what is under way. Looks meanwhile whether people ask for something else, and lets work end if so.
    pub(super) async fn next_of<S>(&mut self, work: &mut S) -> Result<Option<S::Item>, EngineError>
    where
        S: Stream + Unpin,
    {
        loop {
            let mut look = self
                .look
                .take()
                .unwrap_or_else(|| self.later(self.config.limits.look));
            tokio::select! {
                biased;
                item = work.next() => {
                    self.look = Some(look);
                    return Ok(item);
                }
                () = &mut look => {
                    self.is_asked()?;
                }
            }
        }
    }

    /// Waits until people ask for something else.
    pub(super) async fn until_asked(&mut self) -> Result<(), EngineError> {
        while !self.is_asked()? {
            self.later(self.config.limits.look).await;
        }
        Ok(())
    }

    /// Waits so long, or until people ask for something else.
    pub(super) async fn wait_for(&mut self, wait: Duration) -> Result<(), EngineError> {
        let due = self.later(wait);
        tokio::select! {
            biased;
            () = due => Ok(()),
            asked = self.until_asked() => asked,
        }
    }

    /// Whether people ask for something else than when the round began. Then what is under way is to end.
    fn is_asked(&mut self) -> Result<bool, EngineError> {
        let is_asked = self.store.control()? != self.control;
        if is_asked {
            self.io.ending.cancel();
        }
        Ok(is_asked)
    }

    pub(super) fn later(&self, wait: Duration) -> Due {
        let world = Arc::clone(&self.io.world);
        Box::pin(async move { world.sleep(wait).await })
    }
}

impl super::Io {
    /// What comes of a call that moves content; as if the server were gone when work is to end.
    pub(super) async fn unless_ending<T>(&self, call: impl Future<Output = T>) -> Result<T, RemoteError> {
        let output = self.ending.run_until_cancelled(call).await;
        output.ok_or_else(|| RemoteError::Unreachable("work was to end".to_owned()))
    }
}
