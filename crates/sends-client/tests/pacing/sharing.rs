//! Several pacers with one record of departures, as in several processes.
//!
//! The record uses the system clock, so tests with a record file do not pause time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::{
    Timestamp,
    civil::{Date, date},
};
use sends_client::{
    Clock, Lane, Pacer, Priority,
    pacing::{
        DayLedger, DepartureFile, Departures, Limits, MemoryLedger, RefusedReason, Verdict,
        departures::{Claim, Claimed, Departure, DeparturesError},
    },
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

use crate::bench::{TestClock, background, call, depart, departures, turn};

const NOON: &str = "2026-11-23T12:00:00Z";

fn per_day(rate_per_day: u64) -> Limits {
    Limits {
        rate_per_second: 0,
        rate_per_day,
        reserve: 0,
        ..Limits::default()
    }
}

async fn process_on(folder: &TempDir, limits: Limits) -> Pacer {
    with_ledger(folder, limits, Arc::<MemoryLedger>::default()).await
}

async fn with_ledger(folder: &TempDir, limits: Limits, ledger: Arc<MemoryLedger>) -> Pacer {
    let record = Arc::new(DepartureFile::in_folder(folder.path()));
    Pacer::open_shared(limits, ledger, record, TestClock::at(NOON))
        .await
        .unwrap()
}

/// Shared record with one slot, which opens only when its departure is given back.
#[derive(Debug, Default)]
struct OneSlot {
    is_taken: AtomicBool,
    claims: AtomicUsize,
    /// Delay of the response to a granted claim.
    claim_delay: Duration,
    /// Time for which `give_back` blocks.
    give_back_delay: Duration,
}

impl Departures for OneSlot {
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>> {
        Box::pin(async move {
            let is_taken = self.is_taken.swap(true, Ordering::SeqCst);
            self.claims.fetch_add(1, Ordering::SeqCst);
            if is_taken {
                return Ok(Claimed::Later(Duration::from_hours(1), 0));
            }
            sleep(self.claim_delay).await;
            let departure = Departure {
                number: 1,
                day: claim.day,
                priority: Priority::Interactive,
            };
            Ok(Claimed::Granted(departure, 1))
        })
    }

    fn departed(&self, _: &[Departure]) {}

    fn give_back(&self, _: Departure) {
        thread::sleep(self.give_back_delay);
        self.is_taken.store(false, Ordering::SeqCst);
    }

    fn raise(&self, _: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>> {
        Box::pin(async move { Ok(at_least) })
    }
}

async fn process_with(record: &Arc<OneSlot>) -> Pacer {
    let (ledger, record) = (Arc::<MemoryLedger>::default(), Arc::<OneSlot>::clone(record));
    Pacer::open_shared(Limits::default(), ledger, record, TestClock::at(NOON))
        .await
        .unwrap()
}

/// A wall clock that passes midnight when its record of departures is first read.
#[derive(Debug, Default)]
struct Midnight {
    has_passed: AtomicBool,
}

impl Clock for Midnight {
    fn now(&self) -> Timestamp {
        let time = if self.has_passed.load(Ordering::SeqCst) {
            "2026-11-24T00:00:00Z"
        } else {
            "2026-11-23T23:59:59.999Z"
        };
        time.parse().unwrap()
    }
}

impl Departures for Midnight {
    fn claim(&self, _: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>> {
        unreachable!("no call is made")
    }

    fn departed(&self, _: &[Departure]) {}

    fn give_back(&self, _: Departure) {}

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>> {
        self.has_passed.store(true, Ordering::SeqCst);
        let used = if day == date(2026, 11, 23) { 7 } else { at_least };
        Box::pin(async move { Ok(used) })
    }
}

#[tokio::test]
async fn calls_of_the_day_that_ends_while_a_process_starts_do_not_count_for_the_next_day() {
    let clock = Arc::<Midnight>::default();
    let ledger = Arc::<MemoryLedger>::default();
    let pacer = Pacer::open_shared(per_day(10), ledger.clone(), clock.clone(), clock)
        .await
        .unwrap();
    assert_eq!(ledger.used(date(2026, 11, 23)).await, Ok(7));
    assert_eq!(ledger.used(date(2026, 11, 24)).await, Ok(0));
    let state = pacer.state();
    assert_eq!((state.used_today, state.remaining_today), (0, Some(10)));
    assert_eq!(state.resets_at.to_string(), "2026-11-25T00:00:00Z");
}

/// File record that also stores the times before and after each grant, by the number of the departure.
#[derive(Debug)]
struct Timed {
    record: DepartureFile,
    granted: Mutex<BTreeMap<u64, (Instant, Instant)>>,
}

impl Departures for Timed {
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claimed, DeparturesError>> {
        Box::pin(async move {
            let before = Instant::now();
            let claimed = self.record.claim(claim).await;
            if let Ok(Claimed::Granted(departure, _)) = claimed {
                let times = (before, Instant::now());
                self.granted.lock().unwrap().insert(departure.number, times);
            }
            claimed
        })
    }

    fn departed(&self, departures: &[Departure]) {
        self.record.departed(departures);
    }

    fn give_back(&self, departure: Departure) {
        self.granted.lock().unwrap().remove(&departure.number);
        self.record.give_back(departure);
    }

    fn raise(&self, day: Date, at_least: u64) -> BoxFuture<'_, Result<u64, DeparturesError>> {
        self.record.raise(day, at_least)
    }
}

#[tokio::test]
async fn calls_of_all_processes_share_one_limit() {
    let folder = tempfile::tempdir().unwrap();
    let process = async || {
        let record = Arc::new(Timed {
            record: DepartureFile::in_folder(folder.path()),
            granted: Mutex::default(),
        });
        let (ledger, shared) = (Arc::<MemoryLedger>::default(), Arc::clone(&record));
        let pacer = Pacer::open_shared(Limits::default(), ledger, shared, TestClock::at(NOON)).await;
        departures(&pacer.unwrap(), 6, Lane::new()).await;
        let granted = record.granted.lock().unwrap();
        granted.values().copied().collect::<Vec<_>>()
    };
    let (ones, others) = tokio::join!(process(), process());
    let mut granted = [ones, others].concat();
    granted.sort();
    assert_eq!(granted.len(), 12);
    for five in granted.windows(5) {
        // The last of five departures is not granted within a second of the first, even if a busy machine reports them late.
        let last = five.iter().map(|(_, after)| *after).max().unwrap();
        assert!(last >= five[0].0 + Duration::from_secs(1), "{granted:?}");
    }
}

#[tokio::test]
async fn daily_limit_is_exact_across_processes_and_a_dropped_slot_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        process_on(&folder, per_day(5)).await,
        process_on(&folder, per_day(5)).await,
    );
    departures(&one, 2, Lane::new()).await;
    departures(&other, 2, Lane::new()).await;
    drop(one.acquire(turn(Lane::new())).await.unwrap());
    call(&other, turn(Lane::new())).await.unwrap();
    for pacer in [&one, &other] {
        let refused = call(pacer, turn(Lane::new())).await.unwrap_err();
        assert_eq!(refused.reason, RefusedReason::DayUsedUp);
        assert_eq!(pacer.current_state().await.used_today, 5);
    }
}

