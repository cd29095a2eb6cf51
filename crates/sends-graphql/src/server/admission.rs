//! Admission of operations: a bounded queue for their places.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;

use super::rejection::Rejection;
use crate::{
    bulkheads::Bulkhead,
    bulkheads::places::{Full, Place},
    schema::ErrorCode,
};

/// Length of the queue for each concurrent operation. Further operations would wait in vain.
const QUEUED_PER_PLACE: usize = 4;

pub(super) struct Admission {
    working: Bulkhead,
    waiting: Bulkhead,
    queue: Semaphore,
    wait: Duration,
}

impl Admission {
    /// Operations queue for a place in `working` for up to `wait`.
    pub(super) fn new(working: Bulkhead, waiting: Bulkhead, wait: Duration) -> Self {
        let queued = working.limit().saturating_mul(QUEUED_PER_PLACE);
        Self {
            queue: Semaphore::new(queued.min(Semaphore::MAX_PERMITS)),
            working,
            waiting,
            wait,
        }
    }

    /// Reserves a place for each operation of a request, in the order of arrival. A batch gets all places together, so that none
    /// of its operations waits for another one.
    pub(super) async fn enter(&self, operations: usize) -> Result<Place, Rejection> {
        let places = operations.min(self.working.limit());
        let room = if let Some(room) = self.working.enter_if_free(places) {
            room
        } else {
            let Ok(_queued) = self.queue.try_acquire() else {
                self.working.refuse();
                return Err(overloaded());
            };
            let room = self.working.enter_within(places, self.wait).await;
            room.ok_or_else(overloaded)?
        };
        Ok(Place::new(room, &self.waiting))
    }
}

impl From<Full> for Rejection {
    fn from(_: Full) -> Self {
        overloaded()
    }
}

/// Rejection of an operation without a place.
pub(super) fn overloaded() -> Rejection {
    busy("The service is overloaded at the moment; try again shortly.")
}

/// 503 with `Retry-After` and this message.
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
    async fn an_operation_queues_for_a_place_until_the_timeout() {
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
        let _place = admission.enter(1).await.unwrap();
        let started = tokio::time::Instant::now();
        let waiting = (0..QUEUED_PER_PLACE).map(|_| admission.enter(1));
        let waiting = futures_util::future::join_all(waiting);
        let one_more = async {
            tokio::task::yield_now().await;
            let refused = admission.enter(1).await;
            (refused.is_err(), started.elapsed())
        };
        let (_, (refused, after)) = tokio::join!(waiting, one_more);
        assert!(refused && after < Duration::from_secs(1), "{after:?}");
    }
}
