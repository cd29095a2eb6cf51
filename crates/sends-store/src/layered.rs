//! Memory cache in front of another store.
//!
//! # Consistency
//!
//! Within one process, a read that starts after a `keep` or `forget` has completed observes its effect. Writes of other processes
//! reach only the backing store, so a cached response may be outdated. A cached response older than `fresh_since` is therefore
//! not returned. The backing store is read before any upstream request, and its result replaces the cached response, even if the
//! result is empty. A cached response that is recent enough is returned even if another process has stored a newer response.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;

use crate::{Health, Lookups, MemoryStore, Owner, Store, StoreFuture, StorePools, StoreSize, StoredAnswer};

/// A [`MemoryStore`] in front of another store. Reads fill the cache, and writes go to both.
///
/// If the backing store fails to store a response, the error is returned. The response is still cached until a caller requires
/// a more recent one.
pub struct LayeredStore {
    memory: MemoryStore,
    behind: Arc<dyn Store>,
    /// Number of writes so far. A result of the backing store is cached only if no write completed since the read started.
    /// Otherwise the result could replace a newer response or restore a deleted response. A skipped fill costs one additional
    /// read.
    writes: Mutex<u64>,
    found: Found,
}

#[derive(Default)]
struct Found {
    in_memory: AtomicU64,
    behind: AtomicU64,
    nowhere: AtomicU64,
}

impl Found {
    fn count_behind(&self, found: &[Option<StoredAnswer>]) {
        let hits = found.iter().filter(|kept| kept.is_some()).count();
        self.behind.fetch_add(hits as u64, Ordering::Relaxed);
        self.nowhere
            .fetch_add((found.len() - hits) as u64, Ordering::Relaxed);
    }
}

impl LayeredStore {
    /// Creates a store that counts calls only in the backing store.
    pub fn new(memory: MemoryStore, behind: Arc<dyn Store>) -> Self {
        Self {
            memory,
            behind,
            writes: Mutex::default(),
            found: Found::default(),
        }
    }

    pub fn memory_size(&self) -> StoreSize {
        self.memory.measure()
    }

    /// Locks the cache against concurrent changes. The guard must not be held across an await.
    fn writes(&self) -> MutexGuard<'_, u64> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh_in_memory(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> Option<StoredAnswer> {
        self.memory
            .get(owner, activity)
            .filter(|kept| kept.fetched_at >= fresh_since)
    }

    /// Copies results of the backing store into the cache. A missing result removes the cached response.
    fn fill(
        &self,
        owner: Owner,
        activities: &[ActivityId],
        found: &[Option<StoredAnswer>],
        writes_before: u64,
    ) {
        let writes = self.writes();
        if *writes != writes_before {
            return;
        }
        for (activity, kept) in activities.iter().zip(found) {
            match kept {
                Some(kept) => self.memory.put(owner, *activity, kept),
                None => self.memory.remove(owner, *activity),
            }
        }
    }

    fn put_once_kept<'a>(
        &'a self,
        behind: StoreFuture<'a, ()>,
        owner: Owner,
        activity: ActivityId,
        kept: StoredAnswer,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let outcome = behind.await;
            let mut writes = self.writes();
            *writes += 1;
            self.memory.put(owner, activity, &kept);
            outcome
        })
    }

    fn remove_from_memory(&self, owner: Owner) {
        let mut writes = self.writes();
        *writes += 1;
        self.memory.remove_all_of(owner);
    }
}

impl Store for LayeredStore {
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>> {
        Box::pin(async move {
            if let Some(kept) = self.fresh_in_memory(owner, activity, fresh_since) {
                self.found.in_memory.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(kept));
            }
            let mut kept = self.histories(owner, &[activity], fresh_since).await?;
            Ok(kept.pop().flatten())
        })
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        fresh_since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>> {
        Box::pin(async move {
            let mut all: Vec<Option<StoredAnswer>> = activities
                .iter()
                .map(|id| self.fresh_in_memory(owner, *id, fresh_since))
                .collect();
            let missing: Vec<ActivityId> = all
                .iter()
                .zip(activities)
                .filter_map(|(kept, id)| kept.is_none().then_some(*id))
                .collect();
            let hits = (activities.len() - missing.len()) as u64;
            self.found.in_memory.fetch_add(hits, Ordering::Relaxed);
            if missing.is_empty() {
                return Ok(all);
            }
            let writes_before = *self.writes();
            let found = self.behind.histories(owner, &missing, fresh_since).await?;
            self.found.count_behind(&found);
            self.fill(owner, &missing, &found, writes_before);
            let empty = all.iter_mut().filter(|kept| kept.is_none());
            for (slot, kept) in empty.zip(found) {
                *slot = kept;
            }
            Ok(all)
        })
    }

    fn keep(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        let behind = self.behind.keep(owner, activity, kept.clone());
        self.put_once_kept(behind, owner, activity, kept)
    }

    fn keep_grouped(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        let behind = self.behind.keep_grouped(owner, activity, kept.clone());
        self.put_once_kept(behind, owner, activity, kept)
    }

    fn flush(&self) {
        self.behind.flush();
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // The cache is cleared before the await in case the future is dropped, and after it because concurrent reads may
            // refill the cache.
            self.remove_from_memory(owner);
            let outcome = self.behind.forget(owner).await;
            self.remove_from_memory(owner);
            outcome
        })
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        self.behind.calls_on(day)
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        self.behind.add_calls(day, calls)
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        self.behind.raise_calls(day, at_least)
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        self.behind.size()
    }

    fn lookups(&self) -> Lookups {
        Lookups {
            memory: self.found.in_memory.load(Ordering::Relaxed),
            disk: self.found.behind.load(Ordering::Relaxed),
            missing: self.found.nowhere.load(Ordering::Relaxed),
        }
    }

    fn health(&self) -> Health {
        self.behind.health()
    }

    fn pools(&self) -> StorePools {
        self.behind.pools()
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        self.behind.check_writable()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.behind.close()
    }
}