#[tokio::test]
async fn idle_process_reports_calls_of_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (idle, busy) = (
        process_on(&folder, per_day(9)).await,
        process_on(&folder, per_day(9)).await,
    );
    departures(&busy, 3, Lane::new()).await;
    let state = idle.current_state().await;
    assert_eq!((state.used_today, state.remaining_today), (3, Some(6)));
}

#[tokio::test]
async fn quota_exceeded_stops_the_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (
        process_on(&folder, per_day(9)).await,
        process_on(&folder, per_day(9)).await,
    );
    let slot = depart(&one, turn(Lane::new())).await.unwrap();
    slot.settle(Verdict::QuotaExceeded(None));
    one.flush().await;
    let refused = call(&other, turn(Lane::new())).await.unwrap_err();
    assert_eq!(refused.reason, RefusedReason::DayUsedUp);
}

#[tokio::test]
async fn background_calls_of_all_processes_do_not_use_the_reserve() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        reserve: 3,
        ..per_day(5)
    };
    let (one, other) = (
        process_on(&folder, limits).await,
        process_on(&folder, limits).await,
    );
    call(&one, background(Lane::new())).await.unwrap();
    call(&other, background(Lane::new())).await.unwrap();
    call(&one, background(Lane::new())).await.unwrap_err();
    departures(&one, 3, Lane::new()).await;
}

