//! Bulkheads: named limits on shared resources, so that one kind of load cannot starve another.
//!
//! | name | bounds | default | option | beyond the limit |
//! |---|---|---|---|---|
//! | `connections` | open connections, plus one in the accept loop | 16,384 | `--max-connections` | a new connection waits in the listen backlog |
//! | `bodies` | bytes of request bodies being received | 64 MiB | none | `503 OVERLOADED` immediately |
//! | `operations` | operations being validated and executed | 256 | `--max-operations` | queues for `--operation-wait`, then `503 OVERLOADED`; immediately if the queue has four times the limit of operations |
//! | `waiting_operations` | operations that wait for Constant Contact, for a log search or for memory | 4,096 | `--max-waiting-operations` | `503 OVERLOADED`, or an error of the waiting field |
//! | `large_answers` | bytes of large responses, from the start of execution until they are written | 96 MiB | three quarters of `--answer-budget` | queues for `--operation-wait`, then `503 OVERLOADED`; immediately if a response exceeds its estimate; `BAD_USER_INPUT` for a response beyond the limit |
//! | `small_answers` | bytes of [small](crate::bulkheads::answers) responses | 32 MiB | a quarter of `--answer-budget` | the same as for `large_answers` |
//! | `waiting_memory` | bytes of waiting operations: requests with a long document or long variables, and responses that wait for data | 64 MiB | half of `--answer-budget` | queues for `--operation-wait`, then `503 OVERLOADED`; immediately for a request with a long document or long variables, and if queued responses use half of `small_answers` or `large_answers`; `BAD_USER_INPUT` for an operation beyond the limit |
//! | `look_ups` | store reads of histories, the daily call count and the sync state; 0 for a store without a limit | 4 | none | queues for 10 seconds, then fails; a history is then fetched from Constant Contact |
//! | `searches` | concurrent reads of the log | 2 | none | queues for 10 seconds, then fails the field with `OVERLOADED`; a read is interrupted after 10 seconds with `LOG_UNAVAILABLE` |
//! | `upstream_calls` | queued calls to Constant Contact; background work can use half | 2,000 | none | fails the field with `RATE_LIMITED` |
//! | `unverified_calls` | queued calls with a token that Constant Contact has not accepted yet | 64 | none | fails the field with `RATE_LIMITED` |
//!
//! `/metrics` exposes each bulkhead as `sends_bulkhead_in_use`, `sends_bulkhead_limit` and `sends_bulkhead_refused_total`, with
//! the label `name`. A new bulkhead needs a field in [`Bulkheads`], an entry in [`Bulkheads::all`] and a row in this table.
//! `sends-store` enforces `look_ups` and `searches`; `sends-client` enforces `upstream_calls` and `unverified_calls`.

pub mod answers;
pub mod long_work;
pub mod places;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sends_client::{ConstantContact, pacing::QueueUse};
use sends_store::{PoolUse, StorePools};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

#[derive(Clone, Debug)]
pub struct Bulkheads {
    pub connections: Bulkhead,
    pub bodies: Bulkhead,
    pub operations: Bulkhead,
    pub waiting_operations: Bulkhead,
    pub large_answers: Bulkhead,
    pub small_answers: Bulkhead,
    pub waiting_memory: Bulkhead,
}

impl Bulkheads {
    pub fn all(&self, store: StorePools, client: &ConstantContact) -> Vec<Occupancy> {
        let own = [
            &self.connections,
            &self.bodies,
            &self.operations,
            &self.waiting_operations,
            &self.large_answers,
            &self.small_answers,
            &self.waiting_memory,
        ];
        let of_store = [("look_ups", store.look_ups), ("searches", store.searches)];
        let of_client = [
            ("upstream_calls", client.pacer().queue()),
            ("unverified_calls", client.unverified_queue()),
        ];
        own.map(Bulkhead::occupancy)
            .into_iter()
            .chain(of_store.map(Occupancy::of_store))
            .chain(of_client.map(Occupancy::of_client))
            .collect()
    }
}

/// Semaphore with a name and a rejection counter. Clones share the permits.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    name: &'static str,
    limit: usize,
    permits: Arc<Semaphore>,
    waiting: Arc<Waiting>,
    refused: Arc<AtomicU64>,
}

/// FIFO queue for permits. Only the first waiter uses the semaphore of the permits. Tokio's own queue would reserve permits for
/// its first waiter one by one, and withhold them from [operations in progress](Bulkhead::enter_before_waiting).
#[derive(Debug)]
struct Waiting {
    /// Semaphore with one permit, which the first waiter holds.
    first: Semaphore,
    freed: Notify,
}

/// Permits of a [`Bulkhead`], released on drop.
#[derive(Debug)]
pub struct Permits {
    // This field is declared first, so that the permits are released before `freed` notifies the first waiter.
    permit: OwnedSemaphorePermit,
    freed: Freed,
}

#[derive(Debug)]
struct Freed(Arc<Waiting>);

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.freed.notify_one();
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Occupancy {
    pub name: &'static str,
    /// Number of permits in use: a count or bytes, depending on the bulkhead.
    pub in_use: usize,
    pub limit: usize,
    pub refused: u64,
}

impl Occupancy {
    fn of_store((name, pool): (&'static str, PoolUse)) -> Self {
        let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            name,
            in_use: number(pool.in_use),
            limit: number(pool.limit),
            refused: pool.refused,
        }
    }

