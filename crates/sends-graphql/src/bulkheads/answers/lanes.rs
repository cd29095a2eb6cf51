//! The bulkheads that the memory of responses comes from, and shares of them.

use std::time::Duration;

use super::{ConnectionBudget, SMALL};
use crate::bulkheads::{Bulkhead, Bulkheads, Room};

/// One of the bulkheads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lane {
    Small,
    Large,
    /// Operations that wait for upstream calls.
    Waiting,
}

impl Lane {
    /// Lane of a response of this size.
    pub(super) const fn of(bytes: usize) -> Self {
        if bytes <= SMALL { Self::Small } else { Self::Large }
    }
}

/// The bulkheads of the whole service.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Indexed by [`Lane`].
    totals: [Bulkhead; 3],
    /// Bounds on the memory of small and of large responses whose operations queue for the waiting lane.
    queued: [Bulkhead; 2],
    wait: Duration,
}

impl Lanes {
    pub(super) fn new(bulkheads: &Bulkheads, wait: Duration) -> Self {
        let totals = [
            &bulkheads.small_answers,
            &bulkheads.large_answers,
            &bulkheads.waiting_memory,
        ];
        let queued = |total: &Bulkhead| Bulkhead::new("queued answers", total.limit() / 2);
        Self {
            queued: [queued(totals[0]), queued(totals[1])],
            totals: totals.map(Bulkhead::clone),
            wait,
        }
    }

    pub(super) fn total(&self, lane: Lane) -> &Bulkhead {
        &self.totals[lane as usize]
    }

    /// Maximum time in a queue.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// Bulkheads of one connection, indexed by [`Lane`].
    pub(super) fn of_connection(&self) -> [Bulkhead; 3] {
        self.totals
            .each_ref()
            .map(|total| Bulkhead::new("answers of a connection", total.limit() / 2))
    }
}

/// Memory of one lane, taken both from the service's bulkhead and from the connection's.
#[derive(Debug)]
pub(super) struct Share {
    lane: Lane,
    room: Room,
    own: Room,
}

/// Memory of a request that waits for its turn, released when dropped.
#[derive(Debug)]
pub struct WaitingMemory {
    _share: Share,
}

impl WaitingMemory {
    pub(super) fn new(share: Share) -> Self {
        Self { _share: share }
    }
}

impl ConnectionBudget {
    pub(super) fn own(&self, lane: Lane) -> &Bulkhead {
        &self.own[lane as usize]
    }

    /// Memory that is free and that no operation queues for.
    pub(super) fn try_share(&self, lane: Lane, bytes: usize) -> Option<Share> {
        let own = self.own(lane);
        Some(Share {
            lane,
            own: own.enter_if_free(bytes.min(own.limit()))?,
            room: self.lanes.total(lane).enter_if_free(bytes)?,
        })
    }

    /// Memory for an operation in progress that has `present` bytes of the lane; operations that queue have to wait. A single
    /// response can exceed the budget of its connection.
    pub(super) fn more(&self, lane: Lane, bytes: usize, present: usize) -> Option<Share> {
        let own = self.own(lane);
        let most = own.limit().saturating_sub(present);
        Some(Share {
            lane,
            own: own.enter_before_waiting(bytes.min(most))?,
            room: self.lanes.total(lane).enter_before_waiting(bytes)?,
        })
    }

    pub(super) async fn share(&self, lane: Lane, bytes: usize) -> Option<Share> {
        let own = self.own(lane);
        Some(Share {
            lane,
            own: own.enter(bytes.min(own.limit())).await?,
            room: self.lanes.total(lane).enter(bytes).await?,
        })
    }

    /// Permission to queue for the waiting lane with memory of another lane. `None` if queued operations use half of that lane.
    pub(super) fn queue_with(&self, share: (Lane, usize)) -> Option<Room> {
        let (lane, bytes) = share;
        let queued = self.lanes.queued.get(lane as usize)?;
        queued.enter_before_waiting(bytes.min(queued.limit()))
    }
}

impl Share {
    pub(super) fn lane(&self) -> Lane {
        self.lane
    }

    pub(super) fn size(&self) -> usize {
        self.room.size()
    }

    /// Takes a part. The connection's room can be exhausted before the service's, since a single response can exceed it.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        Self {
            lane: self.lane,
            room: self.room.split_at_most(bytes),
            own: self.own.split_at_most(bytes),
        }
    }

    /// Adds memory of the same lane.
    pub(super) fn merge(&mut self, other: Self) {
        self.room.merge(other.room);
        self.own.merge(other.own);
    }

    pub(super) fn shrink_to(&mut self, size: usize) {
        self.room.shrink_to(size);
        self.own.shrink_to(size);
    }
}
