//! Fetches in flight, which everyone who asks for the same activity of the same owner shares.
//!
//! A flight goes on as long as somebody waits for it. When the last one has gone, as when every client has disconnected,
//! it is given up, and with it its place in the queue for the upstream.

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
use sends_client::{Caller, Company};
use sends_core::ActivityId;
use sends_store::{Kept, Owner};
use tokio::time::Instant;
use tracing::Instrument;

use super::ReadError;

type Landing = BoxFuture<'static, Result<Kept, ReadError>>;
type Key = (Owner, ActivityId);

/// All flights of a service.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Board>);

#[derive(Default)]
struct Board {
    flights: Mutex<HashMap<Key, Underway>>,
    next_number: AtomicU64,
}

struct Underway {
    number: u64,
    deadline: Instant,
    in_background: bool,
    company: Company,
    landing: WeakShared<Landing>,
}

/// A place on a flight.
pub(super) struct Flight {
    landing: Shared<Landing>,
    deadline: Instant,
    in_background: bool,
    is_own: bool,
}

impl Flight {
    /// Whether it was started for whoever holds this, rather than joined.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// When the time of whoever it was started for is up.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it was started for background work.
    pub(super) fn began_in_background(&self) -> bool {
        self.in_background
    }

    /// What it brought.
    pub(super) async fn landed(&self) -> Result<Kept, ReadError> {
        self.landing.clone().await
    }
}

impl Flights {
    /// Joins the flight for this activity, or starts one with `work`, which is given the caller to ask for: `caller`
    /// in the company of all who join.
    pub(super) fn join<W>(
        &self,
        owner: Owner,
        activity: ActivityId,
        caller: &Caller,
        work: impl FnOnce(Caller) -> W,
    ) -> Flight
    where
        W: Future<Output = Result<Kept, ReadError>> + Send + 'static,
    {
        let key = (owner, activity);
        let mut flights = self.0.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(underway) = flights.get(&key)
            && let Some(landing) = underway.landing.upgrade()
        {
            underway.company.join(caller);
            return Flight {
                landing,
                deadline: underway.deadline,
                in_background: underway.in_background,
                is_own: false,
            };
        }
        let number = self.0.next_number.fetch_add(1, Ordering::Relaxed);
        let departure = Departure {
            board: Arc::clone(&self.0),
            key,
            number,
        };
        let (company, deadline) = (Company::new(), caller.deadline());
        let in_background = caller.is_background();
        let work = work(caller.clone().in_company(company.clone()));
        let flight = async move {
            let result = work.await;
            // Whoever comes from now on finds the answer in the store instead.
            drop(departure);
            result
        };
        // Whoever waits drives it, so that no other thread has to be woken for it. What it logs and traces belongs to the
        // operation that started it, whoever joins later.
        let flight = AssertUnwindSafe(flight.in_current_span()).catch_unwind();
        let landing = flight.map(|landed| {
            landed.unwrap_or_else(|_| {
                tracing::error!("an upstream call panicked");
                Err(ReadError::Lost)
            })
        });
        let landing = landing.boxed().shared();
        if let Some(weak) = landing.downgrade() {
            let underway = Underway {
                number,
                deadline,
                in_background,
                company,
                landing: weak,
            };
            flights.insert(key, underway);
        }
        Flight {
            landing,
            deadline,
            in_background,
            is_own: true,
        }
    }
}

/// Takes a flight off the board when it ends, however it ends.
struct Departure {
    board: Arc<Board>,
    key: Key,
    number: u64,
}

impl Drop for Departure {
    fn drop(&mut self) {
        let mut flights = self.board.flights.lock().unwrap_or_else(PoisonError::into_inner);
        // After a flight was given up, the next one for the same activity may be on the board already.
        if flights
            .get(&self.key)
            .is_some_and(|underway| underway.number == self.number)
        {
            flights.remove(&self.key);
        }
    }
}
