//! Listings of campaigns and summaries, and the resulting work.

mod walk;

use std::{collections::HashSet, sync::PoisonError};

use jiff::Timestamp;
use sends_client::{NextPage, ResourcePage, UpstreamError};
use sends_core::{Campaign, CampaignId, CampaignSummary};
use sends_store::{FailedReading, KnownCampaign, Listing, StoreError, Subject, SyncState, Unreadable};

use self::walk::Walk;
use crate::{Progress, Reading, Stage, failure::SyncFailure, reading::ONLY_REPORTED, rules, run::Run};

pub(crate) struct Listed {
    /// Latest update of a new or changed draft. The draft may have been sent and reverted to a draft since the last listing,
    /// which only the summaries report shows.
    pub(crate) drafts_changed_at: Option<Timestamp>,
    /// Result of the first page, without which the changes are unknown. The failure of a later page is recorded as a gap.
    pub(crate) ended: Result<(), SyncFailure>,
}

impl Listed {
    pub(crate) fn skipped(failure: SyncFailure) -> Self {
        Self {
            drafts_changed_at: None,
            ended: Err(failure),
        }
    }
}

const NOT_REPORTED: &str = "Constant Contact's report no longer shows a send of this campaign that its send histories lack. The send is unconfirmed until the next synchronisation.";

pub(crate) fn is_about_report(unreadable: &Unreadable) -> bool {
    unreadable.reason == ONLY_REPORTED || unreadable.reason == NOT_REPORTED
}

trait Dated: Send {
    fn campaign(&self) -> CampaignId;
    fn time(&self) -> Option<Timestamp>;
}

impl Dated for Campaign {
    fn campaign(&self) -> CampaignId {
        self.id
    }

    fn time(&self) -> Option<Timestamp> {
        self.updated_at
    }
}

impl Dated for CampaignSummary {
    fn campaign(&self) -> CampaignId {
        self.id
    }

    fn time(&self) -> Option<Timestamp> {
        self.last_sent_date
    }
}

