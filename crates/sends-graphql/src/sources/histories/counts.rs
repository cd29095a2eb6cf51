//! Where the answers came from, counted.
//!
//! Must not know who reads the counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many questions were answered so far, by where the answer came from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AnswerCounts {
    /// Known and fresh enough.
    pub store: u64,
    /// Fetched for this question.
    pub upstream: u64,
    /// Fetched for somebody who had asked a moment before.
    pub shared: u64,
    /// Older than wanted, since nothing fresher could be had.
    pub stale: u64,
    /// Not at all.
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

    /// A fetch succeeded. One that found a fresh answer in the store after all has not asked the upstream.
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
