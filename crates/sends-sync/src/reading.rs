//! Reading one campaign: its activities, then their histories.

use jiff::Timestamp;
use sends_client::FailureClass;
use sends_core::{ActivityId, ActivityReference, Campaign, CampaignDetail, CampaignId, CampaignStatus};
use sends_store::{
    Answer, Claim, FailedReading, Finding, KnownActivity, KnownCampaign, StoreError, StoredAnswer, Subject,
    SyncWork, UNCONFIRMED_REMOVAL,
};

use crate::{failure::SyncFailure, rules, run::Run};

/// In which stretch sends may be missing, see [`FailedReading`].
pub(crate) type Stretch = (Option<Timestamp>, Timestamp);

/// Why a campaign counts as unreadable whose detail was read in part.
const MALFORMED_ACTIVITIES: &str =
    "Constant Contact names activities of this campaign in a form that cannot be read.";

/// Why a campaign counts as unreadable that names an activity of another one, which stays with that.
const CONTRADICTION: &str =
    "Constant Contact names an activity of this campaign that it also names with another campaign.";

/// Why a campaign counts as unreadable that was sent and names no activity that can be.
const NO_ACTIVITIES: &str = "Constant Contact names no activity of this campaign, which was sent.";

/// Why a campaign counts as unreadable of which only the report knows a send.
pub(crate) const ONLY_REPORTED: &str =
    "Constant Contact's report has a later send of this campaign than its send histories.";

/// The stretch that covers both.
pub(crate) fn both(one: Stretch, other: Stretch) -> Stretch {
    (one.0.min(other.0), one.1.max(other.1))
}

