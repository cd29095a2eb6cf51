//! State and progress of the synchronisation of the send log.

use async_graphql::{Context, SimpleObject};
use jiff::{SignedDuration, Timestamp};
use sends_client::{Pacer, pacing::PacerState};
use sends_store::Pending;

use super::{LogCoverage, unreadable::UnreadableResource};
use crate::{
    schema::{ApiError, charge, scalar::Long, zone::dates},
    sources::send_log::LogReader,
};

const MAX_UNREADABLE: usize = 100;

/// State of the synchronisation that fills the send log with all sends of the account.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(in crate::schema) struct SyncState {
    /// Completeness of the log for all sends of the account.
    coverage: LogCoverage,
    /// Resources that were unreadable at the last attempt, latest `missingUntil` first. The list is limited to 100 resources;
    /// `coverage { unreadableResourceCount }` is the total number.
    unreadable_resources: Vec<UnreadableResource>,
    /// Number of campaigns that have not been read yet.
    unread_campaign_count: Long,
    /// Number of campaigns that have changed since they were read.
    changed_campaign_count: Long,
    /// Estimated number of upstream calls until the log is complete. The exact number is unknown, because the activities of
    /// unread campaigns are unknown.
    estimated_call_count: Long,
    /// Cause of the last failure, as a sentence for display. Null if the synchronisation has succeeded since.
    failure: Option<String>,
    #[graphql(skip)]
    estimated_end: Option<Timestamp>,
    #[graphql(skip)]
    state: sends_store::SyncState,
}

dates! { SyncState {
    /// Estimated time at which the log will be complete if the synchronisation runs without interruption within Constant
    /// Contact's rate limits. Null if nothing is left to read, or if the account's campaigns have never been listed completely.
    estimated_complete_at: |of| of.estimated_end,
    /// Time of the last complete listing of the account's campaigns. Null if the campaigns have never been listed completely.
    listed_at: |of| of.state.listed_at,
    /// Last time at which the synchronisation had nothing left to read. Null if the synchronisation has never finished.
    finished_at: |of| of.state.finished_at,
    /// End of the synchronisation's current pause, which starts when the daily limit is used up. Null if the synchronisation is
    /// not paused.
    paused_until: |of| of.state.paused_until,
    /// Time of the last failure of the synchronisation. Null if it has succeeded since.
    failed_at: |of| of.state.failed_at,
} }

pub(in crate::schema) async fn state(context: &Context<'_>) -> Result<SyncState, ApiError> {
    let reader = context.data_unchecked::<LogReader>();
    let now = reader.asked_at();
    let completeness = reader.read(|log, owner| log.sync.completeness(owner, None, None, now));
    let completeness = completeness.await?;
    let state = reader.read(|log, owner| log.sync.state(owner)).await?;
    let pending = reader.read(|log, owner| log.sync.pending(owner)).await?;
    let mut unreadable = Vec::new();
    if context.look_ahead().field("unreadableResources").exists() {
        let read = reader.read(|log, owner| log.sync.unreadable(owner, MAX_UNREADABLE));
        unreadable = read.await?;
        charge::list(context, unreadable.len(), charge::ASSUMED_UNREADABLE).await?;
    }
    let calls = estimated_calls(&pending);
    let pacer = context.data_unchecked::<Pacer>().current_state().await;
    let is_estimated = calls > 0 && state.listed_at.is_some();
    Ok(SyncState {
        coverage: completeness.into(),
        unreadable_resources: unreadable.iter().map(Into::into).collect(),
        unread_campaign_count: pending.unread_campaigns.into(),
        changed_campaign_count: pending.changed_campaigns.into(),
        estimated_call_count: calls.into(),
        failure: state.failure.clone(),
        estimated_end: is_estimated.then(|| complete_at(calls, &pacer, now)).flatten(),
        state,
    })
}

/// Estimates the remaining upstream calls. Each campaign needs one call, an unread campaign needs another for its email, and each
/// listed activity needs one.
fn estimated_calls(pending: &Pending) -> u64 {
    let unread = pending.unread_campaigns.saturating_mul(2);
    let changed = unread.saturating_add(pending.changed_campaigns);
    changed.saturating_add(pending.known_activities)
}

/// Returns the time at which background work will have made this number of calls.
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
