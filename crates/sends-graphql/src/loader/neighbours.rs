//! Loads what stands around the histories that one operation asks for.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sends_client::{Batch, CampaignFilter, NextPage};
use sends_core::{
    AccountSummary, ActivityDetail, ActivityId, ActivityStats, Campaign, CampaignDetail, CampaignId,
    CampaignStats, Schedule, Segment, SegmentId,
};

use super::keyed::{Keyed, Pending};
use crate::{
    histories::{Asker, ReadError},
    neighbours::{CampaignPage, ContactLists, Counted, Neighbours, StatsById},
};

/// The loaders of one operation for everything but histories.
pub struct NeighbourLoader {
    neighbours: Neighbours,
    asker: Asker,
    campaign_pages: Keyed<CampaignFilter, Arc<CampaignPage>>,
    campaigns: Keyed<CampaignId, Arc<CampaignDetail>>,
    activities: Keyed<ActivityId, Arc<ActivityDetail>>,
    schedules: Keyed<ActivityId, Arc<Schedule>>,
    activity_stats: Keyed<ActivityId, Option<Arc<ActivityStats>>>,
    campaign_stats: Keyed<CampaignId, Option<Arc<CampaignStats>>>,
    contact_lists: Keyed<(), Arc<ContactLists>>,
    segments: Keyed<SegmentId, Arc<Segment>>,
    accounts: Keyed<(), Arc<AccountSummary>>,
    names_failed: AtomicBool,
    account_failed: AtomicBool,
}

/// A loader that reads one by one with a method of [`Neighbours`].
macro_rules! by {
    ($method:ident, $neighbours:ident, $asker:ident) => {{
        let (neighbours, asker) = ($neighbours.clone(), $asker.clone());
        Keyed::one_by_one(move |key| {
            let (neighbours, asker) = (neighbours.clone(), asker.clone());
            async move { neighbours.$method(&asker, key).await }
        })
    }};
    ($method:ident, $neighbours:ident, $asker:ident, without_key) => {{
        let (neighbours, asker) = ($neighbours.clone(), $asker.clone());
        Keyed::one_by_one(move |()| {
            let (neighbours, asker) = (neighbours.clone(), asker.clone());
            async move { neighbours.$method(&asker).await }
        })
    }};
}

/// A loader that reads in batches with a pair of methods of [`Neighbours`].
macro_rules! batched_by {
    ($known:ident, $method:ident, $neighbours:ident, $asker:ident) => {{
        let (neighbours, asker) = ($neighbours.clone(), $asker.clone());
        Keyed::in_batches(move |ids| {
            let known = |id| neighbours.$known(&asker, id);
            start_batches(ids, known, |batch| {
                let (neighbours, asker) = (neighbours.clone(), asker.clone());
                async move { neighbours.$method(&asker, batch).await }
            })
        })
    }};
}

impl NeighbourLoader {
    /// The loaders for one operation.
    pub fn new(neighbours: Neighbours, asker: Asker) -> Self {
        Self {
            campaign_pages: by!(campaign_page, neighbours, asker),
            campaigns: by!(campaign, neighbours, asker),
            activities: by!(activity, neighbours, asker),
            schedules: by!(schedule, neighbours, asker),
            activity_stats: batched_by!(known_activity_stats, activity_stats, neighbours, asker),
            campaign_stats: batched_by!(known_campaign_stats, campaign_stats, neighbours, asker),
            contact_lists: by!(contact_lists, neighbours, asker, without_key),
            segments: segments(neighbours.clone(), asker.clone()),
            accounts: by!(account, neighbours, asker, without_key),
            names_failed: AtomicBool::default(),
            account_failed: AtomicBool::default(),
            neighbours,
            asker,
        }
    }
    /// The first page of the campaigns that meet a filter.
    ///
    /// # Errors
    ///
    /// [`ReadError`], the same for everyone who asks this loader the same question, here and in every other method.
    pub async fn campaign_page(&self, filter: CampaignFilter) -> Result<Arc<CampaignPage>, ReadError> {
        self.campaign_pages.load(filter).await
    }

