//! Reads campaigns: their activities, then the histories.

use sends_client::FailureClass;
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignDetail, CampaignId, CampaignStatus};
use sends_store::{
    Answer, Claim, FailedReading, Finding, KnownActivity, KnownCampaign, StoreError, StoredAnswer, Subject,
    SyncWork, UNCONFIRMED_REMOVAL,
};

use crate::{
    failure::SyncFailure,
    rules::{self, Period},
    run::Run,
};

const MALFORMED_ACTIVITIES: &str = "Constant Contact returned unreadable activities of this campaign.";

/// Failure reason of a campaign that lists an activity of another campaign. The activity stays with the other campaign.
const CONTRADICTION: &str =
    "Constant Contact lists an activity of this campaign with another campaign as well.";

const NO_ACTIVITIES: &str = "Constant Contact lists no activity of this campaign, which was sent.";

pub(crate) const ONLY_REPORTED: &str =
    "Constant Contact's report has a later send of this campaign than its send histories.";

#[derive(Clone, Copy)]
pub(crate) struct CampaignReading<'r> {
    pub(crate) work: &'r SyncWork,
    pub(crate) known: &'r KnownCampaign,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HistoryState {
    HasSends,
    Empty,
    /// The history lacks known sends, which are retained until their removal is confirmed.
    Incomplete,
    Unread,
}

