//! Error of a call that the rate limit does not admit, so that no request was sent.

use std::time::Duration;

/// Error of a call that gets no slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}; retry in {} s", .retry_after.as_secs_f64().ceil())]
pub struct Refused {
    /// Cause of the rejection.
    pub reason: RefusedReason,
    /// Time after which a retry may succeed, at least one second. The time is exact for the end of the day and otherwise an
    /// estimate.
    pub retry_after: Duration,
}

/// Cause of a [`Refused`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum RefusedReason {
    /// The queue is full.
    #[error("the queue of waiting calls is full")]
    QueueFull,
    /// No slot opened before the deadline.
    #[error("the rate limit did not admit the call before its deadline")]
    Deadline,
    /// The pause after a 429 `throttled` response ends after the deadline.
    #[error("all calls pause after a 429 response")]
    Paused,
    /// The budget of calls with unverified tokens is used up.
    #[error("the budget of calls with unverified access tokens is used up")]
    UnverifiedTokens,
    /// The daily limit is used up or, for background calls, only the reserve is left.
    #[error("the daily limit of calls is used up")]
    DayUsedUp,
}
