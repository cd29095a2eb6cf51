//! Reading one campaign: its activities if they are not known, their histories, and its activities again if these do not
//! explain why it changed.

use jiff::{SignedDuration, Timestamp};
use sends_client::FailureClass;
use sends_core::{ActivityId, ActivityReference, ActivityRole, Campaign, CampaignDetail, CampaignStatus};
use sends_store::{Answer, FailedReading, Kept, KnownCampaign, StoreError, Subject, SyncWork};

use crate::{obstacle::Obstacle, rules, run::Run};

/// In which stretch sends may be missing, see [`FailedReading`].
pub(crate) type Stretch = (Option<Timestamp>, Timestamp);

/// How far around the moment of its change a campaign is looked for in the listing.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// What was found out by reading the histories of a campaign.
#[derive(Default)]
struct Found {
    /// The activities that were read, as far as they can be.
    tried: Vec<ActivityId>,
    /// Whether one of them is not what it was.
    is_news: bool,
    /// When the last send of any ran.
    last_run: Option<Timestamp>,
}

impl Run<'_> {
    /// Does one piece of work and takes it off the queue. What of it fails by itself is remembered as unreadable.
    pub(crate) async fn read_campaign(&self, work: SyncWork) -> Result<(), Obstacle> {
        let known = self.log.campaigns(self.owner, &[work.campaign]).await?;
        if let Some(known) = known.into_iter().next().flatten() {
            self.read_activities(&work, &known).await?;
        }
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
        // Where its activities could not be read when they were last tried, news of the known ones explain nothing either.
        let is_explained = known.failing_since.is_none()
            && work.missing_from.is_some()
            && found.is_news
            && rules::covers_last_sent(known, found.last_run);
        if is_explained {
            return Ok(());
        }
        let detail = match self.upstream.campaign(work.campaign).await {
            Ok(detail) => detail,
            Err(error) if error.class == FailureClass::NotFound && !self.is_still_listed(known).await? => {
                return Ok(self.log.keep_gone(self.owner, work.campaign).await?);
            }
            Err(error) => {
                let subject = Subject::Campaign(work.campaign);
                let is_new = known.failing_since.is_none();
                return self.go_without(subject, work, is_new, error.into()).await;
            }
        };
        self.note_success(Subject::Campaign(work.campaign));
        let is_unread =
            |activity: &&ActivityReference| activity.can_be_sent() && !found.tried.contains(&activity.id);
        let unread = detail.activities.iter().filter(is_unread);
        let unread = unread.map(|activity| activity.id).collect();
        self.keep_detail(work, known, detail).await?;
        self.read_histories(work, known, unread, &mut found).await
    }

    /// Keeps which activities a campaign has. Where some of them cannot be read, those that are known stay.
    async fn keep_detail(
        &self,
        work: &SyncWork,
        known: &KnownCampaign,
        detail: CampaignDetail,
    ) -> Result<(), StoreError> {
        let CampaignDetail {
            campaign,
            mut activities,
            unreadable_activities,
        } = detail;
        if unreadable_activities > 0 {
            let named: Vec<ActivityId> = activities.iter().map(|activity| activity.id).collect();
            let others = known.activities.iter().filter(|known| !named.contains(&known.id));
            activities.extend(others.map(|known| ActivityReference {
                id: known.id,
                role: known.role.clone(),
            }));
        }
        let campaign = as_listed(campaign, known);
        self.log.keep_activities(self.owner, campaign, activities).await?;
        if unreadable_activities > 0 {
            let reason = "Constant Contact names activities of this campaign in a form that cannot be read.";
            self.remember_failed(
                Subject::Campaign(work.campaign),
                (work.missing_from, work.missing_until),
                reason,
            )
            .await?;
        }
        Ok(())
    }

    /// Whether a campaign that was not found is on the listing all the same, and not as a removed one. One that cannot be looked
    /// for there is.
    async fn is_still_listed(&self, known: &KnownCampaign) -> Result<bool, Obstacle> {
        if is_removed(&known.campaign) {
            return Ok(false);
        }
        let Some(updated_at) = known.campaign.updated_at else {
            return Ok(true);
        };
        let (after, before) = (updated_at.checked_sub(MOMENT), updated_at.checked_add(MOMENT));
        match self.upstream.campaigns(after.ok(), before.ok()).await {
            Ok(page) => {
                let mut listed = page
                    .records
                    .iter()
                    .filter(|listed| listed.id == known.campaign.id);
                // That it was removed may have been unreadable before.
                Ok(listed.next().map_or_else(
                    || page.unreadable > 0 || page.next.is_some() || page.cut_short.is_some(),
                    |listed| !is_removed(listed),
                ))
            }
            Err(error) => {
                let obstacle = Obstacle::from(error);
                if obstacle.is_general_to_listings() {
                    return Err(obstacle);
                }
                Ok(true)
            }
        }
    }

    /// Reads one after the other. One that fails by itself hides none of the others.
    async fn read_histories(
        &self,
        work: &SyncWork,
        known: &KnownCampaign,
        activities: Vec<ActivityId>,
        found: &mut Found,
    ) -> Result<(), Obstacle> {
        for activity in activities {
            found.tried.push(activity);
            match self.read_history(activity, known, found).await {
                Ok(()) => self.note_success(Subject::History(activity)),
                Err(obstacle) => {
                    let known = known.activities.iter().find(|known| known.id == activity);
                    let is_new = known.is_none_or(|known| known.failing_since.is_none());
                    let subject = Subject::History(activity);
                    self.go_without(subject, work, is_new, obstacle).await?;
                }
            }
        }
        Ok(())
    }

    async fn read_history(
        &self,
        activity: ActivityId,
        known: &KnownCampaign,
        found: &mut Found,
    ) -> Result<(), Obstacle> {
        let before = self.store.history(self.owner, activity, Timestamp::MAX).await?;
        let now = self.ask_history(activity, is_removed(&known.campaign)).await?;
        found.is_news |= before.is_none_or(|before| before.answer != now.answer);
        if let Answer::History(history) = &now.answer {
            found.last_run = found.last_run.max(history.summary().last_run_date);
        }
        Ok(())
    }

    /// What the upstream says of an activity now. How it refuses those of a removed campaign is not documented; either way it
    /// does not show them any more.
    pub(crate) async fn ask_history(&self, activity: ActivityId, is_removed: bool) -> Result<Kept, Obstacle> {
        match self.upstream.history(activity).await {
            Err(error) if error.class == FailureClass::Rejected && is_removed => {
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

    /// Remembers what failed by itself, and ends everything where too many do so in a row for the first time.
    async fn go_without(
        &self,
        subject: Subject,
        work: &SyncWork,
        is_new: bool,
        obstacle: Obstacle,
    ) -> Result<(), Obstacle> {
        let obstacle = if is_new {
            self.note_failure(subject, obstacle)
        } else {
            obstacle
        };
        if obstacle.is_general() {
            return Err(obstacle);
        }
        tracing::warn!("the log goes without what cannot be read: {obstacle}");
        let stretch = (work.missing_from, work.missing_until);
        Ok(self
            .remember_failed(subject, stretch, obstacle.for_people())
            .await?)
    }

    /// Remembers that something could not be read, by itself.
    pub(crate) async fn remember_failed(
        &self,
        subject: Subject,
        (missing_from, missing_until): Stretch,
        reason: &str,
    ) -> Result<(), StoreError> {
        let failed = FailedReading {
            subject,
            missing_from,
            missing_until,
            failed_at: self.clock.now(),
            reason: reason.to_owned(),
        };
        self.log.keep_failed(self.owner, failed).await
    }
}

/// What a campaign says of itself when it is read, but for whether it has changed: the next listing would not show a change
/// any more that came between the listing and now, and whose send the histories read before may lack.
fn as_listed(read: Campaign, known: &KnownCampaign) -> Campaign {
    Campaign {
        updated_at: known.campaign.updated_at,
        status: known.campaign.status.clone().or_else(|| read.status.clone()),
        ..read
    }
}

pub(crate) fn is_removed(campaign: &Campaign) -> bool {
    campaign.status.as_deref() == Some(&CampaignStatus::Removed)
}
