//! Bulkhead permits of operations.
//!
//! An operation starts with a permit of [`operations`](crate::bulkheads::Bulkheads::operations). When it first waits for Constant
//! Contact or for memory, the permit is exchanged for a permit of
//! [`waiting_operations`](crate::bulkheads::Bulkheads::waiting_operations), so that other operations can run. The operation keeps
//! that permit until its end, since its remaining work is small. The [memory of its response](crate::bulkheads::answers) moves as
//! well.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

use crate::bulkheads::{Bulkhead, Permits, answers};

tokio::task_local! {
    static PLACE: OperationPermit;
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many operations are waiting")]
pub struct Full;

/// Permit of one operation, or of all operations of a batch, which wait together. Dropping the last clone releases it.
#[derive(Clone, Debug)]
pub struct OperationPermit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    waiting: Bulkhead,
}

#[derive(Debug)]
struct State {
    permits: Permits,
    is_waiting: bool,
}

impl OperationPermit {
    pub fn new(permits: Permits, waiting: &Bulkhead) -> Self {
        let state = State {
            permits,
            is_waiting: false,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            waiting: waiting.clone(),
        }))
    }

    /// Runs an operation whose calls of [`waiting`] move this permit.
    pub async fn of<F: Future>(&self, operation: F) -> F::Output {
        PLACE.scope(self.clone(), operation).await
    }

    /// Awaits a future, and moves the permit if the future is not ready immediately.
    pub async fn waiting<F: Future>(&self, future: F) -> Result<F::Output, Full> {
        waiting_in(|| self.begin_to_wait(), future).await
    }

    fn begin_to_wait(&self) -> Result<(), Full> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_waiting {
            *state = State {
                permits: self.0.waiting.try_enter(state.permits.size()).ok_or(Full)?,
                is_waiting: true,
            };
        }
        Ok(())
    }
}

/// Delay between moving the permit and moving the memory, since store reads take only a few milliseconds.
const GRACE: Duration = Duration::from_millis(100);

/// Awaits a future of this task's operation. Moves the operation's permit unless the future is ready immediately, and its memory
/// unless the future is ready within 100 ms. Outside an operation, nothing moves.
pub async fn waiting<F: Future>(future: F) -> Result<F::Output, Full> {
    let mut waits = pin!(waiting_for_store(future));
    if let Ok(output) = timeout(GRACE, &mut waits).await {
        return output;
    }
    // The future can complete before memory is available.
    tokio::select! {
        biased;
        output = &mut waits => return output,
        moved = answers::begin_to_wait() => moved.map_err(|_| Full)?,
    }
    waits.await
}

/// Awaits a store read without moving the memory. Store reads are bounded in number and time, and operations that wait for
/// Constant Contact must not block them.
pub async fn waiting_for_store<F: Future>(future: F) -> Result<F::Output, Full> {
    let begin = || match answers::exceeded() {
        Some(_) => Err(Full),
        None => PLACE.try_with(OperationPermit::begin_to_wait).unwrap_or(Ok(())),
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

        fn enter(&self) -> OperationPermit {
            OperationPermit::new(self.working.try_enter(1).unwrap(), &self.waiting)
        }

        fn in_use(&self) -> [usize; 2] {
            [&self.working, &self.waiting].map(|pool| pool.occupancy().in_use)
        }
    }

    fn begins_to_wait(permit: &OperationPermit) -> bool {
        permit.waiting(future::pending::<()>()).now_or_never().is_none()
    }

    #[tokio::test]
    async fn waiting_operation_releases_its_permit() {
        let pools = Pools::new(1, 1);
        let permit = pools.enter();
        assert_eq!(permit.of(waiting(future::ready(7))).await, Ok(7));
        assert_eq!(pools.in_use(), [1, 0]);
        let waits = permit.of(waiting(future::pending::<()>()));
        assert!(waits.now_or_never().is_none());
        assert_eq!(pools.in_use(), [0, 1]);
        drop(permit);
        assert_eq!(pools.in_use(), [0, 0]);
    }

    #[tokio::test]
    async fn operations_of_a_batch_wait_together() {
        let pools = Pools::new(3, 3);
        let permit = OperationPermit::new(pools.working.try_enter(3).unwrap(), &pools.waiting);
        assert!(begins_to_wait(&permit.clone()));
        assert_eq!(pools.in_use(), [0, 3]);
        drop(permit);
        assert_eq!(pools.in_use(), [0, 0]);
    }

    #[tokio::test]
    async fn operation_beyond_the_waiting_limit_is_rejected_and_keeps_its_permit() {
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
