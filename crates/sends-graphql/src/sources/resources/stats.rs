//! Fetches statistics of activities and campaigns in batches.
//!
//! Concurrent operations that need the same batch share one call. The upstream rejects a batch as a whole, with 404 and possibly
//! with 400. Constant Contact documents this only for drafts and for an unknown campaign. The documentation does not cover a
//! batch of both drafts and sent activities. The upstream may reject it or return the statistics of the sent activities. A
//! rejection therefore means that there are no statistics only in these cases:
//!
//! - a single id, or a batch of known drafts, which are requested separately;
//! - any other batch, if the observed [`Practice`] of the upstream implies it.
//!
//! Otherwise the batch is split until each offending id is rejected alone, with at most [`MAX_SPLITS`] splits. A batch that fails
//! with 500 even after retries is also split, because a single id can be the cause. No batch is split while the whole upstream is
//! unreachable, too slow, or behind an open circuit breaker.

mod counted;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use http::StatusCode;
use sends_client::{Batch, FailureClass, UpstreamError};
use sends_core::EngagementStats;
use tokio::time::Instant;

pub(crate) use self::counted::Counted;
use super::Resources;
use crate::sources::histories::{ReadError, RequestContext};

/// Upstream result for the statistics of one activity or campaign.
#[derive(Debug)]
pub enum Told<Stats> {
    Stats(Stats),
    /// No statistics, because nothing was sent. The upstream rejected the id, or returned no record for a known draft.
    Unsent,
    /// Missing from a successful response, because the id is unknown or nothing was sent.
    Absent,
}

pub type Known<Stats> = Arc<Told<Stats>>;

/// Results for all ids of a batch in which no id failed.
pub(crate) type WholeBatch<Id> = HashMap<Id, Known<<Id as Counted>::Stats>>;

pub(crate) type StatsById<Id> = HashMap<Id, Result<Known<<Id as Counted>::Stats>, ReadError>>;

/// Maximum number of splits for one rejected batch. Among 150 campaigns, this is sufficient for about eight offending ids. Ids
/// that remain unresolved get an error.
const MAX_SPLITS: usize = 32;

/// Validity period of [`Practice::OnlyUnsent`].
const PRACTICE_AGE: Duration = Duration::from_mins(1);

/// Observed upstream behaviour for batches in which only some ids have statistics.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Practice {
    #[default]
    Unknown,
    /// The upstream returns the statistics that exist, so a rejected batch has none.
    Answers,
    /// The upstream rejects the whole batch, so a rejected batch may contain ids with statistics.
    Refuses,
    /// Time at which a rejected batch without known drafts was split, and none of its ids had statistics.
    OnlyUnsent(Instant),
}

impl Practice {
    /// Returns whether a rejection means that no id of the batch has statistics.
    fn implies_no_statistics(self) -> bool {
        match self {
            Self::Answers => true,
            Self::OnlyUnsent(at) => at.elapsed() < PRACTICE_AGE,
            Self::Unknown | Self::Refuses => false,
        }
    }
}

/// Maximum size of a rejected batch that is split into single ids. A larger batch is halved first. With one offending id among
/// ten, this takes 8 calls. With ten offending ids, it takes 13.
const MAX_ALONE: usize = 5;

impl Resources {
    pub(crate) fn known_stats<Id: Counted>(
        &self,
        context: &RequestContext,
        id: Id,
    ) -> Option<Known<Id::Stats>> {
        Id::cache(&self.0).known(context.owner, &id)
    }

    /// Returns whether the last cached status of the id is draft.
    pub(crate) fn is_known_draft<Id: Counted>(&self, context: &RequestContext, id: Id) -> bool {
        Id::drafts(&self.0).known(context.owner, &id).is_some()
    }

