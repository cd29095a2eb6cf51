//! One attempt to send an email activity. The decoder is in [`record`].

pub(crate) mod record;

use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Serialize;

use crate::outcome::is_contradictory;
use crate::{ListId, Outcome, Reason, ReasonCode, SegmentId, SendStatus, Verbatim};

/// Attempt to send an email activity, as one record of the upstream's send history.
///
/// The fields hold the values of the record; [`outcome`](Self::outcome) and [`reason`](Self::reason) interpret them. Only
/// `send_id` is required. Serialisation uses the upstream's field names and omits absent fields and empty lists. Deserialising
/// the result yields an equal value.
///
/// ```
/// use sends_core::{Outcome, SendAttempt};
///
/// let attempt: SendAttempt = serde_json::from_str(r#"{"send_id": 3, "send_status": "ERRORED", "reason_code": 7}"#)?;
/// assert_eq!(attempt.outcome(), Outcome::Failed);
/// assert_eq!(attempt.reason().map(|reason| reason.name), Some("INVALID_IMAGES"));
/// assert_eq!(attempt.count, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SendAttempt {
    /// Number of the attempt within its activity, from 1 (documented). A number below 1 is accepted because it still identifies
    /// the attempt.
    pub send_id: i32,
    /// Contact lists of the attempt, in the upstream's order. Empty when the attempt used segments (documented) or the record
    /// has no lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_list_ids: Vec<ListId>,
    /// Segments of the attempt, in the upstream's order. Empty when the attempt used contact lists (documented) or the record
    /// has no segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segment_ids: Vec<SegmentId>,
    /// Number of contacts of the attempt, at least 0. A resend counts only contacts who had not received the email before
    /// (documented). `None` when the record has no count, or a negative count, whose meaning is not documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Time of the attempt, in UTC with nanosecond precision. `None` when the record has no readable date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_date: Option<Timestamp>,
    /// The upstream's status in the upstream's spelling. The [`outcome`](Self::outcome) may differ from it. `None` when the
    /// record has no readable status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_status: Option<Verbatim<SendStatus>>,
    /// The upstream's reason code; see [`reason`](Self::reason). `None` when the record has no readable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
}

impl SendAttempt {
    /// Returns the outcome of the attempt by the rules of [`Outcome`] (inferred).
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.send_status.as_deref(), self.reason_code, self.count)
    }

    /// Returns the meaning of the reason code, or `None` when the record has no code.
    pub fn reason(&self) -> Option<Reason> {
        self.reason_code.map(Reason::of)
    }

    /// Returns whether status, reason code and count contradict each other (inferred): `COMPLETED` with a failure code (1–4,
    /// 7–11), `ERRORED` with code 0, or code 12 (no eligible contacts) with a count above 0. The status that accompanies codes
    /// 5 and 6 is not documented, so no status contradicts them.
    ///
    /// A contradictory record still has an [outcome](Self::outcome).
    pub fn is_contradictory(&self) -> bool {
        is_contradictory(self.send_status.as_deref(), self.reason_code, self.count)
    }
}
