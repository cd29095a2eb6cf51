//! Removal of known sends that the upstream no longer shows.
//!
//! A single response may be wrong. Known sends are therefore recorded as unreadable at first, and deleted when a second
//! synchronisation misses the same sends.
//!
//! Only the history is evidence of a deleted send: the history is not found or lacks the send. A deleted campaign, or a campaign
//! that does not list the activity, is a reason to request the history. An activity that is listed but not found is a
//! contradiction. Its sends stay in the log as unreadable until the upstream's response changes.
//!
//! A campaign may vanish from the list without being listed as removed. The absence is detected if the campaign was the latest
//! on the list, all campaigns are listed, or its histories are read again. No call detects the absence earlier, since the list
//! shows only changes. Until then, the known sends stay in the log.

use jiff::SignedDuration;
use sends_client::{FailureClass, UpstreamError};
use sends_core::{ActivityId, Campaign};
use sends_store::{
    Answer, KnownCampaign, StoreError, StoredAnswer, Subject, UNCONFIRMED_REMOVAL, Unreadable,
};

use crate::{
    failure::SyncFailure,
    reading::{CampaignReading, HistoryState, is_removed, may_have_sends},
    rules,
    run::Run,
};

/// Period before and after its update time in which a campaign is searched in the listing.
const SEARCH_MARGIN: SignedDuration = SignedDuration::from_secs(1);

const GONE_WITH_SENDS: &str = "Constant Contact does not find this campaign but still shows its sends.";

impl Run<'_> {
    /// Deletes a campaign after a second synchronisation does not find it and its histories have no sends. An activity that
    /// another campaign also lists belongs to that campaign, so its sends are no evidence about this campaign.
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
        let (mut is_sent, mut has_rest) = (false, false);
        for activity in own.filter(|own| may_have_sends(own)) {
            let state = self.read_history(reading, activity.id, is_removed, false).await?;
            is_sent |= state == HistoryState::HasSends;
            has_rest |= state != HistoryState::Empty;
        }
        if !has_rest && self.was_found_gone(subject).await? {
            self.log.keep_gone(self.owner, work.campaign).await?;
            self.schedule_claimants(work, claims.iter(), false);
        } else {
            let reason = if is_sent {
                GONE_WITH_SENDS
            } else {
                UNCONFIRMED_REMOVAL
            };
            // All sends of the campaign may be missing.
            let runs = known.activities.iter().filter_map(|known| known.last_run_date);
            let period = (None, runs.fold(work.missing_until, Ord::max));
            self.record_unreadable(subject, period, reason).await?;
        }
        Ok(())
    }

    /// Returns whether an earlier synchronisation did not find this subject, so that this synchronisation may confirm its
    /// removal.
    pub(crate) async fn was_found_gone(&self, subject: Subject) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let is_found =
            |one: &Unreadable| one.subject == subject && rules::removal_is_due(one, self.began, now);
        Ok(unreadable.iter().any(is_found))
    }

    pub(crate) async fn settle_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        stored: StoredAnswer,
        is_shown: bool,
    ) -> Result<HistoryState, SyncFailure> {
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        let has_known =
            known.is_some_and(|known| known.send_count > Some(0) || known.failing_since.is_some());
        let (count, is_whole) = match &stored.answer {
            Answer::History(history) => (history.len(), history.unreadable_sends() == 0),
            Answer::NotFound => (0, !is_shown || !has_known),
        };
        if !is_whole || has_known && self.lacks_records(activity, stored).await? {
            return Ok(HistoryState::Incomplete);
        }
        Ok(if count > 0 {
            HistoryState::HasSends
        } else {
            HistoryState::Empty
        })
    }

    pub(crate) async fn lacks_records(
        &self,
        activity: ActivityId,
        stored: StoredAnswer,
    ) -> Result<bool, StoreError> {
        let finding = self.finding();
        let settled = self.log.settle_history(self.owner, activity, stored, finding);
        Ok(settled.await? > 0)
    }

    /// Returns whether the error of a request for a campaign shows that the campaign was deleted. The status for removed
    /// campaigns is not documented.
    pub(crate) async fn is_gone(
        &self,
        known: &KnownCampaign,
        error: &UpstreamError,
    ) -> Result<bool, SyncFailure> {
        match error.class {
            FailureClass::NotFound => Ok(!self.is_still_listed(known).await?),
            FailureClass::Rejected => Ok(is_removed(&known.campaign)),
            _ => Ok(false),
        }
    }

    /// Returns whether a campaign that was not found is still listed, with a status other than removed. A campaign listed without
    /// an update time cannot be searched and counts as listed.
    async fn is_still_listed(&self, known: &KnownCampaign) -> Result<bool, SyncFailure> {
        if is_removed(&known.campaign) {
            return Ok(false);
        }
        let Some(updated_at) = known.campaign.updated_at else {
            return Ok(was_listed(&known.campaign));
        };
        let (after, before) = (
            updated_at.checked_sub(SEARCH_MARGIN),
            updated_at.checked_add(SEARCH_MARGIN),
        );
        match self.upstream.campaigns(after.ok(), before.ok()).await {
            Ok(page) => {
                let mut records = page.records.iter();
                let listed = records.find(|listed| listed.id == known.campaign.id);
                // The record of the removal may have been unreadable before.
                Ok(listed.map_or_else(
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

/// Returns whether the campaign is known from a listing, and not only from the report.
fn was_listed(campaign: &Campaign) -> bool {
    campaign.updated_at.is_some() || campaign.status.is_some() || campaign.name.is_some()
}
