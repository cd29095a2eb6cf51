//! Usage of the upstream's rate limits.

use async_graphql::{Context, Object};
use sends_client::pacing::PacerState;

use super::{
    enums::PauseReason,
    error::Nullable,
    scalar::{DateTime, Long, TimeZone, count},
};

pub(super) struct UpstreamBudget(pub(super) PacerState);

/// Usage of Constant Contact's limits for one API key, counted by this service. Constant Contact does not report it.
#[Object]
impl UpstreamBudget {
    /// Maximum number of upstream calls per second. Null if unlimited.
    async fn per_second_limit(&self) -> Option<Long> {
        self.0.per_second_limit.map(|limit| Long(limit.into()))
    }

    /// Maximum number of upstream calls per UTC day. Null if unlimited.
    async fn per_day_limit(&self) -> Option<Long> {
        self.0.per_day_limit.map(Into::into)
    }

    /// Number of upstream calls since 00:00 UTC, including calls before a restart and calls of other processes that use the
    /// same state folder.
    async fn used_today(&self) -> Long {
        self.0.used_today.into()
    }

    /// Number of upstream calls left today. Null if unlimited.
    async fn remaining_today(&self) -> Option<Long> {
        self.0.remaining_today.map(Into::into)
    }

    /// Number of `remainingToday` that background work may use. The rest is reserved for queries. Null if unlimited.
    async fn remaining_for_background(&self) -> Option<Long> {
        self.0.remaining_for_background.map(Into::into)
    }

    /// Time of the next reset of the daily count: the next 00:00 UTC. Null, with an error, only if `zone` cannot be
    /// determined.
    async fn resets_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, Some(self.0.resets_at)).await
    }

    /// Number of queued upstream calls.
    async fn queue_length(&self) -> i32 {
        count(self.0.queue_length)
    }

    /// Maximum number of queued upstream calls. Calls beyond it fail with `RATE_LIMITED`.
    async fn queue_limit(&self) -> i32 {
        count(self.0.queue_limit)
    }

    /// End of the current pause of upstream calls. Null if they are not paused.
    async fn paused_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.0.pause.map(|pause| pause.until)).await
    }

    /// Cause of the current pause of upstream calls. Null if they are not paused.
    async fn pause_reason(&self) -> Option<PauseReason> {
        self.0.pause.map(|pause| pause.reason.into())
    }
}
