//! Known sends that the upstream no longer shows: a single answer may be wrong, so they are dropped when a second
//! synchronisation finds the same ones missing, and named as unreadable until then.
//!
//! Only its history tells that a send is gone: it is not found, or lacks the send. That the campaign is gone, or does not list
//! the activity, is a reason to ask for the history. One that is not found although its campaign lists it is a contradiction,
//! which ends when the upstream answers otherwise: until then its sends stay and are named, however often it says so.
//!
//! A campaign that vanishes from the list without being listed as removed is noticed when it was the latest one on the list, or
//! when all campaigns are listed or its histories are read again for another reason. No call tells it otherwise: the list shows
//! changes only. Until then its known sends stay in the log and are not named.

use jiff::SignedDuration;
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, Campaign};
use sends_store::{
    Answer, KnownCampaign, StoreError, StoredAnswer, Subject, UNCONFIRMED_REMOVAL, Unreadable,
};

use crate::{
    failure::SyncFailure,
    reading::{CampaignReading, Told, is_removed, may_have_sends},
    rules,
    run::Run,
};

/// How far around the moment of its change a campaign is looked for in the listing.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// Why a campaign counts as unreadable that is gone while its sends are not.
const GONE_WITH_SENDS: &str = "Constant Contact does not find this campaign, and still shows sends of it.";

impl Run<'_> {
    /// Drops a campaign that is gone, once a second synchronisation finds it gone and its histories show no sends any more. An
    /// activity that another campaign lists, too, is that one's from then on: its sends say nothing about this campaign.
    pub(crate) async fn drop_campaign(&self, reading: &CampaignReading<'_>) -> Result<(), SyncFailure> {
        let CampaignReading { work, known } = *reading;
        let subject = Subject::Campaign(work.campaign);
        let is_removed = is_removed(&known.campaign);
        let claims = self.log.claims(self.owner, work.campaign, &[]).await?;
        let is_claimed = |activity: ActivityId| {
            let mut own = claims.iter().filter(|claim| claim.campaign == work.campaign);
            own.any(|claim| claim.activity == activity)
        };
        let own = known.activities.iter().filter(|own| !is_claimed(own.id));
        let (mut is_sent, mut is_left) = (false, false);
        for activity in own.filter(|own| may_have_sends(own)) {
            let told = self.read_history(reading, activity.id, is_removed, false).await?;
            is_sent |= told == Told::Sends;
            is_left |= told != Told::Nothing;
        }
        if !is_left && self.was_found_gone(subject).await? {
            self.log.keep_gone(self.owner, work.campaign).await?;
            self.read_claimed(work, claims.iter(), false);
        } else {
            let reason = if is_sent {
                GONE_WITH_SENDS
            } else {
                UNCONFIRMED_REMOVAL
            };
            // Each of its sends is in doubt.
            let runs = known.activities.iter().filter_map(|known| known.last_run_date);
            let stretch = (None, runs.fold(work.missing_until, Ord::max));
            self.remember_failed(subject, stretch, reason).await?;
        }
        Ok(())
    }

    /// Whether an earlier synchronisation has found this gone, and this one may confirm it.
    pub(crate) async fn was_found_gone(&self, subject: Subject) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let is_found =
            |one: &Unreadable| one.subject == subject && rules::removal_is_due(one, self.began, now);
        Ok(unreadable.iter().any(is_found))
    }

    /// Decides on the known sends that an answer lacks, which the store has kept.
    pub(crate) async fn settle_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        kept: StoredAnswer,
        is_shown: bool,
    ) -> Result<Told, SyncFailure> {
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        let has_known =
            known.is_some_and(|known| known.send_count > Some(0) || known.failing_since.is_some());
        let (count, is_whole) = match &kept.answer {
            Answer::History(history) => (history.len(), history.unreadable_sends() == 0),
            Answer::NotFound => (0, !is_shown || !has_known),
        };
        if !is_whole || has_known && self.lacks_records(activity, kept).await? {
            return Ok(Told::Fewer);
        }
        Ok(if count > 0 { Told::Sends } else { Told::Nothing })
    }

    /// Whether known records stay which an answer lacks.
    pub(crate) async fn lacks_records(
        &self,
        activity: ActivityId,
        kept: StoredAnswer,
    ) -> Result<bool, StoreError> {
        let settled = self
            .log
            .settle_history(self.owner, activity, kept, self.finding());
        Ok(settled.await? > 0)
    }

    /// Whether the upstream has a campaign no more, by its refusal to show it. With which status it refuses a removed one is
    /// not documented.
    pub(crate) async fn is_gone(
        &self,
        known: &KnownCampaign,
        refusal: &UpstreamError,
    ) -> Result<bool, SyncFailure> {
        match refusal.class {
            FailureClass::NotFound => Ok(!self.is_still_listed(known).await?),
            FailureClass::Rejected => Ok(is_removed(&known.campaign)),
            _ => Ok(false),
        }
    }

    /// Whether a campaign that was not found is on the listing all the same, and not as a removed one. One that was listed
    /// without a date cannot be looked for there, and counts as listed.
    async fn is_still_listed(&self, known: &KnownCampaign) -> Result<bool, SyncFailure> {
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
                let failure = SyncFailure::from(error);
                if failure.stops_listings() {
                    return Err(failure);
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
