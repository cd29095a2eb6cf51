//! In-memory store with a size limit in bytes.

use std::collections::BTreeMap;
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use jiff::civil::Date;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sends_core::ActivityId;

use crate::encoding::EncodedAnswer;
use crate::{Lookups, Owner, Store, StoreError, StoreFuture, StoreSize, StoredAnswer};

/// Non-persistent store that evicts rarely used responses when it is full.
///
/// An activity with three sends to one list each takes 250 bytes, measured as the growth of the process
/// (`examples/memory_figures.rs`). A read decodes the response in less than a microsecond.
pub struct MemoryStore {
    answers: Cache<Key, EncodedAnswer, Weight>,
    days: Mutex<BTreeMap<Date, u64>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

type Key = (Owner, ActivityId);

#[derive(Clone)]
struct Weight;

impl Weighter<Key, EncodedAnswer> for Weight {
    fn weight(&self, _: &Key, encoded: &EncodedAnswer) -> u64 {
        (encoded.len() + ENTRY_OVERHEAD) as u64
    }
}

/// Size of an entry in bytes, excluding the encoded response: key, links, hash table and allocation. `examples/memory_figures.rs`
/// measured 110 bytes, rounded up here.
const ENTRY_OVERHEAD: usize = 120;

const BYTES_PER_ANSWER: u64 = 250;

/// Maximum number of days whose call counts are retained. Older counts are not needed.
const MAX_DAYS: usize = 7;

impl MemoryStore {
    pub fn new(bytes: u64) -> Self {
        let answers = usize::try_from(bytes / BYTES_PER_ANSWER).unwrap_or(usize::MAX);
        Self {
            answers: Cache::with_weighter(answers, bytes, Weight),
            days: Mutex::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    pub(crate) fn get(&self, owner: Owner, activity: ActivityId) -> Option<StoredAnswer> {
        self.answers.get(&(owner, activity))?.decode()
    }

    fn look_up(&self, owner: Owner, activity: ActivityId) -> Option<StoredAnswer> {
        let found = self.get(owner, activity);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    pub(crate) fn put(&self, owner: Owner, activity: ActivityId, answer: &StoredAnswer) {
        self.answers.insert((owner, activity), EncodedAnswer::new(answer));
    }

    pub(crate) fn remove(&self, owner: Owner, activity: ActivityId) {
        self.answers.remove(&(owner, activity));
    }

    pub(crate) fn remove_all_of(&self, owner: Owner) {
        self.answers.retain(|(of, _), _| *of != owner);
    }

    pub(crate) fn measure(&self) -> StoreSize {
        let mut size = StoreSize {
            bytes: self.answers.weight(),
            ..StoreSize::default()
        };
        for (_, encoded) in self.answers.iter() {
            size.activities += 1;
            size.sends += encoded.send_count() as u64;
        }
        size
    }

    fn change_calls(&self, day: Date, change: impl FnOnce(u64) -> u64) -> u64 {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = days.entry(day).or_default();
        *calls = change(*calls).min(i64::MAX.cast_unsigned());
        let total = *calls;
        while days.len() > MAX_DAYS {
            days.pop_first();
        }
        total
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> StoreFuture<'a, T> {
    Box::pin(std::future::ready(Ok::<_, StoreError>(value)))
}

impl Store for MemoryStore {
    fn history(
        &self,
        owner: Owner,
        activity: ActivityId,
        _: Timestamp,
    ) -> StoreFuture<'_, Option<StoredAnswer>> {
        ready(self.look_up(owner, activity))
    }

    fn histories<'a>(
        &'a self,
        owner: Owner,
        activities: &'a [ActivityId],
        _: Timestamp,
    ) -> StoreFuture<'a, Vec<Option<StoredAnswer>>> {
        ready(activities.iter().map(|id| self.look_up(owner, *id)).collect())
    }

    fn keep(&self, owner: Owner, activity: ActivityId, answer: StoredAnswer) -> StoreFuture<'_, ()> {
        self.put(owner, activity, &answer);
        ready(())
    }

    fn forget(&self, owner: Owner) -> StoreFuture<'_, ()> {
        self.remove_all_of(owner);
        ready(())
    }

    fn calls_on(&self, day: Date) -> StoreFuture<'_, u64> {
        let days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        ready(days.get(&day).copied().unwrap_or(0))
    }

    fn add_calls(&self, day: Date, calls: u64) -> StoreFuture<'_, u64> {
        ready(self.change_calls(day, |total| total.saturating_add(calls)))
    }

    fn raise_calls(&self, day: Date, at_least: u64) -> StoreFuture<'_, u64> {
        ready(self.change_calls(day, |total| total.max(at_least)))
    }

    fn size(&self) -> StoreFuture<'_, StoreSize> {
        ready(self.measure())
    }

    fn lookups(&self) -> Lookups {
        Lookups {
            memory: self.hits.load(Ordering::Relaxed),
            disk: 0,
            missing: self.misses.load(Ordering::Relaxed),
        }
    }

    fn check_writable(&self) -> StoreFuture<'_, ()> {
        ready(())
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        ready(())
    }
}
