//! The summary of one activity's send history.

use async_graphql::{Context, Object};
use sends_core::HistorySummary;

use super::{
    enums::SendOutcome,
    error::Nullable,
    scalar::{DateTime, Long, TimeZone, count},
};

pub(super) struct SendSummary(pub(super) HistorySummary);

/// Summary of the send history of one activity.
#[Object]
impl SendSummary {
    /// Number of send attempts. 0 if the activity was never sent.
    async fn attempt_count(&self) -> i32 {
        count(self.0.attempts)
    }

    /// Number of attempts with the outcome `FAILED`.
    async fn failed_attempt_count(&self) -> i32 {
        count(self.0.failed_attempts)
    }

    /// Total `count` of the sends with the outcome `SENT`. A lower bound: partial sends are not included, since Constant
    /// Contact does not report how many contacts they reached.
    async fn contacts_reached(&self) -> Long {
        Long(self.0.contacts_reached)
    }

    /// Number of sends of the activity that could not be decoded. The other fields do not include them. Normally 0.
    async fn unreadable_send_count(&self) -> i32 {
        count(self.0.unreadable_sends)
    }

    /// Date of the earliest attempt. Null if there is no attempt with a date.
    async fn first_run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.0.first_run_date).await
    }

    /// Date of the latest attempt. Null if there is no attempt with a date.
    async fn last_run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.0.last_run_date).await
    }

    /// Outcome of the most recent send. Null if the activity was never sent.
    async fn latest_outcome(&self) -> Option<SendOutcome> {
        self.0.latest_outcome.map(Into::into)
    }

    /// Whether the most recent send needs attention: it failed, was partial, has an unknown outcome, or had no recipients
    /// while no earlier send had any.
    async fn needs_attention(&self) -> bool {
        self.0.needs_attention
    }
}
