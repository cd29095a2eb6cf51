//! Permission for one call, released regardless of the outcome of the call.

use std::{fmt, sync::Arc, time::Duration};

use jiff::civil::Date;
use tokio::time::Instant;

use super::{Shared, SlotRequest};

/// Permission for one call. A slot that is dropped before [`depart`](Self::depart) passes to the next call and is not counted.
#[must_use = "a dropped slot passes to the next call"]
pub struct Slot {
    shared: Arc<Shared>,
    id: u64,
    turn: SlotRequest,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The call is queued, or its slot is granted but the call is not yet notified.
    Waiting,
    Granted,
    Departed {
        at: Instant,
        date: Date,
    },
}

/// Rate limit status of the upstream's response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The call was admitted, regardless of its status.
    Accepted,
    /// 429 `throttled`, with its `Retry-After`.
    Throttled(Option<Duration>),
    /// 429 `quota_exceeded`, with its `Retry-After`.
    QuotaExceeded(Option<Duration>),
}

impl Slot {
    pub(super) fn waiting(shared: Arc<Shared>, id: u64, turn: SlotRequest) -> Self {
        Self {
            shared,
            id,
            turn,
            stage: Stage::Waiting,
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn granted(mut self) -> Self {
        self.stage = Stage::Granted;
        self
    }

    /// Counts the call, which must then be sent immediately. Returns `false` if the slot was granted more than half a second
    /// ago and may since have been granted to another process; the call then needs another slot.
    #[must_use = "a call whose slot has lapsed must not be sent"]
    pub fn depart(&mut self) -> bool {
        if let Stage::Departed { .. } = self.stage {
            return true;
        }
        let now = self.shared.now();
        let claimed = {
            let mut schedule = self.shared.schedule();
            if schedule.second.has_lapsed(self.id, now.instant) {
                return false;
            }
            let claimed = schedule.depart(self.id, &now);
            self.stage = Stage::Departed {
                at: now.instant,
                date: now.date,
            };
            self.shared.ensure_dispatcher(&mut schedule);
            self.shared.ensure_writer(&mut schedule);
            claimed
        };
        self.shared.departed(claimed.as_slice());
        true
    }

    /// Ends the call with the rate limit status of its response. For a call without a response, drop the slot instead. Returns
    /// the pause of all calls after [`Verdict::QuotaExceeded`].
    pub fn settle(self, verdict: Verdict) -> Option<Duration> {
        let Stage::Departed { at, date } = self.stage else {
            return None;
        };
        let now = self.shared.now();
        let mut schedule = self.shared.schedule();
        match verdict {
            Verdict::Accepted => schedule.accepted(at),
            Verdict::Throttled(retry_after) => schedule.throttled(at, retry_after, &now),
            // The quota of the previous day does not apply to the current day.
            Verdict::QuotaExceeded(_) if date != now.date => {}
            Verdict::QuotaExceeded(retry_after) => {
                let wait = schedule.quota_exceeded(retry_after, &now);
                self.shared.ensure_writer(&mut schedule);
                return Some(wait);
            }
        }
        None
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut schedule = self.shared.schedule();
        match self.stage {
            Stage::Waiting if schedule.queue.remove(self.id) => {}
            Stage::Waiting | Stage::Granted => {
                if let Some(slot) = schedule.give_back(self.id) {
                    drop(schedule);
                    // The departure is given back before the next call is notified, so that the claim of that call finds the
                    // slot open.
                    self.shared.give_back(slot.claimed);
                    self.shared.ensure_dispatcher(&mut self.shared.schedule());
                    self.shared.given_back.notify_one();
                }
            }
            Stage::Departed { .. } => {
                if schedule.second.ended(self.id) {
                    self.shared.changed.notify_one();
                }
            }
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Slot")
            .field("id", &self.id)
            .field("turn", &self.turn)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
