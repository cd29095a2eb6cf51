//! Memory in front of another store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;
use sends_store::{
    LayeredStore, MemoryStore, Owner, Store, StoreError, StoreFuture, StoreSize, StoredAnswer,
};
use support::{activity, at, kept};
use tokio::sync::{Notify, Semaphore};

const MEMORY: u64 = 1024 * 1024;
const ALICE: Owner = Owner::new([1; 16]);

#[tokio::test]
async fn memory_answers_what_is_fresh_enough_and_asks_behind_for_the_rest() {
    let (store, behind) = layered();
    let id = activity(1);
    store.keep(ALICE, id, kept(10, 1)).await.unwrap();
    // As another process would do.
    behind.inner.keep(ALICE, id, kept(20, 2)).await.unwrap();
    assert_eq!(store.history(ALICE, id, at(10)).await.unwrap(), Some(kept(10, 1)));
    assert_eq!(store.history(ALICE, id, at(11)).await.unwrap(), Some(kept(20, 2)));
    assert_eq!(
        store.history(ALICE, id, at(10)).await.unwrap(),
        Some(kept(20, 2)),
        "memory was updated by the read"
    );

    behind.inner.forget(ALICE).await.unwrap();
    assert_eq!(store.history(ALICE, id, at(20)).await.unwrap(), Some(kept(20, 2)));
    assert_eq!(store.history(ALICE, id, at(21)).await.unwrap(), None);
    assert_eq!(
        store.history(ALICE, id, at(20)).await.unwrap(),
        None,
        "memory was updated by the read"
    );
}

#[tokio::test]
async fn a_read_fills_memory() {
    let (store, behind) = layered();
    let ids = [activity(1), activity(2), activity(3)];
    behind.inner.keep(ALICE, ids[1], kept(10, 1)).await.unwrap();
    let expected = [None, Some(kept(10, 1)), None];
    assert_eq!(
        store.histories(ALICE, &ids, Timestamp::MIN).await.unwrap(),
        expected
    );
    behind.reads.forget_permits(usize::MAX);
    // Reads of the store behind fail from here on.
    assert_eq!(
        store.history(ALICE, ids[1], Timestamp::MIN).await.unwrap(),
        Some(kept(10, 1))
    );
    assert_eq!(store.memory_size().activities, 1);
}

#[tokio::test]
async fn a_slow_read_does_not_put_an_old_answer_over_a_new_one() {
    let (store, behind) = layered();
    let id = activity(1);
    behind.inner.keep(ALICE, id, kept(10, 1)).await.unwrap();
    during_a_read(&store, &behind, id, store.keep(ALICE, id, kept(20, 2))).await;
    assert_eq!(
        store.history(ALICE, id, Timestamp::MIN).await.unwrap(),
        Some(kept(20, 2))
    );
}

#[tokio::test]
async fn a_slow_read_does_not_bring_back_what_was_forgotten() {
    let (store, behind) = layered();
    let id = activity(1);
    behind.inner.keep(ALICE, id, kept(10, 1)).await.unwrap();
    during_a_read(&store, &behind, id, store.forget(ALICE)).await;
    assert_eq!(store.history(ALICE, id, Timestamp::MIN).await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_kept_behind_is_kept_in_memory_and_reported() {
    let (store, behind) = layered();
    behind.writes.close();
    let error = store.keep(ALICE, activity(1), kept(10, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MIN).await.unwrap(),
        Some(kept(10, 1))
    );
    assert_eq!(
        store.history(ALICE, activity(1), Timestamp::MAX).await.unwrap(),
        None,
        "the store behind has no response"
    );
}

/// Makes a change between the lookup of a read in the store behind and its return.
async fn during_a_read(store: &LayeredStore, behind: &Gated, id: ActivityId, change: StoreFuture<'_, ()>) {
    behind.reads.forget_permits(usize::MAX);
    let read = store.history(ALICE, id, Timestamp::MIN);
    let meanwhile = async {
        behind.has_looked.notified().await;
        change.await.unwrap();
        behind.reads.add_permits(1_000);
    };
    let (found, ()) = tokio::join!(read, meanwhile);
    assert_eq!(
        found.unwrap(),
        Some(kept(10, 1)),
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

/// A store whose reads wait for a permit and whose writes can be made to fail.
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

    fn keep(&self, owner: Owner, id: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let _permit = self.writes.acquire().await.map_err(|_| StoreError::DiskFull {
                file: "sends.db".into(),
            })?;
            self.inner.keep(owner, id, kept).await
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