    /// The page after another one.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn next_campaign_page(&self, next: &NextPage<Campaign>) -> Result<CampaignPage, ReadError> {
        self.neighbours.next_campaign_page(&self.asker, next).await
    }

    /// One campaign with its activities.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign(&self, id: CampaignId) -> Result<Arc<CampaignDetail>, ReadError> {
        self.campaigns.load(id).await
    }

    /// One activity as it is now.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity(&self, id: ActivityId) -> Result<Arc<ActivityDetail>, ReadError> {
        self.activities.load(id).await
    }

    /// When one activity is to be sent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn schedule(&self, id: ActivityId) -> Result<Arc<Schedule>, ReadError> {
        self.schedules.load(id).await
    }

    /// The statistics of one activity; `None` when the upstream does not know it.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity_stats(&self, id: ActivityId) -> Result<Option<Arc<ActivityStats>>, ReadError> {
        self.activity_stats.load(id).await
    }

    /// The statistics of one campaign; `None` when the upstream does not know it.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign_stats(&self, id: CampaignId) -> Result<Option<Arc<CampaignStats>>, ReadError> {
        self.campaign_stats.load(id).await
    }

    /// Every contact list of the account.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn contact_lists(&self) -> Result<Arc<ContactLists>, ReadError> {
        self.contact_lists.load(()).await
    }

    /// One segment.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn segment(&self, id: SegmentId) -> Result<Arc<Segment>, ReadError> {
        self.segments.load(id).await
    }

    /// Whose account it is.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn account(&self) -> Result<Arc<AccountSummary>, ReadError> {
        self.accounts.load(()).await
    }

    /// Whether this is the first failure in this operation to read what lists and segments are called. A missing scope
    /// would otherwise be told once for every row of every send.
    pub fn first_failure_of_names(&self) -> bool {
        !self.names_failed.swap(true, Ordering::Relaxed)
    }

    /// Whether this is the first failure in this operation to read the account, which every date may ask for.
    pub fn first_failure_of_account(&self) -> bool {
        !self.account_failed.swap(true, Ordering::Relaxed)
    }
}

/// What is known is ready; the rest is asked for in as few calls as it fits into, each of which is waited for by those who
/// need it.
fn start_batches<Id, R>(
    ids: &[Id],
    known: impl Fn(Id) -> Option<Arc<Id::Stats>>,
    read: impl Fn(Batch<Id>) -> R,
) -> HashMap<Id, Pending<Option<Arc<Id::Stats>>>>
where
    Id: Counted,
    R: Future<Output = Result<StatsById<Id>, ReadError>> + Send + 'static,
{
    let (mut pending, mut unknown) = (HashMap::with_capacity(ids.len()), Vec::new());
    for &id in ids {
        match known(id) {
            Some(stats) => {
                pending.insert(id, Pending::ready(Some(stats)));
            }
            None => unknown.push(id),
        }
    }
    for batch in Batch::split(&unknown) {
        let ids = batch.ids().to_vec();
        let reading = read(batch);
        let whole = Pending::start(async move { reading.await.map(Arc::new) });
        for id in ids {
            let take = move |all: Arc<StatsById<Id>>| Ok(all.get(&id).cloned().flatten());
            pending.insert(id, whole.then(take));
        }
    }
    pending
}

fn segments(neighbours: Neighbours, asker: Asker) -> Keyed<SegmentId, Arc<Segment>> {
    Keyed::in_batches(move |ids: &[SegmentId]| {
        let (neighbours, asker, wanted) = (neighbours.clone(), asker.clone(), ids.to_vec());
        let reading = async move { neighbours.segments(&asker, &wanted).await.map(Arc::new) };
        let whole = Pending::start(reading);
        let one = |&id: &SegmentId| {
            let take = move |all: Arc<HashMap<SegmentId, Result<Arc<Segment>, ReadError>>>| {
                all.get(&id).cloned().unwrap_or(Err(ReadError::Lost))
            };
            (id, whole.then(take))
        };
        ids.iter().map(one).collect()
    })
}
