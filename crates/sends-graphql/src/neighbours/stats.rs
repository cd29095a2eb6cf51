//! Statistics, many in one call.
//!
//! Operations that ask for the same batch at the same time share one call. The upstream refuses a batch as a whole (404) when
//! none of its activities has statistics, and when one of its campaigns is not known (documented), so that a refused batch is
//! asked for again in halves, within bounds:
//!
//! - what is known to be a draft is asked for apart from the rest, and its refusal is believed;
//! - of activities the first refused batch is asked for in halves; when both are refused too, the documented rule holds and
//!   every other refusal is believed for a while;
//! - of campaigns halves are asked for until the one that offends is found, with [`MOST_HUNTING`] calls at the most.

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

/// How many calls a refused batch may cost beyond its first. What is not found by then is an error.
const MOST_HUNTING: usize = 16;

/// Something that the upstream has statistics of.
pub(crate) trait Counted: Batched + Ord + Hash + fmt::Debug + Send + Sync + 'static {
    type Stats: Send + Sync + 'static;

    /// Whether a batch is refused only when none of its ids has statistics (documented).
    const REFUSED_AS_A_WHOLE: bool;

    fn ask<'a>(
        client: &'a ConstantContact,
        caller: &'a Caller,
        batch: &'a Batch<Self>,
    ) -> BoxFuture<'a, Result<BatchAnswer<Self::Stats>, UpstreamError>>;

    fn id_of(stats: &Self::Stats) -> Self;

    fn shelf(shelves: &Shelves) -> &Shelf<Self, Option<Self::Stats>>;

    fn batches(shelves: &Shelves) -> &Shelf<Batch<Self>, WholeBatch<Self>>;

    fn drafts(shelves: &Shelves) -> &Shelf<Self, ()>;
}

