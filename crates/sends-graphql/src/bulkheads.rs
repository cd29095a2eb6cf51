//! Bulkheads: named bounds on what the service holds at once, so that one kind of load cannot take the room of another.
//!
//! | name | bounds | default | option | beyond the limit |
//! |---|---|---|---|---|
//! | `connections` | open connections, and the place that is kept for the next one | 16,384 | `--max-connections` | a new connection waits in the operating system's queue |
//! | `bodies` | bytes of request bodies that are arriving | 64 MiB | none | `503 OVERLOADED` at once |
//! | `operations` | operations being validated and executed, and waiting for nothing | 256 | `--max-operations` | waits for `--operation-wait`, then `503 OVERLOADED`; at once if four operations wait for each place |
//! | `waiting_operations` | operations that wait, for Constant Contact, for a search of the log or for memory | 4,096 | `--max-waiting-operations` | `503 OVERLOADED`, or an error of the field that would wait |
//! | `large_answers` | bytes of large answers, from the start of the execution until they are written | 96 MiB | three quarters of `--answer-budget` | waits for `--operation-wait`, then `503 OVERLOADED`; at once where more sends are found than estimated; `BAD_USER_INPUT` for an answer that is larger than all of it |
//! | `small_answers` | the same for [small](crate::bulkheads::answers) answers, which large ones leave alone | 32 MiB | a quarter of `--answer-budget` | the same |
//! | `waiting_memory` | bytes of what waiting operations hold: requests whose text or variables are long, and the memory of answers while something is waited for | 64 MiB | half of `--answer-budget` | waits for `--operation-wait`, then `503 OVERLOADED`; at once for a request whose text or variables are long, and where answers that queue hold half of `small_answers` or `large_answers`; `BAD_USER_INPUT` for an operation that holds more than all of it |
//! | `look_ups` | reads of histories, of the day's count and of a synchronisation's state from the store; 0 where a store needs no bound | 4 | none | waits for 10 seconds, then a failed read: Constant Contact is asked for a history |
//! | `searches` | reads of the log at once | 2 | none | waits for 10 seconds, then an error of the field with `OVERLOADED`; one that runs for 10 seconds is stopped, with `LOG_UNAVAILABLE` |
//! | `upstream_calls` | calls that wait for their turn at Constant Contact; background work may take half | 2,000 | none | an error of the field with `RATE_LIMITED` |
//! | `unverified_calls` | those of them whose token was never accepted; they wait before the others | 64 | none | an error of the field with `RATE_LIMITED` |
//!
//! `/metrics` shows each as `sends_bulkhead_in_use`, `sends_bulkhead_limit` and `sends_bulkhead_refused_total`, with its name
//! as the label `name`. A bound that is added gets a field in [`Bulkheads`], a line in [`Bulkheads::all`] and one in the
//! table above. `look_ups` and `searches` are bounded in `sends-store`, `upstream_calls` and `unverified_calls` in `sends-client`.

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

/// The bulkheads of one service.
#[derive(Clone, Debug)]
pub struct Bulkheads {
    /// Open connections.
    pub connections: Bulkhead,
    /// Bytes of request bodies that are arriving.
    pub bodies: Bulkhead,
    /// Operations being validated and executed.
    pub operations: Bulkhead,
    /// Operations that wait for something.
    pub waiting_operations: Bulkhead,
    /// Bytes of large answers.
    pub large_answers: Bulkhead,
    /// Bytes of small answers.
    pub small_answers: Bulkhead,
    /// Bytes of what operations hold that wait.
    pub waiting_memory: Bulkhead,
}

impl Bulkheads {
    /// Each of them as it is at the moment, those of the store and of the client included, for the metrics.
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

/// One bound. Clones share it.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    name: &'static str,
    limit: usize,
    room: Arc<Semaphore>,
    waiting: Arc<Waiting>,
    refused: Arc<AtomicU64>,
}

/// Requests that wait for room. The semaphore's own queue would collect permits for its first waiter one by one, and keep them
/// from what is [in progress](Bulkhead::enter_before_waiting) meanwhile.
#[derive(Debug)]
struct Waiting {
    /// Held by the first that waits.
    first: Semaphore,
    freed: Notify,
}

