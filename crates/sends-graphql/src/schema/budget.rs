use async_graphql::SimpleObject;
use sends_client::pacing::PacerState;

use super::{enums::PauseReason, scalar::Long, zone::dates};

/// Usage of Constant Contact's rate limits by one API key. This service counts its calls, since Constant Contact does not report
/// the usage.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct UpstreamBudget {
    /// Maximum number of upstream calls per second. Null if unlimited.
    per_second_limit: Option<Long>,
    /// Maximum number of upstream calls per UTC day. Null if unlimited.
    per_day_limit: Option<Long>,
    /// Number of upstream calls since 00:00 UTC, including calls before a restart and calls of other processes that use the
    /// same state folder.
    used_today: Long,
    /// Number of upstream calls that remain today. Null if unlimited.
    remaining_today: Option<Long>,
    /// Number of upstream calls that remain today for background work. `remainingToday` also includes the calls that are reserved
    /// for queries. Null if unlimited.
    remaining_for_background: Option<Long>,
    /// Number of queued upstream calls.
    queue_length: Long,
    /// Maximum number of queued upstream calls. Calls beyond it fail with `RATE_LIMITED`.
    queue_limit: Long,
    /// Cause of the current pause of upstream calls. Null if calls are not paused.
    pause_reason: Option<PauseReason>,
    #[graphql(skip)]
    state: PacerState,
}

dates! { UpstreamBudget {
    /// Time at which `usedToday` is next reset, which is 00:00 UTC. Null with an error only if `zone` cannot be determined.
    resets_at: |of| Some(of.state.resets_at),
    /// End of the current pause of upstream calls. Null if calls are not paused.
    paused_until: |of| of.state.pause.map(|pause| pause.until),
} }

impl From<PacerState> for UpstreamBudget {
    fn from(state: PacerState) -> Self {
        Self {
            per_second_limit: state.per_second_limit.map(|limit| Long(limit.into())),
            per_day_limit: state.per_day_limit.map(Into::into),
            used_today: state.used_today.into(),
            remaining_today: state.remaining_today.map(Into::into),
            remaining_for_background: state.remaining_for_background.map(Into::into),
            queue_length: state.queue_length.into(),
            queue_limit: state.queue_limit.into(),
            pause_reason: state.pause.map(|pause| pause.reason.into()),
            state,
        }
    }
}
