//! One attempt to send an email activity. The decoder is in [`record`].

pub(crate) mod record;

use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Serialize;

use crate::outcome::is_contradictory;
use crate::{ListId, Outcome, Reason, ReasonCode, SegmentId, SendStatus, Verbatim};

/// One attempt to send an email activity: one record of the upstream's send history.
///
/// The fields have the values of the record; [`outcome`](Self::outcome) and [`reason`](Self::reason) interpret them. Only
/// `send_id` is required. Serialised with the upstream's field names, without absent fields and empty lists; decoding the
/// result yields an equal value.
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
    /// Number of the attempt within its activity, from 1 (documented). A number below 1 is accepted, since it still identifies
    /// the attempt.
    pub send_id: i32,
    /// Contact lists of the attempt, in the upstream's order. Empty when segments were used (documented), or when the record has
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_list_ids: Vec<ListId>,
    /// Segments of the attempt, in the upstream's order. Empty when lists were used (documented), or when the record has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segment_ids: Vec<SegmentId>,
    /// Number of contacts of the attempt, at least 0; on a resend only those who had not received the email before (documented).
    /// `None` when the record has none, or a negative one, whose meaning is not documented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Time of the attempt, in UTC with nanoseconds. `None` when the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_date: Option<Timestamp>,
    /// The upstream's status in its spelling, from which [`outcome`](Self::outcome) may differ. `None` when the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_status: Option<Verbatim<SendStatus>>,
    /// The upstream's reason code, see [`reason`](Self::reason). `None` when the record has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
}

impl SendAttempt {
    /// Outcome of the attempt by the rules of [`Outcome`] (inferred).
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.send_status.as_deref(), self.reason_code, self.count)
    }

    /// Meaning of the reason code. `None` when the record has none.
    pub fn reason(&self) -> Option<Reason> {
        self.reason_code.map(Reason::of)
    }

    /// Whether status, reason code and count contradict each other (inferred): `COMPLETED` with a failure code (1–4, 7–11),
    /// `ERRORED` with code 0, or code 12, no eligible contacts, with a count above 0. The status with codes 5 and 6 is not
    /// documented, so that none contradicts them.
    ///
    /// The [outcome](Self::outcome) is determined nevertheless.
    pub fn is_contradictory(&self) -> bool {
        is_contradictory(self.send_status.as_deref(), self.reason_code, self.count)
    }
}
