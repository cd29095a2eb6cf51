//! Bulkheads: named bounds on what the service holds at once, so that one kind of load cannot take the room of another.
//!
//! | name | bounds | default | option | beyond the limit |
//! |---|---|---|---|---|
//! | `connections` | open connections, and the place that is kept for the next one | 16,384 | `--max-connections` | a new connection waits in the operating system's queue |
//! | `bodies` | bytes of request bodies that are arriving | 64 MiB | none | `503 OVERLOADED` at once |
//! | `operations` | operations being validated and executed, and waiting for nothing | 256 | `--max-operations` | waits for `--operation-wait`, then `503 OVERLOADED`; at once if four operations wait for each place |
//! | `waiting_operations` | operations that wait, for Constant Contact, for a search of the log or for memory | 4,096 | `--max-waiting-operations` | `503 OVERLOADED`, or an error of the field that would wait |
//! | `large_answers` | bytes of large answers, from the start of the execution until they are written | 96 MiB | three quarters of `--answer-budget` | waits for `--operation-wait`, then `503 OVERLOADED`; at once if a quarter of `--max-operations` wait, and where more sends are found than estimated; `BAD_USER_INPUT` for an answer that is larger than all of it |
//! | `small_answers` | the same for [small](crate::answers) answers, which large ones leave alone | 32 MiB | a quarter of `--answer-budget` | the same |
//! | `look_ups` | reads of histories, of the day's count and of a synchronisation's state from the store; 0 where a store needs no bound | 4 | none | waits for 10 seconds, then a failed read: Constant Contact is asked for a history |
//! | `searches` | reads of the log at once | 2 | none | waits for 10 seconds, then an error of the field with `OVERLOADED`; one that runs for 10 seconds is stopped, with `LOG_UNAVAILABLE` |
//!
//! `/metrics` shows each as `sends_bulkhead_in_use`, `sends_bulkhead_limit` and `sends_bulkhead_refused_total`, with its name
//! as the label `name`. A bound that is added gets a field in [`Bulkheads`], a line in [`Bulkheads::all`] and one in the
//! table above. `look_ups` and `searches` are bounded in `sends-store`. How many calls wait for their turn is bounded by
//! [`pacing`](sends_client::pacing), whose metrics are `sends_queue_length` and `sends_upstream_refusals_total`.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sends_store::{PoolUse, StorePools};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::cli::CapacityOptions;

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
}

impl Bulkheads {
    /// The bulkheads with the limits of these options.
    pub fn new(options: &CapacityOptions) -> Self {
        let small = options.answer_budget / 4;
        Self {
            connections: Bulkhead::new("connections", options.connection.connections),
            bodies: Bulkhead::new("bodies", options.request.body_budget),
            operations: Bulkhead::new("operations", options.max_operations),
            waiting_operations: Bulkhead::new("waiting_operations", options.max_waiting_operations),
            large_answers: Bulkhead::new("large_answers", options.answer_budget - small),
            small_answers: Bulkhead::new("small_answers", small),
        }
    }

    /// Each of them as it is at the moment, those of the store included, for the metrics.
    pub fn all(&self, store: StorePools) -> Vec<Occupancy> {
        let own = [
            &self.connections,
            &self.bodies,
            &self.operations,
            &self.waiting_operations,
            &self.large_answers,
            &self.small_answers,
        ];
        let of_store = [("look_ups", store.look_ups), ("searches", store.searches)];
        own.map(Bulkhead::occupancy)
            .into_iter()
            .chain(of_store.map(Occupancy::of_store))
            .collect()
    }
}

/// One bound. Clones share it.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    name: &'static str,
    limit: usize,
    room: Arc<Semaphore>,
    refused: Arc<AtomicU64>,
}

/// Room in a [`Bulkhead`], given back when this is dropped.
#[derive(Debug)]
pub struct Room(OwnedSemaphorePermit);

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
}

impl Bulkhead {
    /// A bulkhead of this name with nothing in use.
    pub fn new(name: &'static str, limit: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            name,
            limit,
            room: Arc::new(Semaphore::new(limit)),
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

    /// Room that is free now. `None` is no refusal: the caller can wait.
    pub fn enter_if_free(&self, size: usize) -> Option<Room> {
        let permit = Arc::clone(&self.room).try_acquire_many_owned(permits(size));
        permit.ok().map(Room)
    }

    /// Waits for room, in the order of arrival.
    pub async fn enter(&self, size: usize) -> Option<Room> {
        let permit = Arc::clone(&self.room).acquire_many_owned(permits(size));
        // The semaphore is never closed.
        permit.await.ok().map(Room)
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
        self.0.num_permits()
    }

    /// Adds other room of the same bulkhead.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Gives back what is beyond this size.
    pub fn shrink_to(&mut self, size: usize) {
        let surplus = self.size().saturating_sub(size);
        drop(self.0.split(surplus));
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
