//! Bulkheads: named limits of concurrent resources, so that one kind of load cannot use up the room of another.
//!
//! | name | bounds | default | option | beyond the limit |
//! |---|---|---|---|---|
//! | `connections` | open connections, and one in the accept loop | 16,384 | `--max-connections` | a new connection waits in the operating system's queue |
//! | `bodies` | bytes of request bodies being received | 64 MiB | none | `503 OVERLOADED` at once |
//! | `operations` | operations being validated and executed | 256 | `--max-operations` | queues for `--operation-wait`, then `503 OVERLOADED`; at once if the queue has four times the limit of operations |
//! | `waiting_operations` | operations that wait for Constant Contact, for a search of the log or for memory | 4,096 | `--max-waiting-operations` | `503 OVERLOADED`, or an error of the field that would wait |
//! | `large_answers` | bytes of large responses, from the start of the execution until they are written | 96 MiB | three quarters of `--answer-budget` | queues for `--operation-wait`, then `503 OVERLOADED`; at once if a response turns out larger than its estimate; `BAD_USER_INPUT` for a response beyond the limit |
//! | `small_answers` | bytes of [small](crate::bulkheads::answers) responses | 32 MiB | a quarter of `--answer-budget` | the same |
//! | `waiting_memory` | bytes of waiting operations: requests with a long text or long variables, and answers that wait for data | 64 MiB | half of `--answer-budget` | queues for `--operation-wait`, then `503 OVERLOADED`; at once for a request with a long text or long variables, and if queued responses use half of `small_answers` or `large_answers`; `BAD_USER_INPUT` for an operation beyond the limit |
//! | `look_ups` | reads of histories, of the daily call count and of the sync state from the store; 0 for a store without a limit | 4 | none | queues for 10 seconds, then fails; a history is then fetched from Constant Contact |
//! | `searches` | concurrent reads of the log | 2 | none | queues for 10 seconds, then an error of the field with `OVERLOADED`; a read is interrupted after 10 seconds, with `LOG_UNAVAILABLE` |
//! | `upstream_calls` | queued calls to Constant Contact; background work can use half | 2,000 | none | an error of the field with `RATE_LIMITED` |
//! | `unverified_calls` | queued calls with a token that was never accepted | 64 | none | an error of the field with `RATE_LIMITED` |
//!
//! `/metrics` shows each as `sends_bulkhead_in_use`, `sends_bulkhead_limit` and `sends_bulkhead_refused_total`, with its name
//! as the label `name`. A new bulkhead gets a field in [`Bulkheads`], a line in [`Bulkheads::all`] and one in the table above.
//! `look_ups` and `searches` are limited in `sends-store`, `upstream_calls` and `unverified_calls` in `sends-client`.

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
    /// Occupancy of all bulkheads, those of the store and of the client included, for the metrics.
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

/// One limit. Clones share it.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    name: &'static str,
    limit: usize,
    room: Arc<Semaphore>,
    waiting: Arc<Waiting>,
    refused: Arc<AtomicU64>,
}

/// Queue for room. The semaphore's own queue would collect permits for its first waiter one by one, and withhold them from
/// [operations in progress](Bulkhead::enter_before_waiting) in the meantime.
#[derive(Debug)]
struct Waiting {
    /// Permit of the first waiter.
    first: Semaphore,
    freed: Notify,
}

/// Room in a [`Bulkhead`], released when dropped.
#[derive(Debug)]
pub struct Room {
    // Dropped before `freed` notifies the first waiter.
    permit: OwnedSemaphorePermit,
    freed: Freed,
}

