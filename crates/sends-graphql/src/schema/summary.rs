//! What a send history adds up to.

use async_graphql::{Context, Object};
use sends_core::HistorySummary;

use super::{
    ApiError,
    enums::SendOutcome,
    scalar::{DateTime, Long, count},
    zone::DateTimeZone,
};

/// What the sends of one activity add up to.
pub(super) struct SendSummary(pub(super) HistorySummary);

/// What the sends of one activity add up to.
#[Object]
impl SendSummary {
    /// How many times the activity was sent or tried to be; 0 when never.
    async fn attempt_count(&self) -> i32 {
        count(self.0.attempts)
    }

    /// How many of the attempts have the outcome FAILED.
    async fn failed_attempt_count(&self) -> i32 {
        count(self.0.failed_attempts)
    }

    /// How many contacts the sends with the outcome SENT went to. A send that reached only some of its contacts is left
    /// out, since Constant Contact does not say how many.
    async fn contacts_reached(&self) -> Long {
        Long(self.0.contacts_reached)
    }

    /// How many sends of the activity Constant Contact gave in a form that cannot be read. They are in no other field of this
    /// type; 0 as a rule.
    async fn unreadable_send_count(&self) -> i32 {
        count(self.0.unreadable_sends)
    }

    /// When the earliest attempt ran. Null when the activity was never sent or no attempt carries a date.
    async fn first_run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.0.first_run_date).await
    }

    /// When the latest attempt ran. Null when the activity was never sent or no attempt carries a date.
    async fn last_run_date(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.0.last_run_date).await
    }

    /// How the most recent send ended. Null when the activity was never sent.
    async fn latest_outcome(&self) -> Option<SendOutcome> {
        self.0.latest_outcome.map(Into::into)
    }

    /// Whether somebody should look into it, judged by the most recent send: it failed, reached only some of its contacts,
    /// ended in a way this service does not know, or found no recipients when no earlier send had any.
    async fn needs_attention(&self) -> bool {
        self.0.needs_attention
    }
}
