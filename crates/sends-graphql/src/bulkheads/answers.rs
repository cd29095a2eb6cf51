//! Memory accounting of responses. A reservation starts as an estimate before execution, grows with the data found, and is
//! corrected to the length of the serialised response. Writing the response releases the reservation.
//!
//! Memory comes from one of three [bulkheads](crate::bulkheads), called lanes. Responses with an estimate of up to [`SMALL`]
//! bytes have their own lane, so that large responses never delay them. The reservation of an operation that waits for Constant
//! Contact moves to the waiting lane. If that lane is full, the operation queues with its reservation. Queued operations together
//! use at most half of the small and of the large lane. One connection can use half of each lane.
//!
//! The module is independent of HTTP and of the schema.

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
use crate::bulkheads::{Bulkhead, Bulkheads, Permits};

/// Maximum estimate of a small response in bytes, equivalent to about 3,500 values.
pub const SMALL: usize = 512 << 10;

/// Maximum bytes of a queued request that are exempt from the waiting lane. Other operations can occupy that lane for a long
/// time, and the number of queued operations is bounded anyway.
const UNCOUNTED: usize = 16 << 10;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exceeded {
    Busy,
    TooLarge,
}

impl Exceeded {
    pub const fn message(self) -> &'static str {
        match self {
            Self::Busy => "The memory for responses (answer-budget) is in use; try again shortly.",
            Self::TooLarge => {
                "The response exceeds the memory limit (answer-budget); request fewer sends with `first`, fewer \
                 activities or fewer fields."
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct AnswerBudget(Arc<Lanes>);

impl AnswerBudget {
    pub fn new(bulkheads: &Bulkheads, wait: Duration) -> Self {
        Self(Arc::new(Lanes::new(bulkheads, wait)))
    }

    pub fn connection(&self) -> ConnectionBudget {
        ConnectionBudget {
            lanes: Arc::clone(&self.0),
            own: self.0.of_connection(),
        }
    }
}

/// Memory budget of one connection: half of each lane, or a single response of any size. Clones share the budget.
#[derive(Clone, Debug)]
pub struct ConnectionBudget {
    lanes: Arc<Lanes>,
    own: [Bulkhead; 3],
}

impl ConnectionBudget {
    /// Reserves memory for the response of one operation, in FIFO order.
    ///
    /// Returns an error if the reservation times out, if the waiting lane has no memory for the queued request, or if the
    /// estimate exceeds the lane.
    pub async fn reserve(&self, estimate: Estimate) -> Result<Arc<AnswerMemory>, Exceeded> {
        let share = self
            .reserve_bytes(estimate.bytes(), estimate.before_execution())
            .await?;
        Ok(AnswerMemory::new(self, share, estimate))
    }

    /// Reserves memory for all operations of a batch in one step, so that no operation waits for the memory of another. The limit
    /// for a single response applies to the sum.
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

    /// Reserves `bytes` for an operation that occupies `before` bytes while it queues.
    async fn reserve_bytes(&self, bytes: usize, before: usize) -> Result<Share, Exceeded> {
        let lane = Lane::of(bytes);
        let total = self.lanes.total(lane);
        if bytes > total.limit() {
            total.count_rejection();
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

    /// Reserves memory of the waiting lane for a queued request, without waiting. A failure counts as a rejection.
    pub fn wait_in(&self, bytes: usize) -> Option<WaitingMemory> {
        let share = self.more(Lane::Waiting, bytes, 0);
        if share.is_none() {
            self.lanes.total(Lane::Waiting).count_rejection();
        }
        share.map(WaitingMemory::new)
    }

    /// Acquires memory of the connection for an existing response, without waiting.
    pub fn lend(&self, bytes: usize) -> Option<Permits> {
        let own = self.own(Lane::of(bytes));
        own.enter_if_free(bytes.min(own.limit()))
    }

    /// Acquires memory of the service for an existing response, without waiting. Several connections can share the memory, each
    /// within its own budget.
    pub fn lend_shared(&self, bytes: usize) -> Option<Permits> {
        self.lanes.total(Lane::of(bytes)).enter_if_free(bytes)
    }
}

#[cfg(test)]
mod tests;