/// Has the statistics of an id asked for and kept under this name.
macro_rules! counted {
    ($id:ty, $stats:ty, $name:ident, $batches:ident, $drafts:ident, $refused_as_a_whole:literal) => {
        impl Counted for $id {
            type Stats = $stats;

            const REFUSED_AS_A_WHOLE: bool = $refused_as_a_whole;

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

            fn drafts(shelves: &Shelves) -> &Shelf<Self, ()> {
                &shelves.$drafts
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
    true
);
counted!(
    CampaignId,
    CampaignStats,
    campaign_stats,
    campaign_batches,
    draft_campaigns,
    false
);

impl Neighbours {
    /// The statistics of one of them, if they are known already.
    pub(crate) fn known_stats<Id: Counted>(&self, asker: &Asker, id: Id) -> Option<Known<Id::Stats>> {
        Id::shelf(&self.0).known(asker.owner, &id)
    }

    /// Whether it was a draft when it was last read.
    pub(crate) fn is_known_draft<Id: Counted>(&self, asker: &Asker, id: Id) -> bool {
        Id::drafts(&self.0).known(asker.owner, &id).is_some()
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
        let (mut calls, mut is_mixed) = (0, false);
        while let Some(batch) = to_ask.pop() {
            calls += 1;
            let Err(error) = self.ask_once(asker, &batch, &mut found).await else {
                continue;
            };
            let is_refusal = blames_an_id(&error);
            match batch.halves() {
                _ if is_refusal && self.is_believed(asker, &batch, &error) => {
                    self.know_none(asker, &batch, &mut found);
                }
                Some(halves) if is_refusal && Id::REFUSED_AS_A_WHOLE && !is_mixed => {
                    match self.confirm_refusal(asker, halves, &mut found).await {
                        Ok(()) => self.know_none(asker, &batch, &mut found),
                        Err(refused) => {
                            is_mixed = true;
                            to_ask.extend(refused.into_iter().filter_map(|half| half.halves()).flatten());
                        }
                    }
                }
                Some(halves) if is_refusal && calls < MOST_HUNTING => to_ask.extend(halves),
                Some(_) if is_refusal => {
                    let error = unresolved(&error);
                    found.extend(batch.ids().iter().map(|&id| (id, Err(error.clone()))));
                }
                _ => found.extend(batch.ids().iter().map(|&id| (id, Err(error.clone())))),
            }
        }
        found
    }

    /// Asks for a batch once, and keeps what that tells of its ids.
    async fn ask_once<Id: Counted>(
        &self,
        asker: &Asker,
        batch: &Batch<Id>,
        found: &mut StatsById<Id>,
    ) -> Result<(), ReadError> {
        let since = Instant::now();
        let call = Id::ask(&self.0.client, &asker.caller, batch);
        let answer = self.until_the_end(call).await?;
        let told = answer.records.into_iter();
        let mut told: HashMap<Id, Id::Stats> = told.map(|stats| (Id::id_of(&stats), stats)).collect();
        let unreadable = answer.unreadable.map(Arc::new);
        found.extend(batch.ids().iter().map(|&id| {
            let told = match (told.remove(&id), &unreadable) {
                (None, Some(error)) => Err(ReadError::Upstream(Arc::clone(error))),
                (stats, _) => Ok(self.keep(asker, id, stats, since)),
            };
            (id, told)
        }));
        Ok(())
    }

    fn keep<Id: Counted>(
        &self,
        asker: &Asker,
        id: Id,
        stats: Option<Id::Stats>,
        since: Instant,
    ) -> Known<Id::Stats> {
        let stats = Arc::new(stats);
        Id::shelf(&self.0).put(asker.owner, id, Arc::clone(&stats), since);
        stats
    }

    /// Keeps that none of these has statistics.
    fn know_none<Id: Counted>(&self, asker: &Asker, batch: &Batch<Id>, found: &mut StatsById<Id>) {
        let since = Instant::now();
        found.extend(
            batch
                .ids()
                .iter()
                .map(|&id| (id, Ok(self.keep(asker, id, None, since)))),
        );
    }

    /// Whether a refusal means that none of the ids has statistics, without another call.
    fn is_believed<Id: Counted>(&self, asker: &Asker, batch: &Batch<Id>, error: &ReadError) -> bool {
        let is_draft = |&id: &Id| self.is_known_draft(asker, id);
        error.is_not_found()
            && (batch.ids().len() == 1
                || batch.ids().iter().all(is_draft)
                || (Id::REFUSED_AS_A_WHOLE && self.0.refused_batches.known(asker.owner, &()).is_some()))
    }

    /// Asks for both halves of a refused batch. Those who ask at the same time wait for one confirmation. An error has the
    /// halves that were refused while the other was not.
    async fn confirm_refusal<Id: Counted>(
        &self,
        asker: &Asker,
        halves: [Batch<Id>; 2],
        found: &mut StatsById<Id>,
    ) -> Result<(), Vec<Batch<Id>>> {
        let ask = async {
            let mut refused = Vec::new();
            let mut is_confirmed = true;
            for half in halves {
                match self.ask_once(asker, &half, found).await {
                    Ok(()) => is_confirmed = false,
                    Err(error) => {
                        is_confirmed &= error.is_not_found();
                        if blames_an_id(&error) && half.ids().len() > 1 {
                            refused.push(half);
                        } else if error.is_not_found() {
                            self.know_none(asker, &half, found);
                        } else {
                            found.extend(half.ids().iter().map(|&id| (id, Err(error.clone()))));
                        }
                    }
                }
            }
            if is_confirmed { Ok(()) } else { Err(refused) }
        };
        self.0
            .refused_batches
            .get_or(asker.owner, (), ask)
            .await
            .map(drop)
    }
}

/// Whether a batch was refused for what is in it: documented is 404, and what is malformed may be 400 as well.
fn blames_an_id(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    matches!(error.class, FailureClass::NotFound | FailureClass::Rejected)
}

/// What is said of ids in a batch that was refused and not looked through to the end: not that there are no statistics.
fn unresolved(error: &ReadError) -> ReadError {
    let ReadError::Upstream(error) = error else {
        return error.clone();
    };
    ReadError::Upstream(Arc::new(UpstreamError {
        class: FailureClass::Rejected,
        ..UpstreamError::clone(error)
    }))
}
