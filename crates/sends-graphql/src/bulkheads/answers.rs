//! Memory of responses: reserved by estimate before an operation is executed, increased when more data is found, corrected to the
//! length of the serialised response, and released once that is written.
//!
//! The memory comes from one of three [bulkheads](crate::bulkheads), each called a lane. Responses of up to [`SMALL`] bytes by
//! estimate have their own lane, so that large responses never delay small ones. While an operation waits for Constant Contact,
//! its memory moves to the third lane. If that is full, the operation queues and keeps its memory; all queued operations together
//! keep at most half of the small and of the large lane. One connection can use half of each lane.
//!
//! Independent of HTTP and of the schema.

mod estimate;
mod lanes;
mod memory;

use std::{sync::Arc, time::Duration};

use self::lanes::{Lane, Lanes, Share};
pub use self::{
    estimate::{Estimate, long_name},
    lanes::WaitingMemory,
    memory::{AnswerMemory, begin_to_wait, charge_error, current, exceeded, within},
};
use crate::bulkheads::{Bulkhead, Bulkheads, Room};

/// Maximum estimate of a small response in bytes: about 3,500 values.
pub const SMALL: usize = 512 << 10;

/// Memory of a request that may be uncounted while the operation queues for the memory of its response. Other operations can
/// occupy the waiting lane for long, and the number of queued operations is bounded anyway.
const UNCOUNTED: usize = 16 << 10;

/// Reason for a rejected reservation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exceeded {
    /// The memory is in use by other responses.
    Busy,
    /// The response exceeds the limit of a single response.
    TooLarge,
}

impl Exceeded {
    /// Error message for the caller.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => {
                "The memory for answers (answer-budget) is in use at the moment; try again shortly."
            }
            Self::TooLarge => {
                "The answer takes more memory than one may (answer-budget); ask for fewer sends with `first`, for fewer \
                 activities, or for fewer fields."
            }
        }
    }
}

/// Memory of all responses of the service. Clones share it.
#[derive(Clone, Debug)]
pub struct AnswerBudget(Arc<Lanes>);

impl AnswerBudget {
    /// A budget of these bulkheads, in which reservations queue for up to `wait`.
    pub fn new(bulkheads: &Bulkheads, wait: Duration) -> Self {
        Self(Arc::new(Lanes::new(bulkheads, wait)))
    }

    /// Budget of a new connection.
    pub fn connection(&self) -> ConnectionBudget {
        ConnectionBudget {
            lanes: Arc::clone(&self.0),
            own: self.0.of_connection(),
        }
    }
}

/// Memory that the responses of one connection can use: half of each lane, or a single response of any size. Clones share it.
#[derive(Clone, Debug)]
pub struct ConnectionBudget {
    lanes: Arc<Lanes>,
    own: [Bulkhead; 3],
}

impl ConnectionBudget {
    /// Reserves memory for the response of one operation, in the order of arrival.
    ///
    /// # Errors
    ///
    /// [`Exceeded`] if the memory does not become free in time, if the waiting lane has no room for the request in the meantime,
    /// or if the estimate exceeds the lane.
    pub async fn reserve(&self, estimate: Estimate) -> Result<Arc<AnswerMemory>, Exceeded> {
        let share = self
            .reserve_bytes(estimate.bytes(), estimate.before_execution())
            .await?;
        Ok(AnswerMemory::new(self, share, estimate))
    }

    /// Reserves memory for all operations of a batch at once, so that none of them waits for memory of another one. The limit of
    /// the sum is that of a single response.
    ///
    /// # Errors
    ///
    /// Same as [`reserve`](Self::reserve).
    pub async fn reserve_batch(&self, estimates: &[Estimate]) -> Result<Vec<Arc<AnswerMemory>>, Exceeded> {
        let sum = |bytes: fn(Estimate) -> usize| {
            let each = estimates.iter().map(|estimate| bytes(*estimate));
            each.fold(0, usize::saturating_add)
        };
        let (bytes, before) = (sum(Estimate::bytes), sum(Estimate::before_execution));
        let mut total = self.reserve_bytes(bytes, before).await?;
        let each = estimates
            .iter()
            .map(|estimate| AnswerMemory::new(self, total.split(estimate.bytes()), *estimate));
        Ok(each.collect())
    }

    /// Reserves `bytes`. The operation has `before` bytes in memory while it queues.
    async fn reserve_bytes(&self, bytes: usize, before: usize) -> Result<Share, Exceeded> {
        let lane = Lane::of(bytes);
        let total = self.lanes.total(lane);
        if bytes > total.limit() {
            total.refuse();
            return Err(Exceeded::TooLarge);
        }
        if let Some(share) = self.try_share(lane, bytes) {
            return Ok(share);
        }
        let _request = match before {
            ..=UNCOUNTED => None,
            _ => Some(self.wait_in(before).ok_or(Exceeded::Busy)?),
        };
        let share = total.within(self.share(lane, bytes), self.lanes.wait()).await;
        share.ok_or(Exceeded::Busy)
    }

    /// Reserves memory for a request that waits for its turn, without queueing. `None` is counted as a rejection.
    pub fn wait_in(&self, bytes: usize) -> Option<WaitingMemory> {
        let share = self.more(Lane::Waiting, bytes, 0);
        if share.is_none() {
            self.lanes.total(Lane::Waiting).refuse();
        }
        share.map(WaitingMemory::new)
    }

    /// Memory of this connection for a response that exists already, without queueing.
    pub fn lend(&self, bytes: usize) -> Option<Room> {
        let own = self.own(Lane::of(bytes));
        own.enter_if_free(bytes.min(own.limit()))
    }

    /// Memory of the service for a response that exists already, without queueing. Several connections can share it, each within
    /// its own budget.
    pub fn lend_shared(&self, bytes: usize) -> Option<Room> {
        self.lanes.total(Lane::of(bytes)).enter_if_free(bytes)
    }
}

#[cfg(test)]
mod tests;
