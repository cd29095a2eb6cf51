//! The interface every kind of store has.
//!
//! Owns what a caller may rely on whichever store it is. Must not know any of them.

use std::pin::Pin;

use jiff::Timestamp;
use jiff::civil::Date;
use sends_core::ActivityId;

use crate::{Health, Owner, StoreError, StoredAnswer};

/// What a method of [`Store`] returns: boxed, so that the trait can be used as `dyn Store`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where answers of the upstream, and the number of calls made in a day, are kept.
///
/// For each owner and activity a store holds one answer, the one kept last. It never judges an answer's age, and it may
/// drop one at any time: everything but the day's count is a cache.
///
/// A write whose future is dropped may still take effect.
pub trait Store: Send + Sync {
    /// The answer kept for an activity, or `None` if there is none.
    ///
    /// `fresh_since` says from when on an answer is good enough not to look for a newer one: a store with several places
    /// to look in (see [`LayeredStore`](crate::LayeredStore)) stops at the first that has one fetched at that moment or
    /// later. It filters nothing: an older answer is returned if no newer one is known. `Timestamp::MIN` takes whatever
    /// is nearest, `Timestamp::MAX` looks everywhere.
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>>;

    /// What [`history`](Self::history) says about each of these activities, in their order.
    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        fresh_since: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>>;

    /// Keeps an answer in place of the one kept before. Once this is done, the answer survives as long as the store does.
    fn keep(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()>;

    /// What [`keep`](Self::keep) does. A store may let the answer wait up to a millisecond, so that others share the cost of its
    /// being written, unless [`flush`](Self::flush) is called.
    fn keep_grouped(&self, owner: Owner, activity: ActivityId, kept: StoredAnswer) -> StoreFuture<'_, ()> {
        self.keep(owner, activity, kept)
    }

    /// Ends the wait of grouped answers for others, for a caller that waits for them. It waits for nothing itself.
    fn flush(&self) {}

    /// Drops everything kept for an owner. The day's count stays: it is nobody's data.
    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()>;

    /// How many calls have been counted on this day, which is a date in UTC.
    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64>;

    /// Counts more calls on this day and returns the total. Exact, whoever else counts at the same time; a total stops at
    /// `i64::MAX`.
    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64>;

    /// Raises the day's count to `at_least`, for when the upstream says that more was used than had been counted, and
    /// returns the total. Never lowers it.
    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64>;

    /// How much is kept. It may walk over all of it (tens of milliseconds for a million activities), so it is for a
    /// status page and not for every request.
    fn size(&self) -> StoreFuture<'_, StoreSize>;

    /// Where answers were found so far, for as much as a store counts it.
    fn lookups(&self) -> Lookups {
        Lookups::default()
    }

    /// What went wrong since the store was opened. Cheap enough for a scrape of metrics: it looks up the file's place and
    /// reads counters.
    fn health(&self) -> Health {
        Health::default()
    }

    /// How many of its connections for reading are in use.
    fn pools(&self) -> StorePools {
        StorePools::default()
    }

    /// Whether something can be written now, found out by writing.
    fn check_writable(&self) -> StoreFuture<'_, ()>;

    /// Finishes what was begun and lets go of the store. Whatever is asked afterwards may fail with
    /// [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<'_, ()>;
}

/// How many answers were looked for since the start, by where they were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// In the memory of this process.
    pub memory: u64,
    /// On disk.
    pub disk: u64,
    /// Nowhere.
    pub missing: u64,
}

/// Use of the pools of connections that read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorePools {
    /// Reads of histories, of the day's count and of a sync's state.
    pub look_ups: PoolUse,
    /// Pages, counts and totals of the log.
    pub searches: PoolUse,
}

/// Use of one pool. All 0 where a store has no such pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// How many reads run at a time at most.
    pub limit: u32,
    /// How many run now.
    pub in_use: u32,
    /// How many were refused with [`StoreError::Overloaded`] since the start.
    pub refused: u64,
}

/// How much a [`Store`] keeps, over all owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// How many activities have an answer, "not found" included.
    pub activities: u64,
    /// How many sends these answers tell of.
    pub sends: u64,
    /// How many bytes that takes, on disk or in memory.
    pub bytes: u64,
}