/// What is known of a campaign that is read.
#[derive(Clone, Copy)]
pub(crate) struct CampaignReading<'r> {
    pub(crate) work: &'r SyncWork,
    pub(crate) known: &'r KnownCampaign,
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
    pub(crate) async fn read_campaign(&self, work: SyncWork) -> Result<(), SyncFailure> {
        let known = self.log.campaigns(self.owner, &[work.campaign]).await?;
        if let Some(known) = known.into_iter().next().flatten() {
            let work = self.with_its_doubt(work, &known).await?;
            self.read_activities(&work, &known).await?;
        }
        Ok(self.log.finish(self.owner, work).await?)
    }

    /// The work for the stretch, too, that the campaign is named for: what of it cannot be read is named instead.
    async fn with_its_doubt(&self, work: SyncWork, known: &KnownCampaign) -> Result<SyncWork, StoreError> {
        if known.failing_since.is_none() {
            return Ok(work);
        }
        let unreadable = self.log.unreadable(self.owner, usize::MAX).await?;
        let subject = Subject::Campaign(work.campaign);
        let named = unreadable.iter().find(|one| one.subject == subject);
        Ok(named.map_or(work, |named| SyncWork {
            missing_from: work.missing_from.min(named.missing_from),
            missing_until: work.missing_until.max(named.missing_until),
            ..work
        }))
    }

    /// Reads which activities a campaign has now, then the histories of all that can be sent. A change of the campaign is one
    /// moment, however many of its activities were sent: news in one history says nothing about the others, nor about an
    /// activity that is new.
    async fn read_activities(&self, work: &SyncWork, known: &KnownCampaign) -> Result<(), SyncFailure> {
        let subject = Subject::Campaign(work.campaign);
        let reading = CampaignReading { work, known };
        let asked = self.ask(subject, || self.upstream.campaign(work.campaign));
        match asked.await? {
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
                let activities: Vec<_> = known.activities.iter().map(reference).collect();
                self.read_histories(&reading, &activities, is_removed).await
            }
        }
    }

    /// Keeps which activities a campaign has, and reads their histories. Known activities that are no longer listed are asked
    /// once more, and stay as long as their sends do.
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
            // Known activities that the campaign does not list may be among the unreadable ones.
            listed.extend_from_slice(&unlisted);
            shown.append(&mut unlisted);
        } else {
            let mut remaining = Vec::new();
            for activity in unlisted {
                let told = self.read_history(reading, activity.id, is_removed, false).await?;
                is_sent |= told == Told::Sends;
                if told != Told::Nothing {
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
        self.read_claimed(work, claims.iter().filter(|claim| !is_listed(claim)), false);
        // Another one may have been read meanwhile.
        let claims = self.log.claims(self.owner, work.campaign, &listed).await?;
        self.read_claimed(work, claims.iter().filter(|claim| is_listed(claim)), true);
        let is_contradictory = claims.iter().any(|claim| {
            let is_own = claim.campaign == work.campaign && claim.claimed_by.is_some();
            is_listed(claim) && (is_own || claim.campaign != work.campaign && claim.is_listed)
        });
        let reason = if unreadable_activities > 0 {
            Some(MALFORMED_ACTIVITIES)
        } else if is_contradictory {
            Some(CONTRADICTION)
        } else {
            // One whose known sends are gone was read before.
            let was_sendable = known.activities.iter().any(may_have_sends);
            let is_done = campaign_status.as_deref() == Some(&CampaignStatus::Done);
            (is_without && (is_sent || is_done && !was_sendable)).then_some(NO_ACTIVITIES)
        };
        self.remember_reading(reading, is_removed, reason).await
    }

    /// Has the other campaigns of contradictions read again that this one begins or ends. Where another one has begun it, that
    /// has been read.
    pub(crate) fn read_claimed<'c>(
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

    /// Remembers what a reading of a campaign has left in doubt, or that it is in doubt no more.
    async fn remember_reading(
        &self,
        reading: &CampaignReading<'_>,
        is_removed: bool,
        reason: Option<&'static str>,
    ) -> Result<(), SyncFailure> {
        let CampaignReading { work, known } = *reading;
        let subject = Subject::Campaign(work.campaign);
        let stretch = (work.missing_from, work.missing_until);
        let mut only_reported = self.only_reported(work.campaign).await?;
        if only_reported.is_some() && is_removed {
            // Its known sends were found missing twice, or it was found removed twice.
            let had_sends = known.activities.iter().any(|known| known.send_count > Some(0));
            only_reported = only_reported.filter(|_| !had_sends);
            if only_reported.is_some() && self.was_found_gone(subject).await? {
                only_reported = None;
            }
        }
        let only = if is_removed {
            UNCONFIRMED_REMOVAL
        } else {
            self.why_only_reported(work.campaign)
        };
        match (reason, only_reported) {
            (reason, Some(of_report)) => {
                let reason = reason.unwrap_or(only);
                self.remember_failed(subject, both(stretch, of_report), reason)
                    .await?;
            }
            (Some(reason), None) => self.remember_failed(subject, stretch, reason).await?,
            (None, None) if known.failing_since.is_some() => {
                self.log.keep_read(self.owner, subject).await?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// In which stretch sends are missing of a campaign that the report has as sent later than its histories do. A history that
    /// is in doubt is named already, and may be why.
    pub(crate) async fn only_reported(&self, campaign: CampaignId) -> Result<Option<Stretch>, StoreError> {
        let known = self.log.campaigns(self.owner, &[campaign]).await?;
        Ok(known
            .first()
            .and_then(Option::as_ref)
            .and_then(rules::only_reported))
    }

    /// Reads the histories of all activities that the upstream shows with the campaign and that can be sent, or were.
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

    /// Reads one history. One that fails by itself hides none of the others.
    pub(crate) async fn read_history(
        &self,
        reading: &CampaignReading<'_>,
        activity: ActivityId,
        is_removed: bool,
        is_shown: bool,
    ) -> Result<Told, SyncFailure> {
        let subject = Subject::History(activity);
        let known = reading.known.activities.iter().find(|known| known.id == activity);
        match self.ask_history(activity, is_removed).await {
            Ok(kept) => {
                self.note_success(subject);
                self.settle_history(reading, activity, kept, is_shown).await
            }
            Err(failure) => {
                let is_new = known.is_none_or(|known| known.failing_since.is_none());
                self.go_without(subject, reading.work, is_new, failure).await?;
                Ok(Told::Unread)
            }
        }
    }

    /// What the upstream says of an activity now. How it refuses those of a removed campaign is not documented; either way it
    /// does not show them any more.
    pub(crate) async fn ask_history(
        &self,
        activity: ActivityId,
        is_removed: bool,
    ) -> Result<StoredAnswer, SyncFailure> {
        let asked = self.ask(Subject::History(activity), || self.upstream.history(activity));
        match asked.await? {
            Err(error) if error.class == FailureClass::Rejected && is_removed => {
                let kept = StoredAnswer {
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
        failure: SyncFailure,
    ) -> Result<(), SyncFailure> {
        let failure = self.note_failure(subject, is_new, failure).await?;
        if failure.stops_sync() {
            return Err(failure);
        }
        tracing::warn!("the log goes without what cannot be read: {failure}");
        let stretch = (work.missing_from, work.missing_until);
        Ok(self
            .remember_failed(subject, stretch, failure.public_reason())
            .await?)
    }

    /// Remembers that something could not be read, by itself.
    pub(crate) async fn remember_failed(
        &self,
        subject: Subject,
        stretch: Stretch,
        reason: &str,
    ) -> Result<(), StoreError> {
        let (missing_from, missing_until) = stretch;
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

    /// That this synchronisation finds known records missing.
    pub(crate) fn finding(&self) -> Finding {
        Finding {
            found_at: self.clock.now(),
            began: self.began,
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

/// Whether an activity can be sent, or was, whatever its role says now.
pub(crate) fn may_have_sends(known: &KnownActivity) -> bool {
    reference(known).can_be_sent() || known.send_count > Some(0) || known.failing_since.is_some()
}

pub(crate) fn is_removed(campaign: &Campaign) -> bool {
    campaign.status.as_deref() == Some(&CampaignStatus::Removed)
}
