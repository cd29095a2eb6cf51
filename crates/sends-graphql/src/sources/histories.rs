//! Send histories: the stored answer where it is fresh enough, else a fetched one, else the last known one, marked as stale.
//!
//! Concurrent operations share a fetch. Whose data it is comes with every question as an [`Owner`](sends_store::Owner), so that no
//! answer crosses. Knows neither GraphQL nor HTTP.

mod context;
mod counts;
mod error;
mod freshness;
mod read_set;
mod single_flight;
mod source;
mod stale;
mod stored;
mod wanted;

use std::{sync::Arc, time::Duration};

use futures_util::future;
use jiff::Timestamp;
use sends_client::{Caller, Clock, FailureClass};
use sends_core::{ActivityId, SendHistory};
use sends_store::{Answer, Owner, Store, StoredAnswer};
use tokio::time::{sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

pub use self::{
    context::RequestContext,
    counts::AnswerCounts,
    error::ReadError,
    freshness::Freshness,
    read_set::{HistoryVersions, ReadSet, ReadSetRecorder, ReadVersion},
    source::HistorySource,
    stale::{Kind, Stale, StaleAnswers, StaleReason},
    stored::UnwrittenAnswers,
};
use self::{
    counts::Counters,
    error::out_of_time,
    single_flight::{Fetched, SingleFlight},
    wanted::Wanted,
};
use crate::bulkheads::places;

/// How long an operation whose time is up still waits for its own call, which ends at the same moment and knows better why
/// there is no answer.
const LAST_WORD: Duration = Duration::from_millis(100);

/// Which history is wanted, and how old it may be.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HistoryKey {
    /// The activity.
    pub activity: ActivityId,
    /// The greatest age; `None` leaves that to the freshness rules.
    pub max_age: Option<Duration>,
}

/// What the store has about one activity.
#[derive(Clone, Debug)]
pub struct Found {
    kept: Option<StoredAnswer>,
    /// The version before the store was asked.
    version: ReadVersion,
}

/// A history as it is known now.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The history.
    pub history: Arc<SendHistory>,
    /// When the upstream said so.
    pub fetched_at: Timestamp,
    /// Why this is older than it was meant to be. `None` when it is as fresh as was asked for.
    pub stale: Option<StaleReason>,
    /// The version that was read. `None` for what is stale or was fetched just now.
    pub version: Option<ReadVersion>,
}

/// Reads histories. Cloning is cheap.
#[derive(Clone)]
pub struct Histories(Arc<Shared>);

struct Shared {
    source: Arc<dyn HistorySource>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    single_flight: SingleFlight,
    counters: Counters,
    versions: HistoryVersions,
    ending: CancellationToken,
}

impl Histories {
    /// Reads from `store` what is fresh enough by `freshness`, and asks `source` for the rest.
    pub fn new(
        source: Arc<dyn HistorySource>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        freshness: Freshness,
    ) -> Self {
        Self(Arc::new(Shared {
            source,
            store,
            clock,
            freshness,
            single_flight: SingleFlight::default(),
            counters: Counters::default(),
            versions: HistoryVersions::default(),
            ending: CancellationToken::new(),
        }))
    }

    /// Whether a response with this read set is valid now. If so, its histories are counted as answered from the store.
    pub fn is_valid(&self, read_set: &ReadSet) -> bool {
        let is_valid = self.0.versions.is_valid(read_set, self.0.clock.now());
        if is_valid {
            self.0.counters.found(read_set.len());
        }
        is_valid
    }

    /// Where the answers came from so far.
    pub fn counts(&self) -> AnswerCounts {
        self.0.counters.read()
    }

    /// What is cancelled when [`give_up`](Self::give_up) is called, for others who wait for the same upstream.
    pub fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// Gives up whatever still waits for the upstream, now and from now on: in the queue, on its way, or between two
    /// attempts. Who waits gets the last known history, or [`ReadError::ShuttingDown`].
    pub fn give_up(&self) {
        self.0.ending.cancel();
    }

