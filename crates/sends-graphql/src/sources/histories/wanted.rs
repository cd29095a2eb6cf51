//! Checks whether a stored response is fresh enough for a request.

use std::time::Duration;

use jiff::Timestamp;
use sends_store::{Answer, StoredAnswer};

use super::{HistoryKey, ReadError, ReadVersion, Reading, RequestContext, Shared, stale};

#[derive(Clone, Copy)]
pub(super) struct Wanted {
    max_age: Option<Duration>,
    pub(super) asked_at: Timestamp,
    oldest: Option<Duration>,
}

impl Wanted {
    pub(super) fn of(context: &RequestContext, key: HistoryKey) -> Self {
        Self {
            max_age: key.max_age,
            asked_at: context.asked_at,
            oldest: context.oldest,
        }
    }
}

impl Shared {
    /// Sets the validity period of a version to the time in which the response meets the freshness requirement.
    pub(super) fn validity(&self, version: ReadVersion, kept: &StoredAnswer, wanted: Wanted) -> ReadVersion {
        let max_age = wanted.max_age.unwrap_or_else(|| self.freshness.max_age(kept));
        let max_age = wanted.oldest.map_or(max_age, |oldest| oldest.min(max_age));
        let until = kept.fetched_at.checked_add(max_age);
        version.valid(kept.fetched_at, until.unwrap_or(Timestamp::MAX))
    }

    pub(super) fn is_fresh(&self, kept: &StoredAnswer, wanted: Wanted) -> bool {
        let now = self.clock.now();
        if kept.fetched_at >= wanted.asked_at {
            return kept.fetched_at <= now;
        }
        let max_age = wanted.max_age.unwrap_or_else(|| self.freshness.max_age(kept));
        age(kept, wanted.asked_at).is_some_and(|age| age <= max_age)
    }

    pub(super) fn is_allowed(&self, kept: &StoredAnswer, wanted: Wanted) -> bool {
        wanted
            .oldest
            .is_none_or(|oldest| age(kept, self.clock.now()).is_some_and(|age| age <= oldest))
    }

    /// Returns the stored history as stale after a failed fetch, or `error` if no stale history may be returned.
    pub(super) fn instead(
        &self,
        known: Option<&StoredAnswer>,
        wanted: Wanted,
        error: ReadError,
    ) -> Result<Reading, ReadError> {
        // The stored history may have become too old during the fetch.
        let known = known.filter(|kept| self.is_allowed(kept, wanted));
        match (known, error.stale_reason()) {
            (Some(kept), Some(reason)) if matches!(kept.answer, Answer::History(_)) => stale(kept, reason),
            _ => Err(error),
        }
    }
}

/// Returns `None` if the response is dated in the future because of a clock error.
fn age(kept: &StoredAnswer, now: Timestamp) -> Option<Duration> {
    Duration::try_from(now.duration_since(kept.fetched_at)).ok()
}
