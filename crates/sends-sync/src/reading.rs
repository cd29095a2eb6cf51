//! Reading one campaign: its activities, then their histories.

use jiff::{SignedDuration, Timestamp};
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignDetail, CampaignStatus};
use sends_store::{Answer, FailedReading, Kept, KnownActivity, KnownCampaign, StoreError, Subject, SyncWork};

use crate::{obstacle::Obstacle, run::Run};

/// In which stretch sends may be missing, see [`FailedReading`].
pub(crate) type Stretch = (Option<Timestamp>, Timestamp);

/// How far around the moment of its change a campaign is looked for in the listing.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);

impl Run<'_> {
    /// Does one piece of work and takes it off the queue. What of it fails by itself is remembered as unreadable.
    pub(crate) async fn read_campaign(&self, work: SyncWork) -> Result<(), Obstacle> {
        let known = self.log.campaigns(self.owner, &[work.campaign]).await?;
        if let Some(known) = known.into_iter().next().flatten() {
            self.read_activities(&work, &known).await?;
        }
        Ok(self.log.finish(self.owner, work).await?)
    }

    /// Reads which activities a campaign has now, then the histories of all that can be sent. A change of the campaign is one
    /// moment, however many of its activities were sent: news in one history says nothing about the others, nor about an
    /// activity that is new.
    async fn read_activities(&self, work: &SyncWork, known: &KnownCampaign) -> Result<(), Obstacle> {
        let subject = Subject::Campaign(work.campaign);
        let activities = match self.upstream.campaign(work.campaign).await {
            Ok(detail) => {
                self.note_success(subject);
                self.keep_detail(work, known, detail).await?
            }
            Err(error) if self.is_gone(known, &error).await? => {
                return Ok(self.log.keep_gone(self.owner, work.campaign).await?);
            }
            Err(error) => {
                let is_new = known.failing_since.is_none();
                self.go_without(subject, work, is_new, error.into()).await?;
                known.activities.iter().map(reference).collect()
            }
        };
        let sendable = activities.iter().filter(|activity| activity.can_be_sent());
        for activity in sendable {
            self.read_history(work, known, activity.id).await?;
        }
        Ok(())
    }

    /// Keeps which activities a campaign has, and returns them. Where some of them cannot be read, those that are known stay.
    async fn keep_detail(
        &self,
        work: &SyncWork,
        known: &KnownCampaign,
        detail: CampaignDetail,
    ) -> Result<Vec<ActivityReference>, StoreError> {
        let CampaignDetail {
            campaign,
            mut activities,
            unreadable_activities,
            unreadable_values: _,
        } = detail;
        if unreadable_activities > 0 {
            let named: Vec<ActivityId> = activities.iter().map(|activity| activity.id).collect();
            let others = known.activities.iter().filter(|known| !named.contains(&known.id));
            activities.extend(others.map(reference));
        }
        let campaign = as_listed(campaign, known);
        let lack = (unreadable_activities > 0).then(|| {
            self.failed(
                Subject::Campaign(work.campaign),
                (work.missing_from, work.missing_until),
                "Constant Contact names activities of this campaign in a form that cannot be read.",
            )
        });
        self.log
            .keep_activities(self.owner, campaign, activities.clone(), lack)
            .await?;
        Ok(activities)
    }

    /// Whether the upstream has a campaign no more, by its refusal to show it. With which status it refuses a removed one is
    /// not documented.
    async fn is_gone(&self, known: &KnownCampaign, refusal: &UpstreamError) -> Result<bool, Obstacle> {
        match refusal.class {
            FailureClass::NotFound => Ok(!self.is_still_listed(known).await?),
            FailureClass::Rejected => Ok(is_removed(&known.campaign)),
            _ => Ok(false),
        }
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

    /// Reads one history. One that fails by itself hides none of the others.
    async fn read_history(
        &self,
        work: &SyncWork,
        known: &KnownCampaign,
        activity: ActivityId,
    ) -> Result<(), Obstacle> {
        let subject = Subject::History(activity);
        match self.ask_history(activity, is_removed(&known.campaign)).await {
            Ok(_) => {
                self.note_success(subject);
                Ok(())
            }
            Err(obstacle) => {
                let before = known.activities.iter().find(|known| known.id == activity);
                let is_new = before.is_none_or(|before| before.failing_since.is_none());
                self.go_without(subject, work, is_new, obstacle).await
            }
        }
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
        stretch: Stretch,
        reason: &str,
    ) -> Result<(), StoreError> {
        let failed = self.failed(subject, stretch, reason);
        self.log.keep_failed(self.owner, failed).await
    }

    fn failed(&self, subject: Subject, stretch: Stretch, reason: &str) -> FailedReading {
        let (missing_from, missing_until) = stretch;
        FailedReading {
            subject,
            missing_from,
            missing_until,
            failed_at: self.clock.now(),
            reason: reason.to_owned(),
        }
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

fn reference(known: &KnownActivity) -> ActivityReference {
    ActivityReference {
        id: known.id,
        role: known.role.clone(),
    }
}

pub(crate) fn is_removed(campaign: &Campaign) -> bool {
    campaign.status.as_deref() == Some(&CampaignStatus::Removed)
}
