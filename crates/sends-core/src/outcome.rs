//! Outcome of a send, derived from its status, reason code and count.

use crate::closed_enum::closed_enum;
use crate::{Reason, ReasonCategory, ReasonCode, SendStatus};

closed_enum! {
    /// Outcome of one attempt to send, inferred from `send_status`, `reason_code` and `count`. The first matching row applies:
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
    /// | any other combination | | | `Unknown` |
    ///
    /// A known code other than 0 takes precedence over the status because it is more specific, and because reporting a delivery
    /// that did not happen is worse than rechecking a delivery that did. `COMPLETED` with code 12 is a send without recipients
    /// (documented). [`is_contradictory`](crate::SendAttempt::is_contradictory) reports contradictory values.
    pub enum Outcome {
        /// The email was sent to all contacts of this attempt.
        Sent = "SENT",
        /// The email was sent to some contacts of this attempt. The number of these contacts is unknown.
        PartiallySent = "PARTIALLY_SENT",
        /// The upstream holds the email for review and releases it later.
        Staged = "STAGED",
        /// The attempt succeeded without recipients.
        NoRecipients = "NO_RECIPIENTS",
        /// The email was not sent.
        Failed = "FAILED",
        /// The record does not determine the outcome.
        Unknown = "UNKNOWN",
    }
}

impl Outcome {
    /// Returns the outcome for a status, code and count, each of which is `None` if it is missing.
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
        if let Some(outcome) = implied_by(category) {
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

pub(crate) fn is_contradictory(
    status: Option<&SendStatus>,
    code: Option<ReasonCode>,
    count: Option<i64>,
) -> bool {
    let category = category(code);
    match (status, implied_by(category)) {
        (Some(SendStatus::Completed), Some(Outcome::Failed)) => true,
        (Some(SendStatus::Errored), _) if category == ReasonCategory::Success => true,
        (_, Some(Outcome::NoRecipients)) => count.is_some_and(|contacts| contacts > 0),
        _ => false,
    }
}

/// Returns the category of a code. A missing code counts as unknown.
fn category(code: Option<ReasonCode>) -> ReasonCategory {
    code.map_or(ReasonCategory::Unknown, |code| Reason::of(code).category)
}

/// Returns the outcome that the category implies, or `None` when the outcome depends on the status.
fn implied_by(category: ReasonCategory) -> Option<Outcome> {
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
