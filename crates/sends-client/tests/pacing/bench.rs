//! Support for the pacer tests: a wall clock that follows tokio's clock, and calls that record their departure.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use sends_client::{
    Clock, Lane, Pacer, Priority,
    pacing::{DayLedger, Limits, MemoryLedger, Refused, Slot, SlotRequest},
};
use tokio::{task::JoinSet, time::Instant};

#[derive(Debug)]
pub(crate) struct TestClock {
    start: Timestamp,
    made: Instant,
}

impl TestClock {
    pub(crate) fn at(start: &str) -> Arc<Self> {
        Arc::new(Self {
            start: start.parse().unwrap(),
            made: Instant::now(),
        })
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(self.made.elapsed()).unwrap()
    }
}

/// Creates a pacer with these limits at noon.
pub(crate) async fn pacer(limits: Limits) -> Pacer {
    pacer_at("2026-11-23T12:00:00Z", limits, Arc::<MemoryLedger>::default()).await
}

pub(crate) async fn pacer_at(start: &str, limits: Limits, ledger: Arc<dyn DayLedger>) -> Pacer {
    Pacer::open(limits, ledger, TestClock::at(start)).await.unwrap()
}

pub(crate) fn turn(lane: Lane) -> SlotRequest {
    SlotRequest {
        lane,
        priority: Priority::Interactive,
        deadline: Instant::now() + Duration::from_hours(1),
    }
}

pub(crate) fn background(lane: Lane) -> SlotRequest {
    SlotRequest {
        priority: Priority::Background,
        ..turn(lane)
    }
}

/// Waits for a slot and departs.
pub(crate) async fn depart(pacer: &Pacer, turn: SlotRequest) -> Result<Slot, Refused> {
    let mut slot = pacer.acquire(turn).await?;
    assert!(slot.depart());
    Ok(slot)
}

/// Waits for a slot, departs, and ignores the response.
pub(crate) async fn call(pacer: &Pacer, turn: SlotRequest) -> Result<(), Refused> {
    depart(pacer, turn).await.map(drop)
}

/// Returns the departure times of `count` simultaneous calls of one lane.
pub(crate) async fn departures(pacer: &Pacer, count: usize, lane: Lane) -> Vec<Duration> {
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let pacer = pacer.clone();
        calls.spawn(async move {
            call(&pacer, turn(lane)).await.unwrap();
            start.elapsed()
        });
    }
    let mut departures = calls.join_all().await;
    departures.sort();
    departures
}

/// Runs all tasks that are ready, without advancing the time.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
