//! Reads send histories from the store if they are fresh enough, and otherwise fetches them. If a fetch fails, the last stored
//! history is returned as stale.
//!
//! Concurrent operations share a fetch. Every read has an [`Owner`], and a history is never returned to another owner. This
//! module is independent of GraphQL and HTTP.

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

/// Grace period after an operation's deadline, because the operation's own call ends at the deadline with a more precise error.
const DEADLINE_GRACE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HistoryKey {
    pub activity: ActivityId,
    /// The [`Freshness`] rules apply if `None`.
    pub max_age: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct Found {
    kept: Option<StoredAnswer>,
    /// Version read before the lookup, to detect later writes.
    version: ReadVersion,
}

#[derive(Clone, Debug)]
pub struct Reading {
    pub history: Arc<SendHistory>,
    pub fetched_at: Timestamp,
    pub stale: Option<StaleReason>,
    /// `None` for a stale or newly fetched history.
    pub version: Option<ReadVersion>,
}

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

    /// Returns whether a response with this read set is still valid. If so, its histories are counted as reads from the store.
    pub fn is_valid(&self, read_set: &ReadSet) -> bool {
        let is_valid = self.0.versions.is_valid(read_set, self.0.clock.now());
        if is_valid {
            self.0.counters.found(read_set.len());
        }
        is_valid
    }

    pub fn counts(&self) -> AnswerCounts {
        self.0.counters.read()
    }

    /// Returns the cancellation token of [`give_up`](Self::give_up), for other code that waits for the upstream.
    pub fn ending(&self) -> CancellationToken {
        self.0.ending.clone()
    }

    /// Cancels all current and future waits for the upstream, whether queued, in flight or between two attempts. A waiting reader
    /// gets the last stored history or [`ReadError::ShuttingDown`].
    pub fn give_up(&self) {
        self.0.ending.cancel();
    }

    /// Returns whether the store has sends of an activity, regardless of their age. Makes no upstream call.
    pub async fn has_known_sends(&self, context: &RequestContext, activity: ActivityId) -> bool {
        self.written(context).await;
        let known = self.0.look_up_one(context.owner, activity, Timestamp::MIN).await;
        matches!(known, Some(StoredAnswer { answer: Answer::History(history), .. }) if !history.is_empty())
    }

    /// Returns the history of one activity. `max_age` overrides the freshness rules. Returns an error if the upstream call failed
    /// and no stale history may be returned.
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

    /// Waits until the histories fetched for an operation are stored, which must happen before its response is sent. Stops
    /// waiting shortly after the operation's deadline.
    pub async fn written(&self, context: &RequestContext) {
        let writes = context.unwritten.writes();
        if writes.is_empty() {
            return;
        }
        self.0.store.flush();
        let written = future::join_all(writes);
        let end = context.caller.deadline() + DEADLINE_GRACE;
        // On shutdown, closing the store completes the remaining writes.
        let shutdown = async {
            self.0.ending.cancelled().await;
            sleep(DEADLINE_GRACE).await;
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

    /// Looks up histories in the store with one query. A second query looks up outdated histories again, because another process
    /// may have stored newer versions than this process has in memory.
    pub async fn find(&self, context: &RequestContext, keys: &[HistoryKey]) -> Vec<Found> {
        let shared = &*self.0;
        let version = |key: &HistoryKey| shared.versions.current(context.owner, key.activity);
        let versions: Vec<ReadVersion> = keys.iter().map(version).collect();
        let activities: Vec<ActivityId> = keys.iter().map(|key| key.activity).collect();
        let nearest = shared.look_up(context.owner, &activities, Timestamp::MIN).await;
        // If the store fails, the histories are fetched, so the service becomes slower but remains correct.
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
                // If the second query fails, the history in memory may still be returned as stale.
                if let Ok(latest) = latest {
                    kept[index] = latest;
                }
            }
        }
        let found = kept.into_iter().zip(versions);
        found.map(|(kept, version)| Found { kept, version }).collect()
    }

    /// Returns the history of one activity after its store lookup.
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
            let grace = if fetch.is_own() {
                DEADLINE_GRACE
            } else {
                Duration::ZERO
            };
            let outcome = async {
                tokio::select! {
                    biased;
                    outcome = fetch.outcome() => Some(outcome),
                    () = sleep_until(deadline + grace) => None,
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
                // The joined fetch met only the weaker freshness requirement of the operation that started it.
                Some(Ok(_)) => {
                    // A new fetch can start only after the response of the joined fetch is stored.
                    self.0.store.flush();
                    match timeout_at(deadline, fetch.written()).await {
                        Ok(()) => continue,
                        Err(_) => ReadError::Upstream(Arc::new(out_of_time(activity))),
                    }
                }
                // The joined fetch failed because of the operation that started it, while this operation has time left.
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

    /// Calls the upstream and stores the response, unless a fresh history was stored since the lookup.
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
                    // The cause of an unsent call was already logged once, rather than once per activity.
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
