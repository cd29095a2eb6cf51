//! Error of a call that the rate limit does not admit. Nothing was sent for it.

use std::time::Duration;

/// Error of a call that gets no slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}; retry in {} s", .retry_after.as_secs_f64().ceil())]
pub struct Refused {
    /// The cause.
    pub reason: RefusedReason,
    /// Time after which a retry may succeed, at least one second. An estimate, except for the end of the day.
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
    /// A pause after a 429 `throttled` ends after the deadline.
    #[error("all calls pause after a 429 of the upstream")]
    Paused,
    /// The budget of calls with unverified tokens is used up.
    #[error("the budget of calls with unverified access tokens is used up")]
    UnverifiedTokens,
    /// The daily limit is used up; for background calls, up to the reserve.
    #[error("the daily limit of calls is used up")]
    DayUsedUp,
}