impl Run<'_> {
    pub(crate) async fn list_campaigns(
        &self,
        state: &mut SyncState,
        gap: Option<Unreadable>,
    ) -> Result<Listed, SyncFailure> {
        let mut drafts_changed_at = None;
        let now = self.clock.now();
        let mut walk = Walk::new(Subject::Campaigns, state.changes_until, gap, &[], now);
        let first = match self.first_page(&mut walk).await {
            Ok(page) => page,
            Err(error) => {
                let failure = self.record_failed_listing(walk, error.into()).await?;
                return Ok(Listed::skipped(failure));
            }
        };
        let mut listed = HashSet::new();
        let next_page = |next| self.upstream.more_campaigns(next);
        self.read_pages(&mut walk, first, next_page, |walk, campaigns, known| {
            self.count_listed(campaigns.len());
            if walk.from.is_none() {
                listed.extend(campaigns.iter().map(|campaign| campaign.id));
            }
            let drafts_changed = last_changed_draft(&campaigns, known, walk.began);
            drafts_changed_at = drafts_changed_at.max(drafts_changed);
            campaigns_listed(campaigns, known, walk)
        })
        .await?;
        if walk.from.is_none() && walk.lack.is_none() {
            self.read_unlisted(&listed, walk.began).await?;
        }
        (state.listed_at, state.changes_until) = (Some(walk.began), walk.next_mark());
        self.end_walk(&walk, state).await?;
        Ok(Listed {
            drafts_changed_at,
            ended: Ok(()),
        })
    }

    /// Returns the first page of the campaigns since the high-water mark. If an earlier synchronisation did not find the latest
    /// listed campaign either, returns the first page of all campaigns, since other campaigns may have vanished as well.
    async fn first_page(&self, walk: &mut Walk) -> Result<ResourcePage<Campaign>, UpstreamError> {
        let page = self.upstream.campaigns(walk.from, None).await?;
        let has_records = !page.records.is_empty() || page.unreadable > 0;
        let is_empty = !has_records && page.next.is_none() && page.cut_short.is_none();
        if !is_empty || walk.from.is_none() || !walk.is_confirmed() {
            return Ok(page);
        }
        walk.from = None;
        self.upstream.campaigns(None, None).await
    }

    /// Queues known campaigns that are missing from a listing of all campaigns, since they may have been deleted.
    async fn read_unlisted(&self, listed: &HashSet<CampaignId>, began: Timestamp) -> Result<(), SyncFailure> {
        let known = self.log.campaigns_with_activities(self.owner).await?;
        let unlisted = known.into_iter().filter(|campaign| !listed.contains(campaign));
        let work = unlisted.map(|campaign| rules::work(campaign, (None, began)));
        Ok(self.put_on_queue(work.collect()).await?)
    }

    pub(crate) async fn list_summaries(
        &self,
        state: &mut SyncState,
        gap: Option<Unreadable>,
        doubts: &[&Unreadable],
    ) -> Result<(), SyncFailure> {
        let now = self.clock.now();
        let is_due = |one: &&&Unreadable| one.reason == NOT_REPORTED || rules::is_due_again(one, now);
        let mut doubts: Vec<&Unreadable> = doubts.iter().filter(is_due).copied().collect();
        let mut walk = Walk::new(Subject::Summaries, state.sends_until, gap, &doubts, now);
        let first = match self.upstream.summaries().await {
            Ok(page) => page,
            Err(error) => return self.record_failed_listing(walk, error.into()).await.map(drop),
        };
        let next_page = |next| self.upstream.more_summaries(next);
        self.read_pages(&mut walk, first, next_page, |walk, summaries, known| {
            doubts.retain(|one| {
                let mut reported = summaries.iter();
                reported.all(|summary| one.subject != Subject::Campaign(summary.id))
            });
            summaries_listed(summaries, known, walk)
        })
        .await?;
        (state.reports_read_at, state.sends_until) = (Some(walk.began), walk.next_mark());
        if walk.failure().is_none() {
            self.resolve_unreported(&doubts).await?;
        }
        self.end_walk(&walk, state).await
    }

    async fn read_pages<'r, T: Dated>(
        &'r self,
        walk: &mut Walk,
        first: ResourcePage<T>,
        next_page: impl Fn(NextPage<T>) -> Reading<'r, ResourcePage<T>>,
        mut listing_of: impl FnMut(&mut Walk, Vec<T>, &[Option<KnownCampaign>]) -> Listing,
    ) -> Result<(), SyncFailure> {
        let mut page = first;
        loop {
            let reaches_known = walk.note_page(&page);
            let campaigns: Vec<CampaignId> = page.records.iter().map(T::campaign).collect();
            let known = self.log.campaigns(self.owner, &campaigns).await?;
            let listing = listing_of(walk, page.records, &known);
            self.log.keep_listing(self.owner, listing).await?;
            let Some(next) = page.next.filter(|_| !reaches_known) else {
                return Ok(());
            };
            self.check_stop()?;
            page = match next_page(next).await {
                Ok(page) => page,
                Err(error) => return walk.cut_off(error.into()),
            };
        }
    }

    pub(crate) fn report_reason(&self, campaign: CampaignId) -> &'static str {
        let not_reported = self.not_reported.lock().unwrap_or_else(PoisonError::into_inner);
        if not_reported.contains(&campaign) {
            NOT_REPORTED
        } else {
            ONLY_REPORTED
        }
    }

    /// Handles campaigns with a send that appeared only in the report and no longer appears there. After a second synchronisation
    /// confirms the absence, the campaigns are read again and their failure is cleared.
    async fn resolve_unreported(&self, doubts: &[&Unreadable]) -> Result<(), SyncFailure> {
        let mut listing = Listing::default();
        for doubt in doubts {
            let Subject::Campaign(campaign) = doubt.subject else {
                continue;
            };
            let period = (doubt.missing_from, doubt.missing_until);
            if doubt.reason == NOT_REPORTED && doubt.tried_at.as_millisecond() != self.began.as_millisecond()
            {
                listing.last_sent.push((campaign, None));
                listing.work.push(rules::work(campaign, period));
            } else {
                self.record_unreadable(doubt.subject, period, NOT_REPORTED)
                    .await?;
                let mut not_reported = self.not_reported.lock().unwrap_or_else(PoisonError::into_inner);
                not_reported.push(campaign);
            }
        }
        Ok(self.log.keep_listing(self.owner, listing).await?)
    }

    /// Skips a listing during the pause after a failed first page, and extends its gap to the current time.
    pub(crate) async fn skip_listing(&self, gap: Unreadable) -> Result<SyncFailure, StoreError> {
        let unread = FailedReading {
            subject: gap.subject,
            missing_from: gap.missing_from,
            missing_until: gap.missing_until.max(self.clock.now()),
            failed_at: gap.tried_at,
            records: 0,
            reason: gap.reason.clone(),
        };
        self.log.keep_failed(self.owner, unread).await?;
        Ok(SyncFailure::Paused(gap.reason))
    }

    /// Records the failure of a first page as a gap and returns the failure. A failure that stops the synchronisation is
    /// returned as the error.
    async fn record_failed_listing(
        &self,
        mut walk: Walk,
        failure: SyncFailure,
    ) -> Result<SyncFailure, SyncFailure> {
        if failure.stops_listings() {
            return Err(failure);
        }
        tracing::warn!("listing skipped: {failure}");
        walk.lack(walk.upper_end(), || failure.public_reason().to_owned());
        if let Some(gap) = walk.failure() {
            let gap = FailedReading {
                failed_at: walk.began,
                ..gap
            };
            self.log.keep_failed(self.owner, gap).await?;
        }
        Ok(failure)
    }

    /// Stores the new high-water mark. The gap before it is stored first, in case the process is killed in between.
    async fn end_walk(&self, walk: &Walk, state: &SyncState) -> Result<(), SyncFailure> {
        match walk.failure() {
            Some(failure) => self.log.keep_failed(self.owner, failure).await?,
            None if walk.gap.is_some() && walk.covers_gap() => {
                self.log.keep_read(self.owner, walk.subject).await?;
            }
            None => {}
        }
        Ok(self.log.keep_state(self.owner, state.clone()).await?)
    }

    fn count_listed(&self, campaigns: usize) {
        self.progress.send_modify(|progress| {
            *progress = Progress {
                stage: Stage::Listing,
                listed: progress.listed + u64::try_from(campaigns).unwrap_or(u64::MAX),
                calls: self.upstream.calls_made(),
                ..*progress
            };
        });
    }
}

