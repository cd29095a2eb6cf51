//! Error of a call that the rate limit does not admit. Nothing was sent for it.

use std::time::Duration;

/// Error of a call that gets no slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}; ask again in {} s", .retry_after.as_secs_f64().ceil())]
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
    #[error("too many calls are waiting")]
    QueueFull,
    /// No slot opened before the deadline.
    #[error("its turn did not come in time")]
    Deadline,
    /// A pause after a 429 `throttled` ends after the deadline.
    #[error("the upstream has asked for a pause")]
    Paused,
    /// The budget of calls with unverified tokens is used up.
    #[error("too many access tokens that were not accepted before are being tried")]
    UnverifiedTokens,
    /// The daily limit is used up; for background calls, up to the reserve.
    #[error("the day's calls are used up")]
    DayUsedUp,
}
