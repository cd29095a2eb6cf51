//! Read sets, as in optimistic concurrency control: the versions of the histories in a response. A cached response is valid as
//! long as its read set is valid.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use sends_core::ActivityId;
use sends_store::Owner;

/// Number of version counters. Activities that share a counter invalidate each other's responses, which costs time but is never
/// incorrect.
const COUNTERS: usize = 1 << 12;

/// Version counters of histories. Storing a response for an activity increments the activity's counter.
pub struct HistoryVersions {
    counters: Box<[AtomicU32]>,
    hasher: RandomState,
}

/// Version of a history that was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadVersion {
    counter: usize,
    version: u32,
    /// Time of the fetch.
    from: Timestamp,
    /// End of the period in which the history is fresh enough.
    until: Timestamp,
}

#[derive(Clone, Debug)]
pub struct ReadSet {
    owner: Owner,
    versions: Box<[ReadVersion]>,
    from: Timestamp,
    until: Timestamp,
}

#[derive(Debug, Default)]
pub struct ReadSetRecorder(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    versions: Vec<ReadVersion>,
    /// Whether data without a version was read, such as a stale history.
    is_incomplete: bool,
}

impl Default for HistoryVersions {
    fn default() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl HistoryVersions {
    /// Returns the current version of a history, with an empty [validity period](ReadVersion::valid). This method must be called
    /// before the history is read.
    pub fn current(&self, owner: Owner, activity: ActivityId) -> ReadVersion {
        let counter = self.counter(owner, activity);
        ReadVersion {
            counter,
            version: self.counters[counter].load(Ordering::Acquire),
            from: Timestamp::MIN,
            until: Timestamp::MIN,
        }
    }

    /// Starts a new version after a response was stored.
    pub fn changed(&self, owner: Owner, activity: ActivityId) {
        self.counters[self.counter(owner, activity)].fetch_add(1, Ordering::Release);
    }

    pub fn is_current(&self, read: &ReadVersion) -> bool {
        self.counters[read.counter].load(Ordering::Acquire) == read.version
    }

    fn counter(&self, owner: Owner, activity: ActivityId) -> usize {
        let hash = self.hasher.hash_one((owner, activity));
        usize::try_from(hash % COUNTERS as u64).unwrap_or(0)
    }

    pub fn is_valid(&self, read_set: &ReadSet, now: Timestamp) -> bool {
        (read_set.from..=read_set.until).contains(&now)
            && read_set.versions.iter().all(|read| self.is_current(read))
    }
}

impl ReadVersion {
    /// Sets the validity period, from the time of the fetch to the end of the history's freshness.
    #[must_use]
    pub fn valid(self, from: Timestamp, until: Timestamp) -> Self {
        Self { from, until, ..self }
    }
}

impl ReadSetRecorder {
    /// Records a read of a history. If a read has no version, the response is not cacheable.
    pub fn record(&self, read: Option<ReadVersion>) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Some(read) => recorded.versions.push(read),
            None => recorded.is_incomplete = true,
        }
    }

    /// Returns `None` if data without a version was read.
    pub fn read_set(&self, owner: Owner) -> Option<ReadSet> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.is_incomplete {
            return None;
        }
        let versions = std::mem::take(&mut recorded.versions);
        let from = versions.iter().map(|read| read.from).max();
        let until = versions.iter().map(|read| read.until).min();
        Some(ReadSet {
            owner,
            from: from.unwrap_or(Timestamp::MIN),
            until: until.unwrap_or(Timestamp::MAX),
            versions: versions.into(),
        })
    }
}

impl ReadSet {
    pub fn owner(&self) -> Owner {
        self.owner
    }

    pub fn len(&self) -> usize {
        self.versions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Returns the memory use in bytes, including the heap.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.versions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Owner = Owner::new([1; 16]);
    const ACTIVITY: ActivityId = ActivityId::from_bytes([2; 16]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn read_set(read: &[ReadVersion]) -> ReadSet {
        let recorder = ReadSetRecorder::default();
        for read in read {
            recorder.record(Some(*read));
        }
        recorder.read_set(OWNER).unwrap()
    }

    #[test]
    fn read_set_is_valid_while_every_history_is_unchanged_and_fresh() {
        let versions = HistoryVersions::default();
        let one = versions.current(OWNER, ACTIVITY).valid(at(10), at(30));
        let other = versions
            .current(OWNER, ActivityId::from_bytes([3; 16]))
            .valid(at(15), at(20));
        let read_set = read_set(&[one, other]);
        for (now, expected) in [(14, false), (15, true), (20, true), (21, false)] {
            assert_eq!(versions.is_valid(&read_set, at(now)), expected, "{now}");
        }
        versions.changed(OWNER, ACTIVITY);
        assert!(!versions.is_valid(&read_set, at(16)));
    }

    #[test]
    fn history_that_changes_while_it_is_read_invalidates_the_read_set() {
        let versions = HistoryVersions::default();
        let read = versions.current(OWNER, ACTIVITY);
        versions.changed(OWNER, ACTIVITY);
        let read_set = read_set(&[read.valid(at(0), at(100))]);
        assert!(!versions.is_valid(&read_set, at(50)));
    }

    #[test]
    fn reading_without_a_version_leaves_no_read_set() {
        let recorder = ReadSetRecorder::default();
        recorder.record(None);
        assert!(recorder.read_set(OWNER).is_none());
    }
}
