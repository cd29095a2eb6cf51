//! Finding out what changed: the pages of campaigns and of summaries, and the work that follows from them.

mod walk;

use std::{collections::HashSet, sync::PoisonError};

use jiff::Timestamp;
use sends_client::{ResourcePage, UpstreamError};
use sends_core::{Campaign, CampaignId, CampaignSummary};
use sends_store::{
    FailedReading, KnownCampaign, Listing, StoreError, Subject, SyncState, SyncWork, Unreadable,
};

use self::walk::{Walk, last_of};
use crate::{Progress, Stage, failure::SyncFailure, reading::ONLY_REPORTED, rules, run::Run};

/// What the list of campaigns came to.
pub(crate) struct Listed {
    /// When the last of the drafts that are new or have changed was updated. It may have been sent and made a draft again since
    /// the last listing, which only the summaries report tells.
    pub(crate) drafts_changed_at: Option<Timestamp>,
    /// Why the first page was not read, without which nothing is known of what changed. Any later page that fails by itself is
    /// remembered.
    pub(crate) ended: Result<(), SyncFailure>,
}

impl Listed {
    pub(crate) fn left_alone(failure: SyncFailure) -> Self {
        Self {
            drafts_changed_at: None,
            ended: Err(failure),
        }
    }
}

/// Why a campaign counts as unreadable of which only the report knew a send, and does not any more.
const NOT_REPORTED: &str = "Constant Contact's report had a later send of this campaign than its send histories, and has it no more. It stays in doubt until the next synchronisation confirms that.";

/// Whether only the report knows, or knew, a send of this campaign.
pub(crate) fn is_about_report(one: &Unreadable) -> bool {
    one.reason == ONLY_REPORTED || one.reason == NOT_REPORTED
}

/// What of a page cannot be read. `None` as a rule.
fn unreadable<T>(page: &ResourcePage<T>) -> Option<String> {
    match page.unreadable {
        0 => None,
        _ if page.lacks_list => Some("A page of it has no list of records.".to_owned()),
        1 => Some("One record of it has a form that cannot be read.".to_owned()),
        count => Some(format!("{count} records of it have a form that cannot be read.")),
    }
}

/// A page without its list counts as one odd record, and has none.
fn unreadable_records<T>(page: &ResourcePage<T>) -> usize {
    if page.lacks_list { 0 } else { page.unreadable }
}

