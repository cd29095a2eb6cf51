//! Batch calls and caches for the statistics of activities and of campaigns.

use std::{fmt, hash::Hash};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Batch, BatchAnswer, Batched, Caller, ConstantContact, UpstreamError};
use sends_core::{ActivityId, ActivityStats, CampaignId, CampaignStats, EngagementStats};
use tokio::sync::Mutex;

use super::{Practice, Told, WholeBatch};
use crate::sources::resources::{Shelves, cache::ResourceCache};

pub(crate) trait Counted: Batched + Ord + Hash + fmt::Debug + Send + Sync + 'static {
    type Stats: Send + Sync + 'static;

    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<BatchAnswer<Self::Stats>, UpstreamError>>;

    fn id_of(stats: &Self::Stats) -> Self;

    fn counts(stats: &Self::Stats) -> &EngagementStats;

    fn cache(shelves: &Shelves) -> &ResourceCache<Self, Told<Self::Stats>>;

    fn batches(shelves: &Shelves) -> &ResourceCache<Batch<Self>, WholeBatch<Self>>;

    fn drafts(shelves: &Shelves) -> &ResourceCache<Self, ()>;

    fn practice(shelves: &Shelves) -> &Mutex<Practice>;
}

/// Implements [`Counted`] for an id. `$name` is the name of both the client method and the cache.
macro_rules! counted {
    ($id:ty, $stats:ty, $name:ident, $batches:ident, $drafts:ident, $practice:ident) => {
        impl Counted for $id {
            type Stats = $stats;

            fn ask<'a>(
                client: &'a ConstantContact,
                caller: &'a Caller,
                batch: &'a Batch<Self>,
            ) -> BoxFuture<'a, Result<BatchAnswer<$stats>, UpstreamError>> {
                client.$name(caller, batch).boxed()
            }

            fn id_of(stats: &$stats) -> Self {
                stats.id
            }

            fn counts(stats: &$stats) -> &EngagementStats {
                &stats.stats
            }

            fn cache(shelves: &Shelves) -> &ResourceCache<Self, Told<$stats>> {
                &shelves.$name
            }

            fn batches(shelves: &Shelves) -> &ResourceCache<Batch<Self>, WholeBatch<Self>> {
                &shelves.$batches
            }

            fn drafts(shelves: &Shelves) -> &ResourceCache<Self, ()> {
                &shelves.$drafts
            }

            fn practice(shelves: &Shelves) -> &Mutex<Practice> {
                &shelves.$practice
            }
        }
    };
}

counted!(
    ActivityId,
    ActivityStats,
    activity_stats,
    activity_batches,
    draft_activities,
    activity_practice
);
counted!(
    CampaignId,
    CampaignStats,
    campaign_stats,
    campaign_batches,
    draft_campaigns,
    campaign_practice
);
