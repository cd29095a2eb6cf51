//! State and progress of the synchronization of the send log.

use async_graphql::{Context, Object};
use jiff::{SignedDuration, Timestamp};
use sends_client::{Pacer, pacing::PacerState};
use sends_store::{Completeness, Pending};

use super::{LogCoverage, unreadable::UnreadableResource};
use crate::{
    schema::{
        ApiError, charge,
        error::Nullable,
        scalar::{DateTime, Long, TimeZone},
    },
    sources::send_log::LogReader,
};

/// Maximum number of unreadable resources in a response.
const MAX_UNREADABLE: usize = 100;

pub(in crate::schema) struct SyncState {
    completeness: Completeness,
    state: sends_store::SyncState,
    pending: Pending,
    unreadable: Vec<sends_store::Unreadable>,
    pacer: PacerState,
}

pub(in crate::schema) async fn state(context: &Context<'_>) -> Result<SyncState, ApiError> {
    let reader = context.data_unchecked::<LogReader>();
    let now = reader.asked_at();
    Ok(SyncState {
        completeness: reader
            .read(|log, owner| log.sync.completeness(owner, None, None, now))
            .await?,
        state: reader.read(|log, owner| log.sync.state(owner)).await?,
        pending: reader.read(|log, owner| log.sync.pending(owner)).await?,
        unreadable: reader
            .read(|log, owner| log.sync.unreadable(owner, MAX_UNREADABLE))
            .await?,
        pacer: context.data_unchecked::<Pacer>().current_state().await,
    })
}

/// State of the synchronization that fills the send log with all sends of the account.
#[Object]
impl SyncState {
    /// Completeness of the log for all sends of the account.
    async fn coverage(&self) -> LogCoverage {
        self.completeness.into()
    }

    /// Resources that could not be read at the last attempt. At most 100 of `coverage { unreadableResourceCount }`, those
    /// with the latest `missingUntil` first.
    async fn unreadable_resources(&self, context: &Context<'_>) -> Result<Vec<UnreadableResource>, ApiError> {
        charge::list(context, self.unreadable.len(), charge::ASSUMED_UNREADABLE).await?;
        Ok(self.unreadable.iter().cloned().map(UnreadableResource).collect())
    }

    /// Number of campaigns that were not read yet.
    async fn unread_campaign_count(&self) -> Long {
        self.pending.unread_campaigns.into()
    }

    /// Number of campaigns that have changed since they were read.
    async fn changed_campaign_count(&self) -> Long {
        self.pending.changed_campaigns.into()
    }

    /// Estimated number of upstream calls until the log is complete. An estimate, since the activities of unread campaigns
    /// are unknown.
    async fn estimated_call_count(&self) -> Long {
        estimated_calls(&self.pending).into()
    }

    /// Estimated time at which the log is complete if the synchronization runs without a break within Constant Contact's
    /// limits. Null if nothing is left to read, or if the campaigns of the account were never listed completely.
    async fn estimated_complete_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        self.state.listed_at?;
        let calls = estimated_calls(&self.pending);
        let now = context.data_unchecked::<LogReader>().asked_at();
        let at = (calls > 0).then(|| complete_at(calls, &self.pacer, now));
        zone.show(context, at.flatten()).await
    }

    /// Time of the last complete listing of the account's campaigns. Null if there was none.
    async fn listed_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.state.listed_at).await
    }

    /// Last time at which nothing was left to read. Null if there was none.
    async fn finished_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.state.finished_at).await
    }

    /// End of the current pause of the synchronization, which follows when the daily limit is used up. Null if it is not
    /// paused.
    async fn paused_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.state.paused_until).await
    }

    /// Time of the last failure of the synchronization. Null if it has succeeded since.
    async fn failed_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Time zone of the result.", default)] zone: TimeZone,
    ) -> Nullable<DateTime> {
        zone.show(context, self.state.failed_at).await
    }

    /// Cause of the last failure, as a sentence for display. Null if the synchronization has succeeded since.
    async fn failure(&self) -> Option<&str> {
        self.state.failure.as_deref()
    }
}

/// One call per campaign, one per unread campaign for its email, and one per known activity.
fn estimated_calls(pending: &Pending) -> u64 {
    let unread = pending.unread_campaigns.saturating_mul(2);
    let changed = unread.saturating_add(pending.changed_campaigns);
    changed.saturating_add(pending.known_activities)
}

/// The time at which background work has made so many calls.
fn complete_at(calls: u64, pacer: &PacerState, now: Timestamp) -> Option<Timestamp> {
    let after = |start: Timestamp, calls: u64| {
        let rate = u64::from(pacer.per_second_limit.unwrap_or(u32::MAX)).max(1);
        let seconds = i64::try_from(calls.div_ceil(rate)).ok()?;
        start.checked_add(SignedDuration::from_secs(seconds)).ok()
    };
    let (Some(today), Some(limit), Some(remaining)) = (
        pacer.remaining_for_background,
        pacer.per_day_limit,
        pacer.remaining_today,
    ) else {
        return after(now, calls);
    };
    if calls <= today {
        return after(now, calls);
    }
    let reserve = remaining.saturating_sub(today);
    let a_day = limit.saturating_sub(reserve).max(1);
    let later = calls - today - 1;
    let days = i64::try_from(later / a_day).ok()?;
    let day = pacer
        .resets_at
        .checked_add(SignedDuration::from_hours(days.checked_mul(24)?))
        .ok()?;
    after(day, later % a_day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_campaign_costs_one_call_and_one_per_activity() {
        let pending = Pending {
            unread_campaigns: 0,
            changed_campaigns: 3,
            known_activities: 4,
        };
        assert_eq!(estimated_calls(&pending), 7);
    }

    #[test]
    fn calls_beyond_the_daily_limit_continue_on_the_next_days() {
        let pacer = PacerState {
            per_second_limit: Some(4),
            per_day_limit: Some(10_000),
            used_today: 9_000,
            remaining_today: Some(1_000),
            remaining_for_background: Some(500),
            resets_at: "2026-11-24T00:00:00Z".parse().unwrap(),
            queue_length: 0,
            queue_limit: 1_000,
            pause: None,
        };
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let at = |calls| complete_at(calls, &pacer, now).unwrap().to_string();
        assert_eq!(at(400), "2026-11-23T12:01:40Z");
        assert_eq!(at(501), "2026-11-24T00:00:01Z");
        assert_eq!(at(500 + 9_500), "2026-11-24T00:39:35Z");
        assert_eq!(at(500 + 9_501), "2026-11-25T00:00:01Z");
        let unlimited = PacerState {
            per_day_limit: None,
            remaining_today: None,
            remaining_for_background: None,
            ..pacer
        };
        assert_eq!(
            complete_at(10_000, &unlimited, now).unwrap().to_string(),
            "2026-11-23T12:41:40Z"
        );
    }
}
