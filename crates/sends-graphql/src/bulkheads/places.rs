//! Places of operations: few for those that work, many for those that wait.
//!
//! An operation begins in a place among the [operations](crate::bulkheads::Bulkheads::operations) that work. The first time that
//! it waits, for Constant Contact or for memory for its answer, it moves to a place among the
//! [operations that wait](crate::bulkheads::Bulkheads::waiting_operations), so that the place for work is free for operations
//! that wait for nothing. It keeps that one to its end, since what is left to do is little. The
//! [memory for its answer](crate::bulkheads::answers) moves with it.

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
    /// The place of the operation that is being executed.
    static PLACE: Place;
}

/// All places for waiting, or all memory for what waits, are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("all places for waiting are taken")]
pub struct Full;

/// The place of one operation, or the places of a batch: its operations wait together. Given back when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Place(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    held: Mutex<Held>,
    waiting: Bulkhead,
}

#[derive(Debug)]
struct Held {
    room: Room,
    is_waiting: bool,
}

impl Place {
    /// A place for work; `waiting` has those for waiting.
    pub fn new(room: Room, waiting: &Bulkhead) -> Self {
        let held = Held {
            room,
            is_waiting: false,
        };
        Self(Arc::new(Taken {
            held: Mutex::new(held),
            waiting: waiting.clone(),
        }))
    }

    /// Makes it the place that [`waiting`] gives up.
    pub async fn of<F: Future>(&self, operation: F) -> F::Output {
        PLACE.scope(self.clone(), operation).await
    }

    /// Waits in a place for waiting, unless what is waited for is there at once.
    ///
    /// # Errors
    ///
    /// [`Full`] when no place for waiting is free.
    pub async fn waiting<F: Future>(&self, future: F) -> Result<F::Output, Full> {
        waiting_in(|| self.begin_to_wait(), future).await
    }

    fn begin_to_wait(&self) -> Result<(), Full> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.is_waiting {
            *held = Held {
                room: self.0.waiting.try_enter(held.room.size()).ok_or(Full)?,
                is_waiting: true,
            };
        }
        Ok(())
    }
}

/// How long an operation that waits keeps its memory among those of answers: reads of the store take a few milliseconds.
const GRACE: Duration = Duration::from_millis(100);

/// Waits, and gives up the operation's place for work meanwhile, unless what is waited for is there at once, and its memory
/// among those of answers, unless it is there soon. Outside an operation there is nothing to give up.
///
/// # Errors
///
/// [`Full`] when no place for waiting is free, or no memory for it in time.
pub async fn waiting<F: Future>(future: F) -> Result<F::Output, Full> {
    let mut waits = pin!(waiting_for_store(future));
    if let Ok(ended) = timeout(GRACE, &mut waits).await {
        return ended;
    }
    // What is waited for may be there before memory to wait in is.
    tokio::select! {
        biased;
        ended = &mut waits => return ended,
        begun = answers::begin_to_wait() => begun.map_err(|_| Full)?,
    }
    waits.await
}

/// The same for what only the store is asked for: the memory stays where it is, since such waits are bounded in number and
/// time, and answers that wait for Constant Contact must not keep it from them.
///
/// # Errors
///
/// [`Full`] when no place for waiting is free.
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
    async fn operation_that_waits_gives_its_place_for_work_to_another() {
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
    async fn operation_is_refused_where_too_many_wait_and_keeps_its_place() {
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
