//! Tests of a memory cache in front of another store.

#![allow(clippy::unwrap_used, reason = "panics fail the test")]

mod support;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;
use sends_store::{
    LayeredStore, MemoryStore, Owner, Store, StoreError, StoreFuture, StoreSize, StoredAnswer,
};
use support::{activity, at, stored};
use tokio::sync::{Notify, Semaphore};

const MEMORY: u64 = 1024 * 1024;
const ALICE: Owner = Owner::new([1; 16]);

#[tokio::test]
async fn fresh_responses_come_from_memory_and_others_from_the_backing_store() {
    let (store, behind) = layered();
    let id = activity(1);
    store.keep(ALICE, id, stored(10, 1)).await.unwrap();
    // Simulates a write by another process.
    behind.inner.keep(ALICE, id, stored(20, 2)).await.unwrap();
    assert_eq!(
        store.history(ALICE, id, at(10)).await.unwrap(),
        Some(stored(10, 1))
    );
    assert_eq!(
        store.history(ALICE, id, at(11)).await.unwrap(),
        Some(stored(20, 2))
    );
    assert_eq!(
        store.history(ALICE, id, at(10)).await.unwrap(),
        Some(stored(20, 2)),
        "memory was updated by the read"
    );

    behind.inner.forget(ALICE).await.unwrap();
    assert_eq!(
        store.history(ALICE, id, at(20)).await.unwrap(),
        Some(stored(20, 2))
    );
    assert_eq!(store.history(ALICE, id, at(21)).await.unwrap(), None);
    assert_eq!(
        store.history(ALICE, id, at(20)).await.unwrap(),
        None,
        "memory was updated by the read"
    );
}

#[tokio::test]
async fn read_fills_memory() {
    let (store, behind) = layered();
    let ids = [activity(1), activity(2), activity(3)];
    behind.inner.keep(ALICE, ids[1], stored(10, 1)).await.unwrap();
    let expected = [None, Some(stored(10, 1)), None];
    assert_eq!(
        store.histories(ALICE, &ids, Timestamp::MIN).await.unwrap(),
        expected
    );
    behind.reads.forget_permits(usize::MAX);
    // Reads of the backing store block from here on.
    assert_eq!(
        store.history(ALICE, ids[1], Timestamp::MIN).await.unwrap(),
        Some(stored(10, 1))
    );
    assert_eq!(store.memory_size().activities, 1);
}

#[tokio::test]
async fn slow_read_does_not_overwrite_a_newer_response() {
    let (store, behind) = layered();
    let id = activity(1);
    behind.inner.keep(ALICE, id, stored(10, 1)).await.unwrap();
    during_a_read(&store, &behind, id, store.keep(ALICE, id, stored(20, 2))).await;
    assert_eq!(
        store.history(ALICE, id, Timestamp::MIN).await.unwrap(),
        Some(stored(20, 2))
    );
}

#[tokio::test]
async fn slow_read_does_not_restore_deleted_responses() {
    let (store, behind) = layered();
    let id = activity(1);
    behind.inner.keep(ALICE, id, stored(10, 1)).await.unwrap();
    during_a_read(&store, &behind, id, store.forget(ALICE)).await;
    assert_eq!(store.history(ALICE, id, Timestamp::MIN).await.unwrap(), None);
}

#[tokio::test]
async fn failed_write_is_reported_and_cached_in_memory() {
    let (store, behind) = layered();
    behind.writes.close();
    let error = store.keep(ALICE, activity(1), stored(10, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MIN).await.unwrap(),
        Some(stored(10, 1))
    );
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap(),
        None,
        "the backing store has no response"
    );
}

/// Applies a change while a read waits for its result from the backing store.
async fn during_a_read(store: &LayeredStore, behind: &Gated, id: ActivityId, change: StoreFuture<'_, ()>) {
    behind.reads.forget_permits(usize::MAX);
    let read = store.history(ALICE, id, Timestamp::MIN);
    let concurrent_change = async {
        behind.has_looked.notified().await;
        change.await.unwrap();
        behind.reads.add_permits(1_000);
    };
    let (found, ()) = tokio::join!(read, concurrent_change);
    assert_eq!(
        found.unwrap(),
        Some(stored(10, 1)),
        "the read started before the change"
    );
}

fn layered() -> (LayeredStore, Arc<Gated>) {
    let behind = Arc::new(Gated {
        inner: MemoryStore::new(MEMORY),
        has_looked: Notify::new(),
        reads: Semaphore::new(1_000),
        writes: Semaphore::new(1),
    });
    (
        LayeredStore::new(MemoryStore::new(MEMORY), Arc::clone(&behind) as Arc<dyn Store>),
        behind,
    )
}

/// Store whose reads wait for a permit and whose writes can be made to fail.
struct Gated {
    inner: MemoryStore,
    has_looked: Notify,
    reads: Semaphore,
    writes: Semaphore,
}

impl Store for Gated {
    fn history(
        &self,
        owner: Owner,
        id: ActivityId,
        since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>> {
        self.inner.history(owner, id, since)
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        ids: &'a [ActivityId],
        since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>> {
        Box::pin(async move {
            let found = self.inner.histories(owner, ids, since).await;
            self.has_looked.notify_one();
            drop(self.reads.acquire().await);
            found
        })
    }

    fn keep(&self, owner: Owner, id: ActivityId, stored: StoredAnswer) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let _permit = self.writes.acquire().await.map_err(|_| StoreError::DiskFull {
                file: "sends.db".into(),
            })?;
            self.inner.keep(owner, id, stored).await
        })
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        self.inner.forget(owner)
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        self.inner.calls_on(day)
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        self.inner.add_calls(day, calls)
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        self.inner.raise_calls(day, at_least)
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        self.inner.size()
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        self.inner.check_writable()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.inner.close()
    }
}