impl Run<'_> {
    /// Reads the campaign of a queue entry and removes the entry. Individual failures are recorded as unreadable.
    pub(crate) async fn read_campaign(&self, work: SyncWork) -> Result<(), SyncFailure> {
        let known = self.log.campaigns(self.owner, &[work.campaign]).await?;
        if let Some(known) = known.into_iter().next().flatten() {
            let work = self.with_recorded_period(work, &known).await?;
            self.read_activities(&work, &known).await?;
        }
        Ok(self.log.finish(self.owner, work).await?)
    }

    /// Extends the work to the period for which the campaign is recorded as unreadable, since the outcome replaces that record.
    async fn with_recorded_period(
        &self,
        work: SyncWork,
        known: &KnownCampaign,
    ) -> Result<SyncWork, StoreError> {
        if known.failing_since.is_none() {
            return Ok(work);
        }
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let subject = Subject::Campaign(work.campaign);
        let recorded = unreadable.iter().find(|one| one.subject == subject);
        Ok(recorded.map_or(work, |one| {
            let recorded = (one.missing_from, one.missing_until);
            rules::work(work.campaign, rules::both(rules::period(&work), recorded))
        }))
    }

    /// Reads the activities of a campaign, then the histories of all sendable activities. All activities share the update time of
    /// the campaign, so a new send in one history does not prove that the other histories are unchanged.
    async fn read_activities(&self, work: &SyncWork, known: &KnownCampaign) -> Result<(), SyncFailure> {
        let subject = Subject::Campaign(work.campaign);
        let reading = CampaignReading { work, known };
        let detail = self.call(subject, || self.upstream.campaign(work.campaign));
        match detail.await? {
            Ok(detail) => {
                self.note_success(subject);
                let campaign = as_listed(detail.campaign.clone(), known);
                self.read_detail(&reading, CampaignDetail { campaign, ..detail })
                    .await
            }
            Err(error) if self.is_gone(known, &error).await? => self.drop_campaign(&reading).await,
            Err(error) => {
                let is_new = known.failing_since.is_none();
                self.record_failure(subject, rules::period(work), is_new, error.into())
                    .await?;
                let is_removed = is_removed(&known.campaign);
                let activities: Vec<_> = known.activities.iter().map(reference).collect();
                self.read_histories(&reading, &activities, is_removed).await
            }
        }
    }

    /// Stores the activities of a campaign and reads their histories. Known activities that are no longer listed are read
    /// again, and retained as long as they have sends.
    async fn read_detail(
        &self,
        reading: &CampaignReading<'_>,
        detail: CampaignDetail,
    ) -> Result<(), SyncFailure> {
        let CampaignDetail {
            campaign,
            activities: mut shown,
            unreadable_activities,
            unreadable_values: _,
            unreadable_roles: _,
        } = detail;
        let CampaignReading { work, known } = *reading;
        let (is_removed, campaign_status) = (is_removed(&campaign), campaign.status.clone());
        let claims = self.log.claims(self.owner, work.campaign, &shown).await?;
        let mut listed = shown.clone();
        shown.retain(|activity| {
            let is_of_another = |claim: &Claim| claim.campaign != work.campaign && claim.is_listed;
            !claims
                .iter()
                .any(|claim| claim.activity == activity.id && is_of_another(claim))
        });
        let is_unlisted = |known: &&KnownActivity| shown.iter().all(|activity| activity.id != known.id);
        let known_activities = known.activities.iter().filter(|known| may_have_sends(known));
        let mut unlisted: Vec<ActivityReference> =
            known_activities.filter(is_unlisted).map(reference).collect();
        let mut is_sent = false;
        if unreadable_activities > 0 {
            // Unlisted activities may be among the unreadable activities.
            listed.extend_from_slice(&unlisted);
            shown.append(&mut unlisted);
        } else {
            let mut remaining = Vec::new();
            for activity in unlisted {
                let state = self.read_history(reading, activity.id, is_removed, false).await?;
                is_sent |= state == HistoryState::HasSends;
                if state != HistoryState::Empty {
                    remaining.push(activity);
                }
            }
            unlisted = remaining;
        }
        let is_without = !shown.iter().any(ActivityReference::can_be_sent);
        self.log
            .keep_activities(self.owner, campaign, listed.clone(), unlisted)
            .await?;
        self.read_histories(reading, &shown, is_removed).await?;
        let is_listed = |claim: &Claim| listed.iter().any(|activity| activity.id == claim.activity);
        self.schedule_claimants(work, claims.iter().filter(|claim| !is_listed(claim)), false);
        // Another campaign may have been read concurrently.
        let claims = self.log.claims(self.owner, work.campaign, &listed).await?;
        self.schedule_claimants(work, claims.iter().filter(|claim| is_listed(claim)), true);
        let is_contradictory = claims.iter().any(|claim| {
            let is_own = claim.campaign == work.campaign && claim.claimed_by.is_some();
            is_listed(claim) && (is_own || claim.campaign != work.campaign && claim.is_listed)
        });
        let reason = if unreadable_activities > 0 {
            Some(MALFORMED_ACTIVITIES)
        } else if is_contradictory {
            Some(CONTRADICTION)
        } else {
            // If known activities were deleted, the campaign may be without activities.
            let was_sendable = known.activities.iter().any(may_have_sends);
            let is_done = campaign_status.as_deref() == Some(&CampaignStatus::Done);
            (is_without && (is_sent || is_done && !was_sendable)).then_some(NO_ACTIVITIES)
        };
        self.record_outcome(reading, is_removed, reason).await
    }

    /// Schedules the other campaigns of contradictions that this campaign begins or ends. The campaign that began a
    /// contradiction has already been read.
    pub(crate) fn schedule_claimants<'c>(
        &self,
        work: &SyncWork,
        claims: impl Iterator<Item = &'c Claim>,
        begin: bool,
    ) {
        let others = claims.filter_map(|claim| {
            if claim.campaign == work.campaign {
                claim.claimed_by.filter(|_| !begin)
            } else {
                (claim.is_listed || !begin).then_some(claim.campaign)
            }
        });
        let work = others.map(|campaign| SyncWork { campaign, ..*work });
        self.contradicted().extend(work);
    }

    async fn record_outcome(
        &self,
        reading: &CampaignReading<'_>,
        is_removed: bool,
        reason: Option<&'static str>,
    ) -> Result<(), SyncFailure> {
        let CampaignReading { work, known } = *reading;
        let subject = Subject::Campaign(work.campaign);
        let period = rules::period(work);
        let mut only_reported = self.only_reported(work.campaign).await?;
        if only_reported.is_some() && is_removed {
            // A removed campaign is resolved after its known sends were missing twice, or after the campaign was found removed
            // twice.
            let had_sends = known.activities.iter().any(|known| known.send_count > Some(0));
            only_reported = only_reported.filter(|_| !had_sends);
            if only_reported.is_some() && self.was_found_gone(subject).await? {
                only_reported = None;
            }
        }
        let only = if is_removed {
            UNCONFIRMED_REMOVAL
        } else {
            self.report_reason(work.campaign)
        };
        match (reason, only_reported) {
            (reason, Some(of_report)) => {
                let (period, reason) = (rules::both(period, of_report), reason.unwrap_or(only));
                self.record_unreadable(subject, period, reason).await?;
            }
            (Some(reason), None) => self.record_unreadable(subject, period, reason).await?,
            (None, None) if known.failing_since.is_some() => {
                self.log.keep_read(self.owner, subject).await?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    async fn only_reported(&self, campaign: CampaignId) -> Result<Option<Period>, StoreError> {
        let known = self.log.campaigns(self.owner, &[campaign]).await?;
        Ok(known
            .into_iter()
            .next()
            .flatten()
            .as_ref()
            .and_then(rules::only_reported))
    }

    async fn read_histories(
        &self,
        reading: &CampaignReading<'_>,
        shown: &[ActivityReference],
        is_removed: bool,
    ) -> Result<(), SyncFailure> {
        let known = &reading.known.activities;
        let was_sent = |id: ActivityId| known.iter().any(|known| known.id == id && may_have_sends(known));
        let sendable = shown
            .iter()
            .filter(|activity| activity.can_be_sent() || was_sent(activity.id));
        for activity in sendable {
            self.read_history(reading, activity.id, is_removed, !is_removed)
                .await?;
        }
        Ok(())
    }

    pub(crate) async fn read_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        is_removed: bool,
        is_shown: bool,
    ) -> Result<HistoryState, SyncFailure> {
        let subject = Subject::History(activity);
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        match self.request_history(activity, is_removed).await {
            Ok(stored) => {
                self.note_success(subject);
                self.settle_history(reading, activity, stored, is_shown).await
            }
            Err(failure) => {
                let is_new = known.is_none_or(|known| known.failing_since.is_none());
                let period = rules::period(reading.work);
                self.record_failure(subject, period, is_new, failure).await?;
                Ok(HistoryState::Unread)
            }
        }
    }

    /// Requests a history. If the campaign is removed, any rejection counts as not found, since the status for its activities
    /// is not documented.
    pub(crate) async fn request_history(
        &self,
        activity: ActivityId,
        is_removed: bool,
    ) -> Result<StoredAnswer, SyncFailure> {
        let history = self.call(Subject::History(activity), || self.upstream.history(activity));
        match history.await? {
            Err(error) if error.class == FailureClass::Rejected && is_removed => {
                let stored = StoredAnswer {
                    fetched_at: self.clock.now(),
                    answer: Answer::NotFound,
                };
                self.store.keep(self.owner, activity, stored.clone()).await?;
                Ok(stored)
            }
            outcome => Ok(outcome?),
        }
    }

    /// Records the failure of one read and returns the failure. A failure that stops the synchronisation is returned as the
    /// error.
    pub(crate) async fn record_failure(
        &self,
        subject: Subject,
        period: Period,
        is_new: bool,
        failure: SyncFailure,
    ) -> Result<SyncFailure, SyncFailure> {
        let failure = self.note_failure(subject, is_new, failure).await?;
        if failure.stops_sync() {
            return Err(failure);
        }
        tracing::warn!("read failed and recorded as a gap of the send log: {failure}");
        let reason = failure.public_reason();
        self.record_unreadable(subject, period, reason).await?;
        Ok(failure)
    }

    pub(crate) async fn record_unreadable(
        &self,
        subject: Subject,
        (missing_from, missing_until): Period,
        reason: &str,
    ) -> Result<(), StoreError> {
        let failed = FailedReading {
            subject,
            missing_from,
            missing_until,
            failed_at: self.clock.now(),
            records: 0,
            reason: reason.to_owned(),
        };
        self.log.keep_failed(self.owner, failed).await
    }

    pub(crate) fn finding(&self) -> Finding {
        Finding {
            found_at: self.clock.now(),
            began: self.began,
        }
    }
}

/// Returns a campaign with the update time and status of its listing. Otherwise the next listing would miss a change since the
/// last listing, whose send the histories may lack. Only a removal is taken from the campaign itself.
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

/// Returns whether an activity can be sent or has sends, regardless of its current role.
pub(crate) fn may_have_sends(known: &KnownActivity) -> bool {
    reference(known).can_be_sent() || known.send_count > Some(0) || known.failing_since.is_some()
}

pub(crate) fn is_removed(campaign: &Campaign) -> bool {
    campaign.status.as_deref() == Some(&CampaignStatus::Removed)
}
