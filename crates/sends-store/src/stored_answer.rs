//! An upstream answer about one activity, and when it was fetched.
//!
//! Owns which answers can be kept at all: refusals and failures cannot. Must not know how long an answer is good for.

use std::sync::Arc;

use jiff::Timestamp;
use sends_core::SendHistory;

/// An upstream answer about one activity, with its time of fetching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// When the upstream said so. Kept to the nanosecond.
    pub fetched_at: Timestamp,
    /// What it said.
    pub answer: Answer,
}

/// The upstream's answer about one activity.
///
/// There is no value for 401, 403 or a failure: these say something about the caller or the moment, not about the
/// activity, and are never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The activity exists; this is its history, which is empty if it was never sent.
    History(Arc<SendHistory>),
    /// The upstream knows no such activity for this owner (404).
    NotFound,
}

impl Answer {
    /// How many sends the answer tells of, or `None` when the activity was not found.
    pub(crate) fn send_count(&self) -> Option<usize> {
        match self {
            Self::History(history) => Some(history.len()),
            Self::NotFound => None,
        }
    }

    /// How many sends and values of it could not be read.
    pub(crate) fn unreadable(&self) -> (usize, usize) {
        match self {
            Self::History(history) => (history.unreadable_sends(), history.unreadable_values()),
            Self::NotFound => (0, 0),
        }
    }
}