#[tokio::test]
async fn ledger_and_record_restore_each_others_lost_counts() {
    let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::<MemoryLedger>::default());
    let day = date(2026, 11, 23);
    ledger.add(day, 7).await.unwrap();
    drop(with_ledger(&folder, per_day(100), Arc::clone(&ledger)).await);
    let record = DepartureFile::in_folder(folder.path());
    assert_eq!(record.raise(day, 0).await.unwrap(), 7);

    record.raise(day, 9).await.unwrap();
    let pacer = with_ledger(&folder, per_day(100), Arc::clone(&ledger)).await;
    assert_eq!(ledger.used(day).await, Ok(9));
    call(&pacer, turn(Lane::new())).await.unwrap();
    assert_eq!(pacer.state().used_today, 10);
}

#[tokio::test]
async fn slot_that_is_unused_for_too_long_has_lapsed() {
    let folder = tempfile::tempdir().unwrap();
    let pacer = process_on(&folder, Limits::default()).await;
    let mut slot = pacer.acquire(turn(Lane::new())).await.unwrap();
    sleep(Duration::from_millis(600)).await;
    assert!(!slot.depart());
    drop(slot);
    assert_eq!(pacer.current_state().await.used_today, 0);
    call(&pacer, turn(Lane::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn slot_whose_grant_arrives_too_late_has_lapsed() {
    let pacer = process_with(&Arc::new(OneSlot {
        claim_delay: Duration::from_millis(600),
        ..OneSlot::default()
    }))
    .await;
    let mut slot = pacer.acquire(turn(Lane::new())).await.unwrap();
    assert!(!slot.depart());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_call_gets_a_returned_slot() {
    let record = Arc::new(OneSlot {
        give_back_delay: Duration::from_millis(50),
        ..OneSlot::default()
    });
    let pacer = process_with(&record).await;
    let slot = pacer.acquire(turn(Lane::new())).await.unwrap();
    let waiting = tokio::spawn({
        let pacer = pacer.clone();
        async move { call(&pacer, turn(Lane::new())).await }
    });
    let has_claimed = async {
        while record.claims.load(Ordering::SeqCst) < 2 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(10), has_claimed).await.unwrap();
    drop(slot);
    let outcome = timeout(Duration::from_secs(10), waiting).await;
    outcome.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn unusable_record_leaves_a_process_with_its_own_limits() {
    let folder = tempfile::tempdir().unwrap();
    let pacer = process_on(&folder, per_day(5)).await;
    drop(folder);
    departures(&pacer, 5, Lane::new()).await;
    call(&pacer, turn(Lane::new())).await.unwrap_err();
}

#[tokio::test]
async fn cancelled_waiting_calls_are_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let pacer = process_on(&folder, Limits::default()).await;
    departures(&pacer, 4, Lane::new()).await;
    let cancelled = tokio::time::timeout(Duration::from_millis(50), departures(&pacer, 20, Lane::new()));
    cancelled.await.unwrap_err();
    call(&pacer, turn(Lane::new())).await.unwrap();
    assert_eq!(pacer.current_state().await.used_today, 5);
}
