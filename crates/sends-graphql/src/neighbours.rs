//! What stands around the send history: campaigns, activities, lists, segments, statistics, the account.
//!
//! Owns how long an answer about them is good for, that operations which ask for the same thing at the same time share one
//! call, and how many names one call brings. Nothing here outlives the process, and nothing crosses from one [`Owner`] to
//! another. Histories have their own place ([`histories`](crate::histories)), since theirs are kept and may be stale.
//!
//! `shelf.rs` holds one kind of answer, `stats.rs` asks for statistics in batches.

mod shelf;
mod stats;

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{CampaignFilter, ConstantContact, NextPage, Paged, ResourcePage, UpstreamError};
use sends_core::{
    AccountSummary, ActivityDetail, ActivityId, ActivityStats, Campaign, CampaignDetail, CampaignId,
    CampaignStats, ContactList, ListId, Schedule, Segment, SegmentId,
};
#[cfg(doc)]
use sends_store::Owner;
use tokio_util::sync::CancellationToken;

use self::shelf::Shelf;
pub use self::stats::{Counted, StatsById};
use crate::histories::{Asker, ReadError};

/// The contact lists of an account by their ids.
pub type ContactLists = HashMap<ListId, ContactList>;
/// The segments of an account by their ids, without deleted ones.
pub type Segments = HashMap<SegmentId, Segment>;
/// A page of campaigns.
pub type CampaignPage = ResourcePage<Campaign>;

/// How many single things of a kind are remembered, over all owners.
const SINGLE: usize = 20_000;
/// How many listings of a kind are remembered, over all owners.
const LISTINGS: usize = 100;

/// Reads what stands around histories. Cloning is cheap.
#[derive(Clone)]
pub struct Neighbours(Arc<Shelves>);

struct Shelves {
    client: ConstantContact,
    ending: CancellationToken,
    campaign_pages: Shelf<CampaignFilter, CampaignPage>,
    campaigns: Shelf<CampaignId, CampaignDetail>,
    activities: Shelf<ActivityId, ActivityDetail>,
    schedules: Shelf<ActivityId, Schedule>,
    activity_stats: Shelf<ActivityId, ActivityStats>,
    campaign_stats: Shelf<CampaignId, CampaignStats>,
    contact_lists: Shelf<(), ContactLists>,
    segments: Shelf<(), Segments>,
    single_segments: Shelf<SegmentId, Segment>,
    accounts: Shelf<(), AccountSummary>,
}

impl Neighbours {
    /// Asks `client`, and takes an answer to be good for `max_age`. When `ending` is cancelled, whatever still waits for
    /// the upstream is given up.
    pub fn new(client: ConstantContact, max_age: Duration, ending: CancellationToken) -> Self {
        Self(Arc::new(Shelves {
            client,
            ending,
            campaign_pages: Shelf::new(LISTINGS, max_age),
            campaigns: Shelf::new(SINGLE, max_age),
            activities: Shelf::new(SINGLE, max_age),
            schedules: Shelf::new(SINGLE, max_age),
            activity_stats: Shelf::new(SINGLE, max_age),
            campaign_stats: Shelf::new(SINGLE, max_age),
            contact_lists: Shelf::new(LISTINGS, max_age),
            segments: Shelf::new(LISTINGS, max_age),
            single_segments: Shelf::new(SINGLE, max_age),
            accounts: Shelf::new(LISTINGS, max_age),
        }))
    }

    /// The first page of the campaigns that meet a filter, the last updated first.
    ///
    /// # Errors
    ///
    /// [`ReadError`], here and in every other method.
    pub async fn campaign_page(
        &self,
        asker: &Asker,
        filter: CampaignFilter,
    ) -> Result<Arc<CampaignPage>, ReadError> {
        let read = self.0.client.campaigns(&asker.caller, &filter);
        self.0
            .campaign_pages
            .get_or(asker.owner, filter, self.until_the_end(read))
            .await
    }