    /// Fetches the statistics of a batch. If an id fails, its last response is returned as stale.
    pub(crate) async fn stats<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: Batch<Id>,
    ) -> StatsById<Id> {
        let read = async {
            let found = self.fetch_stats(context, batch.clone()).await;
            let known = |(id, stats): (&Id, &Result<_, _>)| Some((*id, Arc::clone(stats.as_ref().ok()?)));
            // A read that failed for this operation may succeed for the next operation, so failures are not shared.
            found
                .iter()
                .map(known)
                .collect::<Option<WholeBatch<Id>>>()
                .ok_or(found)
        };
        match Id::batches(&self.0)
            .get_or(context.owner, batch.clone(), read)
            .await
        {
            Ok(whole) => whole
                .iter()
                .map(|(&id, stats)| (id, Ok(Arc::clone(stats))))
                .collect(),
            Err(found) => {
                let answers = Id::cache(&self.0);
                let instead = |(id, stats): (Id, Result<_, _>)| {
                    (
                        id,
                        stats.or_else(|error| self.instead(context, answers, &id, error)),
                    )
                };
                found.into_iter().map(instead).collect()
            }
        }
    }

    async fn fetch_stats<Id: Counted>(&self, context: &RequestContext, batch: Batch<Id>) -> StatsById<Id> {
        let mut found = StatsById::<Id>::new();
        let Err(error) = self.fetch_batch(context, &batch, &mut found).await else {
            return found;
        };
        let (ids, is_rejection) = (batch.ids(), is_rejected_for_an_id(&error));
        if is_rejection && self.implies_no_statistics(context, ids, &error) {
            found.extend(self.unsent(context, ids));
        } else if ids.len() == 1 || !(is_rejection || fails_repeatedly(&error)) {
            found.extend(ids.iter().map(|&id| (id, Err(error.clone()))));
        } else {
            // Rejected batches are split sequentially, so that the next batch can use the practice observed in this batch.
            let mut practice = Id::practice(&self.0).lock().await;
            if !is_rejection {
                found = self.split_and_fetch(context, &batch, error).await;
            } else if practice.implies_no_statistics() {
                found.extend(self.unsent(context, ids));
            } else {
                found = self.split_and_fetch(context, &batch, error).await;
                let has_some = |result: &Result<Known<_>, _>| matches!(result.as_deref(), Ok(Told::Stats(_)));
                if found.values().any(has_some) {
                    *practice = Practice::Refuses;
                } else if found.values().all(Result::is_ok) {
                    *practice = Practice::OnlyUnsent(Instant::now());
                }
            }
        }
        found
    }

    /// Splits a batch that was rejected, or that failed because of an id, until each offending id is isolated.
    async fn split_and_fetch<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: &Batch<Id>,
        error: ReadError,
    ) -> StatsById<Id> {
        let mut found = StatsById::<Id>::new();
        // The split is breadth-first, so that successful batches are interleaved with failing batches. A run of failures would
        // open the endpoint's circuit breaker.
        let mut pending = VecDeque::from(parts(batch));
        let mut splits = 1;
        while let Some(batch) = pending.pop_front() {
            let Err(error) = self.fetch_batch(context, &batch, &mut found).await else {
                continue;
            };
            let (ids, is_rejection) = (batch.ids(), is_rejected_for_an_id(&error));
            if is_rejection && self.implies_no_statistics(context, ids, &error) {
                found.extend(self.unsent(context, ids));
            } else if (is_rejection || fails_by_itself(&error)) && ids.len() > 1 && splits < MAX_SPLITS {
                pending.extend(parts(&batch));
                splits += 1;
            } else {
                let error = if is_rejection && ids.len() > 1 {
                    unresolved(&error)
                } else {
                    error
                };
                found.extend(ids.iter().map(|&id| (id, Err(error.clone()))));
            }
        }
        // Ids without a result get the error of the whole batch.
        for &id in batch.ids() {
            found.entry(id).or_insert_with(|| Err(error.clone()));
        }
        found
    }

    fn unsent<'a, Id: Counted>(
        &'a self,
        context: &'a RequestContext,
        ids: &'a [Id],
    ) -> impl Iterator<Item = (Id, Result<Known<Id::Stats>, ReadError>)> + 'a {
        let since = Instant::now();
        ids.iter()
            .map(move |&id| (id, Ok(self.keep(context, id, Told::Unsent, since))))
    }

    /// Makes one call for a batch, and caches the results of its ids.
    async fn fetch_batch<Id: Counted>(
        &self,
        context: &RequestContext,
        batch: &Batch<Id>,
        found: &mut StatsById<Id>,
    ) -> Result<(), ReadError> {
        let since = Instant::now();
        let call = Id::ask(&self.0.client, &context.caller, batch);
        let answer = self.until_the_end(call).await?;
        let mut received = HashMap::<Id, Id::Stats>::new();
        for stats in answer.records {
            match received.entry(Id::id_of(&stats)) {
                Entry::Vacant(place) => {
                    place.insert(stats);
                }
                // A second record of an id is unexpected. A record with counts takes precedence.
                Entry::Occupied(mut first) if *Id::counts(first.get()) == EngagementStats::default() => {
                    first.insert(stats);
                }
                Entry::Occupied(_) => {}
            }
        }
        let unreadable = answer.unreadable.map(Arc::new);
        let is_in_part = !received.is_empty() && received.len() < batch.ids().len() && unreadable.is_none();
        // If the lock is taken, another batch is being split, which observes the practice itself.
        if is_in_part
            && let Ok(mut practice) = Id::practice(&self.0).try_lock()
            && !matches!(*practice, Practice::Refuses)
        {
            *practice = Practice::Answers;
        }
        found.extend(batch.ids().iter().map(|&id| {
            let result = match (received.remove(&id), &unreadable) {
                (None, Some(error)) => Err(ReadError::Upstream(Arc::clone(error))),
                (None, None) if self.is_known_draft(context, id) => {
                    Ok(self.keep(context, id, Told::Unsent, since))
                }
                (None, None) => Ok(self.keep(context, id, Told::Absent, since)),
                (Some(stats), _) => Ok(self.keep(context, id, Told::Stats(stats), since)),
            };
            (id, result)
        }));
        Ok(())
    }

    fn keep<Id: Counted>(
        &self,
        context: &RequestContext,
        id: Id,
        result: Told<Id::Stats>,
        since: Instant,
    ) -> Known<Id::Stats> {
        let result = Arc::new(result);
        Id::cache(&self.0).put(context.owner, id, Arc::clone(&result), since);
        result
    }

    /// Returns whether a rejection means that none of these ids has statistics. A 400 means this only for drafts.
    fn implies_no_statistics<Id: Counted>(
        &self,
        context: &RequestContext,
        ids: &[Id],
        error: &ReadError,
    ) -> bool {
        let is_missing_alone = ids.len() == 1 && error.is_not_found();
        is_missing_alone || ids.iter().all(|&id| self.is_known_draft(context, id))
    }
}

