//! Single-flight fetches: at most one fetch at a time per owner and activity, shared by all concurrent operations.
//!
//! The waiting tasks poll the fetch. When the last of them is dropped, for example because all clients have disconnected, the
//! fetch is cancelled and leaves the upstream queue.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use sends_client::{Caller, CallerGroup};
use sends_core::ActivityId;
use sends_store::{Owner, StoredAnswer};
use tokio::time::Instant;
use tracing::Instrument;

use super::{ReadError, stored::Write};

type Outcome = BoxFuture<'static, Result<Fetched, ReadError>>;
type Key = (Owner, ActivityId);

#[derive(Clone, Default)]
pub(super) struct SingleFlight(Arc<Fetches>);

#[derive(Default)]
struct Fetches {
    in_flight: Mutex<HashMap<Key, InFlight>>,
    next_number: AtomicU64,
}

struct InFlight {
    number: u64,
    deadline: Instant,
    in_background: bool,
    group: CallerGroup,
    outcome: WeakShared<Outcome>,
}

/// Fetched response, whose write to the store may still be in progress.
#[derive(Clone)]
pub(super) struct Fetched {
    pub(super) kept: StoredAnswer,
    /// Future that completes when the response is stored. `None` if the response was already stored.
    pub(super) write: Option<Write>,
}

/// Handle of a fetch, which other operations can join.
pub(super) struct Fetch {
    outcome: Shared<Outcome>,
    deadline: Instant,
    in_background: bool,
    is_own: bool,
}

impl Fetch {
    /// Returns whether the fetch was started for this operation rather than joined.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Returns the deadline of the operation that started the fetch.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn began_in_background(&self) -> bool {
        self.in_background
    }

    pub(super) async fn outcome(&self) -> Result<Fetched, ReadError> {
        self.outcome.clone().await
    }

    /// Returns the write of the response, or `None` before the response has arrived.
    pub(super) fn write(&self) -> Option<&Write> {
        self.outcome.peek()?.as_ref().ok()?.write.as_ref()
    }

    pub(super) async fn written(&self) {
        if let Some(write) = self.write() {
            write.clone().await;
        }
    }
}

impl SingleFlight {
    /// Joins the fetch of this activity in flight, or starts a new fetch with `fetch`. Its argument is `caller`, in the group of
    /// all callers that join.
    pub(super) fn join<F>(
        &self,
        owner: Owner,
        activity: ActivityId,
        caller: &Caller,
        fetch: impl FnOnce(Caller) -> F,
    ) -> Fetch
    where
        F: Future<Output = Result<Fetched, ReadError>> + Send + 'static,
    {
        let key = (owner, activity);
        let mut in_flight = self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fetch) = in_flight.get(&key)
            && let Some(outcome) = fetch.outcome.upgrade()
        {
            fetch.group.join(caller);
            return Fetch {
                outcome,
                deadline: fetch.deadline,
                in_background: fetch.in_background,
                is_own: false,
            };
        }
        let number = self.0.next_number.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            fetches: Arc::clone(&self.0),
            key,
            number,
        };
        let (group, deadline) = (CallerGroup::new(), caller.deadline());
        let in_background = caller.is_background();
        let fetch = fetch(caller.clone().in_group(group.clone()));
        let fetch = async move {
            let mut result = fetch.await;
            if let Ok(Fetched {
                write: Some(write), ..
            }) = &mut result
            {
                let stored = write.clone();
                // Operations can join the fetch until its response is in the store.
                *write = async move {
                    stored.await;
                    drop(entry);
                }
                .boxed()
                .shared();
                // The first poll adds the write to the store's queue.
                let _ = write.clone().now_or_never();
            }
            result
        };
        // The waiting tasks poll the fetch, so no other thread has to be woken. Log lines and traces belong to the operation that
        // started the fetch.
        let fetch = AssertUnwindSafe(fetch.in_current_span()).catch_unwind();
        let outcome = fetch.map(|result| {
            result.unwrap_or_else(|_| {
                tracing::error!("an upstream call panicked");
                Err(ReadError::Lost)
            })
        });
        let outcome = outcome.boxed().shared();
        if let Some(weak) = outcome.downgrade() {
            let fetch = InFlight {
                number,
                deadline,
                in_background,
                group,
                outcome: weak,
            };
            in_flight.insert(key, fetch);
        }
        Fetch {
            outcome,
            deadline,
            in_background,
            is_own: true,
        }
    }
}

/// Guard that removes a fetch from the map when the fetch ends or is cancelled.
struct Entry {
    fetches: Arc<Fetches>,
    key: Key,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut in_flight = self
            .fetches
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // After a cancellation, the next fetch of the same activity may already be in flight.
        if in_flight
            .get(&self.key)
            .is_some_and(|fetch| fetch.number == self.number)
        {
            in_flight.remove(&self.key);
        }
    }
}
