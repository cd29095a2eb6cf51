//! Wall clock, for the UTC day of the rate limit. All durations are measured on tokio's monotonic clock, which tests can pause.

use std::fmt;

use jiff::Timestamp;

/// Source of the current time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The current time, which may jump, for example when the machine's clock is corrected.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
