//! Reads campaigns, activities, contact lists, segments, statistics and the account.
//!
//! Responses are cached in memory for a limited time, and concurrent operations that need the same resource share one call. If
//! the upstream fails, the last response is returned as stale. Each [`Owner`] reads only its own entries. Histories have a
//! separate module ([`histories`](crate::sources::histories)), because they are stored.
//!
//! Unlike histories, fields of these resources have no `maxAge` argument. The maximum age is one minute by default, and one
//! response serves many objects, which are therefore equally old.
//!
//! `cache.rs` is the response cache, `names.rs` reads the names of contact lists and segments, and `stats.rs` fetches statistics
//! in batches.

mod cache;
mod names;
mod stats;

use std::{hash::Hash, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::{SignedDuration, Timestamp};
use sends_client::{
    Batch, CampaignFilter, Clock, ConstantContact, FailureClass, NextPage, ResourcePage, UpstreamError,
};
use sends_core::{
    AccountSummary, ActivityDetail, ActivityId, ActivityRole, ActivityStats, Campaign, CampaignDetail,
    CampaignId, CampaignStats, CampaignStatus, Schedule, Segment, SegmentId, Verbatim,
};
#[cfg(doc)]
use sends_store::Owner;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use self::stats::{Counted, WholeBatch};
use self::{cache::ResourceCache, stats::Practice};
pub use self::{
    names::{ContactLists, Gap, Segments, SegmentsById},
    stats::{Known, Told},
};
use crate::{
    bulkheads::places,
    sources::histories::{Kind, ReadError, RequestContext},
};

pub type CampaignPage = ResourcePage<Campaign>;

/// Maximum number of cached single resources of one kind, across all owners.
const SINGLE: usize = 20_000;
/// Maximum number of cached batches of one kind, across all owners.
const BATCHES: usize = 100;
/// Maximum size of the cached listings of one kind, across all owners, in bytes: 1,600 pages of 50 campaigns.
const LISTING_BYTES: usize = 16 << 20;

#[derive(Clone)]
pub struct Resources(Arc<Shelves>);

pub(crate) struct Shelves {
    client: ConstantContact,
    clock: Arc<dyn Clock>,
    ending: CancellationToken,
    campaign_pages: ResourceCache<CampaignFilter, CampaignPage>,
    campaigns: ResourceCache<CampaignId, CampaignDetail>,
    activities: ResourceCache<ActivityId, ActivityDetail>,
    /// Campaign of each activity, from responses for campaigns and activities.
    campaigns_of_activities: ResourceCache<ActivityId, CampaignId>,
    /// Roles of activities, as seen in responses about activities or campaigns.
    roles_of_activities: ResourceCache<ActivityId, Verbatim<ActivityRole>>,
    schedules: ResourceCache<ActivityId, Schedule>,
    activity_stats: ResourceCache<ActivityId, Told<ActivityStats>>,
    campaign_stats: ResourceCache<CampaignId, Told<CampaignStats>>,
    /// Activities whose last reported status is draft. Drafts usually have no statistics.
    draft_activities: ResourceCache<ActivityId, ()>,
    draft_campaigns: ResourceCache<CampaignId, ()>,
    activity_practice: Mutex<Practice>,
    campaign_practice: Mutex<Practice>,
    activity_batches: ResourceCache<Batch<ActivityId>, WholeBatch<ActivityId>>,
    campaign_batches: ResourceCache<Batch<CampaignId>, WholeBatch<CampaignId>>,
    contact_lists: ResourceCache<(), ContactLists>,
    segments: ResourceCache<(), Segments>,
    unlisted_segments: ResourceCache<SegmentId, Option<Arc<Segment>>>,
    accounts: ResourceCache<(), AccountSummary>,
}

impl Resources {
    /// Caches responses of `client` for `max_age`. Cancelling `ending` cancels all waits for the upstream.
    pub fn new(
        client: ConstantContact,
        clock: Arc<dyn Clock>,
        max_age: Duration,
        ending: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shelves {
            client,
            clock,
            ending,
            campaign_pages: ResourceCache::of_listings(
                Kind::CampaignPage,
                LISTING_BYTES,
                max_age,
                page_bytes,
            ),
            campaigns: ResourceCache::new(Kind::Campaign, SINGLE, max_age),
            activities: ResourceCache::new(Kind::Activity, SINGLE, max_age),
            campaigns_of_activities: ResourceCache::new(Kind::Activity, SINGLE, max_age),
            roles_of_activities: ResourceCache::new(Kind::Activity, SINGLE, max_age),
            schedules: ResourceCache::new(Kind::Activity, SINGLE, max_age),
            activity_stats: ResourceCache::new(Kind::Stats, SINGLE, max_age),
            campaign_stats: ResourceCache::new(Kind::Stats, SINGLE, max_age),
            draft_activities: ResourceCache::new(Kind::Activity, SINGLE, max_age),
            draft_campaigns: ResourceCache::new(Kind::Campaign, SINGLE, max_age),
            activity_practice: Mutex::default(),
            // Constant Contact documents that one unknown id fails the whole batch.
            campaign_practice: Mutex::new(Practice::Refuses),
            activity_batches: ResourceCache::new(Kind::Stats, BATCHES, max_age),
            campaign_batches: ResourceCache::new(Kind::Stats, BATCHES, max_age),
            contact_lists: ResourceCache::of_listings(
                Kind::ContactLists,
                LISTING_BYTES,
                max_age,
                ContactLists::bytes,
            ),
            segments: ResourceCache::of_listings(
                Kind::Segments,
                LISTING_BYTES,
                max_age,
                names::segment_bytes,
            ),
            unlisted_segments: ResourceCache::new(Kind::Segments, SINGLE, max_age),
            accounts: ResourceCache::new(Kind::Account, SINGLE, max_age),
        }))
    }

    /// Returns the first page of campaigns that match a filter, most recently updated first.
    pub async fn campaign_page(
        &self,
        context: &RequestContext,
        filter: CampaignFilter,
    ) -> Result<Arc<CampaignPage>, ReadError> {
        let read = async {
            let page = self.0.client.campaigns(&context.caller, &filter).await?;
            for campaign in &page.records {
                note_status(
                    &self.0.draft_campaigns,
                    context,
                    campaign.id,
                    campaign.status.as_deref(),
                );
            }
            Ok(page)
        };
        self.read(context, &self.0.campaign_pages, filter, read).await
    }

    /// Fetches the next page. The page is not cached, because most operations need only one page.
    pub async fn next_campaign_page(
        &self,
        context: &RequestContext,
        next: &NextPage<Campaign>,
    ) -> Result<CampaignPage, ReadError> {
        let read = self.until_the_end(self.0.client.next_page(&context.caller, next));
        let read = places::waiting(read).await;
        read.unwrap_or(Err(ReadError::Overloaded))
    }

    pub async fn campaign(
        &self,
        context: &RequestContext,
        id: CampaignId,
    ) -> Result<Arc<CampaignDetail>, ReadError> {
        let read = async {
            let detail = self.0.client.campaign(&context.caller, id).await?;
            let status = detail.campaign.status.as_deref();
            note_status(&self.0.draft_campaigns, context, id, status);
            for activity in &detail.activities {
                note_status(&self.0.draft_activities, context, activity.id, status);
                self.note_campaign(context, activity.id, id);
                self.note_role(context, activity.id, activity.role.as_ref());
            }
            Ok(detail)
        };
        self.read(context, &self.0.campaigns, id, read).await
    }

    pub async fn activity(
        &self,
        context: &RequestContext,
        id: ActivityId,
    ) -> Result<Arc<ActivityDetail>, ReadError> {
        let read = async {
            let activity = self.0.client.activity(&context.caller, id).await?;
            note_status(&self.0.draft_activities, context, id, activity.status.as_deref());
            self.note_role(context, id, activity.role.as_ref());
            if let Some(campaign) = activity.campaign {
                self.note_campaign(context, id, campaign);
            }
            Ok(activity)
        };
        self.read(context, &self.0.activities, id, read).await
    }

    fn note_campaign(&self, context: &RequestContext, activity: ActivityId, campaign: CampaignId) {
        let campaigns = &self.0.campaigns_of_activities;
        campaigns.put(context.owner, activity, Arc::new(campaign), Instant::now());
    }

    fn note_role(
        &self,
        context: &RequestContext,
        activity: ActivityId,
        role: Option<&Verbatim<ActivityRole>>,
    ) {
        if let Some(role) = role {
            let role = Arc::new(role.clone());
            self.0
                .roles_of_activities
                .put(context.owner, activity, role, Instant::now());
        }
    }

    /// The role of an activity, which never changes. `None` unless seen in an earlier response. Makes no upstream call.
    pub fn known_role(
        &self,
        context: &RequestContext,
        activity: ActivityId,
    ) -> Option<Arc<Verbatim<ActivityRole>>> {
        let (role, _) = self.0.roles_of_activities.last(context.owner, &activity)?;
        Some(role)
    }

    /// Returns the campaign of an activity and the campaign's record, if earlier responses contained them. Makes no upstream
    /// call.
    pub fn known_campaign(
        &self,
        context: &RequestContext,
        activity: ActivityId,
    ) -> Option<(CampaignId, Option<Campaign>)> {
        let is_permitted = |age: Duration| context.oldest.is_none_or(|oldest| age <= oldest);
        let (id, age) = self.0.campaigns_of_activities.last(context.owner, &activity)?;
        let record = self.0.campaigns.last(context.owner, &id);
        let record = record.filter(|(_, age)| is_permitted(*age));
        is_permitted(age).then(|| (*id, record.map(|(detail, _)| detail.campaign.clone())))
    }

    pub async fn schedule(
        &self,
        context: &RequestContext,
        id: ActivityId,
    ) -> Result<Arc<Schedule>, ReadError> {
        let read = self.0.client.schedule(&context.caller, id);
        self.read(context, &self.0.schedules, id, read).await
    }

    pub async fn account(&self, context: &RequestContext) -> Result<Arc<AccountSummary>, ReadError> {
        let read = self.0.client.account_summary(&context.caller);
        self.read(context, &self.0.accounts, (), read).await
    }

    /// Returns the cached response or fetches it. Falls back to the last response if the fetch fails.
    async fn read<K: Clone + Eq + Hash, V>(
        &self,
        context: &RequestContext,
        answers: &ResourceCache<K, V>,
        key: K,
        call: impl Future<Output = Result<V, UpstreamError>> + Send,
    ) -> Result<Arc<V>, ReadError> {
        let read = answers.get_or(context.owner, key.clone(), self.until_the_end(call));
        let read = places::waiting(read).await;
        read.unwrap_or(Err(ReadError::Overloaded))
            .or_else(|error| self.instead(context, answers, &key, error))
    }

    /// Returns the last response as stale after a failed call, or `error` if no stale response may be returned.
    fn instead<K: Clone + Eq + Hash, V>(
        &self,
        context: &RequestContext,
        answers: &ResourceCache<K, V>,
        key: &K,
        error: ReadError,
    ) -> Result<Arc<V>, ReadError> {
        if error.is_refusal() {
            answers.forget(context.owner, key);
        }
        let last = answers
            .last(context.owner, key)
            .filter(|(_, age)| context.oldest.is_none_or(|oldest| *age <= oldest));
        let (Some(reason), Some((answer, age))) = (error.stale_reason(), last) else {
            return Err(error);
        };
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        let fetched_at = self.0.clock.now().saturating_sub(age).unwrap_or(Timestamp::MIN);
        context.stale.note(answers.kind(), fetched_at, reason);
        Ok(answer)
    }

    /// Runs an upstream call until shutdown cancels it. The future is boxed, because it is large and contained in all other
    /// futures of this module.
    fn until_the_end<'a, T: 'a>(
        &'a self,
        read: impl Future<Output = Result<T, UpstreamError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, ReadError>> {
        let read = async move {
            tokio::select! {
                biased;
                read = read => read.map_err(|error| {
                    // The failure is not logged as a warning, because a missing resource is no fault and a caller can request it
                    // any number of times.
                    if error.attempts == 0 || error.class == FailureClass::NotFound {
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

/// Approximate size of a page in memory.
fn page_bytes(page: &CampaignPage) -> usize {
    let of_record = |campaign: &Campaign| {
        let texts = [&campaign.name, &campaign.campaign_type];
        let texts = texts.into_iter().flatten().map(String::len);
        size_of::<(Campaign, usize)>() + texts.sum::<usize>()
    };
    size_of::<CampaignPage>() + page.records.iter().map(of_record).sum::<usize>()
}

/// Records whether an activity or a campaign is a draft.
fn note_status<Id: Clone + Eq + Hash>(
    drafts: &ResourceCache<Id, ()>,
    context: &RequestContext,
    id: Id,
    status: Option<&CampaignStatus>,
) {
    if status == Some(&CampaignStatus::Draft) {
        drafts.put(context.owner, id, Arc::new(()), Instant::now());
    } else {
        drafts.withdraw(context.owner, &id);
    }
}
