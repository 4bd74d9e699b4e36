//! Combines calls that arrive while another one is in flight: they go together in the next.
//!
//! Commits of one tenant queue at its journal's counter anyway. Here they wait in memory instead, and pay for one
//! transaction together. A call that finds nothing in flight goes at once: nobody waits for company.
//!
//! Invariants: items of one submit stay together and in order; at most `batch` items run together (one submit may be
//! larger); at most `queue` items wait per key, more are refused; a caller that goes away does not stop its items.

use crate::error::Refusal;
use bitvault_platform::{Error, Result};
use futures::future::BoxFuture;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span};

type Run<K, I, O> = dyn Fn(K, Vec<I>) -> BoxFuture<'static, Vec<O>> + Send + Sync;

struct Job<I, O> {
    items: Vec<I>,
    span: Span,
    answer: oneshot::Sender<Vec<O>>,
}

struct Queue<I, O> {
    jobs: VecDeque<Job<I, O>>,
    items: usize,
}

struct Inner<K, I, O> {
    /// A key is here while a batch of it is in flight.
    queues: Mutex<HashMap<K, Queue<I, O>>>,
    batch: usize,
    queue: usize,
    run: Box<Run<K, I, O>>,
}

/// Runs items in batches, one batch at a time per key. Cheap to clone.
pub(crate) struct Combiner<K, I, O>(Arc<Inner<K, I, O>>);

impl<K, I, O> Clone for Combiner<K, I, O> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, I, O> fmt::Debug for Combiner<K, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Combiner")
    }
}

impl<K, I, O> Combiner<K, I, O>
where
    K: Eq + Hash + Clone + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
{
    /// `run` answers an output per item, in order. `batch` and `queue` count items.
    pub(crate) fn new(
        batch: usize,
        queue: usize,
        run: impl Fn(K, Vec<I>) -> BoxFuture<'static, Vec<O>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            queues: Mutex::new(HashMap::new()),
            batch,
            queue,
            run: Box::new(run),
        }))
    }

    /// Runs the items, together with others of the same key; answers an output per item.
    pub(crate) async fn submit(&self, key: K, items: Vec<I>) -> Result<Vec<O>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, outputs) = oneshot::channel();
        let job = Job {
            items,
            span: Span::current(),
            answer,
        };
        if self.enqueue(&key, job)? {
            tokio::spawn(Self::drain(Arc::clone(&self.0), key));
        }
        outputs
            .await
            .map_err(|_| Error::internal("run a batch", "it ended without an answer"))
    }

    /// Whether the caller must start the draining.
    fn enqueue(&self, key: &K, job: Job<I, O>) -> Result<bool> {
        let mut queues = self.0.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(key) {
            if queue.items + job.items.len() > self.0.queue {
                return Err(Refusal::Busy.into());
            }
            queue.items += job.items.len();
            queue.jobs.push_back(job);
            return Ok(false);
        }
        let items = job.items.len();
        let jobs = VecDeque::from([job]);
        queues.insert(key.clone(), Queue { jobs, items });
        Ok(true)
    }

    async fn drain(inner: Arc<Inner<K, I, O>>, key: K) {
        while let Some(jobs) = inner.next(&key) {
            let span = jobs.first().map_or_else(Span::none, |job| job.span.clone());
            let mut items = Vec::new();
            let mut waiting = Vec::with_capacity(jobs.len());
            for job in jobs {
                waiting.push((job.items.len(), job.answer));
                items.extend(job.items);
            }
            // In a task of its own: a panic ends this batch, whose callers then learn of it, and not the queue.
            let running = tokio::spawn((inner.run)(key.clone(), items).instrument(span));
            let Ok(outputs) = running.await else { continue };
            let mut outputs = outputs.into_iter();
            for (count, answer) in waiting {
                let mine: Vec<O> = outputs.by_ref().take(count).collect();
                if mine.len() == count {
                    // The caller may have gone away; its items are done all the same.
                    let _gone = answer.send(mine);
                }
            }
        }
    }
}

