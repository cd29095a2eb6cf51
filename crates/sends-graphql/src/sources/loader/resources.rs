//! Loads what stands around the histories that one operation asks for.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, LazyLock,
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
    sources::histories::{ReadError, RequestContext},
    sources::resources::{CampaignPage, ContactLists, Counted, Known, Resources},
};

/// The loaders of one operation for everything but histories. They are made when one of them is needed: most operations ask
/// for nothing but histories.
pub struct ResourceLoader(LazyLock<Loaders, Make>);

type Make = Box<dyn FnOnce() -> Loaders + Send>;

struct Loaders {
    resources: Resources,
    context: RequestContext,
    campaign_pages: Keyed<CampaignFilter, Arc<CampaignPage>>,
    campaigns: Keyed<CampaignId, Arc<CampaignDetail>>,
    activities: Keyed<ActivityId, Arc<ActivityDetail>>,
    schedules: Keyed<ActivityId, Arc<Schedule>>,
    activity_stats: Keyed<ActivityId, Known<ActivityStats>>,
    campaign_stats: Keyed<CampaignId, Known<CampaignStats>>,
    contact_lists: Keyed<(), Arc<ContactLists>>,
    segments: Keyed<SegmentId, Option<Arc<Segment>>>,
    accounts: Keyed<(), Arc<AccountSummary>>,
    names_failed: AtomicBool,
    account_failed: AtomicBool,
}

/// A loader that reads one by one with a method of [`Resources`].
macro_rules! by {
    ($method:ident, $resources:ident, $context:ident) => {{
        let (resources, context) = ($resources.clone(), $context.clone());
        Keyed::one_by_one(move |key| {
            let (resources, context) = (resources.clone(), context.clone());
            async move { resources.$method(&context, key).await }
        })
    }};
    ($method:ident, $resources:ident, $context:ident, without_key) => {{
        let (resources, context) = ($resources.clone(), $context.clone());
        Keyed::one_by_one(move |()| {
            let (resources, context) = (resources.clone(), context.clone());
            async move { resources.$method(&context).await }
        })
    }};
}

impl Loaders {
    fn new(resources: Resources, context: RequestContext) -> Self {
        Self {
            campaign_pages: by!(campaign_page, resources, context),
            campaigns: by!(campaign, resources, context),
            activities: by!(activity, resources, context),
            schedules: by!(schedule, resources, context),
            activity_stats: stats(resources.clone(), context.clone()),
            campaign_stats: stats(resources.clone(), context.clone()),
            contact_lists: by!(contact_lists, resources, context, without_key),
            segments: segments(resources.clone(), context.clone()),
            accounts: by!(account, resources, context, without_key),
            names_failed: AtomicBool::default(),
            account_failed: AtomicBool::default(),
            resources,
            context,
        }
    }
}

impl ResourceLoader {
    /// The loaders for one operation.
    pub fn new(resources: Resources, context: RequestContext) -> Self {
        Self(LazyLock::new(Box::new(|| Loaders::new(resources, context))))
    }

    /// The first page of the campaigns that meet a filter.
    ///
    /// # Errors
    ///
    /// [`ReadError`], the same for everyone who asks this loader the same question, here and in every other method.
    pub async fn campaign_page(&self, filter: CampaignFilter) -> Result<Arc<CampaignPage>, ReadError> {
        self.0.campaign_pages.load(filter).await
    }

