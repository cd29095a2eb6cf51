//! Owns the faults: what can go wrong, for which requests, and how often. Must not know how a fault is put on the wire,
//! which the serving of requests does.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lock::locked;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Another status, with a body of a chosen shape.
    Status,
    /// The connection is reset (TCP RST) without an answer.
    Reset,
    /// The connection is closed in order without an answer.
    Close,
    /// Nothing is ever answered.
    Stall,
    /// The real answer is announced in full, half of it is sent, and the connection is reset.
    CutOff,
    /// The real answer is announced in full, half of it is sent, and then nothing more comes.
    StalledBody,
    /// 200 with a body that is an HTML page.
    NotJson,
    /// 200 with JSON of another shape than documented.
    WrongShape,
    /// The real answer in small pieces, `delay_ms` apart.
    SlowBody,
    /// 200 with an array of `bytes` bytes.
    HugeBody,
    /// The real answer, `delay_ms` later. It adds to other faults.
    Latency,
    /// Everything is done as asked (a refresh token is rotated), and the connection is reset instead of an answer.
    AnswerLost,
    /// The real answer with some `members` of its JSON object set, those in `without` left out, another `content_type`, and a
    /// `prefix` before the body. Everything is done as asked.
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

/// The shape of an error's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyShape {
    /// An array of errors.
    #[default]
    Array,
    /// One error.
    Object,
    /// The gateway's object with a `message`.
    Gateway,
    /// An HTML page.
    Html,
    /// Nothing.
    Empty,
    /// The beginning of an array of errors, complete on the wire, that is not JSON.
    CutOff,
}

/// A fault, the requests it is for, and how often it strikes.
///
/// Requests refused with 401 or 429 never meet one; one that lacks a scope or privilege may, since that is checked last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only requests whose path contains this.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only requests whose query, as it was sent and without its question mark, contains this: `cursor=` is every page of a
    /// listing but the first.
    #[serde(default)]
    pub query_contains: Option<String>,
    /// Only requests about this activity.
    #[serde(default)]
    pub activity_id: Option<String>,
    /// How many matching requests pass before the first that is struck.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are struck; without it, all.
    #[serde(default)]
    pub count: Option<u32>,
    /// How likely a matching request is struck.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Of `status`: the status.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Of `status`: the shape of the body.
    #[serde(default)]
    pub body: BodyShape,
    /// Of `status`: the seconds of a Retry-After header.
    #[serde(default)]
    pub retry_after_seconds: Option<u32>,
    /// Of `latency`: how much later. Of `slow_body`: the time between two pieces.
    #[serde(default = "noticeable")]
    pub delay_ms: u64,
    /// Of `huge_body`: its length. Of `slow_body`: the length of a piece, 16 unless set.
    #[serde(default)]
    pub bytes: Option<usize>,
    /// Of `rewritten`: members put over those of the real answer. Of `status`: the whole body, if there are any.
    #[serde(default)]
    pub members: Map<String, Value>,
    /// Of `rewritten`: members of the real answer that are left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// Of `rewritten`: the content type instead of the real one; empty for none at all.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Of `rewritten`: text before the real body, such as a byte order mark.
    #[serde(default)]
    pub prefix: String,
}

fn certain() -> f64 {
    1.0
}

fn unavailable() -> u16 {
    503
}

fn noticeable() -> u64 {
    100
}

impl Fault {
    /// A fault that strikes every request.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            path_contains: None,
            query_contains: None,
            activity_id: None,
            skip: 0,
            count: None,
            probability: certain(),
            status: unavailable(),
            body: BodyShape::default(),
            retry_after_seconds: None,
            delay_ms: noticeable(),
            bytes: None,
            members: Map::new(),
            without: Vec::new(),
            content_type: None,
            prefix: String::new(),
        }
    }

    /// The real answer with these members of its JSON object set.
    pub fn rewritten(members: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self {
            members: members.into_iter().collect(),
            ..Self::new(FaultKind::Rewritten)
        }
    }

    /// A fault that strikes every request with a status.
    pub fn status(status: u16, body: BodyShape) -> Self {
        Self {
            status,
            body,
            ..Self::new(FaultKind::Status)
        }
    }

    /// The same for requests whose path contains `part` only.
    #[must_use]
    pub fn on_path(self, part: &str) -> Self {
        Self {
            path_contains: Some(part.to_owned()),
            ..self
        }
    }

    /// The same for the next `count` requests only.
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

/// What a request meets: at most one fault, and all the latency faults together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strike {
    pub(crate) fault: Option<Fault>,
    pub(crate) delay_ms: u64,
}

#[derive(Debug)]
struct Present {
    id: u64,
    fault: Fault,
    struck: u64,
}

/// A fault as `GET /_sandbox/faults` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: u64,
    struck: u64,
    fault: Fault,
}

#[derive(Debug)]
pub(crate) struct Faults {
    present: Mutex<(Vec<Present>, fastrand::Rng)>,
}

impl Faults {
    pub(crate) fn new(initial: &[Fault], seed: u64) -> Self {
        let faults = Self {
            present: Mutex::new((Vec::new(), fastrand::Rng::with_seed(seed))),
        };
        faults.replace(initial);
        faults
    }

    pub(crate) fn add(&self, fault: Fault) -> u64 {
        let (present, _) = &mut *locked(&self.present);
        let id = present.last().map_or(1, |last| last.id + 1);
        present.push(Present { id, fault, struck: 0 });
        id
    }

    pub(crate) fn replace(&self, faults: &[Fault]) {
        locked(&self.present).0.clear();
        for fault in faults {
            self.add(fault.clone());
        }
    }

    pub(crate) fn remove(&self, id: u64) -> bool {
        let (present, _) = &mut *locked(&self.present);
        let before = present.len();
        present.retain(|fault| fault.id != id);
        present.len() < before
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        let (present, _) = &*locked(&self.present);
        present
            .iter()
            .map(|Present { id, fault, struck }| Shown {
                id: *id,
                struck: *struck,
                fault: fault.clone(),
            })
            .collect()
    }

    /// What a request of this path and query meets; counting it.
    pub(crate) fn strike(&self, path: &str, query: &str) -> Strike {
        let mut strike = Strike::default();
        let (present, random) = &mut *locked(&self.present);
        for Present { fault, struck, .. } in present.iter_mut() {
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

    /// A number of milliseconds up to `most`.
    pub(crate) fn jitter(&self, most: u64) -> u64 {
        if most == 0 {
            0
        } else {
            locked(&self.present).1.u64(0..=most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_strikes_and_is_spent() {
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
    fn a_fault_on_a_query_strikes_the_pages_after_the_first() {
        let mut fault = Fault::new(FaultKind::Reset).on_path("/v3/emails");
        fault.query_contains = Some("cursor=".to_owned());
        let faults = Faults::new(&[fault], 1);
        let strike = |path, query| faults.strike(path, query).fault.is_some();
        assert!(!strike("/v3/emails", "limit=500"));
        assert!(strike("/v3/emails", "limit=500&cursor=abc"));
        assert!(!strike("/v3/contact_lists", "cursor=abc"));
    }

    #[test]
    fn latencies_add_up_beside_another_fault() {
        let faults = Faults::new(&[Fault::new(FaultKind::Latency), Fault::new(FaultKind::Stall)], 1);
        faults.add(Fault::new(FaultKind::Latency));
        let strike = faults.strike("/", "");
        assert_eq!(strike.delay_ms, 200);
        assert_eq!(strike.fault.map(|fault| fault.kind), Some(FaultKind::Stall));
    }
}
