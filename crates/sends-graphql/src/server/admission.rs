//! Admission of operations through a bounded queue.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;

use super::rejection::Rejection;
use crate::{
    bulkheads::Bulkhead,
    bulkheads::places::{Full, OperationPermit},
    schema::ErrorCode,
};

/// Queue length per concurrent operation. Operations in a longer queue would time out.
const QUEUED_PER_PERMIT: usize = 4;

pub(super) struct Admission {
    working: Bulkhead,
    waiting: Bulkhead,
    queue: Semaphore,
    wait: Duration,
}

impl Admission {
    pub(super) fn new(working: Bulkhead, waiting: Bulkhead, wait: Duration) -> Self {
        let queued = working.limit().saturating_mul(QUEUED_PER_PERMIT);
        Self {
            queue: Semaphore::new(queued.min(Semaphore::MAX_PERMITS)),
            working,
            waiting,
            wait,
        }
    }

    /// Acquires a permit for each operation of a request, in FIFO order. A batch acquires all permits together, so that its
    /// operations do not wait for each other.
    pub(super) async fn enter(&self, operations: usize) -> Result<OperationPermit, Rejection> {
        let size = operations.min(self.working.limit());
        let permits = if let Some(permits) = self.working.enter_if_free(size) {
            permits
        } else {
            let Ok(_queued) = self.queue.try_acquire() else {
                self.working.count_rejection();
                return Err(overloaded());
            };
            let permits = self.working.enter_within(size, self.wait).await;
            permits.ok_or_else(overloaded)?
        };
        Ok(OperationPermit::new(permits, &self.waiting))
    }
}

impl From<Full> for Rejection {
    fn from(_: Full) -> Self {
        overloaded()
    }
}

pub(super) fn overloaded() -> Rejection {
    busy("The service is overloaded at the moment; try again shortly.")
}

pub(super) fn busy(message: &str) -> Rejection {
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message)
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        let [working, waiting] = ["operations", "waiting_operations"].map(|name| Bulkhead::new(name, 1));
        Admission::new(working, waiting, Duration::from_secs(5))
    }

    #[tokio::test(start_paused = true)]
    async fn operation_queues_for_a_permit_until_the_timeout() {
        let admission = admission();
        let first = admission.enter(1).await.unwrap();
        assert!(admission.enter(1).await.is_err());
        let freed = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(admission.enter(1), freed);
        assert!(second.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded() {
        let admission = admission();
        let _permit = admission.enter(1).await.unwrap();
        let started = tokio::time::Instant::now();
        let waiting = (0..QUEUED_PER_PERMIT).map(|_| admission.enter(1));
        let waiting = futures_util::future::join_all(waiting);
        let one_more = async {
            tokio::task::yield_now().await;
            let rejected = admission.enter(1).await;
            (rejected.is_err(), started.elapsed())
        };
        let (_, (is_rejected, after)) = tokio::join!(waiting, one_more);
        assert!(is_rejected && after < Duration::from_secs(1), "{after:?}");
    }
}