impl Run<'_> {
    /// Lists what was updated since the last listing.
    pub(crate) async fn list_campaigns(
        &self,
        state: &mut SyncState,
        gap: Option<Unreadable>,
    ) -> Result<Listed, SyncFailure> {
        let mut drafts_changed_at = None;
        let mut walk = Walk::new(
            Subject::Campaigns,
            state.changes_until,
            gap,
            &[],
            self.clock.now(),
        );
        let mut page = match self.first_page(&mut walk).await {
            Ok(page) => page,
            Err(error) => {
                let failure = self.without_first_page(walk, error.into()).await?;
                return Ok(Listed::left_alone(failure));
            }
        };
        let mut listed = HashSet::new();
        loop {
            self.count_listed(page.records.len());
            if walk.from.is_none() {
                listed.extend(page.records.iter().map(|campaign| campaign.id));
            }
            let moments = page.records.iter().map(|campaign| campaign.updated_at);
            let is_beyond = walk.is_beyond(moments.clone());
            let lack = (unreadable(&page), unreadable_records(&page));
            walk.note(moments, lack);
            if page.cut_short.is_some() && !is_beyond {
                walk.cut_short();
            }
            let known = self
                .known(page.records.iter().map(|campaign| campaign.id))
                .await?;
            let drafts_changed = last_changed_draft(&page.records, &known, walk.began);
            let listing = campaigns_listed(page.records, &known, &walk);
            drafts_changed_at = drafts_changed_at.max(drafts_changed);
            self.keep(listing).await?;
            if is_beyond {
                tracing::warn!(
                    "the list of campaigns goes on before the date that was asked for (after_date): the upstream ignores it, \
                     and what follows was listed earlier and is not read again"
                );
                break;
            }
            let Some(next) = page.next else { break };
            self.check_stop()?;
            page = match self.upstream.more_campaigns(next).await {
                Ok(page) => page,
                Err(error) => {
                    walk.broke_off(error.into())?;
                    break;
                }
            };
        }
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

    /// The first page of the list of campaigns: of all of them when an earlier synchronisation, too, found no record since the
    /// latest one that was listed. That one has vanished, and others may have.
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

    /// Has known campaigns read that a list of all campaigns does not have: they may be gone.
    async fn read_unlisted(&self, listed: &HashSet<CampaignId>, began: Timestamp) -> Result<(), SyncFailure> {
        let known = self.log.campaigns_with_activities(self.owner).await?;
        let unlisted = known.into_iter().filter(|campaign| !listed.contains(campaign));
        let work = unlisted.map(|campaign| SyncWork {
            campaign,
            missing_from: None,
            missing_until: began,
        });
        Ok(self.put_on_queue(work.collect()).await?)
    }

    /// Reads the summaries report as far back as it was read before. What cannot be read of it is remembered.
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
        let mut page = match self.upstream.summaries().await {
            Ok(page) => page,
            Err(error) => return self.without_first_page(walk, error.into()).await.map(drop),
        };
        loop {
            // The latest send comes first. One odd date among the others ends nothing.
            let last = last_of(page.records.iter().filter_map(|summary| summary.last_sent_date));
            doubts.retain(|one| {
                let mut listed = page.records.iter();
                listed.all(|summary| one.subject != Subject::Campaign(summary.id))
            });
            let moments = page.records.iter().map(|summary| summary.last_sent_date);
            let lack = (unreadable(&page), unreadable_records(&page));
            walk.note(moments, lack);
            let is_known_territory = walk.is_known_territory(last);
            if page.cut_short.is_some() && !is_known_territory {
                walk.cut_short();
            }
            let known = self.known(page.records.iter().map(|summary| summary.id)).await?;
            let listing = summaries_listed(page.records, &known, &walk);
            walk.note_dateless(listing.dateless);
            self.keep(listing.listing).await?;
            let Some(next) = page.next.filter(|_| !is_known_territory) else {
                break;
            };
            self.check_stop()?;
            page = match self.upstream.more_summaries(next).await {
                Ok(page) => page,
                Err(error) => {
                    walk.broke_off(error.into())?;
                    break;
                }
            };
        }
        (state.reports_read_at, state.sends_until) = (Some(walk.began), walk.next_mark());
        if walk.failure().is_none() {
            self.withdraw(&doubts).await?;
        }
        self.end_walk(&walk, state).await
    }

    /// Why a campaign counts as unreadable whose histories lack the send of the report.
    pub(crate) fn why_only_reported(&self, campaign: CampaignId) -> &'static str {
        let not_reported = self.not_reported.lock().unwrap_or_else(PoisonError::into_inner);
        if not_reported.contains(&campaign) {
            NOT_REPORTED
        } else {
            ONLY_REPORTED
        }
    }

    /// The report has the sends of these campaigns no more that only it had. Once a second synchronisation finds that, too, the
    /// campaigns are read again and are in doubt no more.
    async fn withdraw(&self, doubts: &[&Unreadable]) -> Result<(), SyncFailure> {
        let mut listing = Listing::default();
        for doubt in doubts {
            let Subject::Campaign(campaign) = doubt.subject else {
                continue;
            };
            let (missing_from, missing_until) = (doubt.missing_from, doubt.missing_until);
            if doubt.reason == NOT_REPORTED && doubt.tried_at.as_millisecond() != self.began.as_millisecond()
            {
                listing.last_sent.push((campaign, None));
                listing.work.push(SyncWork {
                    campaign,
                    missing_from,
                    missing_until,
                });
            } else {
                let stretch = (missing_from, missing_until);
                self.remember_failed(doubt.subject, stretch, NOT_REPORTED).await?;
                let mut not_reported = self.not_reported.lock().unwrap_or_else(PoisonError::into_inner);
                not_reported.push(campaign);
            }
        }
        self.keep(listing).await
    }

    /// Leaves a listing alone whose first page could not be read a while ago: what it would tell of until now is missing too.
    pub(crate) async fn leave_alone(&self, gap: Unreadable) -> Result<SyncFailure, StoreError> {
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

    async fn without_first_page(
        &self,
        mut walk: Walk,
        failure: SyncFailure,
    ) -> Result<SyncFailure, SyncFailure> {
        if failure.stops_listings() {
            return Err(failure);
        }
        tracing::warn!("a listing is left out: {failure}");
        walk.lack(walk.upper_end(), || failure.public_reason().to_owned());
        if let Some(failure) = walk.failure() {
            let failed = FailedReading {
                failed_at: walk.began,
                ..failure
            };
            self.log.keep_failed(self.owner, failed).await?;
        }
        Ok(failure)
    }

    /// Moves the mark. What is lacking before it is remembered first, so that no kill can come in between.
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

    async fn known(
        &self,
        campaigns: impl Iterator<Item = CampaignId>,
    ) -> Result<Vec<Option<KnownCampaign>>, SyncFailure> {
        let campaigns: Vec<CampaignId> = campaigns.collect();
        Ok(self.log.campaigns(self.owner, &campaigns).await?)
    }

    async fn keep(&self, listing: Listing) -> Result<(), SyncFailure> {
        Ok(self.log.keep_listing(self.owner, listing).await?)
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

/// When the last draft among these that is new or has changed was updated. One without a date may have been just now.
fn last_changed_draft(
    campaigns: &[Campaign],
    known: &[Option<KnownCampaign>],
    now: Timestamp,
) -> Option<Timestamp> {
    let listed = campaigns.iter().zip(known);
    listed
        .filter(|(campaign, known)| rules::is_changed_draft(campaign, known.as_ref()))
        .map(|(campaign, _)| campaign.updated_at.unwrap_or(now))
        .max()
}

fn campaigns_listed(campaigns: Vec<Campaign>, known: &[Option<KnownCampaign>], walk: &Walk) -> Listing {
    let work = campaigns
        .iter()
        .zip(known)
        .filter_map(|(campaign, known)| {
            rules::work_of_listed(campaign, known.as_ref(), walk.from, walk.began)
        })
        .collect();
    let is_news = |(campaign, known): &(Campaign, &Option<KnownCampaign>)| {
        known.as_ref().is_none_or(|known| known.campaign != *campaign)
    };
    let news = campaigns.into_iter().zip(known).filter(is_news);
    Listing {
        campaigns: news.map(|(campaign, _)| campaign).collect(),
        work,
        ..Listing::default()
    }
}

/// A page of the report: what is kept of it, and how many records of known campaigns, which are not read for it, tell no date.
struct SummariesListed {
    listing: Listing,
    dateless: usize,
}

fn summaries_listed(
    summaries: Vec<CampaignSummary>,
    known: &[Option<KnownCampaign>],
    walk: &Walk,
) -> SummariesListed {
    let (mut listing, mut dateless) = (Listing::default(), 0);
    for (summary, known) in summaries.into_iter().zip(known) {
        let known = known.as_ref();
        let last_sent = summary.last_sent_date;
        let work = rules::work_of_summary(summary.id, last_sent, known, walk.from, walk.began);
        let is_gone = known.is_some_and(|known| known.is_gone);
        dateless += usize::from(last_sent.is_none() && work.is_none() && !is_gone);
        listing.work.extend(work);
        if let Some(last_sent) = last_sent
            && known.and_then(|known| known.last_sent_at) != Some(last_sent)
        {
            listing.last_sent.push((summary.id, Some(last_sent)));
        }
    }
    SummariesListed { listing, dateless }
}
