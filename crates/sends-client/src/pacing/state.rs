//! What the pacer tells about itself.

use jiff::Timestamp;

/// The budget of one API key at one moment, as far as this process knows it: the upstream tells nobody what is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacerState {
    /// Calls in any one second. `None` without a limit.
    pub per_second_limit: Option<u32>,
    /// Calls in one UTC day. `None` without a limit.
    pub per_day_limit: Option<u64>,
    /// The day's calls so far, those of other processes included as far as this one has heard of them: see
    /// [`Pacer::current_state`](super::Pacer::current_state).
    pub used_today: u64,
    /// What is left of the day. `None` without a limit.
    pub remaining_today: Option<u64>,
    /// What background work may still use of it.
    pub remaining_for_background: Option<u64>,
    /// When the day's count begins again: the next 00:00 UTC.
    pub resets_at: Timestamp,
    /// How many calls wait for their turn.
    pub queue_length: usize,
    /// How many calls may wait.
    pub queue_limit: usize,
    /// Why no call leaves at the moment. `None` when calls leave.
    pub pause: Option<Pause>,
}

/// A queue of calls at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueueUse {
    /// How many calls wait.
    pub waiting: usize,
    /// How many calls may wait. Background work may take half of the pacer's queue.
    pub limit: usize,
    /// How many calls found no room since the start.
    pub refused: u64,
}

/// A time in which no call leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    /// When calls leave again.
    pub until: Timestamp,
    /// Why they do not now.
    pub reason: PauseReason,
}

/// Why no call leaves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PauseReason {
    /// The upstream answered 429 `throttled`.
    Throttled,
    /// The upstream answered 429 `quota_exceeded`.
    QuotaExceeded,
    /// By this program's own count the day's calls are used up.
    DayUsedUp,
}
