//! Tests of the contract of all stores.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod support;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use sends_core::SendHistory;
use sends_store::{Answer, LayeredStore, MemoryStore, Owner, SqliteStore, Store, StoreSize, StoredAnswer};
use support::{activity, any_stored, at, not_found, stored};

const MEMORY: u64 = 64 * 1024 * 1024;
const ALICE: Owner = Owner::new([1; 16]);
const BOB: Owner = Owner::new([2; 16]);

#[tokio::test]
async fn memory_behaves_as_a_store() {
    check(&MemoryStore::new(MEMORY)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_behaves_as_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    check(&store).await;
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_in_memory_behaves_as_a_store() {
    let store = SqliteStore::in_memory().await.unwrap();
    check(&store).await;
    let other = SqliteStore::in_memory().await.unwrap();
    assert_eq!(other.size().await.unwrap().activities, 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_in_front_of_sqlite_behaves_as_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let behind = Arc::new(SqliteStore::open(dir.path()).await.unwrap());
    check(&LayeredStore::new(MemoryStore::new(MEMORY), behind)).await;
}

/// With a memory capacity of 0, every response comes from the backing store.
#[tokio::test(flavor = "multi_thread")]
async fn memory_without_capacity_in_front_of_sqlite_behaves_as_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let behind = Arc::new(SqliteStore::open(dir.path()).await.unwrap());
    check(&LayeredStore::new(MemoryStore::new(0), behind)).await;
}

async fn check(store: &dyn Store) {
    returns_the_last_response(store).await;
    separates_owners(store).await;
    reads_several_responses_in_order(store).await;
    counts_calls_by_day(store).await;
    counts_concurrent_calls_exactly(store).await;
    stores_many_concurrent_responses(store).await;
    deletes_only_one_owner(store).await;
    stores_any_response_exactly(store).await;
    store.check_writable().await.unwrap();
}

async fn returns_the_last_response(store: &dyn Store) {
    let id = activity(1);
    assert_eq!(store.history(ALICE, id, Timestamp::MIN).await.unwrap(), None);
    // The last write wins, even with an earlier fetch time.
    for answer in [stored(10, 1), stored(20, 2), not_found(30), stored(5, 3)] {
        store.keep(ALICE, id, answer.clone()).await.unwrap();
        for fresh_since in [Timestamp::MIN, at(15), Timestamp::MAX] {
            let found = store.history(ALICE, id, fresh_since).await.unwrap();
            assert_eq!(found.as_ref(), Some(&answer), "an old response is not returned");
        }
    }
}

async fn separates_owners(store: &dyn Store) {
    let id = activity(2);
    store.keep(ALICE, id, stored(10, 1)).await.unwrap();
    assert_eq!(store.history(BOB, id, Timestamp::MIN).await.unwrap(), None);
    store.keep(BOB, id, not_found(11)).await.unwrap();
    assert_eq!(
        store.history(ALICE, id, Timestamp::MAX).await.unwrap(),
        Some(stored(10, 1))
    );
    assert_eq!(
        store.history(BOB, id, Timestamp::MAX).await.unwrap(),
        Some(not_found(11))
    );
}

async fn reads_several_responses_in_order(store: &dyn Store) {
    let (one, two, absent) = (activity(31), activity(32), activity(33));
    store.keep(ALICE, one, stored(1, 1)).await.unwrap();
    store.keep(ALICE, two, stored(2, 2)).await.unwrap();
    for fresh_since in [Timestamp::MIN, at(2), Timestamp::MAX] {
        let found = store
            .histories(ALICE, &[two, absent, one, two], fresh_since)
            .await
            .unwrap();
        let expected = [Some(stored(2, 2)), None, Some(stored(1, 1)), Some(stored(2, 2))];
        assert_eq!(found, expected);
    }
    assert_eq!(store.histories(ALICE, &[], Timestamp::MIN).await.unwrap(), []);

    let mut many: Vec<_> = (100_000..102_500).map(activity).collect();
    many.push(one);
    let found = store.histories(ALICE, &many, Timestamp::MIN).await.unwrap();
    assert_eq!(found.len(), 2_501);
    assert_eq!(found.last(), Some(&Some(stored(1, 1))));
    assert_eq!(found.iter().flatten().count(), 1);
}

async fn counts_calls_by_day(store: &dyn Store) {
    let (monday, tuesday) = (date(2026, 11, 23), date(2026, 11, 24));
    assert_eq!(store.calls_on(monday).await.unwrap(), 0);
    assert_eq!(store.add_calls(monday, 0).await.unwrap(), 0);
    assert_eq!(store.add_calls(monday, 3).await.unwrap(), 3);
    assert_eq!(store.add_calls(tuesday, 1).await.unwrap(), 1);
    assert_eq!(
        store.raise_calls(monday, 2).await.unwrap(),
        3,
        "the count is never lowered"
    );
    assert_eq!(store.raise_calls(monday, 10_000).await.unwrap(), 10_000);
    assert_eq!(store.add_calls(monday, 1).await.unwrap(), 10_001);
    assert_eq!(store.calls_on(monday).await.unwrap(), 10_001);
    assert_eq!(store.calls_on(tuesday).await.unwrap(), 1);
    let most = i64::MAX.cast_unsigned();
    assert_eq!(store.add_calls(tuesday, u64::MAX).await.unwrap(), most);
    assert_eq!(store.calls_on(tuesday).await.unwrap(), most);
}

async fn counts_concurrent_calls_exactly(store: &dyn Store) {
    let day = date(2026, 11, 25);
    let totals = join_all((0..500).map(|_| store.add_calls(day, 2))).await;
    let mut totals: Vec<u64> = totals.into_iter().map(Result::unwrap).collect();
    totals.sort_unstable();
    assert_eq!(
        totals,
        (1..=500).map(|turn| turn * 2).collect::<Vec<_>>(),
        "every total is returned once"
    );
}

/// Exceeds the capacity of the write queue.
async fn stores_many_concurrent_responses(store: &dyn Store) {
    let ids: Vec<_> = (5_000..7_000).map(activity).collect();
    let written = join_all(ids.iter().map(|id| store.keep(ALICE, *id, stored(7, 7)))).await;
    assert!(written.iter().all(Result::is_ok));
    let found = store.histories(ALICE, &ids, Timestamp::MAX).await.unwrap();
    assert!(found.iter().all(|found| found.as_ref() == Some(&stored(7, 7))));
}

async fn deletes_only_one_owner(store: &dyn Store) {
    let id = activity(4);
    let carol = Owner::new([3; 16]);
    store.keep(ALICE, id, stored(1, 1)).await.unwrap();
    store.keep(carol, id, stored(2, 2)).await.unwrap();
    let before = store.size().await.unwrap();
    store.forget(ALICE).await.unwrap();
    store.forget(Owner::new([99; 16])).await.unwrap();
    assert_eq!(store.history(ALICE, id, Timestamp::MIN).await.unwrap(), None);
    assert_eq!(
        store.history(carol, id, Timestamp::MIN).await.unwrap(),
        Some(stored(2, 2))
    );
    assert_eq!(
        store.calls_on(date(2026, 11, 25)).await.unwrap(),
        1_000,
        "the count is shared by all owners"
    );
    store.forget(BOB).await.unwrap();
    let after = store.size().await.unwrap();
    assert!(before.activities > 2_000 && before.bytes > 0, "{before:?}");
    assert_eq!((after.activities, after.sends), (1, 1));
}

async fn stores_any_response_exactly(store: &dyn Store) {
    let id = activity(5);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    for _ in 0..300 {
        let answer = any_stored().new_tree(&mut runner).unwrap().current();
        store.keep(ALICE, id, answer.clone()).await.unwrap();
        let found = store.history(ALICE, id, Timestamp::MIN).await.unwrap();
        assert_eq!(found.as_ref(), Some(&answer));
        let behind = store.history(ALICE, id, Timestamp::MAX).await.unwrap();
        assert_eq!(behind.as_ref(), Some(&answer));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Tests only the encoding, so that proptest can shrink a failure.
    #[test]
    fn memory_stores_any_response_exactly(answer in any_stored()) {
        let store = MemoryStore::new(MEMORY);
        store.keep(ALICE, activity(1), answer.clone()).now_or_never().unwrap().unwrap();
        let found = store.history(ALICE, activity(1), Timestamp::MIN).now_or_never().unwrap();
        prop_assert_eq!(found, Ok(Some(answer)));
    }
}

#[tokio::test]
async fn memory_stays_within_its_limit_and_retains_used_responses() {
    let store = MemoryStore::new(1024 * 1024);
    let used = activity(0);
    store.keep(ALICE, used, stored(0, 0)).await.unwrap();
    for number in 1..20_000 {
        store.keep(ALICE, activity(number), stored(1, 1)).await.unwrap();
        assert!(
            store
                .history(ALICE, used, Timestamp::MIN)
                .await
                .unwrap()
                .is_some()
        );
    }
    let StoreSize {
        activities,
        sends,
        bytes,
    } = store.size().await.unwrap();
    assert!((2_000..8_000).contains(&activities), "{activities}");
    assert_eq!(sends, activities);
    assert!(bytes <= 1024 * 1024, "{bytes}");
}

#[tokio::test]
async fn response_too_big_for_memory_removes_the_previous_response() {
    let store = MemoryStore::new(10_000);
    let id = activity(1);
    let sends = (0..10_000).map(|number| format!(r#"{{"send_id": {number}, "count": 5}}"#));
    let json = format!("[{}]", sends.collect::<Vec<_>>().join(","));
    let history = SendHistory::from_json(json.as_bytes()).unwrap();
    let too_big = StoredAnswer {
        fetched_at: at(2),
        answer: Answer::History(Arc::new(history)),
    };
    store.keep(ALICE, id, stored(1, 1)).await.unwrap();
    store.keep(ALICE, id, too_big).await.unwrap();
    assert_eq!(store.history(ALICE, id, Timestamp::MIN).await.unwrap(), None);
    assert_eq!(store.size().await.unwrap(), StoreSize::default());
}
