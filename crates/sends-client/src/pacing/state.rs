//! Snapshot of the pacer for status displays and metrics.

use jiff::Timestamp;

/// Limits of one API key and their use as counted by this program, because the upstream does not report the use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacerState {
    /// Maximum number of calls in any one second. `None` if there is no limit.
    pub per_second_limit: Option<u32>,
    /// Maximum number of calls in one UTC day. `None` if there is no limit.
    pub per_day_limit: Option<u64>,
    /// Number of calls of the day so far. The number includes calls of other processes up to this process's last call, or up to
    /// at most half a second ago in [`Pacer::current_state`](super::Pacer::current_state).
    pub used_today: u64,
    /// Number of calls left today. `None` if there is no limit.
    pub remaining_today: Option<u64>,
    /// Number of calls left today for background work, excluding the reserve. `None` if there is no limit.
    pub remaining_for_background: Option<u64>,
    /// Time at which the count restarts: the next 00:00 UTC.
    pub resets_at: Timestamp,
    /// Number of waiting calls.
    pub queue_length: usize,
    /// Maximum number of waiting calls.
    pub queue_limit: usize,
    /// Current pause of all calls. `None` if calls are not paused.
    pub pause: Option<Pause>,
}

/// Snapshot of a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QueueUse {
    /// Number of waiting calls.
    pub waiting: usize,
    /// Maximum number of waiting calls. In the pacer's queue, background calls may take half of the places.
    pub limit: usize,
    /// Number of calls rejected since the start because the queue was full.
    pub refused: u64,
}

/// Pause of all calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pause {
    /// End of the pause.
    pub until: Timestamp,
    /// Cause of the pause.
    pub reason: PauseReason,
}

/// Cause of a pause.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PauseReason {
    /// The upstream responded with 429 `throttled`.
    Throttled,
    /// The upstream responded with 429 `quota_exceeded`.
    QuotaExceeded,
    /// The daily limit is used up according to this program's own count.
    DayUsedUp,
}
