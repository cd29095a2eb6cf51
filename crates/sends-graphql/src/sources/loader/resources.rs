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
    AccountSummary, ActivityDetail, ActivityId, ActivityRole, ActivityStats, Campaign, CampaignDetail,
    CampaignId, CampaignStats, Schedule, Segment, SegmentId, Verbatim,
};

use super::keyed::{Keyed, Pending};
use crate::{
    sources::histories::{ReadError, RequestContext},
    sources::resources::{CampaignPage, ContactLists, Counted, Known, Resources},
};

/// Dataloaders of one operation for all resources except histories. All loads of a key return the same result or failure. The
/// dataloaders are created on first use, because most operations read only histories.
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
    pub fn new(resources: Resources, context: RequestContext) -> Self {
        Self(LazyLock::new(Box::new(|| Loaders::new(resources, context))))
    }

    pub async fn campaign_page(&self, filter: CampaignFilter) -> Result<Arc<CampaignPage>, ReadError> {
        self.0.campaign_pages.load(filter).await
    }

    /// Fetches the next page, with one upstream call each time.
    pub async fn next_campaign_page(&self, next: &NextPage<Campaign>) -> Result<CampaignPage, ReadError> {
        self.0.resources.next_campaign_page(&self.0.context, next).await
    }

    pub async fn campaign(&self, id: CampaignId) -> Result<Arc<CampaignDetail>, ReadError> {
        self.0.campaigns.load(id).await
    }

    pub async fn activity(&self, id: ActivityId) -> Result<Arc<ActivityDetail>, ReadError> {
        self.0.activities.load(id).await
    }

    pub fn known_campaign(&self, activity: ActivityId) -> Option<(CampaignId, Option<Campaign>)> {
        self.0.resources.known_campaign(&self.0.context, activity)
    }

    /// The role of an activity. `None` unless seen in an earlier response. Makes no upstream call.
    pub fn known_role(&self, activity: ActivityId) -> Option<Arc<Verbatim<ActivityRole>>> {
        self.0.resources.known_role(&self.0.context, activity)
    }

    pub async fn schedule(&self, id: ActivityId) -> Result<Arc<Schedule>, ReadError> {
        self.0.schedules.load(id).await
    }

    pub async fn activity_stats(&self, id: ActivityId) -> Result<Known<ActivityStats>, ReadError> {
        self.0.activity_stats.load(id).await
    }

    /// Starts fetching the statistics of these activities in batches, without waiting for the responses.
    pub async fn start_activity_stats(&self, ids: Vec<ActivityId>) {
        self.0.activity_stats.start(ids).await;
    }

    pub async fn campaign_stats(&self, id: CampaignId) -> Result<Known<CampaignStats>, ReadError> {
        self.0.campaign_stats.load(id).await
    }

    pub async fn contact_lists(&self) -> Result<Arc<ContactLists>, ReadError> {
        self.0.contact_lists.load(()).await
    }

    /// Returns `None` if the segment no longer exists.
    pub async fn segment(&self, id: SegmentId) -> Result<Option<Arc<Segment>>, ReadError> {
        self.0.segments.load(id).await
    }

    pub async fn account(&self) -> Result<Arc<AccountSummary>, ReadError> {
        self.0.accounts.load(()).await
    }

    /// Returns whether this is the operation's first failure to read the names of lists and segments. Without this check, a
    /// missing scope would cause an error for every list and segment of every send.
    pub fn first_failure_of_names(&self) -> bool {
        !self.0.names_failed.swap(true, Ordering::Relaxed)
    }

    /// Returns whether this is the operation's first failure to read the account, which every date field can need.
    pub fn first_failure_of_account(&self) -> bool {
        !self.0.account_failed.swap(true, Ordering::Relaxed)
    }
}

/// Creates a loader of statistics. Cached statistics are ready immediately. Other statistics are fetched in as few calls as
/// possible, and a field awaits only the call that it needs.
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
        // The ids are sorted, so that operations with the same ids share their calls.
        unknown.sort_unstable();
        // Drafts are requested separately, because the upstream can reject all ids of a batch that contains a draft.
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
