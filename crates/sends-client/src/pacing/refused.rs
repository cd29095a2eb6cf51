//! Why a call does not get a turn. Nothing was sent for it.

use std::time::Duration;

/// A call that may not go.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}; ask again in {} s", .retry_after.as_secs_f64().ceil())]
pub struct Refused {
    /// What stands in the way.
    pub reason: RefusedReason,
    /// When asking again makes sense. An estimate, except for the day, whose end is known.
    pub retry_after: Duration,
}

/// What stands in the way of a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum RefusedReason {
    /// As many calls are waiting as may wait.
    #[error("too many calls are waiting")]
    QueueFull,
    /// The turn did not come before the deadline.
    #[error("its turn did not come in time")]
    Deadline,
    /// The upstream has asked to be left alone for longer than the call can wait.
    #[error("the upstream has asked for a pause")]
    Paused,
    /// Too many calls are made with tokens that the upstream has not accepted yet.
    #[error("too many access tokens that were not accepted before are being tried")]
    UnverifiedTokens,
    /// The day's calls are used up; for background work, up to the reserve.
    #[error("the day's calls are used up")]
    DayUsedUp,
}
