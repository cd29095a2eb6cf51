//! The queue for the places of operations.
//!
//! Must not know what an operation does.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use tokio::sync::Semaphore;

use super::rejection::Rejection;
use crate::{
    bulkheads::{Bulkhead, Room},
    graphql::ErrorCode,
};

/// How many wait, at the most, for each operation that is under way. More would only wait in vain.
const WAITING_PER_PLACE: usize = 4;

/// Lets operations in one after the other.
pub(super) struct Admission {
    places: Bulkhead,
    queue: Semaphore,
    wait: Duration,
}

impl Admission {
    pub(super) fn new(places: Bulkhead, wait: Duration) -> Self {
        let waiting = places.limit().saturating_mul(WAITING_PER_PLACE);
        Self {
            queue: Semaphore::new(waiting.min(Semaphore::MAX_PERMITS)),
            places,
            wait,
        }
    }

    /// A place for an operation, in the order of arrival; a refusal where none becomes free in time.
    pub(super) async fn enter(&self) -> Result<Room, Rejection> {
        if let Some(place) = self.places.enter_if_free(1) {
            return Ok(place);
        }
        let Ok(_waiting) = self.queue.try_acquire() else {
            self.places.refuse();
            return Err(overloaded());
        };
        let place = self.places.enter_within(1, self.wait);
        place.await.ok_or_else(overloaded)
    }
}

/// The refusal of what there is no room for at the moment.
pub(super) fn overloaded() -> Rejection {
    busy("The service has too much to do at the moment; try again shortly.")
}

/// The same, in these words.
pub(super) fn busy(message: &str) -> Rejection {
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Overloaded, message)
        .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_operation_waits_for_a_place_and_no_longer_than_it_may() {
        let admission = Admission::new(Bulkhead::new("operations", 1), Duration::from_secs(5));
        let first = admission.enter().await.unwrap();
        assert!(admission.enter().await.is_err());
        let freed = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(admission.enter(), freed);
        assert!(second.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_is_bounded() {
        let admission = Admission::new(Bulkhead::new("operations", 1), Duration::from_secs(5));
        let _place = admission.enter().await.unwrap();
        let started = tokio::time::Instant::now();
        let waiting = (0..WAITING_PER_PLACE).map(|_| admission.enter());
        let waiting = futures_util::future::join_all(waiting);
        let one_more = async {
            tokio::task::yield_now().await;
            let refused = admission.enter().await;
            (refused.is_err(), started.elapsed())
        };
        let (_, (refused, after)) = tokio::join!(waiting, one_more);
        assert!(refused && after < Duration::from_secs(1), "{after:?}");
    }
}
