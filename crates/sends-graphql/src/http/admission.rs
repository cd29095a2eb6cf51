//! How many operations are under way at once.
//!
//! Owns the places and the queue for them. Must not know what an operation does.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rejection::Rejection;
use crate::graphql::ErrorCode;

/// How many wait, at the most, for each operation that is under way. More would only wait in vain.
const WAITING_PER_PLACE: usize = 4;

/// Lets operations in one after the other.
pub(super) struct Admission {
    places: Arc<Semaphore>,
    queue: Semaphore,
    wait: Duration,
}

/// The place of one operation, given back when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(operations: usize, wait: Duration) -> Self {
        let places = operations.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(places)),
            queue: Semaphore::new(
                places
                    .saturating_mul(WAITING_PER_PLACE)
                    .min(Semaphore::MAX_PERMITS),
            ),
            wait,
        }
    }

    /// A place for an operation, in the order of arrival; a refusal where none becomes free in time.
    pub(super) async fn enter(&self) -> Result<Place, Rejection> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = self.queue.try_acquire().map_err(|_| overloaded())?;
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned());
        match place.await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            _ => Err(overloaded()),
        }
    }
}

/// The refusal of what there is no room for at the moment.
pub(super) fn overloaded() -> Rejection {
    Rejection::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Overloaded,
        "The service has too much to do at the moment; try again shortly.",
    )
    .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_operation_waits_for_a_place_and_no_longer_than_it_may() {
        let admission = Admission::new(1, Duration::from_secs(5));
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
        let admission = Admission::new(1, Duration::from_secs(5));
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
