//! Places of operations in two bulkheads.
//!
//! An operation begins in [`operations`](crate::bulkheads::Bulkheads::operations). When it first waits, for Constant Contact or
//! for memory, it moves to [`waiting_operations`](crate::bulkheads::Bulkheads::waiting_operations), so that other operations can
//! run in the meantime. The operation stays there until its end, since the rest of its work is small. The [memory of its
//! response](crate::bulkheads::answers) moves as well.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

use crate::bulkheads::{Bulkhead, Room, answers};

tokio::task_local! {
    /// Place of the operation that the task executes.
    static PLACE: Place;
}

/// No room for a waiting operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many operations are waiting")]
pub struct Full;

/// Place of one operation, or of all operations of a batch, which wait together. Released with the last clone.
#[derive(Clone, Debug)]
pub struct Place(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    waiting: Bulkhead,
}

#[derive(Debug)]
struct State {
    room: Room,
    is_waiting: bool,
}

impl Place {
    /// A place with this room, which moves to the bulkhead `waiting`.
    pub fn new(room: Room, waiting: &Bulkhead) -> Self {
        let state = State {
            room,
            is_waiting: false,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            waiting: waiting.clone(),
        }))
    }

    /// Runs an operation with this as the place that [`waiting`] moves.
    pub async fn of<F: Future>(&self, operation: F) -> F::Output {
        PLACE.scope(self.clone(), operation).await
    }

    /// Moves the place if the future is not ready at once.
    pub async fn waiting<F: Future>(&self, future: F) -> Result<F::Output, Full> {
        waiting_in(|| self.begin_to_wait(), future).await
    }

    fn begin_to_wait(&self) -> Result<(), Full> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_waiting {
            *state = State {
                room: self.0.waiting.try_enter(state.room.size()).ok_or(Full)?,
                is_waiting: true,
            };
        }
        Ok(())
    }
}

/// Delay between the move of the place and that of the memory. Reads of the store take a few milliseconds.
const GRACE: Duration = Duration::from_millis(100);

/// Awaits a future of this task's operation. Its place moves unless the future is ready at once, and its memory unless that is
/// ready within 100 ms. Outside an operation, only awaits the future.
pub async fn waiting<F: Future>(future: F) -> Result<F::Output, Full> {
    let mut waits = pin!(waiting_for_store(future));
    if let Ok(ended) = timeout(GRACE, &mut waits).await {
        return ended;
    }
    // The future can be ready before there is memory.
    tokio::select! {
        biased;
        ended = &mut waits => return ended,
        begun = answers::begin_to_wait() => begun.map_err(|_| Full)?,
    }
    waits.await
}

/// Awaits a read of the store. The memory does not move: such reads are limited in number and time, and answers that wait for
/// Constant Contact must not prevent them.
pub async fn waiting_for_store<F: Future>(future: F) -> Result<F::Output, Full> {
    let begin = || match answers::exceeded() {
        Some(_) => Err(Full),
        None => PLACE.try_with(Place::begin_to_wait).unwrap_or(Ok(())),
    };
    waiting_in(begin, future).await
}

async fn waiting_in<F: Future>(begin: impl Fn() -> Result<(), Full>, future: F) -> Result<F::Output, Full> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => match begin() {
            Ok(()) => Poll::Pending,
            Err(full) => Poll::Ready(Err(full)),
        },
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future;

    use futures_util::FutureExt;

    use super::*;

    struct Pools {
        working: Bulkhead,
        waiting: Bulkhead,
    }

    impl Pools {
        fn new(working: usize, waiting: usize) -> Self {
            Self {
                working: Bulkhead::new("operations", working),
                waiting: Bulkhead::new("waiting_operations", waiting),
            }
        }

        fn enter(&self) -> Place {
            Place::new(self.working.try_enter(1).unwrap(), &self.waiting)
        }

        fn in_use(&self) -> [usize; 2] {
            [&self.working, &self.waiting].map(|pool| pool.occupancy().in_use)
        }
    }

    fn begins_to_wait(place: &Place) -> bool {
        place.waiting(future::pending::<()>()).now_or_never().is_none()
    }

    #[tokio::test]
    async fn a_waiting_operation_frees_its_place_for_another() {
        let pools = Pools::new(1, 1);
        let place = pools.enter();
        assert_eq!(place.of(waiting(future::ready(7))).await, Ok(7));
        assert_eq!(pools.in_use(), [1, 0]);
        let waits = place.of(waiting(future::pending::<()>()));
        assert!(waits.now_or_never().is_none());
        assert_eq!(pools.in_use(), [0, 1]);
        drop(place);
        assert_eq!(pools.in_use(), [0, 0]);
    }

    #[tokio::test]
    async fn operations_of_a_batch_wait_together() {
        let pools = Pools::new(3, 3);
        let place = Place::new(pools.working.try_enter(3).unwrap(), &pools.waiting);
        assert!(begins_to_wait(&place.clone()));
        assert_eq!(pools.in_use(), [0, 3]);
        drop(place);
        assert_eq!(pools.in_use(), [0, 0]);
    }

    #[tokio::test]
    async fn an_operation_beyond_the_waiting_limit_is_refused_and_keeps_its_place() {
        let pools = Pools::new(2, 1);
        let (first, second) = (pools.enter(), pools.enter());
        assert!(begins_to_wait(&first));
        assert_eq!(second.waiting(future::pending::<()>()).await, Err(Full));
        assert_eq!((pools.in_use(), pools.waiting.occupancy().refused), ([1, 1], 1));
        drop(first);
        assert!(begins_to_wait(&second));
        assert_eq!(pools.in_use(), [0, 1]);
    }
}
