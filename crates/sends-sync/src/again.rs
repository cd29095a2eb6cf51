//! Reading again what no listing says has changed: histories that may have changed by themselves, and whatever could not be
//! read before.
//!
//! Owns that a reading which failed by itself is remembered. Must not know what else is on the queue.

use jiff::Timestamp;
use sends_client::FailureClass;
use sends_core::{ActivityId, CampaignStatus};
use sends_store::{Answer, FailedReading, Kept, Listing, StoreError, Subject, SyncWork, Unreadable};

use crate::{obstacle::Obstacle, rules, run::Synchronisation};

/// How many histories are looked at together.
const AT_A_TIME: usize = 500;

/// In which stretch sends may be missing, see [`FailedReading`].
pub(crate) type Stretch = (Option<Timestamp>, Timestamp);

impl Synchronisation {
    /// Reads again what may have changed by itself.
    pub(crate) async fn read_unsettled(&self) -> Result<(), Obstacle> {
        let now = self.clock.now();
        let (ran_since, fetched_before) = rules::unsettled_bounds(now);
        let candidates = self.log.unsettled(self.owner, ran_since, fetched_before).await?;
        for some in candidates.chunks(AT_A_TIME) {
            let known = self.store.histories(self.owner, some, Timestamp::MAX).await?;
            let known = some.iter().copied().zip(known);
            let due: Vec<_> = known
                .filter_map(|(activity, kept)| Some((activity, kept?)))
                .filter(|(_, kept)| rules::is_due(kept, now))
                .map(|(activity, kept)| (activity, rules::unsettled_from(&kept)))
                .collect();
            let readings = due.into_iter().map(|(activity, from)| async move {
                self.read_or_remember(activity, None, (Some(from), now)).await
            });
            self.side_by_side(readings).await?;
        }
        Ok(())
    }

    /// Tries again what could not be read. What is on the queue is read with that.
    pub(crate) async fn retry_unreadable(&self) -> Result<(), Obstacle> {
        let now = self.clock.now();
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let due = |one: &Unreadable| !one.is_queued && rules::is_due_again(one, now);
        let (mut campaigns, mut histories) = (Vec::new(), Vec::new());
        for one in unreadable.into_iter().filter(due) {
            match one.subject {
                Subject::Campaign(campaign) => campaigns.push(SyncWork {
                    campaign,
                    missing_from: one.missing_from,
                    missing_until: one.missing_until,
                }),
                Subject::History(activity) => histories.push((activity, one)),
            }
        }
        if !campaigns.is_empty() {
            // Its histories may be read after a kill only, so it has to wait where nothing is lost.
            let listing = Listing {
                work: campaigns,
                ..Listing::default()
            };
            self.log.keep_listing(self.owner, listing).await?;
        }
        let readings = histories.into_iter().map(|(activity, one)| async move {
            let status = one
                .campaign
                .and_then(|campaign| campaign.status.map(|status| CampaignStatus::clone(&status)));
            let stretch = (one.missing_from, one.missing_until);
            self.read_or_remember(activity, status.as_ref(), stretch).await
        });
        self.side_by_side(readings).await?;
        Ok(())
    }

    async fn read_or_remember(
        &self,
        activity: ActivityId,
        status: Option<&CampaignStatus>,
        stretch: Stretch,
    ) -> Result<(), (ActivityId, Obstacle)> {
        match self.ask_history(activity, status).await {
            Err(obstacle) if !obstacle.is_in_every_way() => {
                tracing::warn!("the log goes without what cannot be read: {obstacle}");
                self.remember_failed(Subject::History(activity), stretch, &obstacle)
                    .await
                    .map_err(Obstacle::from)
            }
            asked => asked.map(drop),
        }
        .map_err(|obstacle| (activity, obstacle))
    }

    /// What the upstream says of an activity now. How it refuses those of a removed campaign is not documented; either way it
    /// does not show them any more.
    pub(crate) async fn ask_history(
        &self,
        activity: ActivityId,
        status: Option<&CampaignStatus>,
    ) -> Result<Kept, Obstacle> {
        match self.upstream.history(activity).await {
            Err(error)
                if error.class == FailureClass::Rejected && status == Some(&CampaignStatus::Removed) =>
            {
                let kept = Kept {
                    fetched_at: self.clock.now(),
                    answer: Answer::NotFound,
                };
                self.store.keep(self.owner, activity, kept.clone()).await?;
                Ok(kept)
            }
            answered => Ok(answered?),
        }
    }

    /// Remembers that something could not be read, by itself.
    pub(crate) async fn remember_failed(
        &self,
        subject: Subject,
        (missing_from, missing_until): Stretch,
        obstacle: &Obstacle,
    ) -> Result<(), StoreError> {
        let failed = FailedReading {
            subject,
            missing_from,
            missing_until,
            failed_at: self.clock.now(),
            reason: obstacle.for_people().to_owned(),
        };
        self.log.keep_failed(self.owner, failed).await
    }
}
