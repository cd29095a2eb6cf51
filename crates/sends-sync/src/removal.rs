//! Known sends that the upstream no longer shows: a single answer may be wrong, so they are dropped when a second
//! synchronisation finds the same, and named as unreadable until then.
//!
//! Not shown are the sends of a campaign that is gone, of an activity that is not found and that its campaign does not list, and
//! those that a whole history lacks. A history that is not found although its campaign lists it is a contradiction, which ends
//! when the upstream answers otherwise: until then its sends stay and are named, however often it says so.

use jiff::SignedDuration;
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, Campaign};
use sends_store::{Answer, Kept, KnownActivity, KnownCampaign, StoreError, Subject, UNCONFIRMED_REMOVAL};

use crate::{
    obstacle::Obstacle,
    reading::{CampaignReading, Told, is_removed, reference},
    rules,
    run::Run,
};

/// How far around the moment of its change a campaign is looked for in the listing.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// Why a campaign counts as unreadable whose known activities still have their sends.
const NO_ACTIVITIES: &str = "Constant Contact names no activity of this campaign, which was sent.";

impl CampaignReading<'_> {
    /// Why the log may lack sends of a campaign that is shown without an activity that can be sent. Of one that was never read
    /// only the report tells that it was sent.
    pub(crate) fn why_incomplete(&self, is_sent: bool) -> Option<&'static str> {
        if is_sent {
            return Some(NO_ACTIVITIES);
        }
        let known = self.known.activities.iter();
        let is_unread = !known.map(reference).any(|known| known.can_be_sent());
        let is_missing = is_unread && self.known.last_sent_at.is_some();
        let itself = Subject::Campaign(self.work.campaign);
        (is_missing && !self.found_missing.contains(&itself)).then_some(UNCONFIRMED_REMOVAL)
    }
}

impl Run<'_> {
    /// What of a campaign an earlier synchronisation has found missing, and this one may confirm.
    pub(crate) async fn found_missing(&self, known: &KnownCampaign) -> Result<Vec<Subject>, StoreError> {
        let is_failing = |activity: &KnownActivity| activity.failing_since.is_some();
        if known.failing_since.is_none() && !known.activities.iter().any(is_failing) {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let missing = unreadable
            .iter()
            .filter(|one| rules::removal_is_due(one, self.began, now));
        Ok(missing.map(|one| one.subject).collect())
    }

    /// Drops a campaign that is gone, once that is confirmed for each of its activities that were sent or could not be read, and for
    /// itself unless it is listed as removed.
    pub(crate) async fn drop_campaign(&self, reading: &CampaignReading<'_>) -> Result<(), Obstacle> {
        let CampaignReading { work, known, .. } = *reading;
        let may_be_sent =
            |known: &&KnownActivity| known.send_count > Some(0) || known.failing_since.is_some();
        let sent = known.activities.iter().filter(may_be_sent);
        let histories = sent.map(|known| Subject::History(known.id));
        let itself = (!is_removed(&known.campaign)).then_some(Subject::Campaign(work.campaign));
        let mut is_confirmed = true;
        for subject in histories.chain(itself) {
            if !reading.found_missing.contains(&subject) {
                is_confirmed = false;
                self.remember_removal(reading, subject).await?;
            }
        }
        if is_confirmed {
            self.log.keep_gone(self.owner, work.campaign).await?;
        }
        Ok(())
    }

    /// Decides on the known sends that an answer lacks, which the store has kept.
    pub(crate) async fn settle_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        kept: Kept,
        is_shown: bool,
    ) -> Result<Told, Obstacle> {
        let subject = Subject::History(activity);
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        let known_count = known.and_then(|known| known.send_count).unwrap_or(0);
        let (count, is_whole) = match &kept.answer {
            Answer::History(history) => (history.len(), history.unreadable_sends() == 0),
            Answer::NotFound => (0, !is_shown),
        };
        let lacks_sends = u64::try_from(count).is_ok_and(|count| count < known_count);
        let told = if count > 0 { Told::Sends } else { Told::Nothing };
        if !lacks_sends {
            return Ok(told);
        }
        if !is_whole {
            return Ok(Told::Fewer);
        }
        if reading.found_missing.contains(&subject) {
            self.log.replace_history(self.owner, activity, kept).await?;
            return Ok(told);
        }
        self.remember_removal(reading, subject).await?;
        Ok(Told::Fewer)
    }

    async fn remember_removal(
        &self,
        reading: &CampaignReading<'_>,
        subject: Subject,
    ) -> Result<(), StoreError> {
        let known = reading.known.activities.iter();
        let runs = known.filter_map(|known| known.last_run_date);
        // Each of its sends is in doubt.
        let stretch = (None, runs.fold(reading.work.missing_until, Ord::max));
        self.remember_failed(subject, stretch, UNCONFIRMED_REMOVAL).await
    }

    /// Whether the upstream has a campaign no more, by its refusal to show it. With which status it refuses a removed one is
    /// not documented.
    pub(crate) async fn is_gone(
        &self,
        known: &KnownCampaign,
        refusal: &UpstreamError,
    ) -> Result<bool, Obstacle> {
        match refusal.class {
            FailureClass::NotFound => Ok(!self.is_still_listed(known).await?),
            FailureClass::Rejected => Ok(is_removed(&known.campaign)),
            _ => Ok(false),
        }
    }

    /// Whether a campaign that was not found is on the listing all the same, and not as a removed one. One that was listed
    /// without a date cannot be looked for there, and counts as listed.
    async fn is_still_listed(&self, known: &KnownCampaign) -> Result<bool, Obstacle> {
        if is_removed(&known.campaign) {
            return Ok(false);
        }
        let Some(updated_at) = known.campaign.updated_at else {
            return Ok(was_listed(&known.campaign));
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
}

/// Whether the list of campaigns has ever shown it, and not only the report.
fn was_listed(campaign: &Campaign) -> bool {
    campaign.updated_at.is_some() || campaign.status.is_some() || campaign.name.is_some()
}
