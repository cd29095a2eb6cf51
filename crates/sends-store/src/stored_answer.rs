//! Stored upstream response for one activity.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::SendHistory;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Fetch time, stored with nanosecond precision.
    pub fetched_at: Timestamp,
    pub answer: Answer,
}

/// Content of a response that can be stored. 401, 403 and failures are not stored, since they depend on the caller or are
/// temporary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Empty if the activity was never sent.
    History(Arc<SendHistory>),
    /// Status 404 for this owner.
    NotFound,
}

impl Answer {
    /// Returns `None` if the activity was not found.
    pub(crate) fn send_count(&self) -> Option<usize> {
        match self {
            Self::History(history) => Some(history.len()),
            Self::NotFound => None,
        }
    }

    pub(crate) fn unreadable(&self) -> (usize, usize) {
        match self {
            Self::History(history) => (history.unreadable_sends(), history.unreadable_values()),
            Self::NotFound => (0, 0),
        }
    }
}
