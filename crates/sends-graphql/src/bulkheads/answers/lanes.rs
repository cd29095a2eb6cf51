//! Lanes: the bulkheads for the memory of responses, and reservations from them.

use std::time::Duration;

use super::{ConnectionBudget, SMALL};
use crate::bulkheads::{Bulkhead, Bulkheads, Permits};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lane {
    Small,
    Large,
    Waiting,
}

impl Lane {
    pub(super) const fn of(bytes: usize) -> Self {
        if bytes <= SMALL { Self::Small } else { Self::Large }
    }
}

#[derive(Debug)]
pub(super) struct Lanes {
    /// Bulkheads of the lanes, indexed by [`Lane`].
    totals: [Bulkhead; 3],
    /// Limits on small and large reservations whose operations queue for the waiting lane.
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

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    pub(super) fn of_connection(&self) -> [Bulkhead; 3] {
        self.totals
            .each_ref()
            .map(|total| Bulkhead::new("answers of a connection", total.limit() / 2))
    }
}

/// Reservation in one lane, counted against both the service and the connection.
#[derive(Debug)]
pub(super) struct Share {
    lane: Lane,
    permits: Permits,
    own: Permits,
}

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

    /// Reserves memory unless other operations queue for it.
    pub(super) fn try_share(&self, lane: Lane, bytes: usize) -> Option<Share> {
        let own = self.own(lane);
        Some(Share {
            lane,
            own: own.enter_if_free(bytes.min(own.limit()))?,
            permits: self.lanes.total(lane).enter_if_free(bytes)?,
        })
    }

    /// Reserves memory ahead of the queue, for an operation that already has `present` bytes of the lane. A single response can
    /// exceed the budget of its connection.
    pub(super) fn more(&self, lane: Lane, bytes: usize, present: usize) -> Option<Share> {
        let own = self.own(lane);
        let remaining = own.limit().saturating_sub(present);
        Some(Share {
            lane,
            own: own.enter_before_waiting(bytes.min(remaining))?,
            permits: self.lanes.total(lane).enter_before_waiting(bytes)?,
        })
    }

    pub(super) async fn share(&self, lane: Lane, bytes: usize) -> Option<Share> {
        let own = self.own(lane);
        Some(Share {
            lane,
            own: own.enter(bytes.min(own.limit())).await?,
            permits: self.lanes.total(lane).enter(bytes).await?,
        })
    }

    /// Returns a permit to queue for the waiting lane with a reservation in another lane, or `None` if queued operations use half
    /// of the other lane.
    pub(super) fn queue_with(&self, share: (Lane, usize)) -> Option<Permits> {
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
        self.permits.size()
    }

    /// Splits off `bytes`. The connection's permits can run out before the service's, since a single response can exceed the
    /// connection's budget.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        Self {
            lane: self.lane,
            permits: self.permits.split_at_most(bytes),
            own: self.own.split_at_most(bytes),
        }
    }

    /// Merges two reservations, which must belong to the same lane.
    pub(super) fn merge(&mut self, other: Self) {
        self.permits.merge(other.permits);
        self.own.merge(other.own);
    }

    pub(super) fn shrink_to(&mut self, size: usize) {
        self.permits.shrink_to(size);
        self.own.shrink_to(size);
    }
}