impl<K: Eq + Hash, I, O> Inner<K, I, O> {
    /// The next batch of the key; forgets the key when nothing waits.
    fn next(&self, key: &K) -> Option<Vec<Job<I, O>>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(key)?;
        let mut taken = Vec::new();
        let mut items = 0;
        while let Some(job) = queue.jobs.front() {
            if !taken.is_empty() && items + job.items.len() > self.batch {
                break;
            }
            items += job.items.len();
            taken.extend(queue.jobs.pop_front());
        }
        queue.items -= items;
        if taken.is_empty() {
            queues.remove(key);
            return None;
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::{Semaphore, mpsc};

    /// A combiner whose batches wait for a permit each, tell their size, and double their items.
    fn doubling(
        batch: usize,
        queue: usize,
    ) -> (
        Combiner<u8, u32, u32>,
        Arc<Semaphore>,
        mpsc::UnboundedReceiver<usize>,
    ) {
        let gate = Arc::new(Semaphore::new(0));
        let (sizes, seen) = mpsc::unbounded_channel();
        let held = Arc::clone(&gate);
        let combiner = Combiner::new(batch, queue, move |_, items: Vec<u32>| {
            let (gate, sizes) = (Arc::clone(&held), sizes.clone());
            Box::pin(async move {
                sizes.send(items.len()).unwrap();
                gate.acquire().await.unwrap().forget();
                assert!(!items.contains(&13), "unlucky");
                items.into_iter().map(|item| item * 2).collect()
            })
        });
        (combiner, gate, seen)
    }

    #[tokio::test]
    async fn calls_that_come_while_one_is_in_flight_go_together() {
        let (combiner, gate, mut seen) = doubling(10, 100);
        let first = tokio::spawn({
            let combiner = combiner.clone();
            async move { combiner.submit(1, vec![1]).await }
        });
        assert_eq!(seen.recv().await, Some(1));
        let waiting = (2..6).map(|n| {
            let combiner = combiner.clone();
            async move { combiner.submit(1, vec![n, n]).await }
        });
        let waiting = tokio::spawn(futures::future::join_all(waiting.collect::<Vec<_>>()));
        while combiner.0.queues.lock().unwrap()[&1].items < 8 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert_eq!(first.await.unwrap().unwrap(), [2]);
        assert_eq!(seen.recv().await, Some(8));
        let answers: Vec<_> = waiting.await.unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [[4, 4], [6, 6], [8, 8], [10, 10]]);
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_is_refused_and_other_keys_go_on() {
        let (combiner, gate, mut seen) = doubling(10, 3);
        let first = tokio::spawn({
            let combiner = combiner.clone();
            async move { combiner.submit(1, vec![1]).await }
        });
        assert_eq!(seen.recv().await, Some(1));
        let error = combiner.submit(1, vec![0; 4]).await.unwrap_err();
        assert_eq!(error.reason(), "busy");
        gate.add_permits(2);
        assert_eq!(combiner.submit(2, vec![7]).await.unwrap(), [14]);
        assert_eq!(first.await.unwrap().unwrap(), [2]);
    }

    #[tokio::test]
    async fn a_batch_that_panics_fails_its_callers_and_not_the_next() {
        let (combiner, gate, _seen) = doubling(10, 100);
        gate.add_permits(2);
        assert_eq!(
            combiner.submit(1, vec![13]).await.unwrap_err().reason(),
            "internal"
        );
        assert_eq!(combiner.submit(1, vec![1]).await.unwrap(), [2]);
    }

    #[tokio::test]
    async fn many_callers_all_get_their_own_answers() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let combiner = Combiner::new(16, 10_000, move |_, items: Vec<u32>| {
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tokio::task::yield_now().await;
                items
            })
        });
        let calls = (0..500).map(|n| {
            let combiner = combiner.clone();
            tokio::spawn(async move { (n, combiner.submit((), vec![n, n + 1]).await) })
        });
        for call in futures::future::join_all(calls).await {
            let (n, answer) = call.unwrap();
            assert_eq!(answer.unwrap(), [n, n + 1]);
        }
        assert!(runs.load(Ordering::Relaxed) <= 500);
        assert!(combiner.0.queues.lock().unwrap().is_empty());
    }
}
