use async_graphql::SimpleObject;
use sends_core::HistorySummary;

use super::{enums::SendOutcome, scalar::Long, zone::dates};

/// Summary of the send history of one activity.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct SendSummary {
    /// Number of send attempts. 0 if the activity was never sent.
    attempt_count: Long,
    /// Number of attempts with the outcome `FAILED`.
    failed_attempt_count: Long,
    /// Sum of `count` over the sends with the outcome `SENT`. The sum is a lower bound, because Constant Contact does not report
    /// how many contacts a partial send reached.
    contacts_reached: Long,
    /// Number of undecodable sends of the activity, which the other fields do not include. Normally 0.
    unreadable_send_count: Long,
    /// Outcome of the most recent send. Null if the activity was never sent.
    latest_outcome: Option<SendOutcome>,
    /// Whether the most recent send needs attention because it failed, was partial, or has an unknown outcome. Also true if
    /// neither the most recent send nor any earlier send had recipients.
    needs_attention: bool,
    #[graphql(skip)]
    summary: HistorySummary,
}

dates! { SendSummary {
    /// Date of the earliest attempt. Null if no attempt has a date.
    first_run_date: |of| of.summary.first_run_date,
    /// Date of the latest attempt. Null if no attempt has a date.
    last_run_date: |of| of.summary.last_run_date,
} }

impl From<HistorySummary> for SendSummary {
    fn from(summary: HistorySummary) -> Self {
        Self {
            attempt_count: summary.attempts.into(),
            failed_attempt_count: summary.failed_attempts.into(),
            contacts_reached: Long(summary.contacts_reached),
            unreadable_send_count: summary.unreadable_sends.into(),
            latest_outcome: summary.latest_outcome.map(Into::into),
            needs_attention: summary.needs_attention,
            summary,
        }
    }
}
