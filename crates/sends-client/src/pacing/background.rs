//! Share of background calls: one departure of eight while they wait. Without it, a few callers with permanently waiting
//! interactive calls would stop a synchronisation.

use serde::{Deserialize, Serialize};

use crate::Priority;

/// Interactive departures in a row before a waiting background call.
const IN_A_ROW: u32 = 7;

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(super) struct BackgroundShare {
    /// Interactive departures while background calls waited, since the last background departure.
    passed_over: u32,
}

impl BackgroundShare {
    /// Whether the next departure is for a background call, if one waits.
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