    /// Whether sends of an activity are known, of whatever age. Nobody is asked.
    pub async fn has_known_sends(&self, context: &RequestContext, activity: ActivityId) -> bool {
        self.written(context).await;
        let known = self.0.look_up_one(context.owner, activity, Timestamp::MIN).await;
        matches!(known, Some(StoredAnswer { answer: Answer::History(history), .. }) if !history.is_empty())
    }

    /// The history of one activity. `max_age` says how old it may be; without it the freshness rules decide.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the upstream cannot or will not answer and nothing is known that may be given instead.
    pub async fn read(
        &self,
        context: &RequestContext,
        activity: ActivityId,
        max_age: Option<Duration>,
    ) -> Result<Reading, ReadError> {
        let key = HistoryKey { activity, max_age };
        let found = self.find(context, &[key]).await.pop();
        let found = found.ok_or(ReadError::Lost)?;
        let reading = self.read_found(context, key, found).await;
        self.written(context).await;
        reading
    }

    /// Waits until the answers that were fetched for an operation are stored, which its response must not leave before. A store
    /// that takes longer than the operation has is not waited for.
    pub async fn written(&self, context: &RequestContext) {
        let writes = context.unwritten.writes();
        if writes.is_empty() {
            return;
        }
        self.0.store.flush();
        let written = future::join_all(writes);
        let end = context.caller.deadline() + LAST_WORD;
        // At the shutdown the store gets the rest of its writes when it is closed.
        let shutdown = async {
            self.0.ending.cancelled().await;
            sleep(LAST_WORD).await;
        };
        let is_written = tokio::select! {
            biased;
            written = timeout_at(end, written) => written.is_ok(),
            () = shutdown => false,
        };
        if !is_written {
            tracing::warn!("a response is sent before its histories are stored: the store takes too long");
        }
    }

    /// Looks histories up in the store, all of them in one query. Those that are not fresh enough are looked up in a second
    /// one: another process may have stored what the memory of this one has in an older version.
    pub async fn find(&self, context: &RequestContext, keys: &[HistoryKey]) -> Vec<Found> {
        let shared = &*self.0;
        let version = |key: &HistoryKey| shared.versions.current(context.owner, key.activity);
        let versions: Vec<ReadVersion> = keys.iter().map(version).collect();
        let activities: Vec<ActivityId> = keys.iter().map(|key| key.activity).collect();
        let nearest = shared.look_up(context.owner, &activities, Timestamp::MIN).await;
        // Without its store the service is slower, not wrong.
        let mut kept: Vec<Option<StoredAnswer>> =
            nearest.into_iter().map(Result::unwrap_or_default).collect();
        let is_outdated = |(kept, key): (&Option<StoredAnswer>, &HistoryKey)| {
            kept.as_ref()
                .is_some_and(|kept| !shared.is_fresh(kept, Wanted::of(context, *key)))
        };
        let outdated: Vec<usize> = (0..keys.len())
            .filter(|&index| is_outdated((&kept[index], &keys[index])))
            .collect();
        if !outdated.is_empty() {
            let activities: Vec<ActivityId> = outdated.iter().map(|&index| activities[index]).collect();
            let latest = shared.look_up(context.owner, &activities, Timestamp::MAX).await;
            for (index, latest) in outdated.into_iter().zip(latest) {
                // Where the store cannot be read, what memory has may still be given as stale.
                if let Ok(latest) = latest {
                    kept[index] = latest;
                }
            }
        }
        let found = kept.into_iter().zip(versions);
        found.map(|(kept, version)| Found { kept, version }).collect()
    }

