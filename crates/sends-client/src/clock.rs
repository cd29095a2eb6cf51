//! The wall clock, which only the day's budget needs: a day ends at a time of day, not after a duration.
//!
//! Everything else is measured on tokio's monotonic clock, which a test can pause.

use std::fmt;

use jiff::Timestamp;

/// Tells the time of day.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present moment. It may jump, as when the machine's clock is corrected.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
