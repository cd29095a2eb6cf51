//! Re-reads of histories that may have changed without an update of their campaign, and retries of failed reads.

use jiff::Timestamp;
use sends_core::{ActivityId, CampaignId};
use sends_store::{Answer, FailedReading, Listing, StoreError, StoredAnswer, Subject, SyncWork, Unreadable};

use crate::{
    failure::SyncFailure,
    reading::is_removed,
    rules::{self, Period},
    run::Run,
};

const CHUNK: usize = 500;

impl Run<'_> {
    pub(crate) async fn read_unsettled(&self) -> Result<(), SyncFailure> {
        let now = self.clock.now();
        let (ran_since, fetched_before) = rules::unsettled_bounds(now);
        let candidates = self.log.unsettled(self.owner, ran_since, fetched_before, now);
        for chunk in candidates.await?.chunks(CHUNK) {
            let stored = self.stored(chunk).await?;
            let due = stored.into_iter().filter_map(|(activity, stored)| match stored {
                Ok(stored) if rules::is_due(&stored, now) => {
                    Some((activity, Some(rules::unsettled_from(&stored))))
                }
                Ok(_) => None,
                Err(Damaged) => Some((activity, None)),
            });
            let readings = due.map(|(activity, from)| async move {
                let read = self.read_or_record(activity, false, (from, now)).await;
                read.map(drop)
            });
            self.concurrently(readings).await?;
        }
        Ok(())
    }

    /// Returns the stored responses for these activities. A damaged response does not affect the other responses, and is replaced
    /// by a re-read.
    async fn stored(
        &self,
        activities: &[ActivityId],
    ) -> Result<Vec<(ActivityId, Result<StoredAnswer, Damaged>)>, StoreError> {
        let all = self.store.histories(self.owner, activities, Timestamp::MAX).await;
        if !matches!(all, Err(StoreError::Damaged { .. })) {
            let all = activities.iter().zip(all?);
            return Ok(all.filter_map(|(id, stored)| Some((*id, Ok(stored?)))).collect());
        }
        let mut found = Vec::with_capacity(activities.len());
        for &activity in activities {
            match self.store.history(self.owner, activity, Timestamp::MAX).await {
                Err(StoreError::Damaged { .. }) => found.push((activity, Err(Damaged))),
                stored => found.extend(stored?.map(|stored| (activity, Ok(stored)))),
            }
        }
        Ok(found)
    }

    pub(crate) async fn retry_unreadable(&self) -> Result<(), SyncFailure> {
        let now = self.clock.now();
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let due = |one: &Unreadable| {
            !one.is_queued
                && if one.is_unconfirmed_removal() {
                    rules::removal_is_due(one, self.began, now)
                } else {
                    rules::is_due_again(one, now)
                }
        };
        let (mut campaigns, mut histories) = (Vec::new(), Vec::new());
        for one in unreadable.into_iter().filter(due) {
            let period = (one.missing_from, one.missing_until);
            match (one.subject, one.campaign) {
                (Subject::Campaign(campaign), _) => campaigns.push(rules::work(campaign, period)),
                // Reading the campaign also confirms whether it is still removed.
                (Subject::History(_), Some(campaign)) if one.reason == sends_store::UNCONFIRMED_REMOVAL => {
                    campaigns.push(rules::work(campaign.id, period));
                }
                (Subject::History(activity), campaign) => histories.push((activity, campaign, period)),
                // The listings have their own retries.
                (Subject::Campaigns | Subject::Summaries, _) => {}
            }
        }
        // The work is queued, so that a kill between the activities of a campaign and their histories loses nothing.
        self.put_on_queue(campaigns).await?;
        let readings = histories
            .into_iter()
            .map(|(activity, campaign, period)| async move {
                let is_removed = campaign.as_ref().is_some_and(is_removed);
                let is_rejected = self.read_or_record(activity, is_removed, period).await?;
                if let Some(campaign) = campaign.filter(|_| is_rejected) {
                    // The activity may have been removed from its campaign, or the campaign may have been removed.
                    self.put_on_queue(vec![rules::work(campaign.id, period)]).await?;
                }
                Ok(())
            });
        self.concurrently(readings).await?;
        self.process_queue().await
    }

    /// Records campaigns as unreadable if the report has a later send than their histories. Only campaigns with a history that
    /// was unreadable `before` are checked, since another process may have read that history.
    pub(crate) async fn record_only_reported(&self, before: &[Unreadable]) -> Result<(), StoreError> {
        let is_history = |one: &&Unreadable| matches!(one.subject, Subject::History(_));
        let histories = before.iter().filter(is_history);
        let campaigns = histories.filter_map(|one| one.campaign.as_ref());
        let mut campaigns: Vec<CampaignId> = campaigns.map(|campaign| campaign.id).collect();
        campaigns.sort_unstable();
        campaigns.dedup();
        let known = self.log.campaigns(self.owner, &campaigns).await?;
        let known = known.into_iter().flatten();
        let reported: Vec<(CampaignId, Period)> = known
            .filter(|known| !is_removed(&known.campaign))
            .filter_map(|known| Some((known.campaign.id, rules::only_reported(&known)?)))
            .collect();
        if reported.is_empty() {
            return Ok(());
        }
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        for (campaign, (missing_from, missing_until)) in reported {
            let subject = Subject::Campaign(campaign);
            // An earlier reason and the time of its last attempt are retained.
            let own = unreadable.iter().find(|one| one.subject == subject);
            let reason = own.map_or(self.report_reason(campaign), |own| &own.reason);
            let failed = FailedReading {
                subject,
                missing_from,
                missing_until,
                failed_at: own.map_or_else(|| self.clock.now(), |own| own.tried_at),
                records: 0,
                reason: reason.to_owned(),
            };
            self.log.keep_failed(self.owner, failed).await?;
        }
        Ok(())
    }

    pub(crate) async fn put_on_queue(&self, work: Vec<SyncWork>) -> Result<(), StoreError> {
        if work.is_empty() {
            return Ok(());
        }
        let listing = Listing {
            work,
            ..Listing::default()
        };
        self.log.keep_listing(self.owner, listing).await
    }

    /// Reads a history or records it as unreadable. Returns whether the upstream rejected or did not find the history, so that
    /// its campaign has to be read.
    async fn read_or_record(
        &self,
        activity: ActivityId,
        is_removed: bool,
        period: Period,
    ) -> Result<bool, SyncFailure> {
        let subject = Subject::History(activity);
        match self.request_history(activity, is_removed).await {
            Err(failure) => {
                let failure = self.record_failure(subject, period, false, failure).await?;
                Ok(failure.is_rejection())
            }
            Ok(StoredAnswer {
                answer: Answer::NotFound,
                ..
            }) => Ok(true),
            Ok(stored) => {
                self.lacks_records(activity, stored).await?;
                Ok(false)
            }
        }
    }
}

struct Damaged;