/// Notifies the first waiter of released room.
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
    /// A number, or bytes.
    pub in_use: usize,
    pub limit: usize,
    /// Refused requests since the start.
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
            room: Arc::new(Semaphore::new(limit)),
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

    /// Takes room without waiting. `None` is counted as a rejection. More than 4 GiB counts as 4 GiB.
    pub fn try_enter(&self, size: usize) -> Option<Room> {
        let room = self.enter_if_free(size);
        if room.is_none() {
            self.refuse();
        }
        room
    }

    /// Takes room that no other request queues for. `None` is not counted, since the caller can queue.
    pub fn enter_if_free(&self, size: usize) -> Option<Room> {
        if self.waiting.first.available_permits() == 0 {
            return None;
        }
        self.enter_before_waiting(size)
    }

    /// Takes room ahead of the queue, for an operation in progress: others wait for the room that it already has. `None` is not
    /// counted.
    pub fn enter_before_waiting(&self, size: usize) -> Option<Room> {
        let permit = Arc::clone(&self.room).try_acquire_many_owned(permits(size));
        permit.ok().map(|permit| Room {
            permit,
            freed: Freed(Arc::clone(&self.waiting)),
        })
    }

    /// Queues for room, in the order of arrival.
    pub async fn enter(&self, size: usize) -> Option<Room> {
        // The semaphore is never closed.
        let _first = self.waiting.first.acquire().await.ok()?;
        loop {
            if let Some(room) = self.enter_before_waiting(size) {
                return Some(room);
            }
            // Completes at once for room that was released since.
            self.waiting.freed.notified().await;
        }
    }

    /// Queues for room with a timeout. `None` is counted as a rejection.
    pub async fn enter_within(&self, size: usize, wait: Duration) -> Option<Room> {
        self.within(self.enter(size), wait).await
    }

    /// Adds a timeout to a future that queues for this bulkhead. `None` is counted as a rejection.
    pub async fn within<T>(&self, entering: impl Future<Output = Option<T>>, wait: Duration) -> Option<T> {
        let entered = tokio::time::timeout(wait, entering).await.ok().flatten();
        if entered.is_none() {
            self.refuse();
        }
        entered
    }

    /// Counts a rejection by the caller, such as for a full queue.
    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn occupancy(&self) -> Occupancy {
        Occupancy {
            name: self.name,
            in_use: self.limit.saturating_sub(self.room.available_permits()),
            limit: self.limit,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl Room {
    pub fn size(&self) -> usize {
        self.permit.num_permits()
    }

    /// Adds room of the same bulkhead.
    pub fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
    }

    /// Releases the room beyond this size.
    pub fn shrink_to(&mut self, size: usize) {
        let surplus = self.size().saturating_sub(size);
        drop(self.split(surplus));
    }

    /// Splits off this much, or all of it.
    #[must_use]
    pub fn split_at_most(&mut self, size: usize) -> Self {
        self.split(size.min(self.size()))
    }

    fn split(&mut self, size: usize) -> Self {
        let permit = self.permit.split(size);
        Self {
            permit: permit.expect("no more than its size"),
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
    async fn room_is_released_in_part_and_in_whole() {
        let bulkhead = Bulkhead::new("test", 10);
        let mut room = bulkhead.try_enter(6).unwrap();
        assert!(bulkhead.try_enter(5).is_none());
        room.merge(bulkhead.try_enter(4).unwrap());
        assert_eq!(bulkhead.occupancy().in_use, 10);
        room.shrink_to(3);
        assert_eq!((room.size(), bulkhead.occupancy().in_use), (3, 3));
        room.shrink_to(5);
        assert_eq!(room.size(), 3);
        drop(room);
        let idle = Occupancy {
            name: "test",
            in_use: 0,
            limit: 10,
            refused: 1,
        };
        assert_eq!(bulkhead.occupancy(), idle);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operation_in_progress_gets_room_ahead_of_the_queue() {
        let bulkhead = Bulkhead::new("test", 10);
        let in_progress = bulkhead.try_enter(4).unwrap();
        let wait = Duration::from_secs(1);
        let more = async {
            tokio::task::yield_now().await;
            // New requests have to queue.
            assert!(bulkhead.enter_if_free(1).is_none());
            let more = bulkhead.enter_before_waiting(5).map(|room| room.size());
            drop(in_progress);
            more
        };
        let (first, second, more) = tokio::join!(
            bulkhead.enter_within(8, wait),
            bulkhead.enter_within(2, wait),
            more
        );
        assert_eq!(more, Some(5));
        assert_eq!(first.map(|room| room.size()), Some(8));
        assert!(second.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_in_the_queue_is_a_refusal() {
        let bulkhead = Bulkhead::new("test", 1);
        let room = bulkhead.try_enter(1).unwrap();
        let wait = Duration::from_secs(1);
        assert!(bulkhead.enter_within(1, wait).await.is_none());
        assert_eq!(bulkhead.occupancy().refused, 1);
        assert!(bulkhead.enter_if_free(1).is_none());
        assert_eq!(bulkhead.occupancy().refused, 1);
        drop(room);
        assert!(bulkhead.enter_within(1, wait).await.is_some());
    }
}