    fn of_client((name, queue): (&'static str, QueueUse)) -> Self {
        Self {
            name,
            in_use: queue.waiting,
            limit: queue.limit,
            refused: queue.refused,
        }
    }
}

impl Bulkhead {
    pub fn new(name: &'static str, limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            name,
            limit,
            permits: Arc::new(Semaphore::new(limit)),
            waiting: Arc::new(Waiting {
                first: Semaphore::new(1),
                freed: Notify::new(),
            }),
            refused: Arc::default(),
        }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Acquires permits without waiting, and counts a failure as a rejection. Sizes of 4 GiB and more count as 4 GiB.
    pub fn try_enter(&self, size: usize) -> Option<Permits> {
        let permits = self.enter_if_free(size);
        if permits.is_none() {
            self.count_rejection();
        }
        permits
    }

    /// Acquires permits unless other requests are queued. A failure is not counted, since the caller can queue.
    pub fn enter_if_free(&self, size: usize) -> Option<Permits> {
        if self.waiting.first.available_permits() == 0 {
            return None;
        }
        self.enter_before_waiting(size)
    }

    /// Acquires permits ahead of the queue, for an operation in progress: queued requests wait for the permits that it already
    /// has. A failure is not counted.
    pub fn enter_before_waiting(&self, size: usize) -> Option<Permits> {
        let permit = Arc::clone(&self.permits).try_acquire_many_owned(permits(size));
        permit.ok().map(|permit| Permits {
            permit,
            freed: Freed(Arc::clone(&self.waiting)),
        })
    }

    /// Queues for permits, in FIFO order.
    pub async fn enter(&self, size: usize) -> Option<Permits> {
        // The semaphore is never closed.
        let _first = self.waiting.first.acquire().await.ok()?;
        loop {
            if let Some(permits) = self.enter_before_waiting(size) {
                return Some(permits);
            }
            // Completes immediately if permits were released in the meantime.
            self.waiting.freed.notified().await;
        }
    }

    /// Queues for permits with a timeout. A failure counts as a rejection.
    pub async fn enter_within(&self, size: usize, wait: Duration) -> Option<Permits> {
        self.within(self.enter(size), wait).await
    }

    /// Applies a timeout to a future that queues for this bulkhead. `None` counts as a rejection.
    pub async fn within<T>(&self, entering: impl Future<Output = Option<T>>, wait: Duration) -> Option<T> {
        let entered = tokio::time::timeout(wait, entering).await.ok().flatten();
        if entered.is_none() {
            self.count_rejection();
        }
        entered
    }

    /// Counts a rejection that the caller decided, for example because a queue is full.
    pub fn count_rejection(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn occupancy(&self) -> Occupancy {
        Occupancy {
            name: self.name,
            in_use: self.limit.saturating_sub(self.permits.available_permits()),
            limit: self.limit,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl Permits {
    pub fn size(&self) -> usize {
        self.permit.num_permits()
    }

    /// Panics if the permits belong to different bulkheads.
    pub fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
    }

    pub fn shrink_to(&mut self, size: usize) {
        let surplus = self.size().saturating_sub(size);
        drop(self.split(surplus));
    }

    #[must_use]
    pub fn split_at_most(&mut self, size: usize) -> Self {
        self.split(size.min(self.size()))
    }

    fn split(&mut self, size: usize) -> Self {
        let permit = self.permit.split(size);
        Self {
            permit: permit.expect("callers split off at most the size"),
            freed: Freed(Arc::clone(&self.freed.0)),
        }
    }
}

fn permits(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permits_are_released_in_part_and_in_full() {
        let bulkhead = Bulkhead::new("test", 10);
        let mut permits = bulkhead.try_enter(6).unwrap();
        assert!(bulkhead.try_enter(5).is_none());
        permits.merge(bulkhead.try_enter(4).unwrap());
        assert_eq!(bulkhead.occupancy().in_use, 10);
        permits.shrink_to(3);
        assert_eq!((permits.size(), bulkhead.occupancy().in_use), (3, 3));
        permits.shrink_to(5);
        assert_eq!(permits.size(), 3);
        drop(permits);
        let idle = Occupancy {
            name: "test",
            in_use: 0,
            limit: 10,
            refused: 1,
        };
        assert_eq!(bulkhead.occupancy(), idle);
    }

    #[tokio::test(start_paused = true)]
    async fn operation_in_progress_acquires_permits_ahead_of_the_queue() {
        let bulkhead = Bulkhead::new("test", 10);
        let in_progress = bulkhead.try_enter(4).unwrap();
        let wait = Duration::from_secs(1);
        let more = async {
            tokio::task::yield_now().await;
            assert!(bulkhead.enter_if_free(1).is_none());
            let more = bulkhead.enter_before_waiting(5).map(|permits| permits.size());
            drop(in_progress);
            more
        };
        let (first, second, more) = tokio::join!(
            bulkhead.enter_within(8, wait),
            bulkhead.enter_within(2, wait),
            more
        );
        assert_eq!(more, Some(5));
        assert_eq!(first.map(|permits| permits.size()), Some(8));
        assert!(second.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn timeout_in_the_queue_counts_as_a_rejection() {
        let bulkhead = Bulkhead::new("test", 1);
        let permits = bulkhead.try_enter(1).unwrap();
        let wait = Duration::from_secs(1);
        assert!(bulkhead.enter_within(1, wait).await.is_none());
        assert_eq!(bulkhead.occupancy().refused, 1);
        assert!(bulkhead.enter_if_free(1).is_none());
        assert_eq!(bulkhead.occupancy().refused, 1);
        drop(permits);
        assert!(bulkhead.enter_within(1, wait).await.is_some());
    }
}
