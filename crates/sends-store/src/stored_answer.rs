//! Upstream response about one activity.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::SendHistory;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Stored to the nanosecond.
    pub fetched_at: Timestamp,
    pub answer: Answer,
}

/// Content of a response that can be stored. 401, 403 and failures are not stored: they concern the caller or the moment, not
/// the activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Empty if the activity was never sent.
    History(Arc<SendHistory>),
    /// 404 for this owner.
    NotFound,
}

impl Answer {
    /// `None` when the activity was not found.
    pub(crate) fn send_count(&self) -> Option<usize> {
        match self {
            Self::History(history) => Some(history.len()),
            Self::NotFound => None,
        }
    }

    /// The numbers of unreadable sends and values.
    pub(crate) fn unreadable(&self) -> (usize, usize) {
        match self {
            Self::History(history) => (history.unreadable_sends(), history.unreadable_values()),
            Self::NotFound => (0, 0),
        }
    }
}
