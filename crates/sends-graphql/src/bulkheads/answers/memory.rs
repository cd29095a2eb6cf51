//! Memory reservation of one response during execution.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, SetOnce},
    time::timeout,
};

use super::{
    ConnectionBudget, Estimate, Exceeded,
    estimate::{ERROR, VALUE},
    lanes::{Lane, Share},
};

/// Maximum execution time before an operation yields to other tasks. async-graphql resolves cached data without yielding.
const SLICE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub struct AnswerMemory {
    budget: ConnectionBudget,
    share: Mutex<Share>,
    /// Reason of the first failed charge. All later charges fail with the same reason.
    exceeded: OnceLock<Exceeded>,
    /// Notification that a field has to wait and the waiting lane is full.
    queues: Notify,
    /// Flag for a reservation that has moved to the waiting lane or failed to move in time.
    moved: SetOnce<()>,
    error_bytes: usize,
    slice: Mutex<Instant>,
}

tokio::task_local! {
    /// Reservation of the operation that the task executes, for code that has no access to the context, such as error conversion.
    static CURRENT: Arc<AnswerMemory>;
}

/// Executes an operation with `memory` as its [current] reservation. The operation, rather than a field, queues for the waiting
/// lane, because the queue position must outlive a field whose data arrives.
pub async fn within<T>(memory: Arc<AnswerMemory>, operation: impl Future<Output = T>) -> T {
    let mut operation = pin!(CURRENT.scope(Arc::clone(&memory), operation));
    tokio::select! {
        biased;
        output = &mut operation => return output,
        () = memory.queue_when_notified() => {}
    }
    operation.await
}

/// Returns the reservation of this task's operation. `None` outside an HTTP request.
pub fn current() -> Option<Arc<AnswerMemory>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Moves the reservation of this task's operation to the waiting lane, and queues if the lane is full. The reservation stays
/// there until the response is complete, so that an operation with upstream data never queues again.
pub async fn begin_to_wait() -> Result<(), Exceeded> {
    let Some(memory) = current() else {
        return Ok(());
    };
    if memory.exceeded().is_none() && !memory.moved.initialized() && !memory.move_now() {
        memory.queues.notify_one();
        memory.moved.wait().await;
    }
    memory.exceeded().map_or(Ok(()), Err)
}

pub fn exceeded() -> Option<Exceeded> {
    CURRENT.try_with(|memory| memory.exceeded()).ok().flatten()
}

/// Charges the memory of an error, which estimates do not include.
///
/// Returns an error if the operation is rejected. The caller can then drop the error to be reported.
pub fn charge_error() -> Result<(), Exceeded> {
    let charged = CURRENT.try_with(|memory| memory.charge_bytes(memory.error_bytes));
    charged.unwrap_or(Ok(()))
}

impl AnswerMemory {
    pub(super) fn new(budget: &ConnectionBudget, share: Share, estimate: Estimate) -> Arc<Self> {
        Arc::new(Self {
            budget: budget.clone(),
            share: Mutex::new(share),
            exceeded: OnceLock::new(),
            queues: Notify::new(),
            moved: SetOnce::new(),
            error_bytes: ERROR.saturating_add(estimate.path),
            slice: Mutex::new(Instant::now()),
        })
    }

    /// Charges values beyond the estimate, and `texts` bytes of long names.
    ///
    /// Returns an error for this and every later charge. The response must then not be sent.
    pub fn charge(&self, values: usize, texts: usize) -> Result<(), Exceeded> {
        self.charge_bytes(values.saturating_mul(VALUE).saturating_add(texts))
    }

    fn charge_bytes(&self, bytes: usize) -> Result<(), Exceeded> {
        match self.exceeded.get() {
            Some(exceeded) => Err(*exceeded),
            None => self.grow(bytes),
        }
    }

    /// Corrects the reservation to the length of the serialised response, and moves it to the lane for that length if the lane
    /// has free memory.
    pub fn settle(&self, length: usize) -> Result<(), Exceeded> {
        let missing = length.saturating_sub(self.bytes());
        if missing > 0 {
            self.grow(missing)?;
        }
        let mut share = self.share();
        let lane = Lane::of(length);
        let moved = (lane != share.lane()).then(|| self.budget.try_share(lane, length));
        match moved.flatten() {
            Some(moved) => *share = moved,
            None => share.shrink_to(length),
        }
        Ok(())
    }

    /// Tries to move the reservation to the waiting lane, and does not queue. Also returns `true` for a rejected operation, whose
    /// reservation exceeds the lane and would queue in vain.
    fn move_now(&self) -> bool {
        let size = self.bytes();
        let total = self.budget.lanes.total(Lane::Waiting);
        if size > total.limit() {
            total.count_rejection();
            self.exceeded.get_or_init(|| Exceeded::TooLarge);
            return true;
        }
        let Some(moved) = self.budget.try_share(Lane::Waiting, size) else {
            return false;
        };
        *self.share() = moved;
        // Another field of the operation may already have set it.
        let _ = self.moved.set(());
        true
    }

    async fn queue_when_notified(&self) {
        self.queues.notified().await;
        if self.move_from_queue(self.bytes()).await.is_none() {
            self.budget.lanes.total(Lane::Waiting).count_rejection();
            self.exceeded.get_or_init(|| Exceeded::Busy);
        }
        let _ = self.moved.set(());
    }

    async fn move_from_queue(&self, size: usize) -> Option<()> {
        let lane = self.share().lane();
        let _queued = self.budget.queue_with((lane, size))?;
        let moved = timeout(self.budget.lanes.wait(), self.budget.share(Lane::Waiting, size)).await;
        let mut moved = moved.ok().flatten()?;
        let mut share = self.share();
        let grown = share.size().saturating_sub(size);
        if grown > 0 {
            moved.merge(self.budget.more(Lane::Waiting, grown, size)?);
        }
        *share = moved;
        Some(())
    }

    pub fn bytes(&self) -> usize {
        self.share().size()
    }

    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get().copied()
    }

    /// Yields to other tasks at the end of a time slice.
    pub async fn pause(&self) {
        loop {
            let started = *self.slice();
            if started.elapsed() < SLICE {
                return;
            }
            tokio::task::yield_now().await;
            // Only the first of several fields that yielded concurrently starts the next slice.
            let mut slice = self.slice();
            if *slice == started {
                *slice = Instant::now();
            }
        }
    }

    fn grow(&self, bytes: usize) -> Result<(), Exceeded> {
        let mut share = self.share();
        let total = share.size().saturating_add(bytes);
        let lane = match share.lane() {
            Lane::Small => Lane::of(total),
            other => other,
        };
        // The limit of a single response also applies in the waiting lane, which can be larger.
        let reason = if total > self.budget.lanes.total(Lane::Large).limit() {
            Exceeded::TooLarge
        } else if lane != share.lane() {
            match self.budget.more(lane, total, 0) {
                Some(moved) => {
                    *share = moved;
                    return Ok(());
                }
                None => Exceeded::Busy,
            }
        } else {
            match self.budget.more(lane, bytes, share.size()) {
                Some(more) => {
                    share.merge(more);
                    return Ok(());
                }
                None => Exceeded::Busy,
            }
        };
        self.budget.lanes.total(lane).count_rejection();
        Err(*self.exceeded.get_or_init(|| reason))
    }

    fn share(&self) -> MutexGuard<'_, Share> {
        self.share.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slice(&self) -> MutexGuard<'_, Instant> {
        self.slice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
