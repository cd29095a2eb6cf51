//! Counts reads of histories by source.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AnswerCounts {
    /// Number of reads from the store.
    pub store: u64,
    /// Number of reads that started a fetch.
    pub upstream: u64,
    /// Number of reads that joined a fetch in flight.
    pub shared: u64,
    /// Number of reads that returned a stale history after a failed fetch.
    pub stale: u64,
    /// Number of reads that returned an error.
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
    pub(super) fn found(&self, reads: usize) {
        self.store.fetch_add(reads as u64, Ordering::Relaxed);
    }

    /// Counts a successful fetch. A fetch that found a fresh history in the store made no upstream call, so it counts as a read
    /// from the store.
    pub(super) fn fetched(&self, own: bool, fetched: bool) {
        increment(match (own, fetched) {
            (true, true) => &self.upstream,
            (false, true) => &self.shared,
            (_, false) => &self.store,
        });
    }

    pub(super) fn instead(&self, has_history: bool) {
        increment(if has_history { &self.stale } else { &self.failed });
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
