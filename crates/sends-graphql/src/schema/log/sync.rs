//! How far the log is filled, and when it will be.

use async_graphql::{Context, Object};
use jiff::{SignedDuration, Timestamp};
use sends_client::{Pacer, pacing::PacerState};
use sends_store::{Completeness, Pending};

use super::{LogCoverage, unreadable::Unreadable};
use crate::{
    schema::{
        ApiError, charge,
        scalar::{DateTime, int},
        zone::DateTimeZone,
    },
    sources::send_log::LogReader,
};

/// How many of those that cannot be read are named.
const MOST_UNREADABLE: usize = 100;

/// What is known of the reading of the whole account.
pub(in crate::schema) struct SyncState {
    completeness: Completeness,
    state: sends_store::SyncState,
    pending: Pending,
    unreadable: Vec<sends_store::Unreadable>,
    pacer: PacerState,
}

/// Reads it.
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
            .read(|log, owner| log.sync.unreadable(owner, MOST_UNREADABLE))
            .await?,
        pacer: context.data_unchecked::<Pacer>().current_state().await,
    })
}

/// How far the log of all sends is filled, what is missing, and when it will be there. It is filled by `sends-graphql sync`
/// and by `serve --sync-every`.
#[Object]
impl SyncState {
    /// Since when and until when the log is complete. `isComplete` is about all that was ever sent.
    async fn coverage(&self) -> LogCoverage {
        LogCoverage::new(self.completeness)
    }

    /// What could not be read when it was last tried, `coverage { unreadableCount }` of them: at most 100, those first whose
    /// missing sends may be the newest.
    async fn unreadable(&self, context: &Context<'_>) -> Result<Vec<Unreadable>, ApiError> {
        charge::list(context, self.unreadable.len(), 1).await?;
        Ok(self.unreadable.iter().cloned().map(Unreadable).collect())
    }

    /// How many campaigns have yet to be read for the first time. Null, with an error, beyond 32 bits.
    async fn unread_campaign_count(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of campaigns", self.pending.unread_campaigns))
    }

    /// How many campaigns have changed since they were read. Null, with an error, beyond 32 bits.
    async fn changed_campaign_count(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of campaigns", self.pending.changed_campaigns))
    }

    /// How many calls to Constant Contact the missing sends will cost, by estimate: what a campaign has is known only once it
    /// is read. Null, with an error, beyond 32 bits.
    async fn estimated_calls(&self) -> Option<Result<i32, ApiError>> {
        Some(int("number of calls", estimated_calls(&self.pending)))
    }

    /// When the log will have everything that can be read, if it is filled without a break from now on within the limits of
    /// Constant Contact. Null when nothing of that is missing, and when it is not known what is, since the account was never
    /// listed to its end.
    async fn estimated_complete_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        self.state.listed_at?;
        let calls = estimated_calls(&self.pending);
        let now = context.data_unchecked::<LogReader>().asked_at();
        let at = (calls > 0).then(|| complete_at(calls, &self.pacer, now));
        zone.show(context, at.flatten()).await
    }

    /// When the account was last listed to its end. Null when it never was.
    async fn listed_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.state.listed_at).await
    }

    /// When there was last nothing left to read. Null when there always was.
    async fn finished_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.state.finished_at).await
    }

    /// When reading goes on, after the day's calls were used up. Null when they were not.
    async fn paused_until(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.state.paused_until).await
    }

    /// When reading last failed. Null when it has succeeded since.
    async fn failed_at(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The zone to show it in.", default)] zone: DateTimeZone,
    ) -> Option<Result<DateTime, ApiError>> {
        zone.show(context, self.state.failed_at).await
    }

    /// Why reading last failed, in a sentence for people. Null when it has succeeded since.
    async fn failure(&self) -> Option<&str> {
        self.state.failure.as_deref()
    }
}

/// One for each campaign, one for the email of each that is not known, and one for each activity that is known.
fn estimated_calls(pending: &Pending) -> u64 {
    let unread = pending.unread_campaigns.saturating_mul(2);
    let changed = unread.saturating_add(pending.changed_campaigns);
    changed.saturating_add(pending.known_activities)
}

/// When so many calls of background work have left.
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
    fn a_changed_campaign_costs_itself_and_its_activities() {
        let pending = Pending {
            unread_campaigns: 0,
            changed_campaigns: 3,
            known_activities: 4,
        };
        assert_eq!(estimated_calls(&pending), 7);
    }

    #[test]
    fn what_does_not_fit_into_today_comes_on_the_days_after() {
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
