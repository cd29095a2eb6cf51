//! Statistics, many in one call.
//!
//! Owns that operations which ask for the same batch at the same time share one call, and that one id which the upstream
//! takes offence at does not cost the others their answer: a batch that is refused is asked for again in halves. Must not
//! know what is counted.

use std::{collections::HashMap, fmt, hash::Hash, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use sends_client::{Batch, BatchAnswer, Batched, Caller, ConstantContact, FailureClass, UpstreamError};
use sends_core::{ActivityId, ActivityStats, CampaignId, CampaignStats};
use tokio::time::Instant;

use super::{Neighbours, Shelves, shelf::Shelf};
use crate::histories::{Asker, ReadError};

/// The statistics of one activity or campaign; `None` for one that the upstream does not know.
pub type Known<Stats> = Arc<Option<Stats>>;

/// The statistics of all ids of a batch.
pub(crate) type WholeBatch<Id> = HashMap<Id, Known<<Id as Counted>::Stats>>;

/// The statistics of each id that was asked for.
pub(crate) type StatsById<Id> = HashMap<Id, Result<Known<<Id as Counted>::Stats>, ReadError>>;

/// Something that the upstream has statistics of.
pub(crate) trait Counted: Batched + Ord + Hash + fmt::Debug + Send + Sync + 'static {
    type Stats: Send + Sync + 'static;

    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<BatchAnswer<Self::Stats>, UpstreamError>>;

    fn id_of(stats: &Self::Stats) -> Self;

    fn shelf(shelves: &Shelves) -> &Shelf<Self, Option<Self::Stats>>;

    fn batches(shelves: &Shelves) -> &Shelf<Batch<Self>, WholeBatch<Self>>;
}

/// Has the statistics of an id asked for and kept under this name.
macro_rules! counted {
    ($id:ty, $stats:ty, $name:ident, $batches:ident) => {
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

            fn shelf(shelves: &Shelves) -> &Shelf<Self, Option<$stats>> {
                &shelves.$name
            }

            fn batches(shelves: &Shelves) -> &Shelf<Batch<Self>, WholeBatch<Self>> {
                &shelves.$batches
            }
        }
    };
}

counted!(ActivityId, ActivityStats, activity_stats, activity_batches);
counted!(CampaignId, CampaignStats, campaign_stats, campaign_batches);

impl Neighbours {
    /// The statistics of one of them, if they are known already.
    pub(crate) fn known_stats<Id: Counted>(&self, asker: &Asker, id: Id) -> Option<Known<Id::Stats>> {
        Id::shelf(&self.0).known(asker.owner, &id)
    }

    /// Asks for the statistics of these.
    pub(crate) async fn stats<Id: Counted>(&self, asker: &Asker, batch: Batch<Id>) -> StatsById<Id> {
        let read = async {
            let found = self.ask_for_stats(asker, batch.clone()).await;
            let known = |(id, stats): (&Id, &Result<_, _>)| Some((*id, Arc::clone(stats.as_ref().ok()?)));
            // What failed for this operation may succeed for the next, so that it is shared with nobody.
            found
                .iter()
                .map(known)
                .collect::<Option<WholeBatch<Id>>>()
                .ok_or(found)
        };
        match Id::batches(&self.0)
            .get_or(asker.owner, batch.clone(), read)
            .await
        {
            Ok(whole) => whole
                .iter()
                .map(|(&id, stats)| (id, Ok(Arc::clone(stats))))
                .collect(),
            Err(found) => {
                let answers = Id::shelf(&self.0);
                let instead = |(id, stats): (Id, Result<_, _>)| {
                    (
                        id,
                        stats.or_else(|error| self.instead(asker, answers, &id, error)),
                    )
                };
                found.into_iter().map(instead).collect()
            }
        }
    }

    async fn ask_for_stats<Id: Counted>(&self, asker: &Asker, batch: Batch<Id>) -> StatsById<Id> {
        let mut found = StatsById::<Id>::new();
        let mut to_ask = vec![batch];
        while let Some(batch) = to_ask.pop() {
            let since = Instant::now();
            let keep = |id: Id, stats: Option<Id::Stats>| {
                let stats = Arc::new(stats);
                Id::shelf(&self.0).put(asker.owner, id, Arc::clone(&stats), since);
                Ok(stats)
            };
            let call = Id::ask(&self.0.client, &asker.caller, &batch);
            match (self.until_the_end(call).await, batch.halves()) {
                (Ok(answer), _) => {
                    let told = answer.records.into_iter();
                    let mut told: HashMap<Id, Id::Stats> =
                        told.map(|stats| (Id::id_of(&stats), stats)).collect();
                    let unreadable = answer.unreadable.map(Arc::new);
                    found.extend(batch.ids().iter().map(|&id| {
                        let told = match (told.remove(&id), &unreadable) {
                            (None, Some(error)) => Err(ReadError::Upstream(Arc::clone(error))),
                            (stats, _) => keep(id, stats),
                        };
                        (id, told)
                    }));
                }
                (Err(error), Some(halves)) if blames_an_id(&error) => to_ask.extend(halves),
                (Err(error), None) if error.is_not_found() => {
                    found.extend(batch.ids().iter().map(|&id| (id, keep(id, None))));
                }
                (Err(error), _) => {
                    found.extend(batch.ids().iter().map(|&id| (id, Err(error.clone()))));
                }
            }
        }
        found
    }
}

/// Whether a batch was refused for what is in it: documented is 404, and what is malformed may be 400 as well.
fn blames_an_id(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    matches!(error.class, FailureClass::NotFound | FailureClass::Rejected)
}