/// Room in a [`Bulkhead`], given back when this is dropped.
#[derive(Debug)]
pub struct Room {
    // Given back before the one that waits is told.
    permit: OwnedSemaphorePermit,
    freed: Freed,
}

/// Tells the first that waits that room was given back.
#[derive(Debug)]
struct Freed(Arc<Waiting>);

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.freed.notify_one();
    }
}

/// A bulkhead at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Occupancy {
    /// The name of the bulkhead.
    pub name: &'static str,
    /// What is taken: a number, or bytes.
    pub in_use: usize,
    /// What can be taken.
    pub limit: usize,
    /// How many requests for room were refused since the start.
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
    /// A bulkhead of this name with nothing in use.
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

    /// How much can be in use at once.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Room that is free now. `None` is counted as a refusal. More than 4 GiB counts as 4 GiB.
    pub fn try_enter(&self, size: usize) -> Option<Room> {
        let room = self.enter_if_free(size);
        if room.is_none() {
            self.refuse();
        }
        room
    }

    /// Room that is free now and that nobody waits for. `None` is no refusal: the caller can wait.
    pub fn enter_if_free(&self, size: usize) -> Option<Room> {
        if self.waiting.first.available_permits() == 0 {
            return None;
        }
        self.enter_before_waiting(size)
    }

    /// Room that is free now, for what is in progress: it holds room already, which others wait for. `None` is no refusal.
    pub fn enter_before_waiting(&self, size: usize) -> Option<Room> {
        let permit = Arc::clone(&self.room).try_acquire_many_owned(permits(size));
        permit.ok().map(|permit| Room {
            permit,
            freed: Freed(Arc::clone(&self.waiting)),
        })
    }

    /// Waits for room, in the order of arrival.
    pub async fn enter(&self, size: usize) -> Option<Room> {
        // The semaphore is never closed.
        let _first = self.waiting.first.acquire().await.ok()?;
        loop {
            if let Some(room) = self.enter_before_waiting(size) {
                return Some(room);
            }
            // Room that was given back meanwhile is told at once.
            self.waiting.freed.notified().await;
        }
    }

    /// Waits for room, in the order of arrival and for so long. `None` is counted as a refusal.
    pub async fn enter_within(&self, size: usize, wait: Duration) -> Option<Room> {
        self.within(self.enter(size), wait).await
    }

    /// Bounds the time of something that waits for this bulkhead. `None` is counted as a refusal.
    pub async fn within<T>(&self, entering: impl Future<Output = Option<T>>, wait: Duration) -> Option<T> {
        let entered = tokio::time::timeout(wait, entering).await.ok().flatten();
        if entered.is_none() {
            self.refuse();
        }
        entered
    }

    /// Counts a refusal that was decided elsewhere, as by the length of a queue.
    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The bulkhead at this moment.
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
    /// How much it is.
    pub fn size(&self) -> usize {
        self.permit.num_permits()
    }

    /// Adds other room of the same bulkhead.
    pub fn merge(&mut self, other: Self) {
        self.permit.merge(other.permit);
    }

    /// Gives back what is beyond this size.
    pub fn shrink_to(&mut self, size: usize) {
        let surplus = self.size().saturating_sub(size);
        drop(self.split(surplus));
    }

    /// Takes a part of it, or all that there is.
    #[must_use]
    pub fn split_at_most(&mut self, size: usize) -> Self {
        self.split(size.min(self.size()))
    }

    fn split(&mut self, size: usize) -> Self {
        let permit = self.permit.split(size);
        Self {
            permit: permit.expect("no more than there is"),
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
    async fn room_is_given_back_in_part_and_in_whole() {
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
    async fn what_is_in_progress_gets_room_before_what_waits_for_more_than_is_free() {
        let bulkhead = Bulkhead::new("test", 10);
        let in_progress = bulkhead.try_enter(4).unwrap();
        let wait = Duration::from_secs(1);
        let more = async {
            tokio::task::yield_now().await;
            // What arrives now waits its turn.
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
    async fn waiting_in_vain_is_a_refusal() {
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
