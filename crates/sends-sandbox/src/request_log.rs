//! Owns the memory of what was asked: an ordered, bounded log and the counters. Must not know why a request was answered
//! as it was, and never sees a token, only its fingerprint.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use http::Method;
use serde::Serialize;

use crate::clock::Clock;
use crate::limits::SlidingSecond;
use crate::lock::locked;

/// One request, as `GET /_sandbox/requests` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    /// Its number: they count up from 0 and are never used twice.
    pub sequence: u64,
    /// Milliseconds from the sandbox's start to its arrival.
    pub at_ms: f64,
    /// The HTTP method.
    #[serde(serialize_with = "method_name")]
    pub method: Method,
    /// The path, such as `/v3/emails`.
    pub path: String,
    /// The query as it was written; of an OAuth request only the names, since values may be codes and tokens.
    pub query: Option<String>,
    /// The status of the answer; null while it is under way, and for good when it was never answered.
    pub status: Option<u16>,
    /// The fault it met.
    pub fault: Option<&'static str>,
    /// The fingerprint of the token or of the Basic credential it came with.
    pub credential: Option<String>,
    /// The requests under way when it arrived, itself included.
    pub in_flight: usize,
    /// How long the answer took; null as the status is.
    pub took_ms: Option<f64>,
}

fn method_name<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// What the requests sum up to, as `GET /_sandbox/counters` shows it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Counters {
    requests: u64,
    in_flight: usize,
    greatest_in_flight: usize,
    /// The most requests that arrived in any second, whenever it began.
    greatest_in_a_second: usize,
    /// Requests to the API that were not GET: a reader of send histories makes none.
    api_requests_not_get: u64,
    by_endpoint: BTreeMap<&'static str, u64>,
    by_status: BTreeMap<u16, u64>,
    by_fault: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Memory {
    entries: VecDeque<LoggedRequest>,
    next_sequence: u64,
    counters: Counters,
    second: SlidingSecond,
}

#[derive(Debug)]
pub(crate) struct RequestLog {
    capacity: usize,
    memory: Mutex<Memory>,
    clock: Arc<Clock>,
}

/// What is known of a request when it arrives.
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
            memory: Mutex::default(),
            clock,
        }
    }

    pub(crate) fn arrived(self: &Arc<Self>, arrival: Arrival) -> Underway {
        let mut memory = locked(&self.memory);
        let memory = &mut *memory;
        let now_micros = self.clock.elapsed_micros();
        memory.second.record(now_micros);
        let counters = &mut memory.counters;
        counters.requests += 1;
        counters.in_flight += 1;
        counters.greatest_in_flight = counters.greatest_in_flight.max(counters.in_flight);
        counters.greatest_in_a_second = memory.second.greatest();
        counters.api_requests_not_get += u64::from(arrival.is_api && arrival.method != Method::GET);
        *counters.by_endpoint.entry(arrival.endpoint).or_default() += 1;
        let sequence = memory.next_sequence;
        memory.next_sequence += 1;
        if self.capacity > 0 {
            if memory.entries.len() == self.capacity {
                memory.entries.pop_front();
            }
            memory.entries.push_back(LoggedRequest {
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
        Underway {
            log: Arc::clone(self),
            sequence,
            arrived_micros: now_micros,
            status: None,
            fault: None,
        }
    }

    /// The entries from a sequence number on, oldest first.
    pub(crate) fn entries(&self, from: u64) -> Vec<LoggedRequest> {
        locked(&self.memory)
            .entries
            .iter()
            .filter(|entry| entry.sequence >= from)
            .cloned()
            .collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        locked(&self.memory).counters.clone()
    }

    /// Forgets the entries and the counts, but neither the numbering nor what is still under way.
    pub(crate) fn clear(&self) {
        let mut memory = locked(&self.memory);
        let in_flight = memory.counters.in_flight;
        memory.counters = Counters {
            in_flight,
            greatest_in_flight: in_flight,
            ..Counters::default()
        };
        memory.entries.clear();
        memory.second = SlidingSecond::default();
    }

    fn finished(&self, underway: &Underway) {
        let mut memory = locked(&self.memory);
        let memory = &mut *memory;
        memory.counters.in_flight = memory.counters.in_flight.saturating_sub(1);
        if let Some(status) = underway.status {
            *memory.counters.by_status.entry(status).or_default() += 1;
        }
        if let Some(fault) = underway.fault {
            *memory.counters.by_fault.entry(fault).or_default() += 1;
        }
        let first = memory.entries.front().map_or(0, |entry| entry.sequence);
        let position = underway
            .sequence
            .checked_sub(first)
            .and_then(|position| usize::try_from(position).ok());
        if let Some(entry) = position.and_then(|position| memory.entries.get_mut(position)) {
            entry.status = underway.status;
            entry.fault = underway.fault;
            if underway.status.is_some() {
                entry.took_ms = Some(millis(self.clock.elapsed_micros() - underway.arrived_micros));
            }
        }
    }
}

/// A request under way. Dropping it ends it, so one whose client went away is not counted for ever.
#[derive(Debug)]
pub(crate) struct Underway {
    log: Arc<RequestLog>,
    sequence: u64,
    arrived_micros: u64,
    status: Option<u16>,
    fault: Option<&'static str>,
}

impl Underway {
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(crate) fn met(&mut self, fault: &'static str) {
        self.fault = Some(fault);
    }
}

impl Drop for Underway {
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
