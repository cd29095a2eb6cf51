//! Interface of a synchronisation to the upstream.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sends_client::{NextPage, ResourcePage, UpstreamError};
use sends_core::{ActivityId, Campaign, CampaignDetail, CampaignId, CampaignSummary};
use sends_store::StoredAnswer;

/// Future of one call.
pub type Reading<'a, T> = BoxFuture<'a, Result<T, UpstreamError>>;

/// Calls to the upstream with background priority. Each method makes one call.
pub trait Upstream: Send + Sync {
    /// First page of the campaigns updated between these times, most recently updated first, with the maximum page size.
    fn campaigns(
        &self,
        updated_after: Option<Timestamp>,
        updated_before: Option<Timestamp>,
    ) -> Reading<'_, ResourcePage<Campaign>>;

    /// Next page of campaigns.
    fn more_campaigns(&self, next: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>>;

    /// First page of the campaigns that were sent, most recently sent first, with the maximum page size.
    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// Next page of summaries.
    fn more_summaries(&self, next: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// A campaign with its activities.
    fn campaign(&self, campaign: CampaignId) -> Reading<'_, CampaignDetail>;

    /// History of an activity, which is in the store when this completes. An unknown activity is [`Answer::NotFound`] and no
    /// error.
    ///
    /// [`Answer::NotFound`]: sends_store::Answer::NotFound
    fn history(&self, activity: ActivityId) -> Reading<'_, StoredAnswer>;

    /// Calls so far, retries included.
    fn calls_made(&self) -> u64;
}
