//! Token requests whose answer is not stored yet, over the whole process: what its end waits for.
//!
//! A rotated refresh token exists in one place until it is stored: the answer on its way. A process that ends there loses the
//! login. So a token request is begun here before it is sent, and [`finish`] lets none begin once it has found none under way.
//! The state is the process's, as its end is.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long storing an answer may take before the end of the process no longer waits for it.
const STORING: Duration = Duration::from_secs(10);

/// How often the end of the process looks again. It waits once, and nobody waits for more of it than this.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(5);

static REQUESTS: Requests = Requests(Mutex::new(State {
    is_closed: false,
    next: 0,
    in_flight: BTreeMap::new(),
}));

#[derive(Debug)]
struct Requests(Mutex<State>);

#[derive(Debug)]
struct State {
    is_closed: bool,
    next: u64,
    in_flight: BTreeMap<u64, Stage>,
}

#[derive(Clone, Copy, Debug)]
struct Stage {
    is_answered: bool,
    /// Later than anything that can still come of it.
    until: Instant,
}

/// A token request, from before it is sent until this is dropped, once its answer is stored or there is none.
#[derive(Debug)]
pub(crate) struct InFlightRequest {
    requests: &'static Requests,
    number: u64,
}

/// The process is ending: no token request may be sent any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed;

/// Waits until every answer of the token endpoint is stored, and keeps new token requests from being sent. Bounded by the time
/// that the requests and the disk may take.
///
/// To be awaited at the end of every program that uses this crate, whatever ends it.
pub async fn finish() {
    while !REQUESTS.are_finished(|_| true) {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
}

/// The same for answers that are received: requests that are not answered are given up, for a person who was told what that costs.
pub async fn finish_received() {
    while !REQUESTS.are_finished(|stage| stage.is_answered) {
        tokio::time::sleep(LOOKED_AT_EVERY).await;
    }
}

/// [`finish`] for a thread, such as one that panicked.
pub fn finish_blocking() {
    while !REQUESTS.are_finished(|_| true) {
        thread::sleep(LOOKED_AT_EVERY);
    }
}

impl InFlightRequest {
    /// Begins a request whose answer takes so long at most.
    pub(crate) fn begin(longest: Duration) -> Result<Self, Closed> {
        REQUESTS.begin(longest)
    }

    /// The answer is here, and is to be stored.
    pub(crate) fn answered(&self) {
        if let Some(stage) = self.requests.state().in_flight.get_mut(&self.number) {
            *stage = Stage {
                is_answered: true,
                until: Instant::now() + STORING,
            };
        }
    }
}

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        self.requests.state().in_flight.remove(&self.number);
    }
}

impl Requests {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&'static self, longest: Duration) -> Result<InFlightRequest, Closed> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        let number = state.next;
        state.next += 1;
        let sent = Stage {
            is_answered: false,
            until: Instant::now() + longest + STORING,
        };
        state.in_flight.insert(number, sent);
        Ok(InFlightRequest {
            requests: self,
            number,
        })
    }

    /// Whether no request that `counts` is under way. From then on none begins.
    fn are_finished(&self, counts: impl Fn(&Stage) -> bool) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let waits = |stage: &Stage| counts(stage) && now < stage.until;
        let finished = !state.in_flight.values().any(waits);
        state.is_closed |= finished;
        finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests() -> &'static Requests {
        Box::leak(Box::new(Requests(Mutex::new(State {
            is_closed: false,
            next: 0,
            in_flight: BTreeMap::new(),
        }))))
    }

    #[test]
    fn the_end_waits_for_what_was_sent_and_lets_nothing_follow() {
        let requests = requests();
        let sent = requests.begin(Duration::from_mins(1)).unwrap();
        assert!(!requests.are_finished(|_| true));
        assert!(
            requests.begin(Duration::ZERO).is_ok(),
            "a request may still follow"
        );
        sent.answered();
        assert!(!requests.are_finished(|_| true));
        drop(sent);
        assert!(requests.are_finished(|_| true));
        assert!(requests.begin(Duration::ZERO).is_err());
    }

    #[test]
    fn an_impatient_end_waits_for_received_answers_alone() {
        let requests = requests();
        let sent = requests.begin(Duration::from_mins(1)).unwrap();
        let answered = requests.begin(Duration::from_mins(1)).unwrap();
        answered.answered();
        assert!(!requests.are_finished(|stage| stage.is_answered));
        drop(answered);
        assert!(requests.are_finished(|stage| stage.is_answered));
        drop(sent);
    }

    #[test]
    fn the_end_does_not_wait_for_ever() {
        let requests = requests();
        let _stuck = requests.begin(Duration::ZERO).unwrap();
        let past = Instant::now();
        for stage in requests.state().in_flight.values_mut() {
            stage.until = past;
        }
        assert!(requests.are_finished(|_| true));
    }
}
