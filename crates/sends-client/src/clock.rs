//! Wall clock, for the UTC day of the rate limit. All durations are measured with tokio's monotonic clock, which tests can
//! pause.

use std::fmt;

use jiff::Timestamp;

/// Source of the current time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current time, which may jump, for example when the system clock is corrected.
    fn now(&self) -> Timestamp;
}

/// System clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
