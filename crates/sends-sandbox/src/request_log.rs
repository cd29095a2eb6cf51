//! Ordered and bounded request log, and its counters. Tokens are logged as fingerprints.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use http::Method;
use serde::Serialize;

use crate::clock::Clock;
use crate::limits::SlidingSecond;
use crate::lock::locked;

/// Entry of `GET /_sandbox/requests`.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Sequence number, ascending from 0 and never reused.
    pub sequence: u64,
    /// Milliseconds from the start of the sandbox to the arrival of the request.
    pub at_ms: f64,
    #[serde(serialize_with = "method_name")]
    pub method: Method,
    pub path: String,
    /// Raw query. For OAuth, only the parameter names, because the values may be codes and tokens.
    pub query: Option<String>,
    /// `None` until the response is sent, or if there is no response.
    pub status: Option<u16>,
    pub fault: Option<&'static str>,
    /// Fingerprint of the token or of the HTTP Basic credential.
    pub credential: Option<String>,
    /// Number of requests in flight at the arrival, including this request.
    pub in_flight: usize,
    /// Milliseconds from the arrival to the response.
    pub took_ms: Option<f64>,
}

fn method_name<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// Response of `GET /_sandbox/counters`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counters {
    requests: u64,
    in_flight: usize,
    greatest_in_flight: usize,
    /// Maximum number of arrivals in a sliding second.
    greatest_in_a_second: usize,
    /// Number of API requests with methods other than GET, which a reader of send histories never uses.
    api_requests_not_get: u64,
    by_endpoint: BTreeMap<&'static str, u64>,
    by_status: BTreeMap<u16, u64>,
    by_fault: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<LoggedRequest>,
    next_sequence: u64,
    counters: Counters,
    second: SlidingSecond,
}

#[derive(Debug)]
pub(crate) struct RequestLog {
    capacity: usize,
    state: Mutex<State>,
    clock: Arc<Clock>,
}

pub(crate) struct Arrival {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) credential: Option<String>,
    pub(crate) endpoint: &'static str,
    pub(crate) is_api: bool,
}

impl RequestLog {
    pub(crate) fn new(capacity: usize, clock: Arc<Clock>) -> Self {
        Self {
            capacity,
            state: Mutex::default(),
            clock,
        }
    }

    pub(crate) fn arrived(self: &Arc<Self>, arrival: Arrival) -> InFlight {
        let mut state = locked(&self.state);
        let state = &mut *state;
        let now_micros = self.clock.elapsed_micros();
        state.second.record(now_micros);
        let counters = &mut state.counters;
        counters.requests += 1;
        counters.in_flight += 1;
        counters.greatest_in_flight = counters.greatest_in_flight.max(counters.in_flight);
        counters.greatest_in_a_second = state.second.greatest();
        counters.api_requests_not_get += u64::from(arrival.is_api && arrival.method != Method::GET);
        *counters.by_endpoint.entry(arrival.endpoint).or_default() += 1;
        let sequence = state.next_sequence;
        state.next_sequence += 1;
        if self.capacity > 0 {
            if state.entries.len() == self.capacity {
                state.entries.pop_front();
            }
            state.entries.push_back(LoggedRequest {
                sequence,
                at_ms: millis(now_micros),
                method: arrival.method,
                path: arrival.path,
                query: arrival.query,
                status: None,
                fault: None,
                credential: arrival.credential,
                in_flight: counters.in_flight,
                took_ms: None,
            });
        }
        InFlight {
            log: Arc::clone(self),
            sequence,
            arrived_micros: now_micros,
            status: None,
            fault: None,
        }
    }

    pub(crate) fn entries(&self, from: u64) -> Vec<LoggedRequest> {
        locked(&self.state)
            .entries
            .iter()
            .filter(|entry| entry.sequence >= from)
            .cloned()
            .collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        locked(&self.state).counters.clone()
    }

    /// Removes the entries and resets the counters. The numbering continues, and requests in flight stay counted.
    pub(crate) fn clear(&self) {
        let mut state = locked(&self.state);
        let in_flight = state.counters.in_flight;
        state.counters = Counters {
            in_flight,
            greatest_in_flight: in_flight,
            ..Counters::default()
        };
        state.entries.clear();
        state.second = SlidingSecond::default();
    }

    fn finished(&self, request: &InFlight) {
        let mut state = locked(&self.state);
        let state = &mut *state;
        state.counters.in_flight = state.counters.in_flight.saturating_sub(1);
        if let Some(status) = request.status {
            *state.counters.by_status.entry(status).or_default() += 1;
        }
        if let Some(fault) = request.fault {
            *state.counters.by_fault.entry(fault).or_default() += 1;
        }
        let first = state.entries.front().map_or(0, |entry| entry.sequence);
        let position = request
            .sequence
            .checked_sub(first)
            .and_then(|position| usize::try_from(position).ok());
        if let Some(entry) = position.and_then(|position| state.entries.get_mut(position)) {
            entry.status = request.status;
            entry.fault = request.fault;
            if request.status.is_some() {
                entry.took_ms = Some(millis(self.clock.elapsed_micros() - request.arrived_micros));
            }
        }
    }
}

/// Request in flight, until the value is dropped. A request whose client has disconnected is included.
#[derive(Debug)]
pub(crate) struct InFlight {
    log: Arc<RequestLog>,
    sequence: u64,
    arrived_micros: u64,
    status: Option<u16>,
    fault: Option<&'static str>,
}

impl InFlight {
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(crate) fn faulted(&mut self, fault: &'static str) {
        self.fault = Some(fault);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.log.finished(self);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds since the start are far below 2^52"
)]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
