//! Histories in the store: looked up, and written while the operation that fetched them goes on.

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

/// A write to the store that has begun. Others wait for it too.
pub(super) type Write = future::Shared<BoxFuture<'static, ()>>;

/// The fetched answers of one operation that are being stored. Its fields have them already, and its response waits until they
/// are stored, so that no kill of the process loses what a response had.
#[derive(Default)]
pub struct UnwrittenAnswers(Mutex<Vec<Fetch>>);

impl UnwrittenAnswers {
    pub(super) fn add(&self, fetch: Fetch) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fetch);
    }

    /// The writes that have not ended.
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

/// An operation that was cancelled leaves its writes to the runtime: each ends with its answer in memory.
impl Drop for UnwrittenAnswers {
    fn drop(&mut self) {
        let writes = self.writes();
        if let (false, Ok(runtime)) = (writes.is_empty(), Handle::try_current()) {
            runtime.spawn(join_all(writes));
        }
    }
}

impl Shared {
    /// What the store has about these activities, in their order. A damaged answer fails for itself and not for the others.
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

    /// Stores an answer and waits until it is stored.
    pub(super) async fn keep(&self, owner: Owner, activity: ActivityId, answer: Answer) {
        let kept = self.fetched_now(answer);
        let written = self.store.keep(owner, activity, kept).await;
        self.written(owner, activity, written);
    }

    /// An answer, and its write to the store, together with the others of the operation.
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
