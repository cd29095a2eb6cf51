//! How a send ended, decided from everything its record says.
//!
//! Owns the decision over status, reason code and count, contradictions included. Must not know what a single code
//! means: that is the table's, and reaches this module as a [`ReasonCategory`].

use crate::closed_enum::closed_enum;
use crate::{Reason, ReasonCategory, ReasonCode, SendStatus};

closed_enum! {
    /// How one attempt to send ended.
    ///
    /// This project's reading of `send_status`, `reason_code` and `count` together, since none of them says it alone.
    /// Every combination has an answer; the first line that fits decides:
    ///
    /// | `reason_code` | `send_status` | `count` | outcome |
    /// |---|---|---|---|
    /// | 5 | any | any | `Staged` |
    /// | 6 | any | any | `PartiallySent` |
    /// | 12 | any | any | `NoRecipients` |
    /// | 1–4, 7–11 | any | any | `Failed` |
    /// | 0, absent or unknown | `ERRORED` | any | `Failed` |
    /// | 0 | `COMPLETED` | absent or at least 1 | `Sent` |
    /// | 0 | `COMPLETED` | 0 | `NoRecipients` |
    /// | anything else | | | `Unknown` |
    ///
    /// So a known code other than 0 wins over the status: it is the more specific statement, and to report a delivery
    /// that did not happen costs more than to look at one that did. `COMPLETED` with code 12 is how the upstream is
    /// documented to report a send that reached nobody. Where the statements exclude each other, the attempt is also
    /// [contradictory](crate::SendAttempt::is_contradictory).
    pub enum Outcome {
        /// The email went out to every contact of this attempt.
        Sent = "SENT",
        /// The email went out to some contacts of this attempt; how many is not known.
        PartiallySent = "PARTIALLY_SENT",
        /// The upstream holds the email back and will release it after a review.
        Staged = "STAGED",
        /// Nothing failed, and nobody was there to receive the email.
        NoRecipients = "NO_RECIPIENTS",
        /// The email did not go out.
        Failed = "FAILED",
        /// The record does not say enough to tell.
        Unknown = "UNKNOWN",
    }
}

impl Outcome {
    /// The outcome of an attempt with this status, code and count, any of which may be missing.
    ///
    /// ```
    /// use sends_core::{Outcome, ReasonCode, SendStatus};
    ///
    /// let outcome = Outcome::of(Some(&SendStatus::Completed), Some(ReasonCode::new(12)), Some(0));
    /// assert_eq!(outcome, Outcome::NoRecipients);
    /// assert_eq!(Outcome::of(None, None, None), Outcome::Unknown);
    /// ```
    pub fn of(status: Option<&SendStatus>, code: Option<ReasonCode>, count: Option<i64>) -> Self {
        let category = category(code);
        if let Some(outcome) = stated_by(category) {
            return outcome;
        }
        match (status, category, count) {
            (Some(SendStatus::Errored), _, _) => Self::Failed,
            (Some(SendStatus::Completed), ReasonCategory::Success, None | Some(1..)) => Self::Sent,
            (Some(SendStatus::Completed), ReasonCategory::Success, Some(0)) => Self::NoRecipients,
            _ => Self::Unknown,
        }
    }
}

/// Whether the three statements exclude each other. See [`SendAttempt::is_contradictory`](crate::SendAttempt).
pub(crate) fn is_contradictory(
    status: Option<&SendStatus>,
    code: Option<ReasonCode>,
    count: Option<i64>,
) -> bool {
    let category = category(code);
    match (status, stated_by(category)) {
        (Some(SendStatus::Completed), Some(Outcome::Failed)) => true,
        (Some(SendStatus::Errored), _) if category == ReasonCategory::Success => true,
        (_, Some(Outcome::NoRecipients)) => count.is_some_and(|contacts| contacts > 0),
        _ => false,
    }
}

/// A missing code says as little as one nobody knows.
fn category(code: Option<ReasonCode>) -> ReasonCategory {
    code.map_or(ReasonCategory::Unknown, |code| Reason::of(code).category)
}

/// The outcome a reason states by itself, or `None` where the status has to say.
fn stated_by(category: ReasonCategory) -> Option<Outcome> {
    match category {
        ReasonCategory::Success | ReasonCategory::Unknown => None,
        ReasonCategory::Staging => Some(Outcome::Staged),
        ReasonCategory::Partial => Some(Outcome::PartiallySent),
        ReasonCategory::Audience => Some(Outcome::NoRecipients),
        ReasonCategory::System
        | ReasonCategory::Compliance
        | ReasonCategory::Billing
        | ReasonCategory::Limit
        | ReasonCategory::Content
        | ReasonCategory::Sender
        | ReasonCategory::Feature => Some(Outcome::Failed),
    }
}
