//! Reading one campaign: its activities if they are not known, their histories, and its activities again if these do not
//! explain why it changed.
//!
//! Must not know which campaign comes next.

use jiff::Timestamp;
use sends_client::FailureClass;
use sends_core::{ActivityId, ActivityReference, ActivityRole};
use sends_store::{Answer, KnownCampaign, Subject, SyncWork};

use crate::{obstacle::Obstacle, rules, run::Synchronisation};

/// What was found out by reading the histories of a campaign.
#[derive(Default)]
struct Found {
    /// The activities that were read, as far as they can be.
    tried: Vec<ActivityId>,
    /// Whether one of them is not what it was.
    is_news: bool,
    /// When the last send of any ran.
    last_run: Option<Timestamp>,
    /// Why one of them could not be read that soon may be. The others are read all the same.
    awaited: Option<Obstacle>,
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
            .filter(|activity| activity.role.as_deref().is_none_or(ActivityRole::can_be_sent));
        let sendable = sendable.map(|activity| activity.id).collect();
        self.read_histories(work, known, sendable, &mut found).await?;
        // Where a synchronisation was killed half way, activities may be known that are not all there are by now, and news may
        // look old: such a campaign is asked for once more rather than once too little.
        let is_explained =
            work.missing_from.is_some() && found.is_news && rules::covers_last_sent(known, found.last_run);
        if !is_explained && found.awaited.is_none() {
            let detail = match self.upstream.campaign(work.campaign).await {
                Ok(detail) => detail,
                Err(error) if error.class == FailureClass::NotFound => {
                    return Ok(self.log.keep_gone(self.owner, work.campaign).await?);
                }
                Err(error) => {
                    let subject = Subject::Campaign(work.campaign);
                    return self
                        .go_without(subject, work, known.failing_since, error.into())
                        .await;
                }
            };
            let is_unread =
                |activity: &&ActivityReference| activity.can_be_sent() && !found.tried.contains(&activity.id);
            let unread = detail.activities.iter().filter(is_unread);
            let unread = unread.map(|activity| activity.id).collect();
            let unreadable = detail.unreadable_activities;
            self.log
                .keep_activities(self.owner, detail.campaign, detail.activities)
                .await?;
            if unreadable > 0 {
                let obstacle = Obstacle::Partial(
                    "Constant Contact names activities of this campaign in a form that cannot be read.",
                );
                let stretch = (work.missing_from, work.missing_until);
                self.remember_failed(Subject::Campaign(work.campaign), stretch, &obstacle)
                    .await?;
            }
            self.read_histories(work, known, unread, &mut found).await?;
        }
        found.awaited.map_or(Ok(()), Err)
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
            found.tried.push(activity);
            let Err(obstacle) = self.read_history(activity, shown_from, known, found).await else {
                continue;
            };
            let known = known.activities.iter().find(|known| known.id == activity);
            let failing_since = known.and_then(|known| known.failing_since);
            let subject = Subject::History(activity);
            match self.go_without(subject, work, failing_since, obstacle).await {
                Err(obstacle) if !obstacle.is_in_every_way() => found.awaited = Some(obstacle),
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
            _ => {
                self.ask_history(activity, known.campaign.status.as_deref())
                    .await?
            }
        };
        found.is_news |= before.is_none_or(|before| before.answer != now.answer);
        if let Answer::History(history) = &now.answer {
            found.last_run = found.last_run.max(history.summary().last_run_date);
        }
        Ok(())
    }

    /// Remembers what failed by itself. What comes back as an error is worth waiting for.
    async fn go_without(
        &self,
        subject: Subject,
        work: &SyncWork,
        failing_since: Option<Timestamp>,
        obstacle: Obstacle,
    ) -> Result<(), Obstacle> {
        if obstacle.is_in_every_way() {
            return Err(obstacle);
        }
        let stretch = (work.missing_from, work.missing_until);
        self.remember_failed(subject, stretch, &obstacle).await?;
        if !rules::is_given_up(obstacle.reach(), failing_since, self.clock.now()) {
            return Err(obstacle);
        }
        tracing::warn!("the log goes without what cannot be read: {obstacle}");
        Ok(())
    }
}
