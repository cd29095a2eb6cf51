//! Finding out what changed: the pages of campaigns and of summaries, and the work that follows from them.
//!
//! Must not know how a campaign is read.

use sends_core::{Campaign, CampaignId, CampaignSummary};
use sends_store::{KnownCampaign, Listing, SyncState};

use crate::{Progress, Stage, obstacle::Obstacle, rules, run::Synchronisation};

impl Synchronisation {
    /// Lists what was updated since the last listing. With the end of the listing, and not before, the state says so.
    pub(crate) async fn list_campaigns(&self, state: &mut SyncState) -> Result<(), Obstacle> {
        let began = self.clock.now();
        let updated_after = state.listed_at.map(rules::listed_from);
        let mut page = self.upstream.campaigns(updated_after).await?;
        loop {
            self.count_listed(page.records.len());
            let known = self
                .known(page.records.iter().map(|campaign| campaign.id))
                .await?;
            let mut listing = campaigns_listed(page.records, &known, began);
            if page.next.is_none() && page.cut_short.is_none() {
                state.listed_at = Some(began);
                listing.state = Some(state.clone());
            }
            self.keep(listing).await?;
            if page.cut_short.is_some() {
                return Err(Obstacle::Partial(
                    "Constant Contact's list of campaigns cannot be read to its end: a link to the next page is wrong.",
                ));
            }
            let Some(next) = page.next else { return Ok(()) };
            self.check_stop()?;
            page = self.upstream.more_campaigns(next).await?;
        }
    }

    /// Holds the summaries report against the log: all of it at first, and then as far as it has news.
    pub(crate) async fn list_summaries(&self, state: &mut SyncState) -> Result<(), Obstacle> {
        let began = self.clock.now();
        let is_first = state.reports_read_at.is_none();
        let mut page = self.upstream.summaries().await?;
        loop {
            let known = self.known(page.records.iter().map(|summary| summary.id)).await?;
            let count = page.records.len();
            let mut listing = summaries_listed(page.records, &known);
            let goes_on = is_first || listing.work.len() == count;
            let next = page.next.filter(|_| goes_on);
            let is_cut_short = page.cut_short.is_some() && goes_on;
            if next.is_none() && !is_cut_short {
                state.reports_read_at = Some(began);
                listing.state = Some(state.clone());
            }
            self.keep(listing).await?;
            if is_cut_short {
                return Err(Obstacle::Partial(
                    "Constant Contact's report of sent campaigns cannot be read to its end: a link to the next page is wrong.",
                ));
            }
            let Some(next) = next else { return Ok(()) };
            self.check_stop()?;
            page = self.upstream.more_summaries(next).await?;
        }
    }

    async fn known(
        &self,
        campaigns: impl Iterator<Item = CampaignId>,
    ) -> Result<Vec<Option<KnownCampaign>>, Obstacle> {
        let campaigns: Vec<CampaignId> = campaigns.collect();
        Ok(self.log.campaigns(self.owner, &campaigns).await?)
    }

    async fn keep(&self, listing: Listing) -> Result<(), Obstacle> {
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

fn campaigns_listed(
    campaigns: Vec<Campaign>,
    known: &[Option<KnownCampaign>],
    now: jiff::Timestamp,
) -> Listing {
    let work = campaigns
        .iter()
        .zip(known)
        .filter_map(|(campaign, known)| rules::work_of_listed(campaign, known.as_ref(), now))
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

fn summaries_listed(summaries: Vec<CampaignSummary>, known: &[Option<KnownCampaign>]) -> Listing {
    let mut listing = Listing::default();
    for (summary, known) in summaries.into_iter().zip(known) {
        let Some(last_sent) = summary.last_sent_date else {
            continue;
        };
        listing
            .work
            .extend(rules::work_of_summary(summary.id, last_sent, known.as_ref()));
        if known.as_ref().and_then(|known| known.last_sent_at) != Some(last_sent) {
            listing.last_sent.push((summary.id, last_sent));
        }
    }
    listing
}
