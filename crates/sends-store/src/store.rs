//! Interface of all stores.

use std::pin::Pin;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;

use crate::{Health, Owner, StoreError, StoredAnswer};

/// Boxed, so that the traits can be used as `dyn`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store of upstream responses and of the number of calls in a day.
///
/// The last response of each owner and activity is stored, whatever its age, and may be removed at any time: everything except
/// the day's count is a cache. A write whose future is dropped may still take effect.
pub trait Store: Send + Sync {
    /// The stored response of an activity.
    ///
    /// A [`LayeredStore`](crate::LayeredStore) stops at the first layer with a response that was fetched at `fresh_since` or
    /// later: `Timestamp::MIN` takes the nearest one, `Timestamp::MAX` reads every layer. An older response is still returned if
    /// there is no newer one.
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>>;

    /// [`history`](Self::history) of several activities, in their order.
    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        fresh_since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>>;

    /// Replaces the stored response of an activity.
    fn keep(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()>;

    /// Like [`keep`](Self::keep), but with a delay of up to a millisecond to share a transaction with others, unless
    /// [`flush`](Self::flush) is called.
    fn keep_grouped(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()> {
        self.keep(owner, activity, answer)
    }

    /// Starts the transaction of grouped responses at once. Returns without waiting for it.
    fn flush(&self) {}

    /// Removes the data of an owner. The day's count, which belongs to no owner, stays.
    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()>;

    /// The calls on a day (UTC).
    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64>;

    /// Adds calls to a day and returns the total, at most `i64::MAX`. Exact with concurrent callers and processes.
    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64>;

    /// Raises the day's count to `at_least`, if lower, and returns the total: the upstream may have counted more calls.
    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64>;

    /// The size over all owners. The query may take tens of milliseconds for a million activities, too long for every request.
    fn size(&self) -> StoreFuture<'_, StoreSize>;

    /// The lookups so far, if the store counts them.
    fn lookups(&self) -> Lookups {
        Lookups::default()
    }

    /// The failures since the store was opened. Cheap enough for a scrape of metrics.
    fn health(&self) -> Health {
        Health::default()
    }

    /// The use of the connections for reading.
    fn pools(&self) -> StorePools {
        StorePools::default()
    }

    /// Checks by a write whether the store can be written.
    fn check_writable(&self) -> StoreFuture<'_, ()>;

    /// Finishes operations in progress and closes the store. Later operations may fail with [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// The number of lookups since the start by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    pub memory: u64,
    pub disk: u64,
    /// Without a stored response.
    pub missing: u64,
}

/// Use of the pools of read connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorePools {
    /// Reads of histories, of the day's count and of a sync's state.
    pub look_ups: PoolUse,
    /// Pages, counts and totals of the log.
    pub searches: PoolUse,
}

/// Use of one pool. All 0 without a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Maximum number of concurrent reads.
    pub limit: u32,
    pub in_use: u32,
    /// Reads rejected with [`StoreError::Overloaded`] since the start.
    pub refused: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Activities with a stored response, "not found" included.
    pub activities: u64,
    pub sends: u64,
    /// On disk or in memory.
    pub bytes: u64,
}
