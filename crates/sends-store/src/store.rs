//! Interface common to all stores.

use std::pin::Pin;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;

use crate::{Health, Owner, StoreError, StoredAnswer};

/// Future of a method, boxed so that the traits are object-safe.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Store of upstream responses and daily call counts.
///
/// The last response for each owner and activity is stored, regardless of its age. All data except the daily call counts is a
/// cache, whose entries may be evicted at any time. A write whose future is dropped may still take effect.
pub trait Store: Send + Sync {
    /// Returns the stored response for an activity.
    ///
    /// A [`LayeredStore`](crate::LayeredStore) stops at the first layer with a response that was fetched at or after
    /// `fresh_since`. `Timestamp::MIN` accepts the first response found, and `Timestamp::MAX` reads every layer. An older
    /// response is still returned if there is no newer response.
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>>;

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        fresh_since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>>;

    /// Replaces the stored response for an activity.
    fn keep(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()>;

    /// Variant of [`keep`](Self::keep) with a delay of up to a millisecond, so that other responses share the transaction. A
    /// [`flush`](Self::flush) ends the delay.
    fn keep_grouped(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()> {
        self.keep(owner, activity, answer)
    }

    /// Starts the transaction of grouped responses immediately, without waiting for its completion.
    fn flush(&self) {}

    /// Deletes the data of an owner. The daily call counts are retained because all owners share them.
    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()>;

    /// Returns the number of calls on a UTC day.
    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64>;

    /// Adds calls to a day and returns the total, capped at `i64::MAX`. The count is exact with concurrent callers and
    /// processes.
    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64>;

    /// Raises the count of a day to `at_least` if it is lower, because the upstream may have counted more calls. Returns the
    /// resulting count.
    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64>;

    /// Returns the size over all owners. The query may take tens of milliseconds for a million activities, which is too slow
    /// for each request.
    fn size(&self) -> StoreFuture<'_, StoreSize>;

    /// Returns the number of lookups so far, or 0 if the store does not count lookups.
    fn lookups(&self) -> Lookups {
        Lookups::default()
    }

    /// Returns the failures since the store was opened. The call is cheap enough for each scrape of metrics.
    fn health(&self) -> Health {
        Health::default()
    }

    fn pools(&self) -> StorePools {
        StorePools::default()
    }

    /// Checks with a test write whether the store is writable.
    fn check_writable(&self) -> StoreFuture<'_, ()>;

    /// Completes operations in progress and closes the store. Later operations may fail with [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<'_, ()>;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    pub memory: u64,
    pub disk: u64,
    /// Number of lookups that found no stored response.
    pub missing: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorePools {
    /// Pool for reads of histories, of the daily call count and of the synchronisation state.
    pub look_ups: PoolUse,
    /// Pool for pages, counts and totals of the log.
    pub searches: PoolUse,
}

/// Utilisation of one pool of read connections. All fields are 0 for a store without a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Maximum number of concurrent reads.
    pub limit: u32,
    pub in_use: u32,
    /// Number of reads rejected with [`StoreError::Overloaded`] since the start.
    pub refused: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Number of activities with a stored response, including "not found".
    pub activities: u64,
    pub sends: u64,
    /// Size in bytes, on disk or in memory.
    pub bytes: u64,
}
