//! Process-wide register of token requests whose responses are not stored yet.
//!
//! The response in transit is the only copy of a rotated refresh token, so a process that exits at this point loses the login.
//! Each token request is registered before it is sent. [`finish`] waits until the register is empty and then closes it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

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
    is_received: bool,
    deadline: Instant,
}

#[derive(Debug)]
pub(crate) struct InFlightRequest {
    requests: &'static Requests,
    number: u64,
}

/// Error of a token request that is rejected because the process is exiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed;

/// Waits until each response of the token endpoint is stored, and prevents further token requests. The wait is bounded by the
/// timeouts of the requests and of the disk.
///
/// Every program that uses this crate must await this function before it exits.
pub async fn finish() {
    while !REQUESTS.are_finished(|_| true) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until each received response is stored. Unlike [`finish`], abandons requests that have no response yet. The user must be
/// warned of the possible loss first.
pub async fn finish_received() {
    while !REQUESTS.are_finished(|stage| stage.is_received) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Blocking variant of [`finish`], for use outside a runtime, such as after a panic.
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

    /// Marks the response as received, but not stored yet.
    pub(crate) fn mark_received(&self) {
        if let Some(stage) = self.requests.state().in_flight.get_mut(&self.number) {
            *stage = Stage {
                is_received: true,
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
            is_received: false,
            deadline: Instant::now() + timeout + STORE_TIMEOUT,
        };
        state.in_flight.insert(number, sent);
        Ok(InFlightRequest {
            requests: self,
            number,
        })
    }

    /// Returns whether no request selected by `counts` is in flight, and closes the register in that case.
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
    fn exit_waits_for_requests_in_flight_and_prevents_further_requests() {
        let requests = requests();
        let sent = requests.begin(Duration::from_mins(1)).unwrap();
        assert!(!requests.are_finished(|_| true));
        assert!(
            requests.begin(Duration::ZERO).is_ok(),
            "the register is still open"
        );
        sent.mark_received();
        assert!(!requests.are_finished(|_| true));
        drop(sent);
        assert!(requests.are_finished(|_| true));
        assert!(requests.begin(Duration::ZERO).is_err());
    }

    #[test]
    fn impatient_exit_waits_only_for_received_responses() {
        let requests = requests();
        let sent = requests.begin(Duration::from_mins(1)).unwrap();
        let received = requests.begin(Duration::from_mins(1)).unwrap();
        received.mark_received();
        assert!(!requests.are_finished(|stage| stage.is_received));
        drop(received);
        assert!(requests.are_finished(|stage| stage.is_received));
        drop(sent);
    }

    #[test]
    fn exit_wait_is_bounded() {
        let requests = requests();
        let _stuck = requests.begin(Duration::ZERO).unwrap();
        let past = Instant::now();
        for stage in requests.state().in_flight.values_mut() {
            stage.deadline = past;
        }
        assert!(requests.are_finished(|_| true));
    }
}
