//! Simulated failures, and the requests that they affect.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lock::locked;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Responds with a status and a body of the shape in `body`.
    Status,
    /// Resets the connection (TCP RST) instead of responding.
    Reset,
    /// Closes the connection (TCP FIN) instead of responding.
    Close,
    Stall,
    /// Sends half of the body, and then resets the connection.
    CutOff,
    /// Sends half of the body, and then stalls.
    StalledBody,
    NotJson,
    /// Responds with 200 and JSON of an undocumented shape.
    WrongShape,
    /// Sends the response in pieces, at intervals of `delay_ms`.
    SlowBody,
    /// Responds with 200 and an array of `bytes` bytes.
    HugeBody,
    /// Delays the response by `delay_ms`, in addition to other faults.
    Latency,
    /// Resets the connection after the request has taken effect, such as the rotation of a refresh token.
    AnswerLost,
    /// Replaces `members` of the response's JSON object, removes the members in `without`, changes the `content_type`, and writes
    /// `prefix` before the body.
    Rewritten,
}

impl FaultKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Stall => "stall",
            Self::CutOff => "cut_off",
            Self::StalledBody => "stalled_body",
            Self::NotJson => "not_json",
            Self::WrongShape => "wrong_shape",
            Self::SlowBody => "slow_body",
            Self::HugeBody => "huge_body",
            Self::Latency => "latency",
            Self::AnswerLost => "answer_lost",
            Self::Rewritten => "rewritten",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyShape {
    #[default]
    Array,
    Object,
    /// JSON object of the gateway with a `message`.
    Gateway,
    Html,
    Empty,
    /// Truncated array of errors with a correct `content-length`.
    CutOff,
}

/// Simulated failure of some requests. Requests that are rejected with 401 or 429 are not affected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Part of the raw query. `cursor=` selects every page of a listing except the first.
    #[serde(default)]
    pub query_contains: Option<String>,
    #[serde(default)]
    pub activity_id: Option<String>,
    /// Number of matching requests before the first affected request.
    #[serde(default)]
    pub skip: u32,
    #[serde(default)]
    pub count: Option<u32>,
    /// From 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    #[serde(default = "unavailable")]
    pub status: u16,
    #[serde(default)]
    pub body: BodyShape,
    /// Delay of `latency`, or interval between the pieces of `slow_body`.
    #[serde(default = "default_delay_ms")]
    pub delay_ms: u64,
    /// Length of `huge_body`, or of a piece of `slow_body` (16 by default).
    #[serde(default)]
    pub bytes: Option<usize>,
    /// Members for `rewritten`, or the whole body of `status` if not empty.
    #[serde(default)]
    pub members: Map<String, Value>,
    /// Names of the members that `rewritten` removes.
    #[serde(default)]
    pub without: Vec<String>,
    /// Content type for `rewritten`. An empty string removes the header.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Text that `rewritten` writes before the body, such as a byte order mark.
    #[serde(default)]
    pub prefix: String,
}

fn always() -> f64 {
    1.0
}

fn unavailable() -> u16 {
    503
}

fn default_delay_ms() -> u64 {
    100
}

impl Fault {
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            path_contains: None,
            query_contains: None,
            activity_id: None,
            skip: 0,
            count: None,
            probability: always(),
            status: unavailable(),
            body: BodyShape::default(),
            delay_ms: default_delay_ms(),
            bytes: None,
            members: Map::new(),
            without: Vec::new(),
            content_type: None,
            prefix: String::new(),
        }
    }

    pub fn rewritten(members: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self {
            members: members.into_iter().collect(),
            ..Self::new(FaultKind::Rewritten)
        }
    }

    pub fn status(status: u16, body: BodyShape) -> Self {
        Self {
            status,
            body,
            ..Self::new(FaultKind::Status)
        }
    }

    #[must_use]
    pub fn on_path(self, part: &str) -> Self {
        Self {
            path_contains: Some(part.to_owned()),
            ..self
        }
    }

    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self {
            count: Some(count),
            ..self
        }
    }

    fn matches(&self, path: &str, query: &str) -> bool {
        let contains =
            |text: &str, part: &Option<String>| part.as_deref().is_none_or(|part| text.contains(part));
        contains(path, &self.path_contains)
            && contains(query, &self.query_contains)
            && contains(path, &self.activity_id)
    }
}

