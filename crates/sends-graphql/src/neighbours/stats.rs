//! Statistics, many in one call.
//!
//! Owns that one id which the upstream takes offence at does not cost the others of its batch their answer: a batch that
//! is refused is asked for again in halves. Must not know what is counted.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Batch, Batched, Caller, ConstantContact, FailureClass, UpstreamError};
use sends_core::{ActivityId, ActivityStats, CampaignId, CampaignStats};

use super::{Neighbours, Shelves, shelf::Shelf};
use crate::histories::{Asker, ReadError};

/// Something that the upstream has statistics of.
pub trait Counted: Batched + Eq + Hash + Send + Sync + 'static {
    /// The statistics.
    type Stats: Send + Sync + 'static;

    #[doc(hidden)]
    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<Vec<Self::Stats>, UpstreamError>>;

    #[doc(hidden)]
    fn id_of(stats: &Self::Stats) -> Self;
}

impl Counted for ActivityId {
    type Stats = ActivityStats;

    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<Vec<ActivityStats>, UpstreamError>> {
        client.activity_stats(caller, batch).boxed()
    }

    fn id_of(stats: &ActivityStats) -> Self {
        stats.id
    }
}

impl Counted for CampaignId {
    type Stats = CampaignStats;

    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<Vec<CampaignStats>, UpstreamError>> {
        client.campaign_stats(caller, batch).boxed()
    }

    fn id_of(stats: &CampaignStats) -> Self {
        stats.id
    }
}

/// The statistics of each id; `None` for one that the upstream does not know.
pub type StatsById<Id> = HashMap<Id, Option<Arc<<Id as Counted>::Stats>>>;

impl Neighbours {
    /// The statistics of one activity, if they are known already.
    pub fn known_activity_stats(&self, asker: &Asker, id: ActivityId) -> Option<Arc<ActivityStats>> {
        self.0.activity_stats.known(asker.owner, &id)
    }

    /// The statistics of one campaign, if they are known already.
    pub fn known_campaign_stats(&self, asker: &Asker, id: CampaignId) -> Option<Arc<CampaignStats>> {
        self.0.campaign_stats.known(asker.owner, &id)
    }

    /// Asks for the statistics of these activities.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn activity_stats(
        &self,
        asker: &Asker,
        batch: Batch<ActivityId>,
    ) -> Result<StatsById<ActivityId>, ReadError> {
        self.stats(asker, batch, |shelves| &shelves.activity_stats).await
    }

    /// Asks for the statistics of these campaigns.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn campaign_stats(
        &self,
        asker: &Asker,
        batch: Batch<CampaignId>,
    ) -> Result<StatsById<CampaignId>, ReadError> {
        self.stats(asker, batch, |shelves| &shelves.campaign_stats).await
    }

    async fn stats<Id: Counted>(
        &self,
        asker: &Asker,
        batch: Batch<Id>,
        kept_in: impl Fn(&Shelves) -> &Shelf<Id, Id::Stats>,
    ) -> Result<StatsById<Id>, ReadError> {
        let mut found: StatsById<Id> = batch.ids().iter().map(|&id| (id, None)).collect();
        let mut to_ask = vec![batch];
        while let Some(batch) = to_ask.pop() {
            let answer = Id::ask(&self.0.client, &asker.caller, &batch);
            match self.until_the_end(answer).await {
                Ok(all) => {
                    for stats in all {
                        let (id, stats) = (Id::id_of(&stats), Arc::new(stats));
                        kept_in(&self.0).put(asker.owner, id, Arc::clone(&stats));
                        found.insert(id, Some(stats));
                    }
                }
                Err(ReadError::Upstream(error))
                    if matches!(error.class, FailureClass::NotFound | FailureClass::Rejected) =>
                {
                    to_ask.extend(batch.halves().into_iter().flatten());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}
