//! What is left of the upstream's limits.

use async_graphql::{Context, Object};
use sends_client::pacing::PacerState;

use super::{
    ApiError,
    enums::PauseReason,
    scalar::{DateTime, count, int},
    zone::DateTimeZone,
};

pub(super) struct UpstreamBudget(pub(super) PacerState);

/// What is left of the calls that Constant Contact allows one API key, by this service's own count.
#[Object]
impl UpstreamBudget {
    /// How many calls may leave in any one second. Null without a limit.
    async fn per_second_limit(&self) -> Option<Result<i32, ApiError>> {
        self.0.per_second_limit.map(|limit| int("limit", limit))
    }

    /// How many calls may leave in one day. Null without a limit.
    async fn per_day_limit(&self) -> Option<Result<i32, ApiError>> {
        self.0.per_day_limit.map(|limit| int("limit", limit))
    }

    /// How many calls have left since 00:00 UTC, those before a restart and those of other processes on the same state folder
    /// included.
    async fn used_today(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of calls", self.0.used_today))
    }

    /// How many calls may still leave today. Null without a limit.
    async fn remaining_today(&self) -> Option<Result<i32, ApiError>> {
        self.0
            .remaining_today
            .map(|remaining| int("number of calls", remaining))
    }

    /// How many of them background work may use; the rest is kept for queries. Null without a limit.
    async fn remaining_for_background(&self) -> Option<Result<i32, ApiError>> {
        self.0
            .remaining_for_background
            .map(|remaining| int("number of calls", remaining))
    }

    /// When the day's count begins again: the next 00:00 UTC. Null, with an error, only where it cannot be shown in the
    /// account's zone.
    async fn resets_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, Some(self.0.resets_at)).await
    }

    /// How many calls wait for their turn.
    async fn queue_length(&self) -> i32 {
        count(self.0.queue_length)
    }

    /// How many calls may wait; one more is refused with `RATE_LIMITED`.
    async fn queue_limit(&self) -> i32 {
        count(self.0.queue_limit)
    }

    /// When calls leave again. Null when they leave now.
    async fn paused_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.0.pause.map(|pause| pause.until)).await
    }

    /// Why no call leaves. Null when calls leave.
    async fn pause_reason(&self) -> Option<PauseReason> {
        self.0.pause.map(|pause| pause.reason.into())
    }
}