/// Returns the latest update of a new or changed draft. A draft without a date counts as updated at `now`.
fn last_changed_draft(
    campaigns: &[Campaign],
    known: &[Option<KnownCampaign>],
    now: Timestamp,
) -> Option<Timestamp> {
    let listed = campaigns.iter().zip(known);
    let drafts = listed.filter(|(campaign, known)| rules::is_changed_draft(campaign, known.as_ref()));
    drafts
        .map(|(campaign, _)| campaign.updated_at.unwrap_or(now))
        .max()
}

fn campaigns_listed(campaigns: Vec<Campaign>, known: &[Option<KnownCampaign>], walk: &Walk) -> Listing {
    let mut listing = Listing::default();
    for (campaign, known) in campaigns.into_iter().zip(known) {
        let known = known.as_ref();
        let work = rules::work_of_listed(&campaign, known, walk.from, walk.began);
        listing.work.extend(work);
        if known.is_none_or(|known| known.campaign != campaign) {
            listing.campaigns.push(campaign);
        }
    }
    listing
}

fn summaries_listed(
    summaries: Vec<CampaignSummary>,
    known: &[Option<KnownCampaign>],
    walk: &mut Walk,
) -> Listing {
    let (mut listing, mut dateless) = (Listing::default(), 0);
    for (summary, known) in summaries.into_iter().zip(known) {
        let known = known.as_ref();
        let last_sent = summary.last_sent_date;
        let work = rules::work_of_summary(summary.id, last_sent, known, walk.from, walk.began);
        let is_gone = known.is_some_and(|known| known.is_gone);
        dateless += usize::from(last_sent.is_none() && work.is_none() && !is_gone);
        listing.work.extend(work);
        if last_sent.is_some() && known.and_then(|known| known.last_sent_at) != last_sent {
            listing.last_sent.push((summary.id, last_sent));
        }
    }
    walk.note_dateless(dateless);
    listing
}