/// Effect on one request: at most one fault, and the sum of the latencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strike {
    pub(crate) fault: Option<Fault>,
    pub(crate) delay_ms: u64,
}

/// Entry of `GET /_sandbox/faults`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    id: u64,
    struck: u64,
    fault: Fault,
}

#[derive(Debug)]
pub(crate) struct Faults {
    state: Mutex<(Vec<Entry>, fastrand::Rng)>,
}

impl Faults {
    pub(crate) fn new(initial: &[Fault], seed: u64) -> Self {
        let faults = Self {
            state: Mutex::new((Vec::new(), fastrand::Rng::with_seed(seed))),
        };
        faults.replace(initial);
        faults
    }

    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let (entries, _) = &mut *locked(&self.state);
        let id = entries.last().map_or(1, |last| last.id + 1);
        entries.push(Entry { id, struck: 0, fault });
        id
    }

    pub(crate) fn replace(&self, faults: &[Fault]) {
        locked(&self.state).0.clear();
        for fault in faults {
            self.add(fault.clone());
        }
    }

    pub(crate) fn remove(&self, id: u64) -> bool {
        let (entries, _) = &mut *locked(&self.state);
        let before = entries.len();
        entries.retain(|fault| fault.id != id);
        entries.len() < before
    }

    pub(crate) fn list(&self) -> Vec<Entry> {
        locked(&self.state).0.clone()
    }

    pub(crate) fn strike(&self, path: &str, query: &str) -> Strike {
        let mut strike = Strike::default();
        let (entries, random) = &mut *locked(&self.state);
        for Entry { fault, struck, .. } in entries.iter_mut() {
            let is_latency = fault.kind == FaultKind::Latency;
            let taken = !is_latency && strike.fault.is_some();
            if taken || fault.count == Some(0) || !fault.matches(path, query) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.probability < 1.0 && random.f64() >= fault.probability {
                continue;
            }
            fault.count = fault.count.map(|count| count - 1);
            *struck += 1;
            if is_latency {
                strike.delay_ms += fault.delay_ms;
            } else {
                strike.fault = Some(fault.clone());
            }
        }
        strike
    }

    pub(crate) fn jitter(&self, max: u64) -> u64 {
        if max == 0 {
            0
        } else {
            locked(&self.state).1.u64(0..=max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_affects_its_count_of_requests_after_the_skipped_requests() {
        let mut fault = Fault::new(FaultKind::Reset).on_path("/send_history").times(1);
        fault.skip = 1;
        let faults = Faults::new(&[fault], 1);
        let strike = |path| faults.strike(path, "").fault.is_some();
        assert!(!strike("/v3/emails"));
        assert!(!strike("/v3/emails/activities/a/send_history"));
        assert!(strike("/v3/emails/activities/a/send_history"));
        assert!(!strike("/v3/emails/activities/a/send_history"));
    }

    #[test]
    fn fault_on_a_query_affects_the_pages_after_the_first() {
        let mut fault = Fault::new(FaultKind::Reset).on_path("/v3/emails");
        fault.query_contains = Some("cursor=".to_owned());
        let faults = Faults::new(&[fault], 1);
        let strike = |path, query| faults.strike(path, query).fault.is_some();
        assert!(!strike("/v3/emails", "limit=500"));
        assert!(strike("/v3/emails", "limit=500&cursor=abc"));
        assert!(!strike("/v3/contact_lists", "cursor=abc"));
    }

    #[test]
    fn latencies_add_up_with_another_fault() {
        let faults = Faults::new(&[Fault::new(FaultKind::Latency), Fault::new(FaultKind::Stall)], 1);
        faults.add(Fault::new(FaultKind::Latency));
        let strike = faults.strike("/", "");
        assert_eq!(strike.delay_ms, 200);
        assert_eq!(strike.fault.map(|fault| fault.kind), Some(FaultKind::Stall));
    }
}
