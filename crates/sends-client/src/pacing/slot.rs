//! A turn in the hands of the call that has it.
//!
//! Owns that a turn is given back, whenever and however the call ends. Must not know who gets it next.

use std::{fmt, sync::Arc, time::Duration};

use jiff::civil::Date;
use tokio::time::Instant;

use super::{Shared, SlotRequest};

/// A turn to make one call. Dropped before [`depart`](Self::depart), it goes to the next call and counts for nothing.
#[must_use = "a turn that is dropped goes to the next call"]
pub struct Slot {
    shared: Arc<Shared>,
    id: u64,
    turn: SlotRequest,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// In the queue, or just given its turn without having heard of it.
    Waiting,
    Granted,
    Departed {
        at: Instant,
        date: Date,
    },
}

/// What the upstream's answer says about the budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The call was taken, whatever the answer.
    Accepted,
    /// 429 `throttled`, with the `Retry-After` if there was one.
    Throttled(Option<Duration>),
    /// 429 `quota_exceeded`, with the `Retry-After` if there was one.
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

    /// Counts the call, which must be sent at once. `false` when the turn was given so long ago that it is another process's
    /// by now: the call needs another one.
    #[must_use = "a call whose turn has lapsed must not be sent"]
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
                date: now.day.date,
            };
            self.shared.keep_dispatching(&mut schedule);
            self.shared.keep_writing(&mut schedule);
            claimed
        };
        self.shared.departed(claimed.as_slice());
        true
    }

    /// Ends the call with what its answer says about the budget, and says how long all calls wait because of a used-up day.
    /// A call without an answer is just dropped.
    pub fn settle(self, verdict: Verdict) -> Option<Duration> {
        let Stage::Departed { at, date } = self.stage else {
            return None;
        };
        let now = self.shared.now();
        let mut schedule = self.shared.schedule();
        match verdict {
            Verdict::Accepted => schedule.accepted(at),
            Verdict::Throttled(retry_after) => schedule.throttled(at, retry_after, &now),
            // What was true of the day before says nothing about this one.
            Verdict::QuotaExceeded(_) if date != now.day.date => {}
            Verdict::QuotaExceeded(retry_after) => {
                let wait = schedule.quota_exceeded(retry_after, &now);
                self.shared.keep_writing(&mut schedule);
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
                    // Before the waiting call is told, so that its claim finds the slot open.
                    self.shared.give_back(slot.claimed);
                    self.shared.keep_dispatching(&mut self.shared.schedule());
                    self.shared.given_back.notify_one();
                }
            }
            Stage::Departed { .. } => {
                if schedule.second.answered(self.id) {
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
