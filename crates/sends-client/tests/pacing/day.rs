//! Daily limit: count, persistence, and reset at midnight.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::civil::{Date, date};
use sends_client::{
    Lane,
    pacing::{DayLedger, LedgerError, Limits, MemoryLedger, PauseReason, RefusedReason, Verdict},
};
use tokio::time::{Instant, sleep};

use crate::bench::{background, call, depart, departures, pacer, pacer_at, settle, turn};

const TODAY: Date = date(2026, 11, 23);

fn per_day(rate_per_day: u64) -> Limits {
    Limits {
        rate_per_second: 0,
        rate_per_day,
        reserve: 0,
        ..Limits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn daily_limit_is_enforced_and_reset_at_midnight() {
    let pacer = pacer_at(
        "2026-11-23T23:00:00Z",
        per_day(10),
        Arc::<MemoryLedger>::default(),
    )
    .await;
    departures(&pacer, 10, Lane::new()).await;
    let refused = call(&pacer, turn(Lane::new())).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::DayUsedUp);
    assert_eq!(refused.retry_after, Duration::from_hours(1));
    let state = pacer.state();
    assert_eq!((state.used_today, state.remaining_today), (10, Some(0)));
    assert_eq!(state.resets_at.to_string(), "2026-11-24T00:00:00Z");
    assert_eq!(state.pause.unwrap().reason, PauseReason::DayUsedUp);

    sleep(Duration::from_millis(3_599_999)).await;
    assert!(call(&pacer, turn(Lane::new())).await.is_err());
    sleep(Duration::from_millis(1)).await;
    call(&pacer, turn(Lane::new())).await.unwrap();
    assert_eq!(pacer.state().remaining_today, Some(9));
    assert_eq!(pacer.state().pause, None);
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_rejected_when_the_daily_limit_is_reached() {
    let limits = Limits {
        rate_per_second: 1,
        ..per_day(3)
    };
    let pacer = pacer(limits).await;
    let calls = (0..5).map(|_| call(&pacer, turn(Lane::new())));
    let outcomes = futures_util::future::join_all(calls).await;
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert_eq!((refused, pacer.state().used_today), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn background_calls_do_not_use_the_reserve() {
    let pacer = pacer(Limits {
        reserve: 4,
        ..per_day(10)
    })
    .await;
    for _ in 0..6 {
        call(&pacer, background(Lane::new())).await.unwrap();
    }
    let refused = call(&pacer, background(Lane::new())).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::DayUsedUp);
    assert_eq!(pacer.state().remaining_for_background, Some(0));
    assert_eq!(departures(&pacer, 4, Lane::new()).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn count_is_restored_from_the_ledger_after_a_restart() {
    let ledger = Arc::<MemoryLedger>::default();
    let before = pacer_at("2026-11-23T12:00:00Z", per_day(10), ledger.clone()).await;
    departures(&before, 7, Lane::new()).await;
    before.flush().await;
    drop(before);
    let after = pacer_at("2026-11-23T12:00:00Z", per_day(10), ledger).await;
    assert_eq!(after.state().remaining_today, Some(3));
}

#[tokio::test(start_paused = true)]
async fn calls_of_other_processes_are_counted_with_the_next_write() {
    let ledger = Arc::<MemoryLedger>::default();
    let pacer = pacer_at("2026-11-23T12:00:00Z", per_day(10), ledger.clone()).await;
    ledger.add(TODAY, 5).await.unwrap();
    call(&pacer, turn(Lane::new())).await.unwrap();
    settle().await;
    assert_eq!(pacer.state().used_today, 6);
}

#[tokio::test(start_paused = true)]
async fn quota_exceeded_stops_all_calls_until_midnight_across_a_restart() {
    let ledger = Arc::<MemoryLedger>::default();
    let limits = Limits {
        rate_per_second: 1,
        ..per_day(100)
    };
    let pacer = pacer_at("2026-11-23T18:00:00Z", limits, ledger.clone()).await;
    let slot = depart(&pacer, turn(Lane::new())).await.unwrap();
    let waiting = tokio::spawn({
        let pacer = pacer.clone();
        async move { call(&pacer, turn(Lane::new())).await }
    });
    settle().await;
    let wait = slot.settle(Verdict::QuotaExceeded(None)).unwrap();
    assert_eq!(wait, Duration::from_hours(6));
    assert_eq!(
        waiting.await.unwrap().unwrap_err().reason,
        RefusedReason::DayUsedUp
    );
    assert_eq!(pacer.state().pause.unwrap().reason, PauseReason::QuotaExceeded);
    settle().await;
    let restarted = pacer_at("2026-11-23T18:00:01Z", limits, ledger).await;
    assert!(call(&restarted, turn(Lane::new())).await.is_err());

    sleep(wait).await;
    call(&pacer, turn(Lane::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn quota_exceeded_shortly_after_midnight_does_not_end_the_new_day() {
    let pacer = pacer_at(
        "2026-11-23T00:00:02Z",
        per_day(100),
        Arc::<MemoryLedger>::default(),
    )
    .await;
    let slot = depart(&pacer, turn(Lane::new())).await.unwrap();
    let wait = slot.settle(Verdict::QuotaExceeded(None)).unwrap();
    assert_eq!(wait, Duration::from_secs(298));
    assert!(call(&pacer, turn(Lane::new())).await.is_err());
    sleep(wait).await;
    call(&pacer, turn(Lane::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn quota_exceeded_for_a_call_of_the_previous_day_is_ignored() {
    let pacer = pacer_at(
        "2026-11-23T23:59:59Z",
        per_day(100),
        Arc::<MemoryLedger>::default(),
    )
    .await;
    let slot = depart(&pacer, turn(Lane::new())).await.unwrap();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(slot.settle(Verdict::QuotaExceeded(None)), None);
    assert_eq!(pacer.state().pause, None);
}

/// Slow ledger that can fail and counts its writes.
#[derive(Default)]
struct SlowLedger {
    inner: MemoryLedger,
    writes: AtomicU64,
    fails: AtomicBool,
}

impl DayLedger for SlowLedger {
    fn used(&self, day: Date) -> BoxFuture<'_, Result<u64, LedgerError>> {
        self.inner.used(day)
    }

    fn add(&self, day: Date, calls: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        Box::pin(async move {
            sleep(Duration::from_millis(100)).await;
            self.writes.fetch_add(1, Ordering::Relaxed);
            if self.fails.load(Ordering::Relaxed) {
                return Err(LedgerError {
                    reason: "the disk is full".to_owned(),
                });
            }
            self.inner.add(day, calls).await
        })
    }

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, LedgerError>> {
        self.inner.raise(day, at_least)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_do_not_wait_for_the_ledger_and_are_written_in_batches() {
    let ledger = Arc::<SlowLedger>::default();
    let pacer = pacer_at("2026-11-23T12:00:00Z", per_day(0), ledger.clone()).await;
    let start = Instant::now();
    for _ in 0..50 {
        departures(&pacer, 20, Lane::new()).await;
        settle().await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(pacer.state().used_today, 1_000);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ledger.inner.used(TODAY).await, Ok(1_000));
    assert_eq!(ledger.writes.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_ledger_writes_are_counted_in_memory_and_retried() {
    let ledger = Arc::<SlowLedger>::default();
    ledger.fails.store(true, Ordering::Relaxed);
    let pacer = pacer_at("2026-11-23T12:00:00Z", per_day(10), ledger.clone()).await;
    departures(&pacer, 10, Lane::new()).await;
    sleep(Duration::from_secs(10)).await;
    assert!(call(&pacer, turn(Lane::new())).await.is_err());
    ledger.fails.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(ledger.inner.used(TODAY).await, Ok(10));
    assert_eq!(pacer.state().used_today, 10);
}
