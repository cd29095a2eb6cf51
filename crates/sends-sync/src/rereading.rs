//! Re-reads of histories that may have changed without a listing saying so, and retries of failed reads.

use jiff::Timestamp;
use sends_core::{ActivityId, CampaignId};
use sends_store::{Answer, FailedReading, Listing, StoreError, StoredAnswer, Subject, SyncWork, Unreadable};

use crate::{
    failure::SyncFailure,
    reading::{Stretch, is_removed},
    rules,
    run::Run,
};

/// How many histories are looked at together.
const CHUNK: usize = 500;

/// What is known of one activity.
enum Known {
    Answer(StoredAnswer),
    Nothing,
    Damaged,
}

impl Known {
    fn of(kept: Option<StoredAnswer>) -> Self {
        kept.map_or(Self::Nothing, Self::Answer)
    }
}

impl Run<'_> {
    /// Reads again what may have changed by itself.
    pub(crate) async fn read_unsettled(&self) -> Result<(), SyncFailure> {
        let now = self.clock.now();
        let (ran_since, fetched_before) = rules::unsettled_bounds(now);
        let candidates = self
            .log
            .unsettled(self.owner, ran_since, fetched_before, now)
            .await?;
        for some in candidates.chunks(CHUNK) {
            let mut due = Vec::new();
            for (activity, kept) in self.kept(some).await? {
                match kept {
                    Known::Answer(kept) if rules::is_due(&kept, now) => {
                        due.push((activity, Some(rules::unsettled_from(&kept))));
                    }
                    Known::Damaged => due.push((activity, None)),
                    Known::Answer(_) | Known::Nothing => {}
                }
            }
            let readings = due.into_iter().map(|(activity, from)| async move {
                let read = self.read_or_remember(activity, false, (from, now)).await;
                read.map(drop)
            });
            self.side_by_side(readings).await?;
        }
        Ok(())
    }

    /// What is kept of these activities. A damaged answer costs itself: it is read again, which replaces it.
    async fn kept(&self, activities: &[ActivityId]) -> Result<Vec<(ActivityId, Known)>, StoreError> {
        let all = self.store.histories(self.owner, activities, Timestamp::MAX).await;
        if !matches!(all, Err(StoreError::Damaged { .. })) {
            let all = all?.into_iter().map(Known::of);
            return Ok(activities.iter().copied().zip(all).collect());
        }
        let mut found = Vec::with_capacity(activities.len());
        for &activity in activities {
            let kept = match self.store.history(self.owner, activity, Timestamp::MAX).await {
                Err(StoreError::Damaged { .. }) => Known::Damaged,
                kept => Known::of(kept?),
            };
            found.push((activity, kept));
        }
        Ok(found)
    }

    /// Tries again what could not be read and whose pause is over. What is on the queue is read with that.
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
            let work = |campaign| SyncWork {
                campaign,
                missing_from: one.missing_from,
                missing_until: one.missing_until,
            };
            match (one.subject, &one.campaign) {
                (Subject::Campaign(campaign), _) => campaigns.push(work(campaign)),
                // Whether its campaign is still removed belongs to the confirmation.
                (Subject::History(_), Some(campaign)) if one.is_unconfirmed_removal() => {
                    campaigns.push(work(campaign.id));
                }
                (Subject::History(activity), _) => histories.push((activity, one)),
                // The steps that list have tried these.
                (Subject::Campaigns | Subject::Summaries, _) => {}
            }
        }
        // On the queue, so that a kill between its activities and their histories loses nothing.
        self.put_on_queue(campaigns).await?;
        let readings = histories.into_iter().map(|(activity, one)| async move {
            let stretch = (one.missing_from, one.missing_until);
            let is_removed = one.campaign.as_ref().is_some_and(is_removed);
            let is_refused = self.read_or_remember(activity, is_removed, stretch).await?;
            let Some(campaign) = one.campaign else {
                return Ok(());
            };
            if is_refused {
                // Its campaign may have it no more, or be removed.
                let (missing_from, missing_until) = stretch;
                let work = SyncWork {
                    campaign: campaign.id,
                    missing_from,
                    missing_until,
                };
                self.put_on_queue(vec![work]).await?;
            }
            Ok(())
        });
        self.side_by_side(readings).await?;
        self.work_off().await
    }

    /// Names the campaigns of which the report has a later send than the histories, where a history was named `before` that is
    /// in doubt no more, whoever has read it.
    pub(crate) async fn name_only_reported(&self, before: &[Unreadable]) -> Result<(), StoreError> {
        let is_history = |one: &&Unreadable| matches!(one.subject, Subject::History(_));
        let campaigns = before
            .iter()
            .filter(is_history)
            .filter_map(|one| one.campaign.as_ref());
        let mut campaigns: Vec<CampaignId> = campaigns.map(|campaign| campaign.id).collect();
        campaigns.sort_unstable();
        campaigns.dedup();
        let known = self.log.campaigns(self.owner, &campaigns).await?;
        let known = known
            .into_iter()
            .flatten()
            .filter(|known| !is_removed(&known.campaign));
        let reported: Vec<(CampaignId, Stretch)> = known
            .filter_map(|known| Some((known.campaign.id, rules::only_reported(&known)?)))
            .collect();
        if reported.is_empty() {
            return Ok(());
        }
        let named = self.log.unreadable(self.owner, usize::MAX).await?;
        for (campaign, (missing_from, missing_until)) in reported {
            let subject = Subject::Campaign(campaign);
            // What it is named for already stays the reason, and this is no attempt at it.
            let own = named.iter().find(|one| one.subject == subject);
            let reason = own.map_or(self.why_only_reported(campaign), |own| &own.reason);
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

    /// Returns whether the upstream refuses to show it: whether it is there, its campaign tells.
    async fn read_or_remember(
        &self,
        activity: ActivityId,
        is_removed: bool,
        stretch: Stretch,
    ) -> Result<bool, SyncFailure> {
        let subject = Subject::History(activity);
        let asked = match self.ask_history(activity, is_removed).await {
            Err(failure) => Err(self.note_failure(subject, false, failure).await?),
            asked => asked,
        };
        match asked {
            Err(failure) if !failure.stops_sync() => {
                tracing::warn!("the log goes without what cannot be read: {failure}");
                self.remember_failed(subject, stretch, failure.public_reason())
                    .await?;
                Ok(failure.is_rejection())
            }
            Err(failure) => Err(failure),
            Ok(StoredAnswer {
                answer: Answer::NotFound,
                ..
            }) => Ok(true),
            Ok(kept) => {
                self.lacks_records(activity, kept).await?;
                Ok(false)
            }
        }
    }
}
