//! The share of background work: people come first, but of eight departures one is background work's while it waits.
//!
//! Without it a handful of callers who always have a call waiting would stop a synchronisation for good.

use serde::{Deserialize, Serialize};

use crate::Priority;

/// How many interactive calls in a row go before background work that waits.
const IN_A_ROW: u32 = 7;

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct BackgroundShare {
    /// Interactive departures since the last one of background work, those while none waited left out.
    passed_over: u32,
}

impl BackgroundShare {
    /// Whether the next departure is background work's, if any waits.
    pub(super) fn is_due(self) -> bool {
        self.passed_over >= IN_A_ROW
    }

    /// Counts a departure.
    pub(super) fn departed(&mut self, priority: Priority, background_waits: bool) {
        match priority {
            Priority::Background => self.passed_over = 0,
            Priority::Interactive if background_waits => {
                self.passed_over = self.passed_over.saturating_add(1);
            }
            Priority::Interactive => {}
        }
    }
}
