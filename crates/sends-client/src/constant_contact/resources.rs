//! Methods for campaigns, activities, lists, segments and statistics.
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
    /// Fetches the first page of the campaigns, most recently updated first, including removed campaigns (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn campaigns(
        &self,
        caller: &Caller,
        filter: &CampaignFilter,
    ) -> Result<ResourcePage<Campaign>, UpstreamError> {
        self.first_page(caller, filter.query()).await
    }

    /// Fetches the first page of the sent campaigns, most recently sent first (documented). `limit` is the page size, clamped
    /// to the range 1 to 500.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn campaign_summaries(
        &self,
        caller: &Caller,
        limit: u16,
    ) -> Result<ResourcePage<CampaignSummary>, UpstreamError> {
        self.first_page(caller, listing::summaries(limit)).await
    }

    /// Fetches the first page of the contact lists, with up to 500 lists, including deleted lists.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::Forbidden`] if the scope `contact_data` is missing.
    pub async fn contact_lists(&self, caller: &Caller) -> Result<ResourcePage<ContactList>, UpstreamError> {
        self.first_page(caller, listing::contact_lists()).await
    }

    /// Fetches the first page of the segments, with up to 1,000 segments, excluding deleted segments (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::Forbidden`] if the scope `contact_data` is missing.
    pub async fn segments(&self, caller: &Caller) -> Result<ResourcePage<Segment>, UpstreamError> {
        self.first_page(caller, listing::segments()).await
    }

    /// Fetches the next page of a listing.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::Rejected`] for an expired cursor (inferred).
    pub async fn next_page<T: Paged>(
        &self,
        caller: &Caller,
        next: &NextPage<T>,
    ) -> Result<ResourcePage<T>, UpstreamError> {
        self.page(caller, next.clone()).await
    }

    /// Fetches one campaign with its activities. A campaign in a listing may still not be found (observed).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn campaign(
        &self,
        caller: &Caller,
        campaign: CampaignId,
    ) -> Result<CampaignDetail, UpstreamError> {
        self.read_one(caller, &Endpoint::Campaign(campaign), campaign)
            .await
    }

    /// Fetches the current state of one activity. A removed activity is not found (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn activity(
        &self,
        caller: &Caller,
        activity: ActivityId,
    ) -> Result<ActivityDetail, UpstreamError> {
        self.read_one(caller, &Endpoint::Activity(activity), activity)
            .await
    }

    /// Fetches the scheduled dates of one activity.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails.
    pub async fn schedule(&self, caller: &Caller, activity: ActivityId) -> Result<Schedule, UpstreamError> {
        self.read(caller, &Endpoint::Schedule(activity)).await
    }

    /// Fetches the statistics of several activities. The result omits ids that are unknown to the upstream.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::NotFound`] for the whole batch if one id is rejected.
    pub async fn activity_stats(
        &self,
        caller: &Caller,
        activities: &Batch<ActivityId>,
    ) -> Result<BatchAnswer<ActivityStats>, UpstreamError> {
        self.batch(caller, Endpoint::ActivityStats(activities.clone()))
            .await
    }

    /// Fetches the statistics of several campaigns.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::NotFound`] for the whole batch if one id is unknown.
    pub async fn campaign_stats(
        &self,
        caller: &Caller,
        campaigns: &Batch<CampaignId>,
    ) -> Result<BatchAnswer<CampaignStats>, UpstreamError> {
        self.batch(caller, Endpoint::CampaignStats(campaigns.clone()))
            .await
    }

    /// Fetches one segment, even if it is deleted (documented).
    ///
    /// # Errors
    ///
    /// [`UpstreamError`] if the call fails, of class [`FailureClass::Forbidden`] if the scope `contact_data` is missing.
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
