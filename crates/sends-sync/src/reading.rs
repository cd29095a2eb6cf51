//! Reading one campaign: its activities, then their histories.

use jiff::Timestamp;
use sends_client::FailureClass;
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignDetail, CampaignStatus};
use sends_store::{Answer, FailedReading, Kept, KnownActivity, KnownCampaign, StoreError, Subject, SyncWork};

use crate::{obstacle::Obstacle, run::Run};

/// In which stretch sends may be missing, see [`FailedReading`].
pub(crate) type Stretch = (Option<Timestamp>, Timestamp);

/// Why a campaign counts as unreadable whose detail was read in part.
const MALFORMED_ACTIVITIES: &str =
    "Constant Contact names activities of this campaign in a form that cannot be read.";

/// What is known of a campaign that is read.
pub(crate) struct CampaignReading<'r> {
    pub(crate) work: &'r SyncWork,
    pub(crate) known: &'r KnownCampaign,
    /// What an earlier synchronisation has found missing.
    pub(crate) found_missing: Vec<Subject>,
}

/// What the upstream tells of the sends of an activity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// Its sends.
    Sends,
    /// That it has none.
    Nothing,
    /// Fewer than are known, which stay until that is confirmed.
    Fewer,
    /// It could not be read.
    Unread,
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

    /// Reads which activities a campaign has now, then the histories of all that can be sent. A change of the campaign is one
    /// moment, however many of its activities were sent: news in one history says nothing about the others, nor about an
    /// activity that is new.
    async fn read_activities(&self, work: &SyncWork, known: &KnownCampaign) -> Result<(), Obstacle> {
        let subject = Subject::Campaign(work.campaign);
        let found_missing = self.found_missing(known).await?;
        let reading = CampaignReading {
            work,
            known,
            found_missing,
        };
        match self.upstream.campaign(work.campaign).await {
            Ok(detail) => {
                self.note_success(subject);
                let campaign = as_listed(detail.campaign.clone(), known);
                self.read_detail(&reading, CampaignDetail { campaign, ..detail })
                    .await
            }
            Err(error) if self.is_gone(known, &error).await? => self.drop_campaign(&reading).await,
            Err(error) => {
                let is_new = known.failing_since.is_none();
                self.go_without(subject, work, is_new, error.into()).await?;
                let is_removed = is_removed(&known.campaign);
                let activities = known.activities.iter().map(reference);
                self.read_histories(&reading, &activities.collect::<Vec<_>>(), is_removed)
                    .await
            }
        }
    }

    /// Keeps which activities a campaign has, and reads their histories. Known activities that are no longer listed are asked
    /// once more, and stay as long as their sends do.
    async fn read_detail(
        &self,
        reading: &CampaignReading<'_>,
        detail: CampaignDetail,
    ) -> Result<(), Obstacle> {
        let CampaignDetail {
            campaign,
            activities: mut shown,
            unreadable_activities,
            unreadable_values: _,
        } = detail;
        let CampaignReading { work, known, .. } = *reading;
        let (subject, is_removed) = (Subject::Campaign(work.campaign), is_removed(&campaign));
        let known_activities = known.activities.iter().map(reference);
        let mut unlisted: Vec<ActivityReference> = known_activities
            .filter(|known| known.can_be_sent() && shown.iter().all(|activity| activity.id != known.id))
            .collect();
        let reason = if unreadable_activities > 0 {
            shown.append(&mut unlisted);
            Some(MALFORMED_ACTIVITIES)
        } else {
            let mut is_sent = false;
            let mut remaining = Vec::new();
            for activity in unlisted {
                let told = self.read_history(reading, activity.id, is_removed, false).await?;
                is_sent |= told == Told::Sends;
                if told != Told::Nothing {
                    remaining.push(activity);
                }
            }
            unlisted = remaining;
            let is_without = !shown.iter().any(ActivityReference::can_be_sent);
            is_without.then(|| reading.why_incomplete(is_sent)).flatten()
        };
        let lack = reason.map(|reason| self.failed(subject, (work.missing_from, work.missing_until), reason));
        let all = [&shown[..], &unlisted].concat();
        self.log.keep_activities(self.owner, campaign, all, lack).await?;
        self.read_histories(reading, &shown, is_removed).await
    }

    /// Reads the histories of all activities that the upstream shows with the campaign and that can be sent.
    async fn read_histories(
        &self,
        reading: &CampaignReading<'_>,
        shown: &[ActivityReference],
        is_removed: bool,
    ) -> Result<(), Obstacle> {
        for activity in shown.iter().filter(|activity| activity.can_be_sent()) {
            self.read_history(reading, activity.id, is_removed, !is_removed)
                .await?;
        }
        Ok(())
    }

    /// Reads one history. One that fails by itself hides none of the others.
    async fn read_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        is_removed: bool,
        is_shown: bool,
    ) -> Result<Told, Obstacle> {
        let subject = Subject::History(activity);
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        match self.ask_history(activity, is_removed).await {
            Ok(kept) => {
                self.note_success(subject);
                self.settle_history(reading, activity, kept, is_shown).await
            }
            Err(obstacle) => {
                let is_new = known.is_none_or(|known| known.failing_since.is_none());
                self.go_without(subject, reading.work, is_new, obstacle).await?;
                Ok(Told::Unread)
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
/// any more that came between the listing and now, and whose send the histories read before may lack. Only whether it is
/// removed is what it says itself.
fn as_listed(read: Campaign, known: &KnownCampaign) -> Campaign {
    let listed = known.campaign.status.clone();
    let status = if is_removed(&read) || is_removed(&known.campaign) {
        read.status.clone().or(listed)
    } else {
        listed.or_else(|| read.status.clone())
    };
    Campaign {
        updated_at: known.campaign.updated_at,
        status,
        ..read
    }
}

pub(crate) fn reference(known: &KnownActivity) -> ActivityReference {
    ActivityReference {
        id: known.id,
        role: known.role.clone(),
    }
}

pub(crate) fn is_removed(campaign: &Campaign) -> bool {
    campaign.status.as_deref() == Some(&CampaignStatus::Removed)
}
