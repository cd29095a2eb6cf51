//! The process-wide register of token requests whose response is not stored yet.
//!
//! A response in transit is the only copy of a rotated refresh token; a process that exits at this point loses the login. A token
//! request is registered before it is sent, and [`finish`] waits until the register is empty and then closes it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Maximum time to store a response.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

static REQUESTS: Requests = Requests::new();

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
    deadline: Instant,
}

/// A registered token request, until its response is stored or it has failed.
#[derive(Debug)]
pub(crate) struct InFlightRequest {
    requests: &'static Requests,
    number: u64,
}

/// The process is exiting: no token request may be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed;

/// Waits until every response of the token endpoint is stored, and prevents further token requests. Bounded by the timeouts of
/// the requests and of the disk.
///
/// To be awaited at the end of every program that uses this crate.
pub async fn finish() {
    while !REQUESTS.are_finished(|_| true) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// [`finish`] for received responses only: requests without a response are abandoned. Only after the user was warned of the loss.
pub async fn finish_received() {
    while !REQUESTS.are_finished(|stage| stage.is_answered) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// [`finish`] outside a runtime, as after a panic.
pub fn finish_blocking() {
    while !REQUESTS.are_finished(|_| true) {
        thread::sleep(POLL_INTERVAL);
    }
}

impl InFlightRequest {
    /// Registers a request that takes at most `timeout`.
    pub(crate) fn begin(timeout: Duration) -> Result<Self, Closed> {
        REQUESTS.begin(timeout)
    }

    /// The response has arrived and is to be stored.
    pub(crate) fn answered(&self) {
        if let Some(stage) = self.requests.state().in_flight.get_mut(&self.number) {
            *stage = Stage {
                is_answered: true,
                deadline: Instant::now() + STORE_TIMEOUT,
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
    const fn new() -> Self {
        Self(Mutex::new(State {
            is_closed: false,
            next: 0,
            in_flight: BTreeMap::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&'static self, timeout: Duration) -> Result<InFlightRequest, Closed> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        let number = state.next;
        state.next += 1;
        let sent = Stage {
            is_answered: false,
            deadline: Instant::now() + timeout + STORE_TIMEOUT,
        };
        state.in_flight.insert(number, sent);
        Ok(InFlightRequest {
            requests: self,
            number,
        })
    }

    /// Whether no request selected by `counts` is in flight. If so, closes the register.
    fn are_finished(&self, counts: impl Fn(&Stage) -> bool) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let is_pending = |stage: &Stage| counts(stage) && now < stage.deadline;
        let finished = !state.in_flight.values().any(is_pending);
        state.is_closed |= finished;
        finished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests() -> &'static Requests {
        Box::leak(Box::new(Requests::new()))
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
            stage.deadline = past;
        }
        assert!(requests.are_finished(|_| true));
    }
}
