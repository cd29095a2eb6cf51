//! Share of background calls: one departure in eight while they wait. Without this share, a few callers with permanently
//! waiting interactive calls would stop a synchronisation.

use serde::{Deserialize, Serialize};

use crate::Priority;

/// Number of consecutive interactive departures before a waiting background call is served.
const IN_A_ROW: u32 = 7;

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct BackgroundShare {
    /// Number of interactive departures while background calls waited, since the last background departure.
    passed_over: u32,
}

impl BackgroundShare {
    /// Returns whether the next departure is for a background call, if a background call waits.
    pub(super) fn is_due(self) -> bool {
        self.passed_over >= IN_A_ROW
    }

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
