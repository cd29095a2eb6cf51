//! What a synchronisation asks the upstream for, so that it does not matter who asks.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sends_client::{NextPage, ResourcePage, UpstreamError};
use sends_core::{ActivityId, Campaign, CampaignDetail, CampaignId, CampaignSummary};
use sends_store::StoredAnswer;

/// What one call brings.
pub type Reading<'a, T> = BoxFuture<'a, Result<T, UpstreamError>>;

/// The upstream as background work asks it. Each method is one call.
pub trait Upstream: Send + Sync {
    /// Campaigns, the one updated last first, as many as a page holds: the first page of those updated after
    /// `updated_after` and before `updated_before`.
    fn campaigns(
        &self,
        updated_after: Option<Timestamp>,
        updated_before: Option<Timestamp>,
    ) -> Reading<'_, ResourcePage<Campaign>>;

    /// The page of campaigns that follows another one.
    fn more_campaigns(&self, next: NextPage<Campaign>) -> Reading<'_, ResourcePage<Campaign>>;

    /// Campaigns that were sent, the one sent last first, as many as a page holds.
    fn summaries(&self) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// The page of summaries that follows another one.
    fn more_summaries(&self, next: NextPage<CampaignSummary>) -> Reading<'_, ResourcePage<CampaignSummary>>;

    /// A campaign with its activities.
    fn campaign(&self, campaign: CampaignId) -> Reading<'_, CampaignDetail>;

    /// What the upstream says of an activity now, which is kept in the store before this completes. That there is no such
    /// activity is an answer, too.
    fn history(&self, activity: ActivityId) -> Reading<'_, StoredAnswer>;

    /// How many calls were made so far, retries included.
    fn calls_made(&self) -> u64;
}
