//! Queue of waiting calls. Interactive calls precede background calls except for their [share](BackgroundShare). Lanes are served
//! round-robin, and the calls of a lane first in, first out. A call that several operations share is in the lanes of all of them.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::{QueueUse, Refused, background::BackgroundShare};
use crate::{Lane, Priority};

/// Channel that notifies a waiting call of its granted or rejected slot.
pub(super) type Waiter = oneshot::Sender<Result<(), Refused>>;

#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    interactive: Lanes,
    background: Lanes,
    share: BackgroundShare,
    /// Number of calls rejected since the start because the queue was full.
    refused: u64,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            interactive: Lanes::default(),
            background: Lanes::default(),
            share: BackgroundShare::default(),
            refused: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.interactive.calls.len() + self.background.calls.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the numbers of waiting interactive and background calls.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.interactive.calls.len(), self.background.calls.len())
    }

    /// Returns whether another call of this priority may wait, and counts a rejection otherwise. Half of the places are
    /// reserved for interactive calls.
    pub(super) fn may_queue(&mut self, priority: Priority) -> bool {
        let background_limit = self.limit / 2;
        let may_queue = self.len() < self.limit
            && (priority == Priority::Interactive || self.background.calls.len() < background_limit);
        self.refused += u64::from(!may_queue);
        may_queue
    }

    pub(super) fn used(&self) -> QueueUse {
        QueueUse {
            waiting: self.len(),
            limit: self.limit,
            refused: self.refused,
        }
    }

    /// Adds a call. Ids must increase because they determine the order within a lane.
    pub(super) fn push(&mut self, priority: Priority, lane: Lane, id: u64, waiter: Waiter) {
        self.lanes(priority).push(lane, id, waiter);
    }

    /// Adds a waiting call to another lane. A background call that an interactive operation joins becomes interactive.
    pub(super) fn add_lane(&mut self, priority: Priority, lane: Lane, id: u64) {
        if priority == Priority::Interactive
            && let Some(waiter) = self.background.remove(id)
        {
            self.interactive.push(lane, id, waiter);
        } else {
            // The call is in only one of the two queues, so the other addition has no effect. For an interactive call, an
            // additional lane can only shorten the wait.
            self.interactive.add_lane(lane, id);
            self.background.add_lane(lane, id);
        }
    }

    /// Removes a call. Returns `false` if the call no longer waits.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.interactive
            .remove(id)
            .or_else(|| self.background.remove(id))
            .is_some()
    }

    /// Removes the next call, preferably with the priority that a departure was granted for. If `granted_for` is `None`, the
    /// order of this queue applies.
    pub(super) fn pop(&mut self, granted_for: Option<Priority>) -> Option<(u64, Waiter)> {
        let background_waits = !self.background.calls.is_empty();
        let is_background = match granted_for {
            Some(priority) => priority == Priority::Background,
            None => self.share.is_due(),
        };
        let order = if is_background {
            [Priority::Background, Priority::Interactive]
        } else {
            [Priority::Interactive, Priority::Background]
        };
        let (priority, call) = order
            .into_iter()
            .find_map(|priority| Some((priority, self.lanes(priority).pop()?)))?;
        self.share.departed(priority, background_waits);
        Some(call)
    }

    pub(super) fn refuse_all(&mut self, priority: Priority, refused: Refused) {
        let lanes = self.lanes(priority);
        while let Some((_, waiter)) = lanes.pop() {
            let _ = waiter.send(Err(refused));
        }
    }

    fn lanes(&mut self, priority: Priority) -> &mut Lanes {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Background => &mut self.background,
        }
    }
}

#[derive(Debug, Default)]
struct Lanes {
    /// Lanes with waiting calls, in round-robin order.
    turns: VecDeque<Lane>,
    /// Ids of the calls in each lane.
    lines: HashMap<Lane, BTreeSet<u64>>,
    calls: HashMap<u64, Call>,
}

#[derive(Debug)]
struct Call {
    waiter: Waiter,
    lanes: Vec<Lane>,
}

impl Lanes {
    fn push(&mut self, lane: Lane, id: u64, waiter: Waiter) {
        let lanes = Vec::new();
        self.calls.insert(id, Call { waiter, lanes });
        self.add_lane(lane, id);
    }

    fn add_lane(&mut self, lane: Lane, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let waiting = self.lines.entry(lane).or_default();
        if waiting.is_empty() {
            self.turns.push_back(lane);
        }
        if waiting.insert(id) {
            call.lanes.push(lane);
        }
    }

    fn remove(&mut self, id: u64) -> Option<Waiter> {
        let call = self.calls.remove(&id)?;
        for lane in call.lanes {
            let Some(waiting) = self.lines.get_mut(&lane) else {
                continue;
            };
            waiting.remove(&id);
            if waiting.is_empty() {
                self.lines.remove(&lane);
                self.turns.retain(|other| *other != lane);
            }
        }
        Some(call.waiter)
    }

    fn pop(&mut self) -> Option<(u64, Waiter)> {
        let lane = self.turns.pop_front()?;
        // Removing the call below also removes the lane if the lane becomes empty.
        self.turns.push_back(lane);
        let id = *self.lines.get(&lane)?.first()?;
        Some((id, self.remove(id)?))
    }
}