    /// The history of one activity that was looked up in the store.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub async fn read_found(
        &self,
        context: &RequestContext,
        key: HistoryKey,
        found: Found,
    ) -> Result<Reading, ReadError> {
        let activity = key.activity;
        let wanted = Wanted::of(context, key);
        let version = found.version;
        let known = found.kept.filter(|kept| self.0.is_allowed(kept, wanted));
        if let Some(kept) = known.as_ref().filter(|kept| self.0.is_fresh(kept, wanted)) {
            self.0.counters.found(1);
            return reading(kept, Some(self.0.validity(version, kept, wanted)));
        }
        loop {
            let deadline = context.caller.deadline();
            let fetch = self
                .0
                .single_flight
                .join(context.owner, activity, &context.caller, |caller| {
                    self.fetch(context.owner, caller, activity, wanted, version)
                });
            let patience = if fetch.is_own() { LAST_WORD } else { Duration::ZERO };
            let outcome = async {
                tokio::select! {
                    biased;
                    outcome = fetch.outcome() => Some(outcome),
                    () = sleep_until(deadline + patience) => None,
                    () = self.0.ending.cancelled() => Some(Err(ReadError::ShuttingDown)),
                }
            };
            let outcome = places::waiting(outcome).await;
            let outcome = outcome.unwrap_or(Some(Err(ReadError::Overloaded)));
            let error = match outcome {
                Some(Ok(Fetched { kept, .. })) if fetch.is_own() || self.0.is_fresh(&kept, wanted) => {
                    let is_new = kept.fetched_at >= wanted.asked_at;
                    self.0.counters.fetched(fetch.is_own(), is_new);
                    context.unwritten.add(fetch);
                    return reading(&kept, None);
                }
                // The fetch of another operation was content with less, or ended with that operation: it says nothing about this
                // one, whose own time is not up.
                Some(Ok(_)) => {
                    // It is the one to join until it is stored.
                    self.0.store.flush();
                    match timeout_at(deadline, fetch.written()).await {
                        Ok(()) => continue,
                        Err(_) => ReadError::Upstream(Arc::new(out_of_time(activity))),
                    }
                }
                Some(Err(error)) if !fetch.is_own() && error.is_of_the_operation(&fetch) => {
                    continue;
                }
                Some(Err(error)) => error,
                None => ReadError::Upstream(Arc::new(out_of_time(activity))),
            };
            let answer = self.0.instead(known.as_ref(), wanted, error);
            self.0.counters.instead(answer.is_ok());
            if let Ok(Reading {
                stale: Some(reason),
                fetched_at,
                ..
            }) = answer
            {
                context.stale.note(Kind::Sends, fetched_at, reason);
            }
            return answer;
        }
    }

    /// Asks the upstream and stores its answer, unless a fresh one was stored since the look-up.
    fn fetch(
        &self,
        owner: Owner,
        caller: Caller,
        activity: ActivityId,
        wanted: Wanted,
        looked_up: ReadVersion,
    ) -> impl Future<Output = Result<Fetched, ReadError>> + Send + use<> {
        let shared = Arc::clone(&self.0);
        async move {
            // Another answer may have been stored since the look-up.
            if !shared.versions.is_current(&looked_up)
                && let Some(kept) = shared.look_up_one(owner, activity, Timestamp::MAX).await
                && shared.is_allowed(&kept, wanted)
                && shared.is_fresh(&kept, wanted)
            {
                return Ok(Fetched { kept, write: None });
            }
            let answer = match shared.source.send_history(&caller, activity).await {
                Ok(history) => Answer::History(Arc::new(history)),
                Err(error) if error.class == FailureClass::NotFound => {
                    shared.keep(owner, activity, Answer::NotFound).await;
                    return Err(ReadError::Upstream(Arc::new(error)));
                }
                Err(error) => {
                    // Why a call was not even sent is in the log already, once and not for each activity.
                    if error.attempts == 0 {
                        tracing::debug!("{error}");
                    } else {
                        tracing::warn!(upstream_request_id = error.request_id, "{error}");
                    }
                    return Err(ReadError::Upstream(Arc::new(error)));
                }
            };
            let (kept, write) = shared.keep_grouped(owner, activity, answer);
            Ok(Fetched {
                kept,
                write: Some(write),
            })
        }
    }
}

fn reading(kept: &StoredAnswer, version: Option<ReadVersion>) -> Result<Reading, ReadError> {
    match &kept.answer {
        Answer::History(history) => Ok(Reading {
            history: Arc::clone(history),
            fetched_at: kept.fetched_at,
            stale: None,
            version,
        }),
        Answer::NotFound => Err(ReadError::NotFound),
    }
}

fn stale(kept: &StoredAnswer, reason: StaleReason) -> Result<Reading, ReadError> {
    reading(kept, None).map(|reading| Reading {
        stale: Some(reason),
        ..reading
    })
}

#[cfg(test)]
mod tests;
