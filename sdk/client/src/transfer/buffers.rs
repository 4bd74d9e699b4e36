//! Buffers that are used again. Fresh memory for every part costs a page fault per 4 KiB, which shows at wire speed.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded set of buffers of one size.
#[derive(Clone)]
pub(crate) struct Pool {
    size: usize,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    permits: Arc<Semaphore>,
}

/// A buffer on loan; goes back when dropped. Reads as its filled part.
pub(crate) struct Buffer {
    data: Vec<u8>,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// At most `count` buffers of `size` bytes each.
    pub(crate) fn new(size: usize, count: usize) -> Self {
        Self {
            size,
            free: Arc::default(),
            permits: Arc::new(Semaphore::new(count.max(1))),
        }
    }

    /// An empty buffer with the pool's capacity; waits until one is free.
    pub(crate) async fn take(&self) -> Buffer {
        // The semaphore is never closed, so there always is a permit in the end.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let data = kept.unwrap_or_else(|| Vec::with_capacity(self.size));
        Buffer {
            data,
            free: Arc::clone(&self.free),
            _permit: permit,
        }
    }
}

impl Buffer {
    pub(crate) fn data(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// The filled part as shared bytes, without a copy; the buffer goes back when the last share is dropped.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dropped_buffer_is_lent_again_and_the_number_is_bounded() {
        let pool = Pool::new(16, 1);
        let mut first = pool.take().await;
        first.data().extend_from_slice(b"abc");
        let at = first.as_ref().as_ptr();
        let shared = first.freeze();
        let second = pool.take();
        futures::pin_mut!(second);
        assert!(futures::poll!(&mut second).is_pending());
        drop(shared.clone());
        assert!(futures::poll!(&mut second).is_pending());
        drop(shared);
        let mut second = second.await;
        assert!(second.as_ref().is_empty());
        assert_eq!(second.data().as_ptr(), at);
    }
}