/// Splits a rejected batch into halves, or into single ids if it has at most [`MAX_ALONE`] ids.
fn parts<Id: Counted>(batch: &Batch<Id>) -> Vec<Batch<Id>> {
    match batch.halves() {
        Some(halves) if batch.ids().len() > MAX_ALONE => halves.into(),
        _ => batch.ids().chunks(1).flat_map(Batch::split).collect(),
    }
}

/// Returns whether a batch was rejected because of an id. 404 is documented, and 400 is possible.
fn is_rejected_for_an_id(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    matches!(error.class, FailureClass::NotFound | FailureClass::Rejected)
}

/// Returns whether a single id of a batch can be the cause of a failure. 503 and 504 concern the upstream as a whole, and an open
/// circuit breaker has another class.
fn fails_by_itself(error: &ReadError) -> bool {
    let ReadError::Upstream(error) = error else {
        return false;
    };
    let is_of_the_whole = matches!(
        error.status,
        Some(StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
    );
    error.class == FailureClass::ServerFailure && !is_of_the_whole
}

/// Returns whether a batch failed because of an id after several attempts, or without an attempt. In the latter case, calls for
/// this batch alone are suspended. A failure after a single attempt may be transient.
fn fails_repeatedly(error: &ReadError) -> bool {
    let is_single = matches!(error, ReadError::Upstream(error) if error.attempts == 1);
    fails_by_itself(error) && !is_single
}

/// Returns the error for the ids of a rejected batch that was not fully split. The error does not imply that there are no
/// statistics.
fn unresolved(error: &ReadError) -> ReadError {
    let ReadError::Upstream(error) = error else {
        return error.clone();
    };
    ReadError::Upstream(Arc::new(UpstreamError {
        class: FailureClass::Rejected,
        ..UpstreamError::clone(error)
    }))
}
