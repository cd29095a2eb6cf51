//! Counts reads of histories by source.
//!
//! Independent of the consumers of the counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Number of reads so far, by source.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AnswerCounts {
    /// Stored and fresh enough.
    pub store: u64,
    /// Fetched for this read.
    pub upstream: u64,
    /// Fetched for a concurrent read that had started earlier.
    pub shared: u64,
    /// Older than requested, since nothing fresher was available.
    pub stale: u64,
    /// Failed, without a history.
    pub failed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    store: AtomicU64,
    upstream: AtomicU64,
    shared: AtomicU64,
    stale: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    pub(super) fn found(&self, questions: usize) {
        self.store.fetch_add(questions as u64, Ordering::Relaxed);
    }

    /// Counts a successful fetch. A fetch that found a fresh response in the store made no upstream call.
    pub(super) fn fetched(&self, own: bool, fetched: bool) {
        increment(match (own, fetched) {
            (true, true) => &self.upstream,
            (false, true) => &self.shared,
            (_, false) => &self.store,
        });
    }

    pub(super) fn instead(&self, given: bool) {
        increment(if given { &self.stale } else { &self.failed });
    }

    pub(super) fn read(&self) -> AnswerCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AnswerCounts {
            store: load(&self.store),
            upstream: load(&self.upstream),
            shared: load(&self.shared),
            stale: load(&self.stale),
            failed: load(&self.failed),
        }
    }
}

fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
