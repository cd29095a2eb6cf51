//! Methods for campaigns and their activities, lists, segments, and statistics.
//!
//! [`FailureClass::NotFound`] means that the requested id does not exist.

use sends_core::{
    ActivityDetail, ActivityId, ActivityStats, Campaign, CampaignDetail, CampaignId, CampaignStats,
    CampaignSummary, ContactList, FromJson, FromJsonOf, Listed, Page, Schedule, Segment, SegmentId,
};

use super::ConstantContact;
#[cfg(doc)]
use crate::FailureClass;
use crate::{
    Batch, BatchAnswer, Caller, CampaignFilter, Endpoint, NextPage, Paged, ResourcePage, UpstreamError,
    listing::{self, PageQuery},
};

impl ConstantContact {
    /// First page of the campaigns, most recently updated first, removed ones included (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn campaigns(
        &self,
        caller: &Caller,
        filter: &CampaignFilter,
    ) -> Result<ResourcePage<Campaign>, UpstreamError> {
        self.first_page(caller, filter.query()).await
    }

    /// First page of the campaigns that were sent, most recently sent first (documented). `limit` is the page size, clamped to 1
    /// to 500.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn campaign_summaries(
        &self,
        caller: &Caller,
        limit: u16,
    ) -> Result<ResourcePage<CampaignSummary>, UpstreamError> {
        self.first_page(caller, listing::summaries(limit)).await
    }

    /// First page of the contact lists with up to 500 of them, deleted ones included.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::Forbidden`] without the scope `contact_data`.
    pub async fn contact_lists(&self, caller: &Caller) -> Result<ResourcePage<ContactList>, UpstreamError> {
        self.first_page(caller, listing::contact_lists()).await
    }

    /// First page of the segments with up to 1,000 of them, without deleted ones (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::Forbidden`] without the scope `contact_data`.
    pub async fn segments(&self, caller: &Caller) -> Result<ResourcePage<Segment>, UpstreamError> {
        self.first_page(caller, listing::segments()).await
    }

    /// The next page of a listing.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::Rejected`] for an expired cursor (inferred).
    pub async fn next_page<T: Paged>(
        &self,
        caller: &Caller,
        next: &NextPage<T>,
    ) -> Result<ResourcePage<T>, UpstreamError> {
        self.page(caller, next.clone()).await
    }

    /// One campaign with its activities. A listed campaign may not be found (observed).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn campaign(
        &self,
        caller: &Caller,
        campaign: CampaignId,
    ) -> Result<CampaignDetail, UpstreamError> {
        self.read_one(caller, &Endpoint::Campaign(campaign), campaign)
            .await
    }

    /// Current state of one activity. A removed one is not found (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn activity(
        &self,
        caller: &Caller,
        activity: ActivityId,
    ) -> Result<ActivityDetail, UpstreamError> {
        self.read_one(caller, &Endpoint::Activity(activity), activity)
            .await
    }

    /// Scheduled dates of one activity.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`].
    pub async fn schedule(&self, caller: &Caller, activity: ActivityId) -> Result<Schedule, UpstreamError> {
        self.read(caller, &Endpoint::Schedule(activity)).await
    }

    /// Statistics of several activities. Ids that are unknown to the upstream are missing from the result.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::NotFound`] for the whole batch when one id is rejected.
    pub async fn activity_stats(
        &self,
        caller: &Caller,
        activities: &Batch<ActivityId>,
    ) -> Result<BatchAnswer<ActivityStats>, UpstreamError> {
        self.batch(caller, Endpoint::ActivityStats(activities.clone()))
            .await
    }

    /// Statistics of several campaigns.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::NotFound`] for the whole batch when one id is unknown.
    pub async fn campaign_stats(
        &self,
        caller: &Caller,
        campaigns: &Batch<CampaignId>,
    ) -> Result<BatchAnswer<CampaignStats>, UpstreamError> {
        self.batch(caller, Endpoint::CampaignStats(campaigns.clone()))
            .await
    }

    /// One segment, even a deleted one (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`]: [`FailureClass::Forbidden`] without the scope `contact_data`.
    pub async fn segment(&self, caller: &Caller, segment: SegmentId) -> Result<Segment, UpstreamError> {
        self.read_one(caller, &Endpoint::Segment(segment), segment).await
    }

    async fn first_page<T: Paged>(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<ResourcePage<T>, UpstreamError> {
        self.page(caller, NextPage::first(query)).await
    }

    async fn page<T: Paged>(
        &self,
        caller: &Caller,
        requested: NextPage<T>,
    ) -> Result<ResourcePage<T>, UpstreamError> {
        let base = self.pipeline.transport.base_url();
        let decoded = self.decode(caller, &requested.endpoint(), Page::decode).await?;
        Ok(ResourcePage::of(decoded, requested, base))
    }

    async fn batch<T: Listed>(
        &self,
        caller: &Caller,
        endpoint: Endpoint,
    ) -> Result<BatchAnswer<T>, UpstreamError> {
        let decoded = self.decode(caller, &endpoint, Page::decode).await?;
        Ok(BatchAnswer::of(decoded, endpoint))
    }

    async fn read_one<Id: Copy, T: FromJsonOf<Id>>(
        &self,
        caller: &Caller,
        endpoint: &Endpoint,
        requested: Id,
    ) -> Result<T, UpstreamError> {
        let decoded = self
            .decode(caller, endpoint, |body| T::decode_of(requested, body))
            .await?;
        Ok(decoded.value)
    }
}
