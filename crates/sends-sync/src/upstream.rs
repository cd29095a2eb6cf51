//! Upstream interface of a synchronisation.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sends_client::{NextPage, ResourcePage, UpstreamError};
use sends_core::{ActivityId, Campaign, CampaignDetail, CampaignId, CampaignSummary};
use sends_store::StoredAnswer;

/// Future of one call.
pub type Reading<'a, T> = BoxFuture<'a, Result<T, UpstreamError>>;

/// Upstream calls with background priority. Each method makes one call.
pub trait Upstream: Send + Sync {
    /// Returns the first page of the campaigns updated between these times, most recently updated first, with the maximum page
    /// size.
    fn campaigns(
        &self,
        updated_after: Option<Timestamp>,
        updated_before: Option<Timestamp>,
    ) -> Reading<'_, ResourcePage<Campaign>>;

    /// Returns the next page of campaigns.
    fn more_campaigns(&self, next: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>>;

    /// Returns the first page of the campaigns that were sent, most recently sent first, with the maximum page size.
    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// Returns the next page of summaries.
    fn more_summaries(&self, next: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// Returns a campaign with its activities.
    fn campaign(&self, campaign: CampaignId) -> Reading<'_, CampaignDetail>;

    /// Returns the history of an activity, which is stored before the future completes. An unknown activity is
    /// [`Answer::NotFound`] instead of an error.
    ///
    /// [`Answer::NotFound`]: sends_store::Answer::NotFound
    fn history(&self, activity: ActivityId) -> Reading<'_, StoredAnswer>;

    /// Returns the number of calls so far, including retries.
    fn calls_made(&self) -> u64;
}
