//! One attempt to send an email activity.
//!
//! How a record is read, with everything that is tolerated, is in [`record`].

pub(crate) mod record;

use alloc::vec::Vec;

use jiff::Timestamp;
use serde::Serialize;

use crate::outcome::is_contradictory;
use crate::{ListId, Outcome, Reason, ReasonCode, SegmentId, SendStatus, Verbatim};

/// One attempt to send an email activity: one record of the upstream's send history.
///
/// The fields hold what the record states, unjudged; [`outcome`](Self::outcome) and [`reason`](Self::reason) say what
/// it means. Only `send_id` is ever required of a record. It is serialised under the upstream's field names, with
/// absent fields and empty lists left out, and what is written reads back equal.
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
    /// The attempt's number within its activity, counting from 1 as documented; unique only together with the
    /// activity's id. A number below 1 is kept as it came: it still tells the
    /// attempts apart, and without it the attempt would be lost.
    pub send_id: i32,
    /// The contact lists this attempt was addressed to, in the upstream's order. Empty when segments were used, as
    /// documented, or when the record names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contact_list_ids: Vec<ListId>,
    /// The segments this attempt was addressed to, in the upstream's order. Empty when lists were used, as
    /// documented, or when the record names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segment_ids: Vec<SegmentId>,
    /// How many contacts this attempt was for; on a resend only those who had not received the email before, as
    /// documented. `None` when the record does not say, or gives a negative number, whose meaning is not documented. 0 or more
    /// in what is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// When the attempt was made. Offsets are normalised to UTC and fractions kept to the nanosecond. `None` when the
    /// record does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_date: Option<Timestamp>,
    /// The upstream's word for how the attempt ended, in its own spelling, which is not yet the
    /// [outcome](Self::outcome). `None` when the record does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_status: Option<Verbatim<SendStatus>>,
    /// The upstream's code for why the attempt ended so, see [`reason`](Self::reason). `None` when the record does not
    /// say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ReasonCode>,
}

impl SendAttempt {
    /// How this attempt ended, by the rules written down at [`Outcome`].
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.send_status.as_deref(), self.reason_code, self.count)
    }

    /// What this attempt's reason code means, or `None` when the record has no code.
    pub fn reason(&self) -> Option<Reason> {
        self.reason_code.map(Reason::of)
    }

    /// Whether status, reason code and count exclude each other.
    ///
    /// They do where the status is `COMPLETED` and the code a failure (1–4, 7–11), where the status is `ERRORED` and
    /// the code 0, and where code 12 says that nobody was eligible but the count is above 0. Which status the upstream
    /// sends with codes 5 and 6 is not documented, so no status contradicts them.
    ///
    /// This project's reading. A contradiction does not leave the [outcome](Self::outcome) open.
    pub fn is_contradictory(&self) -> bool {
        is_contradictory(self.send_status.as_deref(), self.reason_code, self.count)
    }
}
