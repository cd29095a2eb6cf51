//! Queue of waiting calls: interactive ones before background ones except for their [share](BackgroundShare), lanes in turn, and
//! first in, first out within a lane. A call that several operations wait for is in the lane of each.

use std::collections::{BTreeSet, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::{QueueUse, Refused, background::BackgroundShare};
use crate::{Lane, Priority};

/// Notifies a waiting call that its slot is granted or rejected.
pub(super) type Waiter = oneshot::Sender<Result<(), Refused>>;

#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    interactive: Lanes,
    background: Lanes,
    share: BackgroundShare,
    /// Calls rejected because the queue was full, since the start.
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

    /// Waiting interactive calls, and waiting background calls.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.interactive.calls.len(), self.background.calls.len())
    }

    /// Whether another call of this priority may wait; counts it as rejected otherwise. Half of the places are for interactive
    /// calls only.
    pub(super) fn has_room(&mut self, priority: Priority) -> bool {
        let background_limit = self.limit / 2;
        let has_room = self.len() < self.limit
            && (priority == Priority::Interactive || self.background.calls.len() < background_limit);
        self.refused += u64::from(!has_room);
        has_room
    }

    pub(super) fn used(&self) -> QueueUse {
        QueueUse {
            waiting: self.len(),
            limit: self.limit,
            refused: self.refused,
        }
    }

    /// Adds a call. Ids must increase: they are the order within a lane.
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
            // The call is in one of the two queues. Among interactive calls, an additional lane can only help.
            self.interactive.add_lane(lane, id);
            self.background.add_lane(lane, id);
        }
    }

    /// Removes a call. `false` if the call no longer waits.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        self.interactive
            .remove(id)
            .or_else(|| self.background.remove(id))
            .is_some()
    }

    /// Removes the next call: by the priority that a departure was granted for, otherwise by the order of this queue. Falls back
    /// to the other priority if no such call waits.
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

    /// Rejects all waiting calls of a priority.
    pub(super) fn refuse_all(&mut self, priority: Priority, refused: Refused) {
        let lanes = self.lanes(priority);
        while let Some((_, waiter)) = lanes.pop() {
            // Fails for a cancelled call.
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
    /// Lanes with waiting calls, the next one first.
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
        // Removing the call below removes the lane again when it is empty.
        self.turns.push_back(lane);
        let id = *self.lines.get(&lane)?.first()?;
        Some((id, self.remove(id)?))
    }
}
