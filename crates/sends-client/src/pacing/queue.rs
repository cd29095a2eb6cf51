//! The calls that wait, in the order in which they will go: people before background work, lanes in turn, and first come
//! first served within a lane.
//!
//! Must not know when a call may go.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::Refused;
use crate::{Lane, Priority};

/// Tells a waiting call that its turn has come, or that it will not come.
pub(super) type Waiter = oneshot::Sender<Result<(), Refused>>;

#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    interactive: Lanes,
    background: Lanes,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            interactive: Lanes::default(),
            background: Lanes::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.interactive.len + self.background.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether one more call of this priority may wait. Background work leaves half of the places to people.
    pub(super) fn has_room(&self, priority: Priority) -> bool {
        let background_limit = self.limit / 2;
        self.len() < self.limit
            && (priority == Priority::Interactive || self.background.len < background_limit)
    }

    /// Adds a call. Ids must grow, since they are the order within a lane.
    pub(super) fn push(&mut self, priority: Priority, lane: Lane, id: u64, waiter: Waiter) {
        self.lanes(priority).push(lane, id, waiter);
    }

    /// Takes a call out of its place. `false` when it is not waiting any more.
    pub(super) fn remove(&mut self, priority: Priority, lane: Lane, id: u64) -> bool {
        self.lanes(priority).remove(lane, id)
    }

    /// The call whose turn it is.
    pub(super) fn pop(&mut self) -> Option<(u64, Waiter)> {
        self.interactive.pop().or_else(|| self.background.pop())
    }

    /// Sends every waiting call of this priority away.
    pub(super) fn refuse_all(&mut self, priority: Priority, refused: Refused) {
        let lanes = self.lanes(priority);
        while let Some((_, waiter)) = lanes.pop() {
            // A receiver that has gone does not need to be told.
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
    /// The lanes that have calls waiting, the one whose turn it is first.
    turns: VecDeque<Lane>,
    waiting: HashMap<Lane, BTreeMap<u64, Waiter>>,
    len: usize,
}

impl Lanes {
    fn push(&mut self, lane: Lane, id: u64, waiter: Waiter) {
        let calls = self.waiting.entry(lane).or_default();
        if calls.is_empty() {
            self.turns.push_back(lane);
        }
        calls.insert(id, waiter);
        self.len += 1;
    }

    fn remove(&mut self, lane: Lane, id: u64) -> bool {
        let Some(calls) = self.waiting.get_mut(&lane) else {
            return false;
        };
        if calls.remove(&id).is_none() {
            return false;
        }
        self.len -= 1;
        if calls.is_empty() {
            self.waiting.remove(&lane);
            self.turns.retain(|other| *other != lane);
        }
        true
    }

    fn pop(&mut self) -> Option<(u64, Waiter)> {
        let lane = self.turns.pop_front()?;
        let calls = self.waiting.get_mut(&lane)?;
        let call = calls.pop_first()?;
        if calls.is_empty() {
            self.waiting.remove(&lane);
        } else {
            self.turns.push_back(lane);
        }
        self.len -= 1;
        Some(call)
    }
}