    /// The page after another one.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn next_campaign_page(&self, next: &NextPage<Campaign>) -> Result<CampaignPage, ReadError> {
        self.0.resources.next_campaign_page(&self.0.context, next).await
    }

    /// One campaign with its activities.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign(&self, id: CampaignId) -> Result<Arc<CampaignDetail>, ReadError> {
        self.0.campaigns.load(id).await
    }

    /// One activity as it is now.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity(&self, id: ActivityId) -> Result<Arc<ActivityDetail>, ReadError> {
        self.0.activities.load(id).await
    }

    /// The campaign of an activity, if an earlier read has shown it, with its record if that was read. Makes no upstream call.
    pub fn known_campaign(&self, activity: ActivityId) -> Option<(CampaignId, Option<Campaign>)> {
        self.0.resources.known_campaign(&self.0.context, activity)
    }

    /// When one activity is to be sent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn schedule(&self, id: ActivityId) -> Result<Arc<Schedule>, ReadError> {
        self.0.schedules.load(id).await
    }

    /// The statistics of one activity, as far as the upstream tells any.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity_stats(&self, id: ActivityId) -> Result<Known<ActivityStats>, ReadError> {
        self.0.activity_stats.load(id).await
    }

    /// Asks for the statistics of these activities together, and does not wait for the answers.
    pub async fn start_activity_stats(&self, ids: Vec<ActivityId>) {
        self.0.activity_stats.start(ids).await;
    }

    /// The statistics of one campaign, as far as the upstream tells any.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign_stats(&self, id: CampaignId) -> Result<Known<CampaignStats>, ReadError> {
        self.0.campaign_stats.load(id).await
    }

    /// Every contact list of the account.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn contact_lists(&self) -> Result<Arc<ContactLists>, ReadError> {
        self.0.contact_lists.load(()).await
    }

    /// One segment; `None` when it is gone.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn segment(&self, id: SegmentId) -> Result<Option<Arc<Segment>>, ReadError> {
        self.0.segments.load(id).await
    }

    /// Whose account it is.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn account(&self) -> Result<Arc<AccountSummary>, ReadError> {
        self.0.accounts.load(()).await
    }

    /// Whether this is the first failure in this operation to read what lists and segments are called. A missing scope
    /// would otherwise be told once for every row of every send.
    pub fn first_failure_of_names(&self) -> bool {
        !self.0.names_failed.swap(true, Ordering::Relaxed)
    }

    /// Whether this is the first failure in this operation to read the account, which every date may ask for.
    pub fn first_failure_of_account(&self) -> bool {
        !self.0.account_failed.swap(true, Ordering::Relaxed)
    }
}

/// What is known is ready; the rest is asked for in as few calls as it fits into, each of which is waited for by those who
/// need it.
fn stats<Id: Counted>(resources: Resources, context: RequestContext) -> Keyed<Id, Known<Id::Stats>> {
    Keyed::in_batches(move |ids: &[Id]| {
        let (mut pending, mut unknown) = (HashMap::with_capacity(ids.len()), Vec::new());
        for &id in ids {
            match resources.known_stats(&context, id) {
                Some(stats) => {
                    pending.insert(id, Pending::ready(stats));
                }
                None => unknown.push(id),
            }
        }
        // In one order, so that operations that ask for the same share their calls.
        unknown.sort_unstable();
        // The upstream refuses drafts together with whatever is asked for beside them.
        let (drafts, others): (Vec<Id>, Vec<Id>) = unknown
            .into_iter()
            .partition(|&id| resources.is_known_draft(&context, id));
        for batch in Batch::split(&others).into_iter().chain(Batch::split(&drafts)) {
            let (resources, context, ids) = (resources.clone(), context.clone(), batch.ids().to_vec());
            let whole = Pending::start(async move { Ok(Arc::new(resources.stats(&context, batch).await)) });
            pending.extend(each_of(&whole, &ids));
        }
        pending
    })
}

fn segments(resources: Resources, context: RequestContext) -> Keyed<SegmentId, Option<Arc<Segment>>> {
    Keyed::in_batches(move |ids: &[SegmentId]| {
        let (resources, context, wanted) = (resources.clone(), context.clone(), ids.to_vec());
        let reading = async move { resources.segments(&context, &wanted).await.map(Arc::new) };
        each_of(&Pending::start(reading), ids).collect()
    })
}

/// Each of these by itself, out of what is read of them together.
fn each_of<K, V>(
    whole: &Pending<Arc<HashMap<K, Result<V, ReadError>>>>,
    keys: &[K],
) -> impl Iterator<Item = (K, Pending<V>)>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    keys.iter().map(|&key| {
        let take = move |all: Arc<HashMap<K, Result<V, ReadError>>>| {
            all.get(&key).cloned().unwrap_or(Err(ReadError::Lost))
        };
        (key, whole.then(take))
    })
}
