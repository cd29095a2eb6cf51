//! Reading one campaign: its activities if they are not known, their histories, and its activities again if these do not
//! explain why it changed.
//!
//! Must not know which campaign comes next.

use jiff::Timestamp;
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, ActivityReference, ActivityRole, CampaignStatus};
use sends_store::{Answer, Kept, KnownCampaign, SyncWork};

use crate::{obstacle::Obstacle, rules, run::Synchronisation};

/// What was found out by reading the histories of a campaign.
#[derive(Default)]
struct Found {
    /// The activities that were read.
    read: Vec<ActivityId>,
    /// Whether one of them is not what it was.
    is_news: bool,
    /// When the last send of any ran.
    last_run: Option<Timestamp>,
    /// Why one of them could not be read. The others are read all the same.
    failure: Option<Obstacle>,
}

impl Synchronisation {
    /// Does one piece of work and takes it off the queue.
    pub(crate) async fn read_campaign(&self, work: SyncWork) -> Result<(), Obstacle> {
        let known = self.log.campaigns(self.owner, &[work.campaign]).await?;
        if let Some(known) = known.into_iter().next().flatten() {
            self.read_activities(&work, &known).await?;
        }
        // What is gone needs no reading any more.
        Ok(self.log.finish(self.owner, work).await?)
    }

    async fn read_activities(&self, work: &SyncWork, known: &KnownCampaign) -> Result<(), Obstacle> {
        let mut found = Found::default();
        let sendable = known
            .activities
            .iter()
            .filter(|activity| activity.role.as_ref().is_none_or(ActivityRole::can_be_sent));
        let sendable = sendable.map(|activity| activity.id).collect();
        self.read_histories(work, known, sendable, &mut found).await?;
        // Where a synchronisation was killed half way, activities may be known that are not all there are by now, and news may
        // look old: such a campaign is asked for once more rather than once too little.
        let is_explained =
            work.missing_from.is_some() && found.is_news && rules::covers_last_sent(known, found.last_run);
        if !is_explained && found.failure.is_none() {
            let detail = match self.upstream.campaign(work.campaign).await {
                Ok(detail) => detail,
                Err(error) if error.class == FailureClass::NotFound => {
                    return Ok(self.log.keep_gone(self.owner, work.campaign).await?);
                }
                Err(error) => return Err(error.into()),
            };
            let is_unread =
                |activity: &&ActivityReference| activity.can_be_sent() && !found.read.contains(&activity.id);
            let unread = detail.activities.iter().filter(is_unread);
            let unread = unread.map(|activity| activity.id).collect();
            self.log
                .keep_activities(self.owner, detail.campaign, detail.activities)
                .await?;
            self.read_histories(work, known, unread, &mut found).await?;
        }
        found.failure.map_or(Ok(()), Err)
    }

    /// Reads one after the other. One that fails by itself hides none of the others.
    async fn read_histories(
        &self,
        work: &SyncWork,
        known: &KnownCampaign,
        activities: Vec<ActivityId>,
        found: &mut Found,
    ) -> Result<(), Obstacle> {
        let shown_from = rules::shown_from(work, known);
        for activity in activities {
            match self.read_history(activity, shown_from, known, found).await {
                Err(obstacle) if !obstacle.is_in_every_way() => found.failure = Some(obstacle),
                result => result?,
            }
        }
        Ok(())
    }

    async fn read_history(
        &self,
        activity: ActivityId,
        shown_from: Timestamp,
        known: &KnownCampaign,
        found: &mut Found,
    ) -> Result<(), Obstacle> {
        let before = self.store.history(self.owner, activity, shown_from).await?;
        let now = match &before {
            Some(kept) if kept.fetched_at >= shown_from => kept.clone(),
            _ => match self.upstream.history(activity).await {
                Ok(kept) => kept,
                Err(error) if error.class == FailureClass::Rejected => {
                    self.keep_rejected(activity, known, &error).await?
                }
                Err(error) => return Err(error.into()),
            },
        };
        found.read.push(activity);
        found.is_news |= before.is_none_or(|before| before.answer != now.answer);
        if let Answer::History(history) = &now.answer {
            found.last_run = found.last_run.max(history.summary().last_run_date);
        }
        Ok(())
    }

    /// What the upstream will never answer is not waited for. How it refuses the activities of a removed campaign is not
    /// documented; either way it does not show them any more.
    async fn keep_rejected(
        &self,
        activity: ActivityId,
        known: &KnownCampaign,
        error: &UpstreamError,
    ) -> Result<Kept, Obstacle> {
        let kept = Kept {
            fetched_at: self.clock.now(),
            answer: Answer::NotFound,
        };
        if known.campaign.status == Some(CampaignStatus::Removed) {
            self.store.keep(self.owner, activity, kept.clone()).await?;
        } else {
            tracing::warn!("the log goes without this activity: {error}");
        }
        Ok(kept)
    }
}
