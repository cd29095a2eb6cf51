//! What the tests of the pacer stand on: a pacer whose wall clock follows tokio's, and calls that note their departure.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use sends_client::{
    Clock, Lane, Pacer, Priority,
    pacing::{DayLedger, Limits, MemoryLedger, Refused, Slot, SlotRequest},
};
use tokio::{task::JoinSet, time::Instant};

/// A wall clock that shows `start` when it is made and goes with tokio's clock from there.
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

/// A pacer with these limits at noon.
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

/// Waits for a turn and uses it.
pub(crate) async fn depart(pacer: &Pacer, turn: SlotRequest) -> Result<Slot, Refused> {
    let mut slot = pacer.acquire(turn).await?;
    assert!(slot.depart());
    Ok(slot)
}

/// Waits for a turn and uses it, and has no interest in the answer.
pub(crate) async fn call(pacer: &Pacer, turn: SlotRequest) -> Result<(), Refused> {
    depart(pacer, turn).await.map(drop)
}

/// When each of `count` calls of one lane departs, all asked for now.
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

/// Lets every task that can go on do so, without time passing.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
