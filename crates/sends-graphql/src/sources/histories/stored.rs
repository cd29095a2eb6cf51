//! Looks up histories in the store, and writes them while the operation that fetched them continues.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture, join_all},
};
use jiff::Timestamp;
use sends_core::ActivityId;
use sends_store::{Answer, Owner, StoreError, StoredAnswer};
use tokio::runtime::Handle;

use super::{Shared, single_flight::Fetch};

/// In-flight write to the store, which several operations can await.
pub(super) type Write = future::Shared<BoxFuture<'static, ()>>;

/// Fetched responses of one operation whose writes to the store are in progress. Fields use them immediately, while the
/// operation's response waits for the writes. Killing the process therefore loses no history that a client has received.
#[derive(Default)]
pub struct UnwrittenAnswers(Mutex<Vec<Fetch>>);

impl UnwrittenAnswers {
    pub(super) fn add(&self, fetch: Fetch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fetch);
    }

    /// Returns the writes that are still in progress.
    pub(super) fn writes(&self) -> Vec<Write> {
        let fetches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let writes = fetches.iter().filter_map(Fetch::write);
        writes.filter(|write| write.peek().is_none()).cloned().collect()
    }
}

impl std::fmt::Debug for UnwrittenAnswers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UnwrittenAnswers").finish_non_exhaustive()
    }
}

/// Spawns the remaining writes of a cancelled operation on the runtime, so that its fetched responses stay in memory.
impl Drop for UnwrittenAnswers {
    fn drop(&mut self) {
        let writes = self.writes();
        if let (false, Ok(runtime)) = (writes.is_empty(), Handle::try_current()) {
            runtime.spawn(join_all(writes));
        }
    }
}

impl Shared {
    /// Returns the stored responses of these activities, in the same order. A damaged response is an error only for its own
    /// activity.
    pub(super) async fn look_up(
        &self,
        owner: Owner,
        activities: &[ActivityId],
        fresh_since: Timestamp,
    ) -> Vec<Result<Option<StoredAnswer>, StoreError>> {
        let looked_up = match self.store.histories(owner, activities, fresh_since).await {
            Ok(kept) => return kept.into_iter().map(Ok).collect(),
            Err(StoreError::Damaged { .. }) if activities.len() > 1 => {
                let each = activities
                    .iter()
                    .map(|id| self.store.history(owner, *id, fresh_since));
                join_all(each).await
            }
            Err(error) => vec![Err(error); activities.len()],
        };
        if let Some(error) = looked_up.iter().find_map(|found| found.as_ref().err()) {
            tracing::warn!("the store cannot be read: {error}");
        }
        looked_up
    }

    pub(super) async fn look_up_one(
        &self,
        owner: Owner,
        activity: ActivityId,
        fresh_since: Timestamp,
    ) -> Option<StoredAnswer> {
        let found = self.look_up(owner, &[activity], fresh_since).await.pop();
        found.and_then(Result::ok).flatten()
    }

    /// Stores a response and waits for the write.
    pub(super) async fn keep(&self, owner: Owner, activity: ActivityId, answer: Answer) {
        let kept = self.fetched_now(answer);
        let written = self.store.keep(owner, activity, kept).await;
        self.written(owner, activity, written);
    }

    /// Returns the response and its write to the store, which is grouped with the other writes of the operation.
    pub(super) fn keep_grouped(
        self: &Arc<Self>,
        owner: Owner,
        activity: ActivityId,
        answer: Answer,
    ) -> (StoredAnswer, Write) {
        let kept = self.fetched_now(answer);
        let (shared, answer) = (Arc::clone(self), kept.clone());
        let write = async move {
            let written = shared.store.keep_grouped(owner, activity, answer).await;
            shared.written(owner, activity, written);
        };
        let write = AssertUnwindSafe(write).catch_unwind().map(|ended| {
            if ended.is_err() {
                tracing::error!("a write to the store panicked");
            }
        });
        (kept, write.boxed().shared())
    }

    fn fetched_now(&self, answer: Answer) -> StoredAnswer {
        StoredAnswer {
            fetched_at: self.clock.now(),
            answer,
        }
    }

    fn written(&self, owner: Owner, activity: ActivityId, written: Result<(), StoreError>) {
        if let Err(error) = written {
            tracing::warn!("the store cannot be written: {error}");
        }
        self.versions.changed(owner, activity);
    }
}