    /// The page after another one. It is asked for each time, since it is hardly ever needed.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn next_campaign_page(
        &self,
        asker: &Asker,
        next: &NextPage<Campaign>,
    ) -> Result<CampaignPage, ReadError> {
        self.until_the_end(self.0.client.next_page(&asker.caller, next))
            .await
    }

    /// One campaign with its activities.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign(&self, asker: &Asker, id: CampaignId) -> Result<Arc<CampaignDetail>, ReadError> {
        let read = self.0.client.campaign(&asker.caller, id);
        self.0
            .campaigns
            .get_or(asker.owner, id, self.until_the_end(read))
            .await
    }

    /// One activity as it is now.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity(&self, asker: &Asker, id: ActivityId) -> Result<Arc<ActivityDetail>, ReadError> {
        let read = self.0.client.activity(&asker.caller, id);
        self.0
            .activities
            .get_or(asker.owner, id, self.until_the_end(read))
            .await
    }

    /// When one activity is to be sent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn schedule(&self, asker: &Asker, id: ActivityId) -> Result<Arc<Schedule>, ReadError> {
        let read = self.0.client.schedule(&asker.caller, id);
        self.0
            .schedules
            .get_or(asker.owner, id, self.until_the_end(read))
            .await
    }

    /// Every contact list of the account, deleted ones included.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn contact_lists(&self, asker: &Asker) -> Result<Arc<ContactLists>, ReadError> {
        let read = async {
            let lists = self
                .all(asker, self.0.client.contact_lists(&asker.caller))
                .await?;
            Ok(lists.into_iter().map(|list| (list.id.clone(), list)).collect())
        };
        self.0
            .contact_lists
            .get_or(asker.owner, (), self.until_the_end(read))
            .await
    }

    /// These segments, in as few calls as they can be had with: the listing names all that were not deleted, and what it
    /// leaves out is asked for one by one. Even for one segment the listing is hardly ever the longer way, and it is known
    /// for the next one.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the listing failed; that of a single segment stands in its place.
    pub async fn segments(
        &self,
        asker: &Asker,
        ids: &[SegmentId],
    ) -> Result<HashMap<SegmentId, Result<Arc<Segment>, ReadError>>, ReadError> {
        let listed = self.listed_segments(asker).await?;
        let found = ids.iter().map(|&id| {
            let listed = listed.get(&id).cloned();
            async move {
                let segment = match listed {
                    Some(segment) => Ok(Arc::new(segment)),
                    None => self.segment(asker, id).await,
                };
                (id, segment)
            }
        });
        Ok(futures_util::future::join_all(found).await.into_iter().collect())
    }

    async fn listed_segments(&self, asker: &Asker) -> Result<Arc<Segments>, ReadError> {
        let read = async {
            let segments = self.all(asker, self.0.client.segments(&asker.caller)).await?;
            Ok(segments
                .into_iter()
                .map(|segment| (segment.id, segment))
                .collect())
        };
        self.0
            .segments
            .get_or(asker.owner, (), self.until_the_end(read))
            .await
    }

    async fn segment(&self, asker: &Asker, id: SegmentId) -> Result<Arc<Segment>, ReadError> {
        let read = self.0.client.segment(&asker.caller, id);
        self.0
            .single_segments
            .get_or(asker.owner, id, self.until_the_end(read))
            .await
    }

    /// Whose account it is.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn account(&self, asker: &Asker) -> Result<Arc<AccountSummary>, ReadError> {
        let read = self.0.client.account_summary(&asker.caller);
        self.0
            .accounts
            .get_or(asker.owner, (), self.until_the_end(read))
            .await
    }

    /// The records of all pages from the first on.
    async fn all<T: Paged>(
        &self,
        asker: &Asker,
        first: impl Future<Output = Result<ResourcePage<T>, UpstreamError>>,
    ) -> Result<Vec<T>, UpstreamError> {
        let mut page = first.await?;
        let mut records = page.records;
        while let Some(next) = page.next {
            page = self.0.client.next_page(&asker.caller, &next).await?;
            records.append(&mut page.records);
        }
        Ok(records)
    }

    /// Boxed, since the future of an upstream call is large and stands in all others here.
    fn until_the_end<'a, T: 'a>(
        &'a self,
        read: impl Future<Output = Result<T, UpstreamError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, ReadError>> {
        let read = async move {
            tokio::select! {
                biased;
                read = read => read.map_err(|error| {
                    if error.attempts == 0 {
                        tracing::debug!("{error}");
                    } else {
                        tracing::warn!(upstream_request_id = error.request_id, "{error}");
                    }
                    ReadError::Upstream(Arc::new(error))
                }),
                () = self.0.ending.cancelled() => Err(ReadError::ShuttingDown),
            }
        };
        read.boxed()
    }
}
